//! `process.landlock = true`: what is needed is within reach in every thread, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::program::{Program, Service, replace, status, untested};

/// Access key ids, each in turn the one that the service takes.
const IDS: [&str; 4] = [
    "AKIAIOSFODNN7EXAMPL1",
    "AKIAIOSFODNN7EXAMPL2",
    "AKIAIOSFODNN7EXAMPL3",
    "AKIAIOSFODNN7EXAMPL4",
];

/// The folders of one test.
struct Folders {
    top: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let top = tempfile::tempdir().expect("a folder");
        for name in ["config", "secrets", "spool", "records", "outside", "home/.aws"] {
            fs::create_dir_all(top.path().join(name)).expect("a folder");
        }
        fs::write(top.path().join("secrets/id"), IDS[0]).expect("a file");
        for name in ["secrets", "outside"] {
            fs::write(top.path().join(name).join("secret"), "wJalrXUtnFEMI").expect("a file");
        }
        Self { top }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// Writes the configuration: these keys of `[process]`, this secret, further text.
    fn write(&self, port: u16, landlock: bool, secret: &str, more: &str) -> PathBuf {
        let file = self.path("config/signing-proxy.toml");
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"off\"\nspool_dir = \"../spool\"\n\
             [process]\nlandlock = {landlock}\n\
             [connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://localhost:{port}\"\n\
             payload = \"signed\"\nrecord = \"../records/store.json\"\nlimits.memory_body = \"0B\"\n\
             auth = {{ method = \"access-key\", access_key_id = \"file:../secrets/id\", \
             secret_access_key = \"{secret}\" }}\n{more}"
        );
        replace(&file, &toml);
        file
    }

    fn start_after(&self, words: &str, file: &Path) -> Program {
        let file = file.to_str().expect("a name");
        Program::start(words, &["--config", file], &[("HOME", &self.path("home"))])
    }

    fn start(&self, file: &Path) -> Program {
        self.start_after("exec \"$@\"", file)
    }

    /// How a start ends that is to fail, and its log; ended by force where it goes on.
    fn ended(&self, words: &str, file: &Path) -> (ExitStatus, String) {
        self.start_after(&words.replace("exec ", "exec timeout 30 "), file)
            .ended()
    }
}

const SECRET: &str = "file:../secrets/secret";

const MISSING: &str = "process.landlock = true: this kernel limits no files, since it has no Landlock (Linux 5.13 and later \
                       have it, where the boot parameter lsm= or a container's seccomp filter does not take it away); \
                       nothing is served";

/// Whether this kernel can limit files. Where it cannot, what else there is to test is that the program says so.
pub(crate) fn kernel_can() -> bool {
    let folders = Folders::new();
    let mut program = folders.start(&folders.write(9, true, SECRET, ""));
    if program.says_either("files are limited to these places", MISSING) {
        return true;
    }
    untested("this kernel has no Landlock");
    false
}

#[test]
fn requests_spooled_bodies_rotated_secrets_and_records_work_and_a_link_to_elsewhere_does_not() {
    if !kernel_can() {
        return;
    }
    for landlock in [true, false] {
        let folders = Folders::new();
        let service = Service::start(IDS[0]);
        let file = folders.write(service.port, landlock, SECRET, "");
        let mut program = folders.start(&file);
        let address = program.address();
        assert_eq!(status(address, "GET", b""), 200);
        assert_eq!(
            status(address, "PUT", &vec![b'a'; 300_000]),
            200,
            "this body is spooled"
        );

        let id = folders.path("secrets/id");
        replace(&id, IDS[1]);
        service.take(IDS[1]);
        assert_eq!(
            status(address, "GET", b""),
            200,
            "a rotated secret is another file in the same folder"
        );

        let outside = folders.path("outside/id");
        fs::write(&outside, IDS[2]).expect("a file");
        let link = folders.path("secrets/link");
        std::os::unix::fs::symlink(&outside, &link).expect("a link");
        fs::rename(&link, &id).expect("its place");
        service.take(IDS[2]);
        // Without limits it is read, so the test sees something.
        assert_eq!(status(address, "GET", b"") == 200, !landlock);
        if landlock {
            let why = program.says("ermission denied");
            assert!(why.contains("secrets/id"), "{why}");
        }

        program.signal("-TERM");
        program.says("stopped");
        let record = fs::read_to_string(folders.path("records/store.json")).expect("the record");
        assert!(record.contains("GetObject") && record.contains("PutObject"), "{record}");
    }
}

#[test]
fn a_reload_that_names_a_file_outside_is_rejected_with_its_key_and_changes_nothing() {
    if !kernel_can() {
        return;
    }
    let folders = Folders::new();
    let service = Service::start(IDS[0]);
    let write = |landlock, secret, more| folders.write(service.port, landlock, secret, more);
    let mut program = folders.start(&write(true, SECRET, ""));
    let address = program.address();
    assert_eq!(status(address, "GET", b""), 200);
    let outside = "is outside of the folders that process.landlock = true left within reach when the program started: \
                   put it into one of them, or restart";
    let other_record = "[connections.other]\nservice = \"s3\"\nregion = \"us-east-1\"\nrecord = \"../outside/r.json\"\n\
                        auth = { method = \"access-key\", access_key_id = \"a\", secret_access_key = \"b\" }\n";
    for (landlock, secret, more, key, why) in [
        (
            true,
            "file:../outside/secret",
            "",
            "connections.store.auth.secret_access_key",
            outside,
        ),
        (true, SECRET, other_record, "connections.other.record", outside),
        (
            true,
            SECRET,
            "allow = \"../outside/policy.json\"\n",
            "connections.store.allow",
            outside,
        ),
        (
            false,
            SECRET,
            "",
            "process.landlock",
            "takes a restart: the limits are set once when the program starts, and never taken back",
        ),
        (
            true,
            "exec:/bin/echo b",
            "",
            "connections.store.auth.secret_access_key",
            "runs a program, which process.landlock = true does not let the proxy do: store the secret elsewhere, or set it \
             to false",
        ),
    ] {
        write(landlock, secret, more);
        program.signal("-HUP");
        let line = program.says("configuration not reloaded");
        assert!(line.contains(&format!("{key}: {why}")), "{line}");
        assert_eq!(status(address, "GET", b""), 200);
    }
    write(true, SECRET, "[log]\nlevel = \"debug\"\n");
    program.signal("-HUP");
    program.says("configuration reloaded");
    assert_eq!(status(address, "GET", b""), 200);
}

#[test]
fn limits_cannot_be_set_once_it_runs() {
    let folders = Folders::new();
    let mut program = folders.start(&folders.write(9, false, SECRET, ""));
    program.says("listening for all connections");
    folders.write(9, true, SECRET, "");
    program.signal("-HUP");
    let line = program.says("configuration not reloaded");
    assert!(line.contains("process.landlock: takes a restart"), "{line}");
}

/// Runs what follows as a kernel without Landlock would: its first system call does not exist.
///
/// A filter of four instructions: load the number, compare it with `landlock_create_ruleset`, `ENOSYS`, else allow.
const WITHOUT_LANDLOCK: &str = "exec python3 -c '
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7fff0000)]
filter = ctypes.create_string_buffer(b\"\".join(struct.pack(\"HBBI\", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack(\"HxxxxxxQ\", 4, ctypes.addressof(filter)))
libc = ctypes.CDLL(None, use_errno=True)
for call in [(38, 1, 0, 0, 0), (22, 2, ctypes.byref(program), 0, 0)]:
    if libc.prctl(*call) != 0: sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
' \"$@\"";

#[test]
fn a_kernel_without_it_ends_the_start() {
    let folders = Folders::new();
    let file = folders.write(9, true, SECRET, "");
    let (status, log) = folders.ended(WITHOUT_LANDLOCK, &file);
    if matches!(status.code(), Some(77 | 127)) {
        untested("there is no python3, or no filter can be set");
        return;
    }
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains(MISSING) && !log.contains("listening"), "{log}");
    // Without the key it does not matter.
    let file = folders.write(9, false, SECRET, "");
    folders
        .start_after(WITHOUT_LANDLOCK, &file)
        .says("listening for all connections");
}

#[test]
fn what_cannot_work_is_rejected_at_the_start_with_its_key() {
    let folders = Folders::new();
    fs::write(
        folders.path("home/.aws/config"),
        "[profile ops]\ncredential_process = /bin/keys\n",
    )
    .expect("a file");
    let chain = "[connections.chain]\nservice = \"s3\"\nregion = \"us-east-1\"\n\
                 auth = { method = \"default-chain\", profile = \"ops\" }\n";
    let program = "runs a program, which process.landlock = true does not let the proxy do: store the secret elsewhere, or \
                   set it to false";
    for (secret, more, problem) in [
        (
            "exec:/bin/echo b",
            "",
            format!("connections.store.auth.secret_access_key: {program}"),
        ),
        (
            SECRET,
            chain,
            format!("connections.chain.auth.profile: the AWS profile \"ops\" has credential_process, and {program}"),
        ),
        (
            "file:/secret",
            "",
            "connections.store.auth.secret_access_key: is in the top folder, below which everything is".to_owned(),
        ),
        (
            "file:../nowhere/secret",
            "",
            "connections.store.auth.secret_access_key: is in a folder that cannot be found, and process.landlock = true \
             needs it at the start"
                .to_owned(),
        ),
    ] {
        let (status, log) = folders.ended("exec \"$@\"", &folders.write(9, true, secret, more));
        assert_eq!(status.code(), Some(2), "{log}");
        assert!(log.contains(&problem), "{log}");
        // Each of them is fine without limits.
        folders.start(&folders.write(9, false, secret, more)).says("listening for all connections");
    }
}
