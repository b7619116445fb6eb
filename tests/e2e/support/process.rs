//! A proxy in a process of its own, with an environment of its own and a log that is read.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::Stdio;

use proxy_config::{Config, LogConfig, LogFormat, LogLevel};
use serde_json::Value;
use signing_proxy::app::Proxy;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::LONGEST_WAIT;

/// The configuration's file, for the process that is the proxy.
const CONFIG: &str = "E2E_PROXY_CONFIG";
/// Another program that is started in its place: `PROGRAM serve --config FILE`.
const PROGRAM: &str = "E2E_PROXY_PROGRAM";
/// The message with which the program says where it listens.
const LISTENS: &str = "listening for all connections";

/// The proxy; ends with this value.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    log: JoinHandle<Vec<String>>,
    _folder: TempDir,
}

/// Not a test: what the process does.
#[tokio::test]
async fn serve() {
    let Some(file) = std::env::var_os(CONFIG) else { return };
    signing_proxy::log::init(LogConfig {
        format: LogFormat::Json,
        level: LogLevel::Info,
    });
    let toml = std::fs::read_to_string(file).expect("a configuration");
    let config = Config::from_toml(&toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{error}"));
    let proxy = Proxy::start(config).await.expect("the proxy starts");
    let addr = proxy.addr().expect("a listener").to_string();
    eprintln!("{}", serde_json::json!({ "message": LISTENS, "addr": addr }));
    // Ends with the test that has started it.
    let ends = || std::io::stdin().read_to_end(&mut Vec::new());
    let _ = tokio::task::spawn_blocking(ends).await;
    proxy.shutdown().await;
}

impl Process {
    /// With this configuration, listeners included, and these variables and nothing else of the environment.
    pub(crate) async fn start(toml: &str, variables: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        std::fs::write(&file, toml).expect("written");
        let mut command = match std::env::var_os(PROGRAM) {
            Some(program) => {
                let mut command = Command::new(program);
                command.arg("serve").arg("--config").arg(&file);
                command
            }
            None => {
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                command.args(["--exact", "support::process::serve", "--nocapture"]);
                command
            }
        };
        let mut child = command
            .env_clear()
            .env(CONFIG, &file)
            .env("HOME", "/nonexistent")
            .env("SIGNING_PROXY_LOG__FORMAT", "json")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the proxy's process starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = next(&mut lines).await;
            let line = line.unwrap_or_else(|| panic!("the proxy has not started: {}", said.join("\n")));
            let address = listener(&line);
            said.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        let log = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                said.push(line);
            }
            said
        });
        Self {
            address,
            child,
            log,
            _folder: folder,
        }
    }

    /// Ends the process, requests under way first; everything that it has logged, a line each.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        if std::env::var_os(PROGRAM).is_some() {
            let id = self.child.id().expect("it runs").to_string();
            let _ = Command::new("kill").args(["-TERM", &id]).status().await;
        }
        let ended = timeout(LONGEST_WAIT, self.child.wait()).await.expect("it ends in time");
        assert!(ended.is_ok_and(|status| status.success()), "the proxy ended badly");
        self.log.await.expect("no panic")
    }
}

/// Whether the program has this key: another one than this tree's may have come before it.
pub(crate) async fn knows(key: &str) -> bool {
    let Some(program) = std::env::var_os(PROGRAM) else {
        return true;
    };
    let example = Command::new(program).args(["config", "example"]).output().await;
    String::from_utf8_lossy(&example.expect("it runs").stdout).contains(key)
}

async fn next(lines: &mut Lines<BufReader<ChildStderr>>) -> Option<String> {
    timeout(LONGEST_WAIT, lines.next_line())
        .await
        .expect("a line in time")
        .ok()
        .flatten()
}

fn listener(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["message"].as_str().filter(|said| said.starts_with(LISTENS))?;
    line["addr"].as_str()?.parse().ok()
}
