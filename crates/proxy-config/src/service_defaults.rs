//! Keys of a connection whose default follows its service.

use super::keys::Key;

/// Services, keys of a connection, and what these are there, where the operator has set neither them nor `defaults`.
///
/// | Service | Source |
/// |---|---|
/// | `bedrock-runtime` | Nova 2 User Guide, "Important: Timeout Configuration": up to 60 minutes, `read_timeout=3600`; AWS re:Post, "read timeout errors [..] in Amazon Bedrock": begin with 3,600 seconds |
/// | `bedrock-mantle` | Bedrock User Guide, "Endpoints supported by Amazon Bedrock": serves the same kind of inference; no figure of its own |
/// | `bedrock-agentcore` | Bedrock `AgentCore` Developer Guide, "Quotas", invocation limits: requests 15 minutes, streams 60 minutes |
const ROWS: [(&str, &[&str], &str); 3] = [
    ("bedrock-runtime", &READS, "1h"),
    ("bedrock-mantle", &READS, "1h"),
    ("bedrock-agentcore", &READS, "1h"),
];

const READS: [&str; 2] = ["timeouts.response", "timeouts.body_idle"];

/// The default of the key, named below its connection, for this service; `None` where it has none of its own.
pub(super) fn default_for(service: &str, key: &str) -> Option<&'static str> {
    let row = ROWS
        .iter()
        .find(|(name, keys, _)| *name == service && keys.contains(&key))?;
    Some(row.2)
}

/// The default that some services have for this key, whether it is that of a connection or of all of them.
pub(super) fn of_key(key: &Key) -> Option<&'static str> {
    let name = ["connections.*.", "defaults."]
        .iter()
        .find_map(|table| key.path.strip_prefix(table))?;
    let (_, _, value) = ROWS.iter().find(|(_, keys, _)| keys.contains(&name))?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_model::ServiceId;

    use super::*;
    use crate::{Config, Environment, Timeouts};

    const PAGE: &str = include_str!("../../../docs/configuration/defaults.md");
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;

    /// The timeouts of a connection to this service, with these keys of it, these tables, and these variables.
    fn timeouts(service: &str, keys: &str, tables: &str, variables: &[(&str, &str)]) -> Timeouts {
        let toml = format!(
            "{tables}\n[connections.c]\nservice = \"{service}\"\nregion = \"us-east-1\"\n{keys}\n\
             auth = {{ method = \"default-chain\" }}"
        );
        let environment: Environment = variables.iter().copied().collect();
        let config = Config::from_toml(&toml, &environment).unwrap_or_else(|error| panic!("{error}"));
        config.connections.into_values().next().unwrap().timeouts
    }

    #[track_caller]
    fn check(got: Timeouts, response: u64, body_idle: u64) {
        let want = Timeouts {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(response),
            body_idle: Duration::from_secs(body_idle),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn models_and_agents_have_an_hour_and_others_five_minutes() {
        for service in ["bedrock-runtime", "bedrock-mantle", "bedrock-agentcore"] {
            check(timeouts(service, "", "", &[]), HOUR, HOUR);
        }
        for service in [
            "s3",
            "bedrock",
            "bedrock-agentcore-control",
            "bedrock-agent-runtime",
            "sts",
        ] {
            check(timeouts(service, "", "", &[]), 5 * MINUTE, 5 * MINUTE);
        }
    }

    #[test]
    fn what_the_operator_set_goes_before_the_services_default() {
        let models = "bedrock-runtime";
        let own = "timeouts = { response = \"2m\" }";
        check(timeouts(models, own, "", &[]), 2 * MINUTE, HOUR);
        let common = "[defaults.timeouts]\nbody_idle = \"3m\"";
        check(timeouts(models, "", common, &[]), HOUR, 3 * MINUTE);
        check(timeouts(models, own, common, &[]), 2 * MINUTE, 3 * MINUTE);
        // Also where it is the built-in one.
        let common = "[defaults.timeouts]\nresponse = \"5m\"";
        check(timeouts(models, "", common, &[]), 5 * MINUTE, HOUR);
        let variables = [("SIGNING_PROXY_DEFAULTS__TIMEOUTS__RESPONSE", "4m")];
        check(timeouts(models, "", "", &variables), 4 * MINUTE, HOUR);
    }

    #[test]
    fn services_are_known_and_the_documentation_has_their_row() {
        for (service, keys, value) in ROWS {
            assert!(
                aws_endpoints::is_known_service(&ServiceId::parse(service).unwrap()),
                "{service}"
            );
            let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            let row = format!("| `{service}` | {} | `\"{value}\"` |", keys.join(", "));
            assert!(
                PAGE.contains(&row),
                "docs/configuration/defaults.md lacks the row {row}"
            );
        }
    }
}
