//! `SIGNING_PROXY_*` variables: `SIGNING_PROXY_SERVER__LISTEN` is the key `server.listen`.
//!
//! Values are taken as they are, so that `012345678901` stays what it is; only keys that are booleans, counts
//! or lists are read as such.

use auth_model::Secret;
use figment::value::{Dict, Value};

use super::environment::Environment;
use super::file::TomlFile;
use super::key_path::KeyPath;
use super::keys::{self, Kind, Node, PREFIX};
use super::problem::{Origin, Problem};

/// The variable that names the configuration file.
pub(super) const FILE_VARIABLE: &str = "SIGNING_PROXY_CONFIG";

/// A key that a variable sets.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) variable: String,
    pub(super) key: KeyPath,
    /// Nothing where it is a secret.
    pub(super) value: Value,
    pub(super) secret: Option<Secret>,
}

impl Setting {
    fn new(variable: &str, key: KeyPath, text: &Secret) -> Self {
        let kind = keys::find(&key).map(|key| &key.kind);
        let secret = kind.is_some_and(Kind::is_secret).then(|| text.clone());
        Self {
            variable: variable.to_owned(),
            value: if secret.is_some() {
                Value::from("")
            } else {
                read(text.expose(), kind)
            },
            secret,
            key,
        }
    }
}

/// The keys that variables set. An empty variable counts as not set, as Compose files leave them behind.
pub(super) fn settings(
    environment: &Environment,
    file: Option<&TomlFile>,
    problems: &mut Vec<Problem>,
) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for (variable, value) in environment.iter() {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let text = value.map(Secret::expose);
        if variable == FILE_VARIABLE || text == Some("") || is_service_link(name, text) {
            continue;
        }
        let key = key_of(name, file);
        let mut reject = |message: &str| {
            let origin = Origin::Variable(variable.to_owned());
            problems.push(Problem::new(origin, key.clone(), message));
        };
        let Some(value) = value else {
            reject("is not UTF-8");
            continue;
        };
        let same = settings
            .iter()
            .find(|other| other.key.is_within(&key) || key.is_within(&other.key));
        if let Some(same) = same {
            reject(&format!(
                "sets the same as the variable {}: remove one of them",
                same.variable
            ));
            continue;
        }
        settings.push(Setting::new(variable, key, value));
    }
    settings
}

/// The variables that curl and others read for HTTP proxies, with the keys that they are used for where
/// nobody wrote those. Lower case goes before upper case.
pub(super) fn ambient(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<Setting> {
    let mut settings = Vec::new();
    for name in ["https_proxy", "http_proxy", "no_proxy"] {
        let upper = name.to_ascii_uppercase();
        let is_set = |variable: &&str| environment.is_set(variable);
        let Some(variable) = [name, upper.as_str()].into_iter().find(is_set) else {
            continue;
        };
        let key = KeyPath::of("upstream").entry(name);
        match environment.secret(variable) {
            Some(value) => settings.push(Setting::new(variable, key, value)),
            None => problems.push(Problem::new(Origin::Variable(variable.to_owned()), key, "is not UTF-8")),
        }
    }
    settings
}

/// The settings as a tree, for figment.
pub(super) fn tree(settings: impl IntoIterator<Item = (KeyPath, Value)>) -> Dict {
    let mut root = Dict::new();
    for (key, value) in settings {
        let names: Vec<&str> = key.names().collect();
        insert(&mut root, &names, value);
    }
    root
}

fn insert(table: &mut Dict, names: &[&str], value: Value) {
    match names {
        [] => {}
        [name] => {
            table.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let child = table
                .entry((*name).to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, child) = child {
                insert(child, rest, value);
            }
        }
    }
}

/// The key a variable means: lower case, except that names that are in the file are spelt as there.
fn key_of(name: &str, file: Option<&TomlFile>) -> KeyPath {
    let mut key = KeyPath::default();
    let mut pattern: Vec<String> = Vec::new();
    for part in name.split("__") {
        let part = part.to_ascii_lowercase();
        let parents: Vec<&str> = pattern.iter().map(String::as_str).collect();
        if let (Some(Node::Names), [table]) = (keys::node(&parents), parents.as_slice()) {
            let written = file.map(|file| file.names_in(table)).unwrap_or_default();
            key = key.entry(spelt_as_written(&part, &written));
            pattern.push("*".to_owned());
        } else {
            key = key.entry(&part);
            pattern.push(part);
        }
    }
    key
}

/// The written name that the variable's lower-case part means. Variables cannot hold `-`, so `_` matches it too.
fn spelt_as_written<'a>(part: &'a str, written: &[&'a str]) -> &'a str {
    let same_case = written.iter().find(|name| **name == part);
    let any_case = || written.iter().find(|name| name.eq_ignore_ascii_case(part));
    let dashes = || {
        written
            .iter()
            .find(|name| name.replace('-', "_").eq_ignore_ascii_case(part))
    };
    same_case.or_else(any_case).or_else(dashes).copied().unwrap_or(part)
}

/// The value as the key's kind has it; what cannot be read so stays text, and is rejected as such later.
fn read(text: &str, kind: Option<&Kind>) -> Value {
    let as_text = || Value::from(text);
    match kind {
        Some(Kind::Boolean) => text.parse::<bool>().map_or_else(|_| as_text(), Value::from),
        Some(Kind::Count(_)) => text.parse::<u64>().map_or_else(|_| as_text(), Value::from),
        Some(Kind::List(_)) if text.trim_start().starts_with('[') => list(text).unwrap_or_else(as_text),
        Some(Kind::Statuses(_)) => numbers(text).unwrap_or_else(as_text),
        _ => as_text(),
    }
}

/// A list of integers as TOML spells it.
fn numbers(text: &str) -> Option<Value> {
    let value: toml_edit::Value = text.trim().parse().ok()?;
    let numbers = value
        .as_array()?
        .iter()
        .map(|entry| entry.as_integer().map(Value::from));
    Some(Value::from(numbers.collect::<Option<Vec<_>>>()?))
}

/// A list as TOML spells it, of texts only.
fn list(text: &str) -> Option<Value> {
    let value: toml_edit::Value = text.trim().parse().ok()?;
    let texts: Option<Vec<Value>> = value
        .as_array()?
        .iter()
        .map(|entry| entry.as_str().map(Value::from))
        .collect();
    Some(Value::from(texts?))
}

/// Whether Kubernetes or Docker set the variable because a service is called `signing-proxy` or `signing-proxy-…`:
/// `SIGNING_PROXY_SERVICE_HOST`, `SIGNING_PROXY_PORT_8080_TCP_ADDR` and the like. None of our keys looks so.
fn is_service_link(name: &str, value: Option<&str>) -> bool {
    if name.contains("__") {
        return false;
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        [.., "SERVICE", "HOST" | "PORT"] => true,
        [.., "PORT", number, "TCP" | "UDP" | "SCTP"]
        | [.., "PORT", number, "TCP" | "UDP" | "SCTP", "ADDR" | "PORT" | "PROTO"] => is_number(number),
        [.., "PORT"] => value.is_some_and(|value| value.contains("://")),
        _ => name.contains("SERVICE_PORT_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, file: &str, want: &str) {
        let file = TomlFile::parse("x.toml".as_ref(), file).unwrap();
        assert_eq!(key_of(name, Some(&file)).to_string(), want);
    }

    #[test]
    fn names_of_the_file_are_found_in_any_case() {
        check("SERVER__LISTEN", "", "server.listen");
        check(
            "CONNECTIONS__REPORTS__REGION",
            "[connections.Reports]",
            "connections.Reports.region",
        );
        check(
            "CONNECTIONS__ACME_MODELS__REGION",
            "[connections.acme-models]",
            "connections.acme-models.region",
        );
        check(
            "CONNECTIONS__A_B__REGION",
            "[connections.a-b]\n[connections.A_b]",
            "connections.A_b.region",
        );
        check(
            "CONNECTIONS__NEW__AUTH__ROLE",
            "[connections.old]",
            "connections.new.auth.role",
        );
        check("SERVER_LISTEN", "", "server_listen");
    }

    #[test]
    fn variables_of_service_links_are_none_of_ours() {
        for name in [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_HTTP",
            "PORT",
            "PORT_8080_TCP",
            "PORT_8080_TCP_ADDR",
            "ADMIN_PORT_9901_UDP_PROTO",
            "ADMIN_SERVICE_HOST",
        ] {
            assert!(is_service_link(name, Some("tcp://10.0.0.1:80")), "{name}");
        }
        for name in [
            "SERVER__LISTEN",
            "SERVER_LISTEN",
            "LOG_FORMAT",
            "CONNECTIONS__A__SERVICE_HOST",
            "PORT_X_TCP",
        ] {
            assert!(!is_service_link(name, Some("8080")), "{name}");
        }
    }
}
