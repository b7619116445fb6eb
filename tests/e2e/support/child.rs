//! A test that runs in a process of its own, because the AWS SDK takes the metadata service's address from the environment.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::process::Command;

/// What comes before the line that a child tells its parent.
const MARK: &str = "RESULT ";

/// Runs the test of this name, with this metadata service and these variables and nothing else of the environment; what
/// it [tells](report), or all of its output where it tells nothing.
pub(crate) async fn run(test: &str, imds: SocketAddr, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{imds}"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let reported = text.lines().find_map(|line| line.split_once(MARK));
    reported.map_or_else(|| format!("{output:?}"), |(_, reported)| reported.to_owned())
}

/// Tells the parent.
pub(crate) fn report(result: &str) {
    println!("{MARK}{result}");
}
