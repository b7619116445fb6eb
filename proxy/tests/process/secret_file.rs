//! A secret that the program's user may not read, as Compose hands them out: the error says whose it is and what helps.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use rustix::process::getuid;

use super::program::untested;

#[test]
fn a_secret_of_another_user_is_named_with_its_owner_and_what_helps() {
    if !getuid().is_root() {
        untested("only root can start the program as another user");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let secret = folder.path().join("robot");
    fs::write(&secret, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").expect("a file");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("its mode");
    let file = folder.path().join("signing-proxy.toml");
    let toml = format!(
        "[connections.store]\nservice = \"s3\"\nregion = \"us-east-1\"\n\
         auth = {{ method = \"access-key\", access_key_id = \"AKIAIOSFODNN7EXAMPLE\", secret_access_key = \"file:{}\" }}\n",
        secret.display()
    );
    fs::write(&file, toml).expect("a file");
    let as_another = |command: &[&str]| {
        Command::new("setpriv")
            .args(["--reuid=65532", "--regid=65532", "--clear-groups"])
            .arg(env!("CARGO_BIN_EXE_signing-proxy"))
            .args(command)
            .arg("--config")
            .arg(&file)
            .output()
            .expect("setpriv runs")
    };
    let check = || {
        let output = as_another(&["config", "check", "--resolve"]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, text) = check();
    let owner = fs::metadata(&secret).expect("it is there");
    let want = format!(
        "cannot be read: permission denied: it has mode 0600, user {} and group {}, and this process is user 65532 of group \
         65532: make it this user's (chown 65532), or let its group read it (chgrp 65532, mode 0440)",
        owner.uid(),
        owner.gid()
    );
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&want), "{text}");

    // What it advises helps.
    let chown = |owner: &str| {
        let changed = Command::new("chown").arg(owner).arg(&secret).status();
        assert!(changed.expect("chown runs").success());
    };
    chown("65532");
    assert_eq!(check(), (Some(0), String::new()));
    chown("0:65532");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o440)).expect("its mode");
    assert_eq!(check(), (Some(0), String::new()));

    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("its mode");
    let output = as_another(&["serve"]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "not even the configuration can be read: {output:?}"
    );
}
