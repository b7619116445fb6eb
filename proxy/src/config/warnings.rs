//! What is right as it stands, and still worth a second look: nothing here stops a start.

use auth_model::{AuthMethod, KeyAssets};

use super::{Config, ConnectionConfig};

impl Config {
    /// What `config check` and `serve` warn of, each a line that names its key.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let of = |connection: &ConnectionConfig| {
            let name = &connection.connection.name;
            vends_own_keys(connection).map(|warning| format!("connections.{name}.service: {warning}"))
        };
        self.connections.values().filter_map(of).collect()
    }
}

/// STS answers a user's own keys with a session that has nearly all rights of that user, for up to 36 hours.
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
    use crate::config::Environment;

    #[test]
    fn a_user_s_own_keys_for_sts_are_worth_a_warning() {
        let warnings = |service: &str, more: &str| {
            let toml = format!(
                "[connections.a]\nservice = \"{service}\"\nregion = \"eu-west-1\"\n[connections.a.auth]\n\
                 method = \"access-key\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"s\"\n{more}"
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
