//! `serve --bench-without-signing`: the baseline of load tests.

use std::net::IpAddr;

use super::key_path::KeyPath;
use super::problem::{ConfigError, Origin, Problem};
use super::{Config, EndpointUrl};

/// Switches signing off, where every request stays on this machine.
///
/// # Errors
///
/// A connection's endpoint is not an address of the loopback interface: unsigned requests go nowhere else.
pub(super) fn sign_nothing(config: &mut Config) -> Result<(), ConfigError> {
    let elsewhere = |endpoint: &Option<EndpointUrl>| !endpoint.as_ref().is_some_and(is_local);
    let problems: Vec<_> = config
        .connections
        .iter()
        .filter(|(_, connection)| elsewhere(&connection.endpoint))
        .map(|(name, _)| {
            let key = KeyPath::of(&format!("connections.{name}.endpoint"));
            let message = "must be a loopback address such as http://127.0.0.1:9000 while nothing is signed";
            Problem::new(Origin::Flag("--bench-without-signing"), key, message)
        })
        .collect();
    if !problems.is_empty() {
        return Err(ConfigError::new(problems));
    }
    for connection in config.connections.values_mut() {
        connection.signs = false;
    }
    Ok(())
}

/// Whether the host is a literal address of this machine: a name could lead anywhere.
fn is_local(endpoint: &EndpointUrl) -> bool {
    let host = endpoint.host().trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainFiles, Environment, Overrides, load};

    #[track_caller]
    fn with_endpoint(endpoint: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bench.toml");
        let text = format!(
            "[connections.a]\nservice = \"s3\"\nregion = \"us-east-1\"\n{endpoint}\n\
             [connections.a.auth]\nmethod = \"default-chain\"\n"
        );
        std::fs::write(&file, text).unwrap();
        let overrides = Overrides {
            file: Some(file),
            bench_without_signing: true,
            ..Overrides::default()
        };
        load(&overrides, &Environment::default(), ChainFiles::none).map(|loaded| loaded.config)
    }

    #[test]
    fn nothing_unsigned_leaves_the_machine() {
        for endpoint in [
            "",
            "endpoint = \"http://192.0.2.1:9000\"\nallow_cleartext = true",
            "endpoint = \"http://localhost.example.com:9000\"\nallow_cleartext = true",
            "endpoint = \"https://s3.us-east-1.amazonaws.com\"",
        ] {
            let error = with_endpoint(endpoint).unwrap_err().to_string();
            assert!(error.contains("connections.a.endpoint"), "{error}");
            assert!(error.contains("loopback"), "{error}");
        }
    }

    #[test]
    fn loopback_is_measured() {
        for endpoint in ["http://127.0.0.1:9000", "https://[::1]:9000"] {
            let config = with_endpoint(&format!("endpoint = \"{endpoint}\"")).unwrap();
            assert!(config.connections.values().all(|connection| !connection.signs));
        }
    }
}
