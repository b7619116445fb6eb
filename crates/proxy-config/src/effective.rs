//! The effective configuration: every key with the value it has, secrets redacted.

use auth_model::AssetReference;
use figment::value::{Dict, Value};

use super::check::integer;
use super::environment::Environment;
use super::key_path::KeyPath;
use super::keys::{self, Kind, Node};
use super::proxy_url::{address, without_user_info};
use super::service_defaults::default_for;
use super::sources::{Sources, default_of};

/// Every key with the value it has in the end. Secrets were taken out when it was made.
#[derive(Clone, Debug)]
pub struct Effective {
    tree: Dict,
}

impl Effective {
    pub(super) fn of(mut tree: Dict, sources: &Sources, environment: &Environment) -> Self {
        redact(&mut tree, &KeyPath::default(), sources, environment);
        Self { tree }
    }

    /// As TOML that can be read again, but for what was redacted.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut document = toml_edit::DocumentMut::new();
        *document.as_table_mut() = toml_table(&self.tree, &mut Vec::new());
        document.to_string()
    }

    /// 48 bits of a hash, which a float holds exactly: the same where everything but the secrets is the same.
    pub(super) fn fingerprint(&self) -> u64 {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.to_json().as_bytes());
        let first = hash.as_ref().iter().take(6);
        first.fold(0, |bits, byte| (bits << 8) | u64::from(*byte))
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = json(&Value::from(self.tree.clone()));
        format!("{json:#}\n")
    }
}

/// Gives every key that has a default its value, where nobody did. What the operator wrote of `defaults` goes before what
/// suits a connection's service, and that before the built-in default.
pub(super) fn fill(tree: &mut Dict, is_written: impl Fn(&KeyPath) -> bool) {
    let fixed = keys::all().iter().filter(|key| !key.path.contains('*'));
    for key in fixed {
        let names: Vec<&str> = key.path.split('.').collect();
        if let Some(default) = default_of(key) {
            insert_where_absent(tree, &names, &default);
        }
    }
    let whole = Value::from(tree.clone());
    for key in keys::all() {
        let Some((table, rest)) = key.path.split_once(".*.") else {
            continue;
        };
        let default = match &key.default {
            keys::Fallback::Absent => None,
            keys::Fallback::Value(_) => default_of(key),
            keys::Fallback::Same(other) => whole.find_ref(other).cloned(),
        };
        let follows_service = match &key.default {
            keys::Fallback::Same(other) => !is_written(&KeyPath::of(other)),
            keys::Fallback::Absent | keys::Fallback::Value(_) => false,
        };
        let (Some(default), Some(Value::Dict(_, entries))) = (default, tree.get_mut(table)) else {
            continue;
        };
        let names: Vec<&str> = rest.split('.').collect();
        for entry in entries.values_mut() {
            if let Value::Dict(_, entry) = entry {
                let service = entry.get("service").and_then(Value::as_str).unwrap_or_default();
                let of_service = default_for(service, rest).filter(|_| follows_service).map(Value::from);
                insert_where_absent(entry, &names, of_service.as_ref().unwrap_or(&default));
            }
        }
    }
}

fn insert_where_absent(table: &mut Dict, names: &[&str], value: &Value) {
    match names {
        [] => {}
        [name] => {
            table.entry((*name).to_owned()).or_insert_with(|| value.clone());
        }
        [name, rest @ ..] => {
            let child = table
                .entry((*name).to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, child) = child {
                insert_where_absent(child, rest, value);
            }
        }
    }
}

/// Replaces every secret by where it is stored.
fn redact(table: &mut Dict, path: &KeyPath, sources: &Sources, environment: &Environment) {
    for (name, value) in table.iter_mut() {
        let key = path.entry(name);
        if let Value::Dict(_, table) = value {
            redact(table, &key, sources, environment);
            continue;
        }
        let shown = match (keys::find(&key).map(|key| &key.kind), sources.secret(&key)) {
            (Some(Kind::Asset), Some(text)) => {
                let checked = AssetReference::of(text).and_then(|asset| environment.check_asset(asset));
                checked.map_or_else(|_| REDACTED.to_owned(), |(asset, _)| asset.to_string())
            }
            (Some(Kind::Lease), Some(text)) => {
                let checked = AssetReference::of(text).and_then(|asset| environment.check_key(asset));
                checked.map_or_else(|_| REDACTED.to_owned(), |(asset, _)| asset.to_string())
            }
            (Some(Kind::ProxyUrl), Some(text)) => proxy_url(text.expose()),
            // Its entries are hosts; URLs are seen in the variable, with a password as in that of the proxy.
            _ if key == KeyPath::of("upstream.no_proxy") => {
                let entries = value.as_str().unwrap_or_default().split(',');
                entries.map(without_user_info).collect::<Vec<_>>().join(",")
            }
            (Some(kind), _) if !kind.is_secret() => continue,
            _ => REDACTED.to_owned(),
        };
        *value = Value::from(shown);
    }
}

const REDACTED: &str = "<redacted>";

/// Where the proxy is, without its user and password; what has a place for them can be read again.
fn proxy_url(text: &str) -> String {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    match address(&url) {
        _ if text.is_empty() => String::new(),
        Ok(proxy) if url.contains('@') => {
            format!("http://{REDACTED}@{}", proxy.to_string().trim_start_matches("http://"))
        }
        Ok(proxy) => proxy.to_string(),
        Err(_) => REDACTED.to_owned(),
    }
}

/// The table with its keys in the order of the documentation; `pattern` is its path with `*` for chosen names.
fn toml_table(tree: &Dict, pattern: &mut Vec<&'static str>) -> toml_edit::Table {
    let known = match keys::node(pattern) {
        Some(Node::Table(names)) => names,
        Some(Node::Names | Node::Key(_)) | None => Vec::new(),
    };
    let mut entries: Vec<_> = tree.iter().collect();
    entries.sort_by_key(|(name, _)| known.iter().position(|known| known == name));
    let mut table = toml_edit::Table::new();
    // A table of tables alone needs no header of its own.
    table.set_implicit(tree.values().all(|value| matches!(value, Value::Dict(..))));
    for (name, value) in entries {
        let item = match value {
            Value::Dict(_, tree) => {
                pattern.push(known.iter().find(|known| *known == name).copied().unwrap_or("*"));
                let table = toml_table(tree, pattern);
                pattern.pop();
                toml_edit::Item::Table(table)
            }
            other => toml_edit::Item::Value(toml_value(other)),
        };
        table.insert(name, item);
    }
    table
}

fn toml_value(value: &Value) -> toml_edit::Value {
    match value {
        Value::Bool(_, boolean) => (*boolean).into(),
        Value::Num(..) => integer(value)
            .and_then(|number| i64::try_from(number).ok())
            .unwrap_or(i64::MAX)
            .into(),
        Value::Array(_, entries) => toml_edit::Value::Array(entries.iter().map(toml_value).collect()),
        other => other.as_str().unwrap_or_default().into(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(_, boolean) => (*boolean).into(),
        Value::Num(..) => integer(value).and_then(|number| i64::try_from(number).ok()).into(),
        Value::Array(_, entries) => entries.iter().map(json).collect(),
        Value::Dict(_, tree) => {
            serde_json::Value::Object(tree.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
        other => other.as_str().into(),
    }
}
