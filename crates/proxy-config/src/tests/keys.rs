//! The declared keys, the raw types, the example and the effective configuration agree.

use std::fmt::Write as _;

use figment::error::Kind as ErrorKind;
use figment::value::{Dict, Value};

use super::{REPORTS, read, schemes};
use crate::effective;
use crate::key_path::KeyPath;
use crate::keys::RawConfig;
use crate::keys::{self, Kind, Node};
use crate::load::{Overrides, load};
use crate::{ChainFiles, Environment, example};

/// A value that the raw type of the key takes.
fn sample(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => Value::from(true),
        Kind::Count(_) => Value::from(1),
        Kind::List(_) | Kind::Statuses(_) => Value::from(Vec::<Value>::new()),
        _ => Value::from("x"),
    }
}

/// A tree with every key there is; `*` is `a`.
fn whole_tree() -> Dict {
    let settings = keys::all()
        .iter()
        .map(|key| (KeyPath::of(&key.path.replace('*', "a")), sample(&key.kind)));
    crate::variables::tree(settings)
}

#[test]
fn the_raw_types_have_the_keys_and_no_others() {
    let whole = Value::from(whole_tree());
    whole.deserialize::<RawConfig>().map(|_| ()).unwrap();

    let mut tables: Vec<Vec<&str>> = vec![vec![]];
    for key in keys::all() {
        let names: Vec<&str> = key.path.split('.').collect();
        for end in 1..names.len() {
            tables.push(names[..end].to_vec());
        }
    }
    for table in tables {
        let Some(Node::Table(mut known)) = keys::node(&table) else {
            continue;
        };
        // The raw type's own words about a key it does not know are the list of those it knows.
        let mut path: Vec<&str> = table
            .iter()
            .map(|name| if *name == "*" { "a" } else { *name })
            .collect();
        path.push("?");
        let mut tree = whole_tree();
        insert(&mut tree, &path);
        let error = Value::from(tree).deserialize::<RawConfig>().map(|_| ()).unwrap_err();
        let ErrorKind::UnknownField(_, expected) = error.kind else {
            panic!("{table:?}: {error}");
        };
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        known.sort_unstable();
        assert_eq!(expected, known, "{table:?}");
    }
}

fn insert(table: &mut Dict, path: &[&str]) {
    match path {
        [name] => {
            table.insert((*name).to_owned(), Value::from(1));
        }
        [name, rest @ ..] => {
            let Some(Value::Dict(_, table)) = table.get_mut(*name) else {
                panic!("{path:?}");
            };
            insert(table, rest);
        }
        [] => {}
    }
}

/// The example with every key in it switched on: comments that look like a key become one.
fn example_in_full() -> String {
    let example = example();
    let lines = example.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.split(' ').nth(1) == Some("=") => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_good_as_it_is() {
    let config = read(&example(), &[]).unwrap();
    let methods: Vec<_> = config
        .connections
        .values()
        .map(|connection| connection.connection.auth.name())
        .collect();
    assert_eq!(
        methods,
        [
            "managed-cross-account",
            "default-chain",
            "access-key",
            "access-key-assume-role"
        ]
    );
}

#[test]
fn the_example_has_every_key_with_its_default() {
    let document: toml_edit::DocumentMut = example_in_full().parse().unwrap();
    for key in keys::all() {
        let places = find_all(document.as_item(), &key.path);
        assert!(!places.is_empty(), "deploy/example.toml lacks {}", key.path);
        let is_fixed = !key.path.contains('*');
        if let (keys::Fallback::Value(default), true) = (&key.default, is_fixed) {
            let plain = places[0].clone().decorated("", "");
            assert_eq!(plain.to_string(), *default, "{}", key.path);
        }
    }
}

/// The values at the path, for every name at its `*`.
fn find_all<'a>(item: &'a toml_edit::Item, path: &str) -> Vec<&'a toml_edit::Value> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(table) = item.as_table_like() else {
        return Vec::new();
    };
    let children = table.iter().filter(|(key, _)| name == "*" || *key == name);
    children
        .flat_map(|(_, child)| match rest {
            Some(rest) => find_all(child, rest),
            None => child.as_value().into_iter().collect(),
        })
        .collect()
}

#[test]
fn every_default_is_good() {
    let config = read(REPORTS, &[]);
    config.unwrap();
    for key in keys::all() {
        if let keys::Fallback::Same(other) = &key.default {
            assert!(keys::all().iter().any(|key| key.path == *other), "{other}");
        }
    }
}

#[test]
fn the_effective_configuration_shows_every_key_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    let toml = REPORTS
        .replace("env:REPORTS_SECRET", "SENTINEL")
        .replace("AKIDEXAMPLE", "AKSENTINEL")
        + "session_token = \"env:TOKEN\"\n[upstream]\nhttps_proxy = \"http://me:SENTINEL@proxy\"\n\
           no_proxy = \"a,http://me:SENTINEL@x,.b\"\n";
    std::fs::write(&file, toml).unwrap();
    let overrides = Overrides {
        file: Some(file),
        ..Overrides::default()
    };
    let loaded = load(
        &overrides,
        &Environment::empty().with_schemes(schemes::all()),
        ChainFiles::none,
    )
    .unwrap();
    let (toml, json) = (loaded.effective.to_toml(), loaded.effective.to_json());
    let all = format!("{toml}{json}{:?}{:?}", loaded.effective, loaded.config);
    assert!(!all.contains("SENTINEL"), "{all}");
    assert!(toml.contains("secret_access_key = \"literal:<redacted>\""), "{toml}");
    assert!(toml.contains("session_token = \"env:TOKEN\""), "{toml}");
    assert!(toml.contains("https_proxy = \"http://<redacted>@proxy\""), "{toml}");
    assert!(toml.contains("no_proxy = \"a,x,.b\""), "{toml}");
    assert!(toml.contains("[connections.reports.limits]"), "{toml}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["connections"]["reports"]["limits"]["max_body"], "5GiB");
    assert_eq!(read["server"]["max_clients"], 1024);

    // What is shown can be loaded, and shows the same again.
    let file = folder.path().join("shown.toml");
    std::fs::write(&file, &toml).unwrap();
    let overrides = Overrides {
        file: Some(file),
        ..Overrides::default()
    };
    let again = load(
        &overrides,
        &Environment::empty().with_schemes(schemes::all()),
        ChainFiles::none,
    )
    .unwrap();
    assert_eq!(again.effective.to_toml(), toml);
}

#[test]
fn filling_gives_defaults_to_every_connection() {
    let mut tree = crate::variables::tree([(KeyPath::of("connections.a.service"), Value::from("s3"))]);
    effective::fill(&mut tree, |_| false);
    let mut shown = String::new();
    write!(
        shown,
        "{:?}",
        Value::from(tree).find_ref("connections.a.limits.max_body")
    )
    .unwrap();
    assert!(shown.contains("5GiB"), "{shown}");
}
