//! What `process.landlock` leaves within reach besides the files that keys name, and what cannot work under it.

use auth_model::{AuthMethod, BaseKeys};

use crate::Config;
use crate::key_path::KeyPath;
use crate::places::{NO_PROGRAMS, Need};
use crate::report::Report;

/// Checks it.
pub(super) fn check(config: &Config, report: &Report<'_>) {
    if !report.limits_files.get() {
        return;
    }
    if let Some(file) = report.sources.file() {
        report.needs(&KeyPath::of("process.landlock"), file, Need::Read);
    }
    if config.server.spool_dir.is_none() {
        report.needs(&KeyPath::of("server.spool_dir"), &std::env::temp_dir(), Need::Folder);
    }
    for (name, connection) in &config.connections {
        let profile = match &connection.connection.auth {
            AuthMethod::DefaultChain { profile }
            | AuthMethod::AccessKeyAssumeRole {
                base: BaseKeys::DefaultChain { profile },
                ..
            } => profile,
            AuthMethod::AccessKey { .. }
            | AuthMethod::AccessKeyAssumeRole {
                base: BaseKeys::Assets(_),
                ..
            }
            | AuthMethod::ManagedCrossAccount { .. } => continue,
        };
        let key = KeyPath::of("connections").entry(name.as_str()).child("auth.profile");
        check_chain(&key, profile.as_deref(), report);
    }
    for (kind, store) in &config.assets.stores {
        if store.connection.is_none() {
            let key = KeyPath::of("assets").child(kind).child("connection");
            check_chain(&key, None, report);
        }
    }
}

/// What AWS's own tools would read on this machine.
fn check_chain(key: &KeyPath, profile: Option<&str>, report: &Report<'_>) {
    let found = (report.find_chain_files)(profile, report.environment);
    for file in &found.files {
        report.may_need(key, file);
    }
    for folder in found.folders.iter().filter(|folder| folder.exists()) {
        report.needs(key, folder, Need::Folder);
    }
    if let Some(profile) = found.runs_program_of {
        let message = format!("the AWS profile {profile:?} has credential_process, and {NO_PROGRAMS}");
        report.reject(key, message);
    }
}
