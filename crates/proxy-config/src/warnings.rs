//! What is valid, and still worth a second look: nothing here prevents a start.

mod keys;
mod names;

use std::time::Duration;

use auth_model::{AuthMethod, Connection, KeyAssets};
use aws_endpoints::{names_resources_by_host, parse_host};

use super::{BrowserMode, Config, ConnectionConfig, EndpointUrl};
pub use keys::{KeyPlace, SECRET_LENGTH, of_length};

impl Config {
    /// What `config check` and `serve` warn of, each a line that names its key.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let of = |connection: &ConnectionConfig| {
            let name = &connection.connection.name;
            let vends = vends_own_keys(connection).map(|warning| format!("connections.{name}.service: {warning}"));
            let hosts = reaches_no_resource(connection).then(|| {
                let Connection { service, .. } = &connection.connection;
                format!(
                    "connections.{name}.hosts: is empty, and there is no endpoint: requests for the resources of \
                     {service} have hosts of their own, none of which is signed for"
                )
            });
            let names = [names::service(connection), names::region(connection)];
            vends.into_iter().chain(hosts).chain(names.into_iter().flatten())
        };
        let mut warnings = self.notices.clone();
        warnings.extend(browsers_pass(self));
        warnings.extend(delay_is_all(self));
        warnings.extend(self.connections.values().flat_map(of));
        warnings.extend(names::ambiguous(self));
        warnings.extend(names::alike(self));
        warnings.extend(keys::of_another_length(self));
        warnings
    }
}

/// The rule by which browsers are rejected is off.
fn browsers_pass(config: &Config) -> Option<String> {
    let warning = match config.server.browsers.mode {
        BrowserMode::Reject => return None,
        BrowserMode::Pass => {
            "lets the requests of browsers pass, so that any web page that reaches a listener acts with the connections' \
             credentials: only where nothing but a back end reaches the proxy, which has to keep other sites' pages out by \
             itself"
        }
    };
    Some(format!("server.browsers.mode: {warning}"))
}

/// When the delay of a shutdown is over, running requests are cut.
fn delay_is_all(config: &Config) -> Option<String> {
    let (delay, deadline) = (config.server.shutdown_delay, config.server.shutdown_deadline);
    let is_all = !delay.is_zero() && deadline.saturating_sub(delay) < Duration::from_secs(1);
    let warning = "server.shutdown_delay: is a part of server.shutdown_deadline, of which it leaves less than a second: \
                   requests that run when it is over are cut";
    is_all.then(|| warning.to_owned())
}

/// Whether AWS is there: it has no endpoint of the operator's, or one that is AWS's.
fn is_at_aws(endpoint: Option<&EndpointUrl>) -> bool {
    endpoint.is_none_or(|url| parse_host(url.host()).is_ok())
}

/// Whether the requests that the service is for are all rejected.
fn reaches_no_resource(config: &ConnectionConfig) -> bool {
    names_resources_by_host(&config.connection.service) && config.hosts.is_empty() && config.endpoint.is_none()
}

/// STS responds to a user's own keys with a session that has nearly all rights of that user, for up to 36 hours.
///
/// Source: STS API reference, `GetSessionToken`.
fn vends_own_keys(config: &ConnectionConfig) -> Option<&'static str> {
    let is_sts = config.connection.service.as_str() == "sts";
    let is_long_term = match &config.connection.auth {
        AuthMethod::AccessKey {
            keys: KeyAssets::Parts(parts),
        } => parts.session_token.is_none(),
        AuthMethod::AccessKey {
            keys: KeyAssets::Leased(_),
        }
        | AuthMethod::AccessKeyAssumeRole { .. }
        | AuthMethod::ManagedCrossAccount { .. }
        | AuthMethod::DefaultChain { .. } => false,
    };
    (is_sts && is_long_term).then_some(
        "signs for STS with a user's own access key, for which STS hands out sessions of that user; only the actions in \
         vend_credentials are let through, so list none that clients can do without, or use a role",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    /// As long as those of AWS.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn a_connection_that_reaches_no_resource_is_worth_a_warning() {
        let warnings = |service: &str, more: &str| {
            let toml = format!(
                "[connections.a]\nservice = \"{service}\"\nregion = \"eu-west-1\"\n{more}\n[connections.a.auth]\n\
                 method = \"default-chain\""
            );
            Config::from_toml(&toml, &Environment::empty()).unwrap().warnings()
        };
        for service in ["execute-api", "es", "appsync", "vpc-lattice-svcs", "data-ats.iot"] {
            let found = warnings(service, "");
            assert!(
                found.len() == 1 && found[0].starts_with("connections.a.hosts: ") && found[0].contains(service),
                "{found:?}"
            );
            assert!(warnings(service, "endpoint = \"https://a.example\"").is_empty());
        }
        assert!(warnings("execute-api", "hosts = [\"*.execute-api.eu-west-1.amazonaws.com\"]").is_empty());
        for service in ["s3", "dynamodb", "lambda"] {
            assert!(warnings(service, "").is_empty(), "{service}");
        }
    }

    #[test]
    fn a_user_s_own_keys_for_sts_are_worth_a_warning() {
        let warnings = |service: &str, more: &str| {
            let toml = format!(
                "[connections.a]\nservice = \"{service}\"\nregion = \"eu-west-1\"\n[connections.a.auth]\n\
                 method = \"access-key\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"{SECRET}\"\n{more}"
            );
            Config::from_toml(&toml, &Environment::empty()).unwrap().warnings()
        };
        let of_sts = warnings("sts", "");
        assert!(
            of_sts.len() == 1 && of_sts[0].starts_with("connections.a.service: "),
            "{of_sts:?}"
        );
        assert!(warnings("sts", "session_token = \"t\"").is_empty());
        assert!(warnings("s3", "").is_empty());
    }
}
