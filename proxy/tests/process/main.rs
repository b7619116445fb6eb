//! What the program denies others about itself, what it reports, and how it ends: the real binary in a process of its own.

#![cfg(target_os = "linux")]

// What clippy knows tests by.
#[cfg(test)]
mod asset_schemes;
#[cfg(test)]
mod descriptors;
#[cfg(test)]
mod landlock;
#[cfg(test)]
mod manager;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod program;
#[cfg(test)]
mod secret_file;
#[cfg(test)]
mod stopping;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use program::{Program, untested};
use rustix::process::{Resource, getrlimit, getuid};

/// What needs no file and no service.
const BY_FLAGS: [&str; 10] = [
    "--service",
    "s3",
    "--region",
    "us-east-1",
    "--admin",
    "off",
    "--listen",
    "127.0.0.1:0",
    "--endpoint",
    "http://127.0.0.1:9",
];

#[test]
fn the_program_writes_no_core() {
    assert_ne!(getrlimit(Resource::Core).maximum, Some(0), "nothing can be seen here");
    let mut program = Program::start("exec \"$@\"", &BY_FLAGS, &[]);
    program.says("listening for all connections");
    let limits = fs::read_to_string(program.of("limits")).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core
        .expect("that of cores")
        .split_whitespace()
        .skip(4)
        .take(2)
        .collect();
    assert_eq!(core, ["0", "0"]);
}

/// The kernel gives what `/proc` says of a process to root where the process may not be dumped, and to its user else.
#[test]
fn the_program_s_memory_belongs_to_nobody_but_root() {
    if !getuid().is_root() {
        untested("only root can start the program as another user");
        return;
    }
    let mut plain = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "60"])
        .spawn()
        .expect("setpriv runs");
    let mut program = Program::start(
        "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"",
        &BY_FLAGS,
        &[],
    );
    program.says("listening for all connections");
    let status = fs::read_to_string(program.of("status")).expect("its status");
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .expect("its user");
    assert!(user.trim_start().starts_with("65534\t"), "{user}");
    for name in ["mem", "environ", "maps"] {
        assert_eq!(fs::metadata(program.of(name)).expect("it is there").uid(), 0, "{name}");
    }
    // As it is without that, so that the test sees something. It has taken its user by now, or soon.
    let of_plain = PathBuf::from(format!("/proc/{}/mem", plain.id()));
    while fs::metadata(&of_plain).expect("it is there").uid() == 0 {
        assert!(plain.try_wait().expect("its state").is_none(), "it has ended");
        std::thread::yield_now();
    }
    let _ = plain.kill();
    let _ = plain.wait();
}
