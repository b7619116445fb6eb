//! Where the names of AWS services lead: not to this machine, whatever its hosts file says.
//!
//! Each test runs in a process of its own with a hosts file of its own, in a mount namespace.

use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_model::SystemClock;
use proxy_config::Config;
use sandbox::principals::REPORTER;
use signing_proxy::check::{Checker, Style};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::ask;
use crate::support::world::proxy;

const S3: &str = "s3.us-east-1.amazonaws.com";
const STS: &str = "sts.us-east-1.amazonaws.com";
const LATTICE: &str = "x-0a1b.7d67968.vpc-lattice-svcs.us-east-1.on.aws";

/// Whether this is the process with the hosts file.
const INSIDE: &str = "SIGNING_PROXY_TEST_INSIDE";

/// Runs the test of this name again where these lines are the hosts file. `false` in that process: then it is to test.
/// Where the system lets nobody make a namespace nothing is tested, which is a failure with `CI=true`.
async fn is_outside(test: &str, hosts: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("127.0.0.1 localhost\n{hosts}")).unwrap();
    let script = "mount --bind \"$1\" /etc/hosts || exit 77\nexec \"$2\" --exact \"$3\" --nocapture";
    // With the rights of root where there are any: then port 443 can be listened on.
    for flags in ["-m", "-rm"] {
        let output = Command::new("unshare")
            .args([flags, "sh", "-c", script, "sh"])
            .arg(file.path())
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(INSIDE, "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .output()
            .await;
        let Ok(output) = output else { break };
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if text.contains("running 1 test") {
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
            return true;
        }
    }
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "no mount namespace can be made here");
    println!("{test}: no mount namespace can be made here, so nothing is tested");
    true
}

/// A connection without an endpoint.
fn to_aws(name: &str, service: &str) -> String {
    let (key, secret) = (REPORTER.access_key_id, REPORTER.secret_access_key);
    format!(
        "[connections.{name}]\nservice = \"{service}\"\nregion = \"us-east-1\"\ntimeouts.connect = \"1s\"\n\
         hosts = {}\n[connections.{name}.auth]\nmethod = \"access-key\"\naccess_key_id = \"{key}\"\n\
         secret_access_key = \"{secret}\"\n",
        if service == "s3" {
            "[]".to_owned()
        } else {
            format!("[\"{LATTICE}\"]")
        },
    )
}

/// Counts who connects to port 443 of this address, where it may be listened on.
async fn listen(ip: &str) -> Option<Arc<AtomicUsize>> {
    let address = SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 443);
    let listener = TcpListener::bind(address).await.ok()?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    Some(count)
}

/// What becomes of a request for the host: status, code and hint.
async fn outcome(toml: &str, host: &str) -> (u16, String, String) {
    let proxy = proxy(toml).await;
    let request = format!("GET http://{host}/b/k HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
    ask(proxy.addr().unwrap(), request).await.rejection()
}

async fn checked(toml: &str) -> String {
    let config = Config::from_toml(toml, &crate::support::environment()).unwrap();
    let mut checker = Checker::new(config, Arc::new(SystemClock)).await.unwrap();
    let report = checker.check_all().await;
    let texts: Vec<String> = report.connections.iter().map(|one| one.to_text(Style::Plain)).collect();
    texts.join("\n")
}

#[tokio::test]
async fn names_of_aws_that_lead_to_this_machine_are_not_followed() {
    let hosts = format!("127.9.9.9 {S3}\n127.9.9.9 {STS}\n169.254.171.9 {LATTICE}\n");
    if is_outside(
        "addresses::names_of_aws_that_lead_to_this_machine_are_not_followed",
        &hosts,
    )
    .await
    {
        return;
    }
    let connected = listen("127.9.9.9").await;
    let came = || connected.as_ref().map(|count| count.load(Ordering::SeqCst));
    let store = to_aws("store", "s3");

    let (status, code, hint) = outcome(&store, S3).await;
    assert_eq!((status, code.as_str()), (502, "upstream-address-rejected"));
    assert!(
        hint.contains("upstream.allow_addresses") && !hint.contains("127.9.9.9"),
        "{hint}"
    );
    let text = checked(&store).await;
    // Of the service and of STS, each with its address and the key.
    for name in [S3, STS] {
        let expected = format!("{name} resolves to 127.9.9.9");
        assert!(text.contains(&expected), "{expected}: {text}");
    }
    assert!(text.contains("upstream.allow_addresses"), "{text}");
    assert!(came().is_none_or(|count| count == 0), "somebody has connected");

    // What is listed is dialled; nobody there speaks TLS.
    let allowed = format!("[upstream]\nallow_addresses = [\"127.0.0.0/8\"]\n{store}");
    let (status, code, _) = outcome(&allowed, S3).await;
    assert!(status >= 502 && code != "upstream-address-rejected", "{code}");
    assert!(came().is_none_or(|count| count > 0), "nobody has connected");
    // What the operator has written is dialled, too.
    let own = store.replace("hosts = []", &format!("endpoint = \"https://{S3}\""));
    let (_, code, _) = outcome(&own, S3).await;
    assert_ne!(code, "upstream-address-rejected");

    // Lattice's link-local addresses are where it is.
    let (_, code, _) = outcome(&to_aws("services", "vpc-lattice-svcs"), LATTICE).await;
    assert_ne!(code, "upstream-address-rejected");
}
