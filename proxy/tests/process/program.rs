//! The program in a process of its own, a service behind it and a client before it: all blocking, of `std` alone.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// What a test reports where the system lets it test nothing: a failure with `CI=true`, where nothing may be skipped.
pub(crate) fn untested(why: &str) {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "{why}");
    println!("{why}: nothing is tested");
}

/// A running `serve`, ended when this is dropped.
pub(crate) struct Program {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    /// Starts it by these words of a shell, in which `"$@"` is its command line; it has these arguments.
    pub(crate) fn start(words: &str, args: &[&str], variables: &[(&str, &Path)]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", words, "sh", env!("CARGO_BIN_EXE_signing-proxy"), "serve"])
            .args(args)
            .env_remove("SIGNING_PROXY_CONFIG")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell runs");
        let log = BufReader::new(child.stderr.take().expect("its log")).lines();
        Self { child, log }
    }

    /// The next line of the log that has this in it.
    pub(crate) fn says(&mut self, what: &str) -> String {
        let mut others = Vec::new();
        for line in self.log.by_ref().map_while(Result::ok) {
            if line.contains(what) {
                return line;
            }
            others.push(line);
        }
        panic!("the log has ended without {what}:\n{}", others.join("\n"));
    }

    /// Whether it is the first of the two that the log has.
    pub(crate) fn says_either(&mut self, first: &str, second: &str) -> bool {
        for line in self.log.by_ref().map_while(Result::ok) {
            if line.contains(first) || line.contains(second) {
                return line.contains(first);
            }
        }
        panic!("the log has ended without {first} and without {second}");
    }

    /// Where it listens for all connections.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.says("listening for all connections");
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        line["addr"].as_str().expect("an address").parse().expect("one")
    }

    /// What `/proc` says of it under this name.
    pub(crate) fn of(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// How it ended, and the rest of its log.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String) {
        let rest: Vec<_> = self.log.by_ref().map_while(Result::ok).collect();
        (self.child.wait().expect("it ends"), rest.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that takes one access key id and rejects all others as AWS does.
pub(crate) struct Service {
    pub(crate) port: u16,
    takes: Arc<Mutex<String>>,
}

impl Service {
    pub(crate) fn start(takes: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let takes = Arc::new(Mutex::new(takes.to_owned()));
        let known = Arc::clone(&takes);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let known = known.lock().expect("no panic").clone();
                let _ = respond(stream, &known);
            }
        });
        Self { port, takes }
    }

    pub(crate) fn take(&self, key: &str) {
        key.clone_into(&mut self.takes.lock().expect("no panic"));
    }
}

fn respond(stream: TcpStream, key: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut is_known) = (String::new(), 0, false);
    while reader.read_line(&mut line)? > 2 {
        let field = line.trim_end().split_once(": ").unwrap_or_default();
        match field.0.to_ascii_lowercase().as_str() {
            "content-length" => length = field.1.parse().unwrap_or(0),
            "authorization" => is_known = field.1.contains(&format!("Credential={key}/")),
            _ => {}
        }
        line.clear();
    }
    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
    let (status, body) = if is_known {
        ("200 OK", "")
    } else {
        ("403 Forbidden", "<Error><Code>InvalidAccessKeyId</Code></Error>")
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    reader.into_inner().write_all(head.as_bytes())
}

/// The status of the response to a request.
pub(crate) fn status(address: SocketAddr, method: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!(
        "{method} /@store/bucket/key HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    stream.write_all(body).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let status = response.split(' ').nth(1);
    status.and_then(|status| status.parse().ok()).expect("a status")
}

/// Puts another file in the place of this one, as tools that rotate secrets do.
pub(crate) fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).expect("a file");
    fs::rename(&new, path).expect("its place");
}
