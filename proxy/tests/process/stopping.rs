//! The end of the program: what is served meanwhile, and what it exits with.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

use super::program::{Program, Service, status};

/// A proxy with an admin listener before a service.
pub(crate) struct Served {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    _folder: tempfile::TempDir,
}

/// The access key id that it signs with.
pub(crate) const ID: &str = "AKIAIOSFODNN7EXAMPLE";

fn serve(port: u16, server: &str) -> Served {
    serve_after("exec \"$@\"", port, server)
}

/// Started by these words of a shell.
pub(crate) fn serve_after(words: &str, port: u16, server: &str) -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing-proxy.toml");
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{server}\n\
         [connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://127.0.0.1:{port}\"\n\
         auth = {{ method = \"access-key\", access_key_id = \"{ID}\", secret_access_key = \"s\" }}\n"
    );
    std::fs::write(&file, toml).expect("a file");
    let file = file.to_str().expect("a name");
    let mut program = Program::start(words, &["--config", file], &[]);
    let address = program.address();
    let line: serde_json::Value = serde_json::from_str(&program.says("admin: http")).expect("JSON");
    let admin = line["addr"].as_str().expect("an address").parse().expect("one");
    Served {
        program,
        address,
        admin,
        _folder: folder,
    }
}

/// The status and the body of what the admin listener has at this path.
pub(crate) fn probe(admin: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(admin).expect("it listens");
    // As long as no probe would wait.
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

/// A request whose response never comes, once the service has it.
fn held(address: SocketAddr, service: &TcpListener) -> (TcpStream, TcpStream) {
    let mut client = TcpStream::connect(address).expect("it listens");
    let request = format!("GET /@store/bucket/key HTTP/1.1\r\nhost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).expect("it reads");
    let (mut upstream, _) = service.accept().expect("the request");
    upstream.read_exact(&mut [0; 1]).expect("its first byte");
    (client, upstream)
}

fn silent() -> (TcpListener, u16) {
    let service = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = service.local_addr().expect("its address").port();
    (service, port)
}

#[test]
fn new_clients_are_served_for_the_delay_while_readyz_fails() {
    let service = Service::start(ID);
    let mut served = serve(service.port, "shutdown_delay = \"2s\"");
    assert_eq!(probe(served.admin, "/readyz").0, 200);
    served.program.signal("-TERM");
    served
        .program
        .says("stopping: /readyz fails, new requests are served until shutdown_delay is over");
    let (status_now, report) = probe(served.admin, "/readyz");
    assert_eq!(status_now, 503);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["state"], "draining");
    assert_eq!(probe(served.admin, "/livez").0, 200);
    for _ in 0..3 {
        assert_eq!(status(served.address, "GET", b""), 200, "on a new connection");
    }
    served.program.says("the listeners close");
    let (ended, log) = served.program.ended();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(TcpStream::connect(served.address).is_err());
}

#[test]
fn a_second_signal_ends_the_delay_and_an_idle_client_is_not_cut() {
    let service = Service::start(ID);
    let mut served = serve(service.port, "shutdown_delay = \"1h\"\nshutdown_deadline = \"1h\"");
    let idle = TcpStream::connect(served.address).expect("it listens");
    assert_eq!(status(served.address, "GET", b""), 200);
    served.program.signal("-TERM");
    served.program.says("new requests are served");
    served.program.signal("-INT");
    let (ended, log) = served.program.ended();
    assert_eq!(ended.code(), Some(0), "{log}");
    drop(idle);
}

#[test]
fn requests_that_are_cut_have_an_exit_code_of_their_own() {
    for (server, second) in [
        ("shutdown_deadline = \"200ms\"", None),
        ("shutdown_delay = \"100ms\"\nshutdown_deadline = \"200ms\"", None),
        ("shutdown_delay = \"1h\"\nshutdown_deadline = \"1h\"", Some("-TERM")),
        ("shutdown_deadline = \"1h\"", Some("-INT")),
    ] {
        let (service, port) = silent();
        let mut served = serve(port, server);
        let _held = held(served.address, &service);
        served.program.signal("-TERM");
        if let Some(second) = second {
            served.program.says("stopping: ");
            served.program.signal(second);
        }
        let (ended, log) = served.program.ended();
        assert_eq!(ended.code(), Some(8), "{server}: {log}");
        assert!(
            log.contains("requests of these clients were cut") && log.contains("\"clients\":1"),
            "{log}"
        );
        assert!(
            log.contains("\"outcome\":\"cut-off\"") && !log.contains("client-disconnected"),
            "{log}"
        );
    }
}

#[test]
fn a_request_that_finishes_in_the_delay_is_not_cut() {
    let (service, port) = silent();
    let mut served = serve(port, "shutdown_delay = \"1s\"\nshutdown_deadline = \"30s\"");
    let (mut client, mut upstream) = held(served.address, &service);
    served.program.signal("-TERM");
    served.program.says("the listeners close");
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .expect("it reads");
    let mut response = String::new();
    client.read_to_string(&mut response).expect("a response");
    assert!(
        response.starts_with("HTTP/1.1 200 OK") && response.ends_with("ok"),
        "{response}"
    );
    assert_eq!(served.program.ended().0.code(), Some(0));
}

fn healthcheck(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signing-proxy"))
        .arg("healthcheck")
        .args(args)
        .env_remove("SIGNING_PROXY_CONFIG")
        .env_remove("SIGNING_PROXY_SERVER__ADMIN")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs")
}

#[track_caller]
fn check(args: &[&str], variables: &[(&str, &str)], code: i32, says: &str) {
    let output = healthcheck(args, variables);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("a text");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(says), "{args:?}: {text}");
}

#[test]
fn the_health_check_requests_the_admin_listener_of_flag_variable_or_file() {
    let (service, port) = silent();
    let mut served = serve(port, "shutdown_delay = \"1h\"\nshutdown_deadline = \"1h\"");
    let admin = served.admin.to_string();
    check(&["--admin", &admin], &[], 0, "/readyz: 200");
    check(&[], &[("SIGNING_PROXY_SERVER__ADMIN", &admin)], 0, "/readyz: 200");
    check(&["--admin", &admin, "--live"], &[], 0, "/livez: 200");
    check(
        &["--admin", &admin, "--connection", "store"],
        &[],
        0,
        "/readyz?connection=store: 200",
    );
    check(&["--admin", &admin, "--connection", "nothing"], &[], 1, ": 404");
    check(
        &["--admin", &admin, "--connection", "a b"],
        &[],
        1,
        "no name of a connection",
    );

    // Only the address is read, so that a file that is broken after the start has nobody's proxy killed.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.toml");
    std::fs::write(&file, format!("colour = 1\n[server]\nadmin = \"{admin}\"\n")).expect("a file");
    let config = ["--config", file.to_str().expect("a name")];
    check(&config, &[], 0, "/readyz: 200");
    std::fs::write(&file, format!("colour = = 1\n[server]\nadmin = \"{admin}\"\n[log\n")).expect("a file");
    check(&config, &[], 0, &format!("requesting {admin}"));

    served.program.signal("-TERM");
    served.program.says("new requests are served");
    check(&["--admin", &admin], &[], 1, "/readyz: 503");
    check(&["--admin", &admin, "--live"], &[], 0, "/livez: 200");
    drop(service);
}

#[test]
fn the_health_check_fails_in_time() {
    let (silent, port) = silent();
    let never = format!("127.0.0.1:{port}");
    check(&["--admin", &never, "--timeout", "200ms"], &[], 1, "timed out");
    drop(silent);
    check(&["--admin", &never], &[], 1, "onnection refused");
    check(&["--admin", "off"], &[], 1, "server.admin is off");
    for wrong in ["localhost:9901", "127.0.0.1", "9901"] {
        check(&["--admin", wrong], &[], 2, "must be an IP address and a port");
        check(
            &[],
            &[("SIGNING_PROXY_SERVER__ADMIN", wrong)],
            1,
            "which is no IP address with a port",
        );
    }
    check(
        &["--admin", &never, "--timeout", "2m"],
        &[],
        2,
        "must be from 1ms to 1m",
    );
}

#[test]
fn the_version_is_that_of_the_program() {
    let (service, port) = silent();
    let served = serve(port, "");
    let (status, version) = probe(served.admin, "/version");
    let version: serde_json::Value = serde_json::from_str(&version).expect("JSON");
    assert_eq!((status, &version["version"]), (200, &env!("CARGO_PKG_VERSION").into()));
    let (_, ready) = probe(served.admin, "/readyz");
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!(ready["version"], version["version"]);
    drop(service);
}
