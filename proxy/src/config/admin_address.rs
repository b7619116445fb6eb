//! Where the admin listener is, of a configuration of which nothing else need be right.

use super::environment::Environment;
use super::file::TomlFile;
use super::key_path::KeyPath;
use super::keys::{self, Fallback};
use super::load::{Overrides, find_file};
use super::problem::Problem;

/// The key that says where, and its variable.
const KEY: &str = "server.admin";
const VARIABLE: &str = "SIGNING_PROXY_SERVER__ADMIN";

/// Where it is, as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AdminAddress {
    /// What is written, or the default: an address with its port, or `off`, or whatever else was written.
    pub(crate) address: String,
    /// Why the file was not used, where it could not be read.
    pub(crate) problem: Option<String>,
}

/// From flag, variable and file in this order, else the default.
pub(crate) fn admin_address(overrides: &Overrides, environment: &Environment) -> AdminAddress {
    let written = overrides.admin.as_deref().or_else(|| environment.get(VARIABLE));
    if let Some(written) = written {
        return AdminAddress {
            address: written.to_owned(),
            problem: None,
        };
    }
    let (found, problem) = match of_file(overrides, environment) {
        Ok(found) => (found, None),
        Err(problem) => (None, Some(problem.to_string())),
    };
    AdminAddress {
        address: found.unwrap_or_else(default),
        problem,
    }
}

fn of_file(overrides: &Overrides, environment: &Environment) -> Result<Option<String>, Problem> {
    let Some((path, _)) = find_file(overrides, environment)? else {
        return Ok(None);
    };
    Ok(TomlFile::read(&path)?.string(&KeyPath::of(KEY)))
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
        let environment = variable.map(|value| (VARIABLE, value)).into_iter().collect();
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
        check(None, None, None, "127.0.0.1:9901", true);
    }
}
