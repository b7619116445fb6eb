//! Other configurations while clients are at work: nobody loses a request.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use auth_model::ConnectionName;
use proxy_config::{Config, Overrides};
use sandbox::Sandbox;
use sandbox::principals::ROBOT;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::support::world::{connection, sandbox};
use crate::support::{LONGEST_WAIT, Wire, World, ask};

const RELOADS: usize = 100;

/// Clients that keep their connection, and as many that open one for each request.
const CLIENTS: usize = 4;

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

/// The proxy's configuration: `robot` by an assumed role, on a listener of its own as well, and `more`.
fn config(sandbox: &Sandbox, more: &str) -> Config {
    let (key, secret) = (ROBOT.access_key_id, ROBOT.secret_access_key);
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[sts]\nendpoint = \"http://{}\"\n\
         [connections.robot]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://{}\"\n\
         listen = \"127.0.0.1:0\"\n[connections.robot.auth]\nmethod = \"access-key-assume-role\"\n\
         access_key_id = \"{key}\"\nsecret_access_key = \"{secret}\"\nrole = \"team/report-reader\"\n{more}",
        sandbox.sts(),
        sandbox.s3(),
    );
    Config::from_toml(&toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{error}"))
}

/// Sends requests until it is stopped, and counts the responses, all of them 200.
async fn client(to: SocketAddr, path: &'static str, is_kept: bool, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) {
    let mut kept = Wire::connect(to).await;
    while !stop.load(Ordering::Relaxed) {
        let status = if is_kept {
            kept.send(get(path, "")).await;
            kept.response().await.status
        } else {
            ask(to, get(path, "Connection: close\r\n")).await.status
        };
        assert_eq!(status, 200, "{to}{path}, kept: {is_kept}");
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_load_lose_no_request() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", sandbox.s3());
    let changing = |more: &str| connection("changing", "s3", &endpoint, more);
    let proxy = signing_proxy::app::Proxy::start(config(&sandbox, &changing("")))
        .await
        .expect("the proxy starts");
    let robot = ConnectionName::parse("robot").expect("a name");
    let (shared, own) = (proxy.addr().expect("one"), proxy.connection_addr(&robot).expect("one"));
    let mut events = sandbox.events();

    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        for is_kept in [true, false] {
            let (to, path) = match number % 3 {
                0 => (shared, "/@robot/sandbox-bucket"),
                1 => (own, "/sandbox-bucket"),
                _ => (shared, "/@changing/sandbox-bucket"),
            };
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&count));
            clients.push(tokio::spawn(client(to, path, is_kept, stop, count)));
        }
    }
    let mut assumed = 0;
    for number in 0..RELOADS {
        let extra = connection("extra", "s3", &endpoint, "listen = \"127.0.0.1:0\"");
        let more = match number % 4 {
            // Added.
            0 => format!("{}{extra}", changing("")),
            // Changed: another pool, and limits.
            1 => format!("{}{extra}", changing("timeouts = { response = \"1m\" }")),
            // Changed: other credentials.
            2 => format!("{}{extra}", changing("")).replace("us-east-1", "eu-west-1"),
            // Removed.
            _ => changing(""),
        };
        let before = count.load(Ordering::Relaxed);
        proxy
            .reload(Ok(config(&sandbox, &more)))
            .await
            .expect("a configuration that can be used");
        // Each configuration meets requests of all clients.
        while count.load(Ordering::Relaxed) < before + 2 * clients.len() {
            assert!(clients.iter().all(|client| !client.is_finished()), "a client failed");
            tokio::task::yield_now().await;
        }
        let seen = events.drain();
        assumed += seen
            .iter()
            .filter(|event| event.operation.as_deref() == Some("AssumeRole"))
            .count();
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("every response is 200");
    }
    assert_eq!((proxy.addr(), proxy.connection_addr(&robot)), (Some(shared), Some(own)));
    assert_eq!((assumed, events.missed()), (1, 0), "one session through all reloads");
    println!("{RELOADS} reloads, {} requests", count.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_streamed_response_outlives_the_connection_that_it_came_by() {
    let world = World::with_models().await;
    let store = format!("http://{}", world.sandbox.s3());
    let (mut wire, gate) = world.held_stream().await;

    // Another connection in its place: the old one is gone for everybody else.
    let other = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\n{}",
        connection("store", "s3", &store, "")
    );
    let other = Config::from_toml(&other, &crate::support::environment()).expect("a configuration");
    let address = world.address();
    world.proxy.reload(Ok(other)).await.expect("it can be used");
    assert_eq!(world.proxy.addr(), Some(address));
    assert_eq!(world.proxy.admin_addr(), None);
    let refused = ask(address, get("/@models/model", "")).await;
    assert_eq!(refused.header("x-signing-proxy-error"), Some("connection-unknown"));
    gate.open();
    while !wire.chunk().await.is_empty() {}
    // And this very client goes on with the new one.
    wire.send(get("/sandbox-bucket", "")).await;
    assert_eq!(wire.response().await.status, 200);
}

/// Set for the child of the next test: its configuration's file.
const FILE: &str = "RELOADED_FILE";

/// No test by itself: the program, in a process of its own that signals can be sent to.
#[tokio::test]
async fn the_program() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let overrides = Overrides {
        file: Some(file.into()),
        ..Overrides::default()
    };
    let ended = signing_proxy::app::run(&overrides, &crate::support::environment()).await;
    ended.unwrap_or_else(|error| panic!("{error}"));
}

/// The program and its log.
struct Program {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts it after these words of a shell.
    fn start_after(words: &str, file: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("{words} exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().expect("the test binary"))
            .args(["--exact", "reload::the_program", "--nocapture"])
            .env(FILE, file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary runs");
        let log = BufReader::new(child.stderr.take().expect("its log")).lines();
        Self { child, log }
    }

    fn start(file: &Path) -> Self {
        Self::start_after("", file)
    }

    /// Its soft limit of open files.
    fn open_files(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).expect("its limits");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().next());
        soft.and_then(|soft| soft.parse().ok()).expect("a number")
    }

    /// The next line of the log that has this in it.
    async fn says(&mut self, what: &str) -> String {
        let find = async {
            loop {
                let line = self.log.next_line().await.expect("a log").expect("it still runs");
                if line.contains(what) {
                    return line;
                }
            }
        };
        timeout(LONGEST_WAIT, find)
            .await
            .unwrap_or_else(|_| panic!("nothing about {what}"))
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([name, &id]).status().await;
        assert!(sent.expect("kill runs").success());
    }
}

#[tokio::test]
async fn sighup_and_a_changed_file_reload_the_program_and_an_invalid_file_does_not() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", sandbox.s3());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing-proxy.toml");
    let write = |server: &str, names: &[&str]| {
        let connections: String = names.iter().map(|name| connection(name, "s3", &endpoint, "")).collect();
        let toml = format!("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\n{server}\n{connections}");
        let new = folder.path().join("new");
        std::fs::write(&new, toml).expect("a file");
        std::fs::rename(&new, &file).expect("its place");
    };
    write("", &["first"]);
    let mut program = Program::start(&file);
    // It is still starting then, or has just started.
    program.says("configuration read").await;
    program.signal("-HUP").await;
    let listens = program.says("listening for all connections").await;
    let listens: serde_json::Value = serde_json::from_str(&listens).expect("a line of JSON");
    let address: SocketAddr = listens["addr"].as_str().expect("an address").parse().expect("one");
    program.says("configuration reloaded").await;
    let status = async |name: &str| ask(address, get(&format!("/@{name}/sandbox-bucket"), "")).await.status;
    assert_eq!((status("first").await, status("second").await), (200, 404));

    write("", &["first", "second"]);
    program.signal("-HUP").await;
    program.says("configuration reloaded").await;
    assert_eq!((status("first").await, status("second").await), (200, 200));

    write("max_clints = 1", &["first"]);
    program.signal("-HUP").await;
    let why = program.says("configuration not reloaded").await;
    assert!(
        why.contains("signing-proxy.toml:4:1: server.max_clints: unknown key"),
        "{why}"
    );
    assert_eq!(status("second").await, 200);

    write("threads = 77", &["first", "second"]);
    program.signal("-HUP").await;
    let warning = program.says("takes a restart").await;
    assert!(
        warning.contains("\"key\":\"server.threads\"") && warning.contains("77"),
        "{warning}"
    );
    program.says("configuration reloaded").await;

    write("watch = true", &["first"]);
    program.signal("-HUP").await;
    program.says("configuration reloaded").await;
    assert_eq!(status("second").await, 404);
    write("watch = true", &["second"]);
    program.says("a file has changed").await;
    program.says("configuration reloaded").await;
    assert_eq!((status("first").await, status("second").await), (404, 200));

    program.signal("-TERM").await;
    program.says("stopped").await;
    let ended = timeout(LONGEST_WAIT, program.child.wait()).await.expect("it ends");
    assert!(ended.expect("it ended").success());
}

#[tokio::test]
async fn the_limit_of_open_files_follows_max_clients() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing-proxy.toml");
    let write = |max_clients: u32| {
        let server = format!("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\nmax_clients = {max_clients}\n");
        let toml = server + &connection("only", "s3", "http://127.0.0.1:9", "");
        std::fs::write(&file, toml).expect("a file");
    };
    write(10);
    let mut program = Program::start_after("ulimit -Sn 256 && ulimit -Hn 800 &&", &file);
    program.says("listening for all connections").await;
    assert_eq!(program.open_files(), 542);
    write(1000);
    program.signal("-HUP").await;
    let warning = program.says("too few files").await;
    let warning: serde_json::Value = serde_json::from_str(&warning).expect("a line of JSON");
    assert_eq!(
        (&warning["max_clients"], &warning["wanted"], &warning["hard_limit"]),
        (&1000.into(), &3512.into(), &800.into())
    );
    program.says("configuration reloaded").await;
    assert_eq!(program.open_files(), 800);
}
