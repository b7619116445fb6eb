//! What is read, and what is rejected with which words.

mod assets;
mod browsers;
mod egress;
mod keys;
mod precedence;
mod properties;
mod record;
mod reference;
mod rejected;
mod rejected_auth;
mod roles;
pub(crate) mod schemes;
mod session;
mod stores;
mod warnings;

use super::{Config, ConfigError, Environment};

/// A connection that is complete, to which rows add.
const REPORTS: &str = r#"
[connections.reports]
service = "s3"
region = "eu-west-1"
[connections.reports.auth]
method = "access-key"
access_key_id = "AKIDEXAMPLE"
secret_access_key = "env:REPORTS_SECRET"
"#;

/// The auth of a connection `a` that needs nothing else.
const CHAIN: &str = "[connections.a.auth]\nmethod = \"default-chain\"\n";

/// A connection with this body after its name.
fn connection(body: &str) -> String {
    format!("[connections.a]\n{body}")
}

fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment: Environment = variables.iter().copied().collect();
    Config::from_toml(toml, &environment.with_schemes(schemes::all()))
}

/// Rejects the text with exactly these lines.
#[track_caller]
fn reject(toml: &str, want: &[&str]) {
    reject_with(toml, &[], want);
}

#[track_caller]
fn reject_with(toml: &str, variables: &[(&str, &str)], want: &[&str]) {
    let error = read(toml, variables).expect_err("it is rejected").to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines, want, "\n{error}");
}

/// Operators know services by the names of the SDKs and the AWS CLI, which are not always endpoint prefixes.
#[test]
fn a_service_may_be_named_as_sdks_name_it() {
    for (written, want) in [
        ("ses", "email"),
        ("ecr", "api.ecr"),
        ("email", "email"),
        ("bedrock", "bedrock"),
        ("bedrock-runtime", "bedrock-runtime"),
        ("not-yet-known", "not-yet-known"),
    ] {
        let toml = format!(
            "{}service = \"{written}\"\nregion = \"eu-west-1\"\n{CHAIN}",
            connection("")
        );
        let config = read(&toml, &[]).unwrap();
        let service = config
            .connections
            .values()
            .next()
            .map(|read| read.connection.service.as_str());
        assert_eq!(service, Some(want), "{written}");
    }
}
