//! How often a secret stands in the memory of the running program. Only root can look.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::process::getuid;

use super::program::{Program, Service, replace, status, untested};

const ID: &str = "AKIAIOSFODNN7EXAMPL1";

/// Where this stands in the memory of the program: the name of each mapping, `[heap]` and the like, with some of what is
/// around it.
fn found(program: &Program, secret: &str) -> Vec<String> {
    let maps = fs::read_to_string(program.of("maps")).expect("its mappings");
    let memory = File::open(program.of("mem")).expect("its memory");
    let mut found = Vec::new();
    for line in maps.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let (range, rights) = (words[0], words[1]);
        if !rights.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').expect("a range");
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).expect("an address"));
        let mut bytes = vec![0; usize::try_from(end - start).expect("a length")];
        // What is mapped and was never touched is read as zeros; what cannot be read is no memory of its own.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        let name = words.get(5).copied().unwrap_or("anonymous");
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(secret.as_bytes()) {
                let around = &bytes[at.saturating_sub(60)..bytes.len().min(at + secret.len() + 30)];
                found.push(format!("{name}: {}", around.escape_ascii()));
            }
        }
    }
    found
}

/// The halves of two secret keys: memory that was given back has other things at its beginning.
const OLD: [&str; 2] = ["wJalrXUtnFEMI/K7MDEN", "G+bPxRfiCYEXAMPLEKEY"];
const NEW: [&str; 2] = ["je7MtGbClwBF/2Zp9Utk", "h3yCo8nvbEXAMPLEKEY2"];

/// Where halves of this key stand in memory.
fn halves(program: &Program, secret: [&str; 2]) -> [Vec<String>; 2] {
    secret.map(|half| found(program, half))
}

#[track_caller]
fn check(program: &Program, secret: [&str; 2], want: &[&str]) {
    for found in halves(program, secret) {
        let places: Vec<_> = found.iter().filter_map(|place| place.split(':').next()).collect();
        assert_eq!(places, want, "{}", found.join("\n"));
    }
}

/// A configuration in a folder, and the service that it signs for.
struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    /// `None` where nothing can be seen.
    fn new() -> Option<Self> {
        if !getuid().is_root() {
            untested("only root can read the memory of the program");
            return None;
        }
        Some(Self {
            folder: tempfile::tempdir().expect("a folder"),
            service: Service::start(ID),
        })
    }

    fn write(&self, secret: &str) -> PathBuf {
        let file = self.folder.path().join("signing-proxy.toml");
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\nwatch = true\n\
             [connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://localhost:{}\"\n\
             [connections.store.auth]\nmethod = \"access-key\"\naccess_key_id = \"{ID}\"\n\
             secret_access_key = {secret}\n",
            self.service.port
        );
        replace(&file, &toml);
        file
    }

    /// Starts the program and has it sign a request.
    fn start(&self, secret: &str, variables: &[(&str, &Path)]) -> (Program, SocketAddr) {
        let file = self.write(secret);
        let args = ["--config", file.to_str().expect("a name")];
        let mut program = Program::start("exec \"$@\"", &args, variables);
        let address = program.address();
        assert_eq!(status(address, "GET", b""), 200);
        (program, address)
    }
}

#[test]
fn a_literal_secret_is_there_once_and_gone_when_another_one_takes_its_place() {
    let Some(world) = World::new() else { return };
    for quotes in ["\"", "'''"] {
        let text = |secret: [&str; 2]| format!("{quotes}{}{quotes}", secret.concat());
        let (mut program, address) = world.start(&text(OLD), &[]);
        check(&program, OLD, &["[heap]"]);
        world.write(&text(NEW));
        program.says("configuration reloaded");
        assert_eq!(status(address, "GET", b""), 200);
        check(&program, NEW, &["[heap]"]);
        check(&program, OLD, &[]);
    }
}

#[test]
fn a_secret_of_a_variable_is_there_once_besides_the_environment_itself() {
    let Some(world) = World::new() else { return };
    let (secret, name) = (
        OLD.concat(),
        "SIGNING_PROXY_CONNECTIONS__STORE__AUTH__SECRET_ACCESS_KEY",
    );
    let (program, _) = world.start("\"x\"", &[(name, Path::new(&secret))]);
    check(&program, OLD, &["[heap]", "[stack]"]);
}

#[test]
fn a_secret_of_a_file_is_there_once() {
    let Some(world) = World::new() else { return };
    fs::write(world.folder.path().join("secret"), OLD.concat()).expect("a file");
    let (program, _) = world.start("\"file:secret\"", &[]);
    check(&program, OLD, &["[heap]"]);
}
