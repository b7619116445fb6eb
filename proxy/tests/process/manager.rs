//! What the program reports to a service manager, as the manager's own socket gets it.

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::BY_FLAGS;
use super::program::{Program, replace};

/// The manager's socket.
struct Manager {
    socket: UnixDatagram,
    /// As `$NOTIFY_SOCKET` has it.
    name: PathBuf,
    folder: tempfile::TempDir,
}

impl Manager {
    fn by_path() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().join("notify");
        Self::new(UnixDatagram::bind(&name).expect("a socket"), name, folder)
    }

    fn abstract_one() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("{}/notify", folder.path().display());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        Self::new(socket, format!("@{name}").into(), folder)
    }

    fn new(socket: UnixDatagram, name: PathBuf, folder: tempfile::TempDir) -> Self {
        // So that a report that never comes fails the test.
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a timeout");
        Self { socket, name, folder }
    }

    /// The next datagram, line by line.
    fn report(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).expect("a report");
        let text = std::str::from_utf8(&buffer[..length]).expect("a text");
        text.lines().map(str::to_owned).collect()
    }

    fn config(&self, more: &str) -> PathBuf {
        let file = self.folder.path().join("signing-proxy.toml");
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\n{more}\n\
             [connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://127.0.0.1:9\"\n\
             auth = {{ method = \"access-key\", access_key_id = \"AKIAIOSFODNN7EXAMPLE\", secret_access_key = \"s\" }}\n"
        );
        replace(&file, &toml);
        file
    }

    fn start(&self, file: &Path) -> Program {
        let file = file.to_str().expect("a name");
        Program::start("exec \"$@\"", &["--config", file], &[("NOTIFY_SOCKET", &self.name)])
    }
}

fn microseconds() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// A life with a reload that succeeds, one that fails, and a shutdown.
fn lives(manager: &Manager, more: &str) {
    let file = manager.config(more);
    let mut program = manager.start(&file);
    let ready = manager.report();
    let address = program.address();
    assert_eq!(
        ready,
        [
            "READY=1".to_owned(),
            format!("STATUS=serving 1 connection on {address}")
        ]
    );

    for (broken, status) in [
        ("", format!("STATUS=serving 1 connection on {address}")),
        (
            "colour = 1",
            format!("STATUS=serving 1 connection on {address}; the last reload failed, see the log"),
        ),
    ] {
        // The port stays, since the address is the one that is written.
        manager.config(&format!("{more}\n{broken}"));
        let before = microseconds();
        program.signal("-HUP");
        let reloading = manager.report();
        assert_eq!(
            (reloading[0].as_str(), reloading.len()),
            ("RELOADING=1", 2),
            "{reloading:?}"
        );
        let at = reloading[1].strip_prefix("MONOTONIC_USEC=").expect("a time");
        let at: i64 = at.parse().expect("microseconds");
        assert!(before <= at && at <= microseconds(), "{before} {at}");
        assert_eq!(manager.report(), ["READY=1".to_owned(), status]);
    }

    program.signal("-TERM");
    let stopping = manager.report();
    assert_eq!(stopping, ["STOPPING=1", "STATUS=stopping: running requests may finish"]);
    assert_eq!(program.ended().0.code(), Some(0));
}

#[test]
fn readiness_reloads_and_the_end_are_reported_to_a_path() {
    lives(&Manager::by_path(), "");
}

#[test]
fn readiness_reloads_and_the_end_are_reported_to_an_abstract_name() {
    lives(&Manager::abstract_one(), "");
}

/// The socket's folder is not among those that stay within reach.
#[test]
fn reports_go_on_where_files_are_limited() {
    if !super::landlock::kernel_can() {
        return;
    }
    let manager = Manager::by_path();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("signing-proxy.toml");
    fs::copy(manager.config("[process]\nlandlock = true"), &file).expect("a copy");
    let mut program = manager.start(&file);
    assert_eq!(manager.report()[0], "READY=1");
    program.says("listening for all connections");
    program.signal("-HUP");
    assert_eq!(manager.report()[0], "RELOADING=1");
    assert_eq!(manager.report()[0], "READY=1");
}

#[test]
fn nothing_is_ready_where_the_start_fails() {
    let manager = Manager::by_path();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let file = manager.config("");
    let text = fs::read_to_string(&file).expect("the file");
    let taken = taken.local_addr().expect("its address").to_string();
    replace(&file, &text.replace("127.0.0.1:0", &taken));
    let mut program = manager.start(&file);
    assert_eq!(program.ended().0.code(), Some(1));
    manager.socket.set_nonblocking(true).expect("an option");
    assert!(manager.socket.recv(&mut [0; 1]).is_err(), "nothing was reported");
}

#[test]
fn the_watchdog_gets_its_reports_while_the_process_responds() {
    let manager = Manager::by_path();
    let start = |process: Option<&Path>| {
        let mut variables = vec![
            ("NOTIFY_SOCKET", manager.name.as_path()),
            ("WATCHDOG_USEC", Path::new("100000")),
        ];
        variables.extend(process.map(|process| ("WATCHDOG_PID", process)));
        Program::start("exec \"$@\"", &BY_FLAGS, &variables)
    };
    let program = start(None);
    assert_eq!(manager.report()[0], "READY=1");
    for _ in 0..5 {
        assert_eq!(manager.report(), ["WATCHDOG=1"]);
    }
    program.signal("-STOP");
    manager
        .socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout");
    // What had been sent when it stopped.
    while manager.socket.recv(&mut [0; 64]).is_ok() {}
    program.signal("-CONT");
    manager
        .socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    assert_eq!(manager.report(), ["WATCHDOG=1"]);
    drop(program);

    let manager_is_for_another = start(Some(Path::new("1")));
    let mut next = manager.report();
    while next == ["WATCHDOG=1"] {
        // Of the first program.
        next = manager.report();
    }
    assert_eq!(next[0], "READY=1");
    manager
        .socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout");
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "another process is watched");
    drop(manager_is_for_another);
}

#[test]
fn a_manager_that_cannot_be_reached_changes_nothing() {
    for name in ["/nonexistent/notify", "vsock:2:1"] {
        let mut program = Program::start("exec \"$@\"", &BY_FLAGS, &[("NOTIFY_SOCKET", Path::new(name))]);
        program.says("the service manager cannot be reached");
        program.address();
    }
}
