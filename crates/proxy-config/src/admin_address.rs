//! Where the admin listener is, of a configuration of which nothing else need be right.

use std::path::Path;

use toml_edit::{ImDocument, Item};

use super::environment::Environment;
use super::file::{TomlFile, item_at};
use super::key_path::KeyPath;
use super::keys::{self, Fallback};
use super::load::{Overrides, find_file};

/// The key that holds it.
const KEY: &str = "server.admin";

/// Where it is, as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminAddress {
    /// What is written, or the default: an address with its port, or `off`, or whatever else was written.
    pub address: String,
    /// Why the file was not used, where it could not be read.
    pub problem: Option<String>,
}

/// From flag, variable and file in this order, else the default.
#[must_use]
pub fn admin_address(overrides: &Overrides, environment: &Environment) -> AdminAddress {
    let key = keys::find(&KeyPath::of(KEY));
    let of_variable = || environment.get(&key?.variable());
    let written = overrides.admin.as_deref().or_else(of_variable);
    if let Some(written) = written {
        return AdminAddress {
            address: written.to_owned(),
            problem: None,
        };
    }
    let (found, problem) = match find_file(overrides, environment) {
        Ok(Some((path, _))) => of_file(&path),
        Ok(None) => (None, None),
        Err(problem) => (None, Some(problem.to_string())),
    };
    AdminAddress {
        address: found.unwrap_or_else(default),
        problem,
    }
}

/// What the file has for the key, and what is wrong with it as a whole.
fn of_file(path: &Path) -> (Option<String>, Option<String>) {
    match TomlFile::read(path) {
        Ok(file) => (file.string(&KeyPath::of(KEY)), None),
        Err(problem) => {
            let text = std::fs::read(path).unwrap_or_default();
            (line_of(&String::from_utf8_lossy(&text)), Some(problem.to_string()))
        }
    }
}

/// The first text that a line gives the key, in a file of which no more is understood than the headers of tables: whoever
/// edits it breaks some line, and most likely another one. It is only where a probe goes.
fn line_of(text: &str) -> Option<String> {
    let key = KeyPath::of(KEY);
    let mut table = KeyPath::default();
    for line in text.lines() {
        if let Some(header) = line.trim_start().strip_prefix('[') {
            // Also where its end is what is broken.
            let names = header.split([']', '#']).next().unwrap_or_default().split('.');
            table = names.fold(KeyPath::default(), |table, name| {
                table.entry(name.trim_matches([' ', '\t', '"', '\'']))
            });
            continue;
        }
        if !key.is_within(&table) {
            continue;
        }
        let Ok(parsed) = ImDocument::parse(line) else { continue };
        let found = item_at(parsed.as_item(), key.names().skip(table.names().count()));
        if let Some(address) = found.and_then(Item::as_str) {
            return Some(address.to_owned());
        }
    }
    None
}

fn default() -> String {
    match keys::find(&KeyPath::of(KEY)).map(|key| &key.default) {
        Some(Fallback::Value(toml)) => toml.trim_matches('"').to_owned(),
        Some(Fallback::Absent | Fallback::Same(_)) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flag: Option<&str>, variable: Option<&str>, file: Option<&str>, want: &str, is_problem: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let overrides = Overrides {
            file: Some(path),
            admin: flag.map(str::to_owned),
            ..Overrides::default()
        };
        let environment = variable
            .map(|value| ("SIGNING_PROXY_SERVER__ADMIN", value))
            .into_iter()
            .collect();
        let found = admin_address(&overrides, &environment);
        assert_eq!(
            (found.address.as_str(), found.problem.is_some()),
            (want, is_problem),
            "{found:?}"
        );
    }

    #[test]
    fn flags_go_before_variables_and_those_before_the_file() {
        let file = Some("colour = 1\n[server]\nadmin = \"0.0.0.0:3\"\nheader_timeout = \"never\"");
        check(Some("127.0.0.1:1"), Some("127.0.0.1:2"), file, "127.0.0.1:1", false);
        check(None, Some("127.0.0.1:2"), file, "127.0.0.1:2", false);
        check(None, None, file, "0.0.0.0:3", false);
        check(None, None, Some("[server]\nadmin = \"off\""), "off", false);
        check(None, None, Some("[connections.a]"), "127.0.0.1:9901", false);
    }

    #[test]
    fn a_file_that_cannot_be_read_leaves_the_default() {
        check(None, None, Some("[server"), "127.0.0.1:9901", true);
        // By line, of what can still be read.
        for file in [
            "a = = 1\n[server]\nlisten = \"\nadmin = \"0.0.0.0:3\" # x\n[log]\nadmin = \"0.0.0.0:4\"",
            "[server\nadmin = '0.0.0.0:3'",
            "server.admin = '0.0.0.0:3'\nserver.admin = '0.0.0.0:4'",
            "server = { admin = '0.0.0.0:3' }\n[log",
            "[log]\nadmin = '0.0.0.0:4'\n[ server ]\nadmin = '0.0.0.0:3'\n[server]",
        ] {
            check(None, None, Some(file), "0.0.0.0:3", true);
        }
        let sub = "[server.browsers]\nadmin = '0.0.0.0:4'\n[log]\nserver.admin = '0.0.0.0:4'\n[log]";
        check(None, None, Some(sub), "127.0.0.1:9901", true);
        check(None, None, None, "127.0.0.1:9901", true);
    }
}
