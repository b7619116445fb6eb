//! Any text as a configuration, and lines of it (`#$ NAME=value`) as variables: read, or rejected without showing a value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proxy_config::{Config, Environment};
use toml_edit::{ImDocument, Item, TableLike, Value};

/// A secret, wherever it stands.
const SECRET: &str = "hunter2";

fuzz_target!(|text: &str| {
    let variables: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#$ ")?.split_once('='))
        .collect();
    let environment: Environment = variables
        .iter()
        .map(|(name, value)| (format!("SIGNING_PROXY_{name}"), *value))
        .collect();
    match Config::from_toml(text, &environment) {
        Ok(config) => assert!(!config.connections.is_empty()),
        Err(error) => {
            assert!(!error.problems().is_empty());
            assert!(error.problems().iter().all(|problem| !problem.message().is_empty()));
            let is_named = variables.iter().any(|(name, _)| has_secret(name)) || names_secret(text);
            assert!(is_named || !has_secret(&error.to_string()), "{error}");
        }
    }
});

fn has_secret(text: &str) -> bool {
    text.to_ascii_lowercase().contains(SECRET)
}

/// Whether a key is called like the secret: keys are shown. A text that is no TOML may repeat keys of it.
fn names_secret(text: &str) -> bool {
    match ImDocument::parse(text) {
        Ok(document) => is_in_keys(document.as_table()),
        Err(error) => error.message().contains("key"),
    }
}

fn is_in_keys(table: &dyn TableLike) -> bool {
    table.iter().any(|(name, item)| has_secret(name) || is_in_item(item))
}

fn is_in_item(item: &Item) -> bool {
    match item {
        Item::None => false,
        Item::Value(value) => is_in_value(value),
        Item::Table(table) => is_in_keys(table),
        Item::ArrayOfTables(tables) => tables.iter().any(|table| is_in_keys(table)),
    }
}

fn is_in_value(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(is_in_value),
        Value::InlineTable(table) => is_in_keys(table),
        _ => false,
    }
}
