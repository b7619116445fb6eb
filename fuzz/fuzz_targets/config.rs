//! Any text as a configuration, and any text as variables beside it: read or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signing_proxy::config::{Config, Environment};

fuzz_target!(|input: (&str, Vec<(&str, &str)>)| {
    let (toml, variables) = input;
    let variables = variables
        .iter()
        .map(|(name, value)| (format!("SIGNING_PROXY_{name}"), *value));
    let environment: Environment = variables.collect();
    if let Err(error) = Config::from_toml(toml, &environment) {
        assert!(!error.problems().is_empty());
        assert!(error.problems().iter().all(|problem| !problem.message().is_empty()));
    }
});
