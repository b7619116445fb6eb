//! The example that is installed with the program: a commented configuration with every key.

use std::fmt::Write as _;

use super::keys::{self, ACCESS_KEY, ASSUME_ROLE, DEFAULT_CHAIN, Fallback, Key, MANAGED};
use super::service_defaults;

const HEAD: &str = "\
# signing-proxy: every key, with its default where it has one. docs/configuration.md explains them.
#
# Any key can also be set by a variable: server.listen is SIGNING_PROXY_SERVER__LISTEN. Flags go before variables,
# variables before this file. `signing-proxy config check` reports what is wrong, `config show` the values in effect.
";

/// The column at which comments begin.
const COMMENTS: usize = 39;

/// The width of a line that parts the connections.
const WIDTH: usize = 116;

/// A connection of the example.
struct Story {
    title: &'static str,
    name: &'static str,
    service: &'static str,
    region: &'static str,
    method: &'static str,
    /// Values of keys of `auth` that it needs, as TOML.
    auth: &'static [(&'static str, &'static str)],
    /// Keys of `auth` that an earlier one has too.
    again: &'static [&'static str],
    /// The identity that it has, before it.
    identity: Option<&'static str>,
}

/// The first one has every key of a connection.
const STORIES: [Story; 4] = [
    Story {
        title: "Keys of one's own",
        name: "reports",
        service: "s3",
        region: "eu-west-1",
        method: ACCESS_KEY,
        auth: &[
            ("access_key_id", r#""AKIAIOSFODNN7EXAMPLE""#),
            ("secret_access_key", r#""env:REPORTS_SECRET""#),
        ],
        again: &[],
        identity: None,
    },
    Story {
        title: "A role in the account of the keys",
        name: "robot",
        service: "dynamodb",
        region: "eu-west-1",
        method: ASSUME_ROLE,
        auth: &[
            ("access_key_id", r#""env:ROBOT_ID""#),
            ("secret_access_key", r#""env:ROBOT_SECRET""#),
            ("role", r#""team/report-reader""#),
        ],
        again: &[],
        identity: None,
    },
    Story {
        title: "A customer's role, by a managed identity",
        name: "acme-models",
        service: "bedrock-runtime",
        region: "us-east-1",
        method: MANAGED,
        auth: &[
            ("identity", r#""acme""#),
            ("role_arn", r#""arn:aws:iam::222233334444:role/for-the-proxy""#),
            ("external_id", r#""b1c9f0d2-acme""#),
        ],
        again: &[],
        identity: Some("acme"),
    },
    Story {
        title: "What the AWS SDKs find: variables, profiles, web identity, container, instance",
        name: "machines",
        service: "ec2",
        region: "us-east-1",
        method: DEFAULT_CHAIN,
        auth: &[],
        again: &["profile"],
        identity: None,
    },
];

/// The example: a commented configuration with every key, which can be loaded as it is.
///
/// ```
/// use proxy_config::{Config, Environment, example};
///
/// assert!(Config::from_toml(&example(), &Environment::empty()).is_ok());
/// ```
#[must_use]
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let fixed = keys::tables().iter().filter(|table| !table.path.contains('*'));
    for table in fixed {
        let mut keys = of_table(&table.path).peekable();
        if keys.peek().is_some() {
            header(&mut text, &table.path, table.note);
            keys.for_each(|key| line(&mut text, key, None, key.note));
        }
    }
    let mut shown: Vec<&str> = Vec::new();
    for (index, story) in STORIES.iter().enumerate() {
        story.write(&mut text, &mut shown, index == 0);
    }
    text
}

impl Story {
    /// Adds it; `shown` has the paths of the keys that the example has already.
    fn write(&self, text: &mut String, shown: &mut Vec<&'static str>, is_whole: bool) {
        let title = format!("\n# --- {} ", self.title);
        let _ = writeln!(text, "{title:-<WIDTH$}");
        if let Some(identity) = self.identity {
            let is_needed = |key: &Key| ["organisation", "access_key_id", "secret_access_key"].contains(&key.name());
            named(text, "identities.*", identity, shown, |key, _| {
                if is_needed(key) { Shown::Set } else { Shown::AsUsual }
            });
        }
        named(text, "connections.*", self.name, shown, |key, _| match key.name() {
            "service" => Shown::As(format!("{:?}", self.service)),
            "region" => Shown::As(format!("{:?}", self.region)),
            _ if is_whole => Shown::AsUsual,
            _ => Shown::Not,
        });
        named(text, "connections.*.auth", self.name, shown, |key, is_new| {
            let needed = self.auth.iter().find(|(name, _)| *name == key.name());
            match (key.name(), needed) {
                ("method", _) => Shown::As(format!("{:?}", self.method)),
                (_, Some((_, value))) => Shown::As((*value).to_owned()),
                (name, None) => {
                    let belongs = key.methods.contains(&self.method);
                    if belongs && (is_new || self.again.contains(&name)) {
                        Shown::AsUsual
                    } else {
                        Shown::Not
                    }
                }
            }
        });
        let inner = ["limits", "timeouts", "retry"].into_iter().filter(|_| is_whole);
        for table in inner {
            named(text, &format!("connections.*.{table}"), self.name, shown, |_, _| {
                Shown::AsUsual
            });
        }
    }
}

/// How a key is shown.
enum Shown {
    Not,
    /// With its default, or as a comment.
    AsUsual,
    /// With its sample, though it has no default.
    Set,
    As(String),
}

/// The table of a name that the operator chooses. `seen` has the paths of keys that the example has already, and is
/// extended; `shown` is given the key and whether it is new.
fn named(
    text: &mut String,
    table: &str,
    name: &str,
    seen: &mut Vec<&'static str>,
    shown: impl Fn(&Key, bool) -> Shown,
) {
    let declared = keys::tables().iter().find(|declared| declared.path == table);
    header(text, &table.replace('*', name), declared.map_or("", |table| table.note));
    for key in of_table(table) {
        let is_new = !seen.contains(&key.path.as_str());
        let inherits = matches!(key.default, Fallback::Same(_));
        let note = if is_new && !inherits { key.note } else { "" };
        match shown(key, is_new) {
            Shown::Not => continue,
            Shown::AsUsual => line(text, key, None, note),
            Shown::Set => line(text, key, Some(key.sample), note),
            Shown::As(value) => line(text, key, Some(&value), note),
        }
        seen.push(&key.path);
    }
}

fn of_table(table: &str) -> impl Iterator<Item = &'static Key> {
    keys::all().iter().filter(move |key| key.table() == table)
}

fn header(text: &mut String, table: &str, note: &str) {
    text.push('\n');
    commented(text, &format!("[{table}]"), note);
}

/// The key's line: set to this value, else to its default, else a comment.
fn line(text: &mut String, key: &Key, value: Option<&str>, note: &str) {
    // A default of its own service's would be lost where the key is set.
    let is_of_service = service_defaults::of_key(key).is_some();
    let (is_comment, value) = match (value, &key.default) {
        (Some(value), _) => (false, value),
        (None, Fallback::Value(toml)) => (is_of_service, *toml),
        (None, Fallback::Absent) => (true, key.sample),
        (None, Fallback::Same(other)) => (true, default_of(other)),
    };
    let name = key.name().replace('*', "Team");
    let mark = if is_comment { "# " } else { "" };
    commented(text, &format!("{mark}{name} = {value}"), note);
}

/// The default of the key at this path.
fn default_of(path: &str) -> &'static str {
    let key = keys::all().iter().find(|key| key.path == path);
    match key.map(|key| &key.default) {
        Some(Fallback::Value(toml)) => toml,
        Some(Fallback::Absent | Fallback::Same(_)) | None => "",
    }
}

fn commented(text: &mut String, line: &str, note: &str) {
    let _ = if note.is_empty() {
        writeln!(text, "{line}")
    } else {
        writeln!(text, "{line:<width$}# {note}", width = COMMENTS.max(line.len() + 1))
    };
}
