//! Compares what was written with the keys there are.
//!
//! Every unknown key and every value of a wrong kind is reported at once and taken out, so that what follows
//! meets known keys with values of the right kind only.

use figment::value::{Dict, Value};

use super::key_path::KeyPath;
use super::keys::{self, Kind, Node};
use super::problem::Problem;
use super::sources::{Sources, default_of};
use super::suggest::{nearest, nearest_by_words};

/// Takes out what is unknown or of a wrong kind, and reports it.
pub(super) fn clean(tree: &mut Dict, sources: &Sources, problems: &mut Vec<Problem>) {
    Walk { sources, problems }.table(tree, &KeyPath::default(), &mut Vec::new());
}

struct Walk<'a> {
    sources: &'a Sources,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, table: &mut Dict, path: &KeyPath, pattern: &mut Vec<&'static str>) {
        let names = match keys::node(pattern) {
            Some(Node::Table(names)) => Some(names),
            Some(Node::Names | Node::Key(_)) | None => None,
        };
        table.retain(|name, value| {
            let key = path.entry(name);
            let part = match &names {
                None => "*",
                Some(names) => {
                    let Some(known) = names.iter().find(|known| *known == name) else {
                        self.report(&key, unknown(name, path, names));
                        return false;
                    };
                    known
                }
            };
            pattern.push(part);
            let keep = self.value(value, &key, pattern);
            pattern.pop();
            keep
        });
    }

    /// Whether the value may stay.
    fn value(&mut self, value: &mut Value, key: &KeyPath, pattern: &mut Vec<&'static str>) -> bool {
        match keys::node(pattern) {
            Some(Node::Key(known)) => {
                let fits = fits(value, &known.kind);
                if !fits {
                    self.report(key, format!("must be {}, not {}", known.kind, described(value)));
                    // What has a default keeps it, so that nothing else is reported for want of it.
                    if let Some(default) = default_of(known) {
                        *value = default;
                        return true;
                    }
                }
                fits
            }
            Some(Node::Table(_) | Node::Names) => {
                let is_date = is_date(value);
                if let Value::Dict(_, table) = value
                    && !is_date
                {
                    self.table(table, key, pattern);
                    true
                } else {
                    self.report(key, format!("must be a table, [{key}], not {}", described(value)));
                    false
                }
            }
            None => false,
        }
    }

    fn report(&mut self, key: &KeyPath, message: String) {
        self.problems
            .push(Problem::new(self.sources.locate(key), key.clone(), message));
    }
}

/// What is said of an unknown key, with what may have been meant.
fn unknown(name: &str, table: &KeyPath, known: &[&'static str]) -> String {
    let place = if *table == KeyPath::default() {
        "at the top level".to_owned()
    } else {
        format!("in [{table}]")
    };
    let elsewhere = || {
        let same = keys::all()
            .iter()
            .filter(|key| key.path.rsplit('.').next() == Some(name));
        // What the table is a part of comes first; the secret stores have much in common with what is better known.
        let mut names = table.names();
        let (top, entry) = (names.next().unwrap_or_default(), names.next());
        let is_elsewhere = |path: &str| path.split('.').next() != Some(top);
        let same = same.min_by_key(|key| (is_elsewhere(&key.path), key.path.starts_with("assets.")))?;
        let (home, _) = same.path.rsplit_once('.')?;
        let entry = entry.filter(|_| !is_elsewhere(&same.path)).unwrap_or("NAME");
        let names = home.split('.').map(|name| if name == "*" { entry } else { name });
        Some(names.fold(KeyPath::default(), |path, name| path.entry(name)))
    };
    // A variable with single underscores has them in one name: `server_listen`.
    let joined = || {
        keys::all()
            .iter()
            .find(|key| key.path.replace('.', "_") == name)
            .map(|key| key.path.replace('.', "__").to_ascii_uppercase())
    };
    if let Some(variable) = joined() {
        return format!("unknown key {place}; did you mean SIGNING_PROXY_{variable}?");
    }
    if let Some(meant) = nearest(name, known.iter().copied()) {
        return format!("unknown key {place}; did you mean {meant}?");
    }
    if let Some(home) = elsewhere() {
        return format!("unknown key {place}; it belongs in [{home}]");
    }
    if let Some(meant) = nearest_by_words(name, known.iter().copied()) {
        return format!("unknown key {place}; did you mean {meant}?");
    }
    format!("unknown key {place}; known are {}", known.join(", "))
}

fn fits(value: &Value, kind: &Kind) -> bool {
    match kind {
        Kind::Boolean => matches!(value, Value::Bool(..)),
        Kind::Count(bounds) => integer(value)
            .and_then(|number| u64::try_from(number).ok())
            .is_some_and(|number| bounds.contains(&number)),
        Kind::List(_) => matches!(value, Value::Array(_, entries) if entries.iter().all(is_text)),
        Kind::Statuses(known) => {
            let is_known =
                |entry: &Value| integer(entry).is_some_and(|number| known.iter().any(|one| i128::from(*one) == number));
            matches!(value, Value::Array(_, entries) if entries.iter().all(is_known))
        }
        Kind::Listener
        | Kind::Duration(_)
        | Kind::Size(_)
        | Kind::Choice(_)
        | Kind::Text(_)
        | Kind::Path(_)
        | Kind::Endpoint
        | Kind::Asset
        | Kind::Lease
        | Kind::ProxyUrl => is_text(value),
    }
}

/// The value as an integer, where it is one.
pub(super) fn integer(value: &Value) -> Option<i128> {
    // Each of the two knows numbers of its own signedness only.
    let unsigned = || i128::try_from(value.to_u128()?).ok();
    value.to_i128().or_else(unsigned)
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::String(..))
}

/// What the value is, without showing it.
fn described(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "this string",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "this number",
        Value::Array(..) => "this list",
        Value::Dict(..) if is_date(value) => "a date",
        Value::Dict(..) => "a table",
        Value::Empty(..) => "nothing",
    }
}

/// Whether this is how figment's TOML reader hands over a date.
fn is_date(value: &Value) -> bool {
    matches!(value, Value::Dict(_, table) if table.contains_key("$__toml_private_datetime"))
}
