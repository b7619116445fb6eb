//! No secret is in any log: all other end-to-end tests run once more, in a process that logs at TRACE to its standard
//! error, and that is read.

use std::process::{Command, Stdio};

use proxy_config::{LogConfig, LogFormat, LogLevel};
use sandbox::Sandbox;

/// Set in the process that logs.
const LOGGING: &str = "E2E_LOG_TRACE";

/// What a log must not hold, besides the sandbox's own secrets.
const MARKS: [&str; 5] = [
    // What the tests put where clients put secrets.
    "canary",
    // Every session token of the sandbox.
    "SANDBOX/+",
    "Signature=",
    "X-Amz-Signature",
    "aws4_request",
];

/// Called by every proxy that a test starts: logs all there is, where the environment of this process says so.
pub(crate) fn log_if_requested() {
    if is_logging() {
        signing_proxy::log::init(LogConfig {
            format: LogFormat::Json,
            level: LogLevel::Trace,
        });
    }
}

/// Whether this is the process that logs.
pub(crate) fn is_logging() -> bool {
    std::env::var_os(LOGGING).is_some()
}

#[test]
fn no_log_holds_a_secret() {
    let this = std::env::current_exe().expect("the test binary");
    let output = Command::new(this)
        .args(["--skip", "tidy::", "--skip", "secrets::"])
        .env(LOGGING, "1")
        .stdin(Stdio::null())
        .output()
        .expect("the test binary runs");
    let log = String::from_utf8_lossy(&output.stderr);
    let lines = log.lines().filter(|line| line.starts_with('{')).count();
    assert!(
        lines > 100,
        "only {lines} lines were logged: this test has seen nothing\n{log}"
    );
    assert!(
        log.contains(r#""level":"TRACE""#) || log.contains(r#""level":"DEBUG""#),
        "nothing below INFO was logged"
    );

    let secrets = Sandbox::users().iter().map(|user| user.secret_access_key).chain(MARKS);
    let secrets: Vec<_> = secrets.collect();
    let is_leak = |line: &&str| secrets.iter().any(|secret| line.contains(secret)) || has_hash(line);
    let leaks: Vec<_> = log.lines().filter(is_leak).take(10).collect();
    assert!(leaks.is_empty(), "secrets in the log:\n{}", leaks.join("\n"));
}

/// Whether there are 64 hexadecimal digits in a row: a signature, or the hash of a body.
fn has_hash(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_hexdigit())
        .any(|word| word.len() == 64)
}

#[test]
fn a_leak_would_be_found() {
    assert!(has_hash(&format!("{{\"hash\":\"{}\"}}", "0f".repeat(32))));
    assert!(!has_hash("no hash, 0f0f0f"));
}
