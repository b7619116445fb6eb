//! What `/readyz` reports.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use sts_client::CredentialState;

use super::WatchedConnection;
use super::loads::LoadsReport;

/// `is_ready` is the verdict, `serves` whether no shutdown has begun.
pub(super) fn readiness(is_ready: bool, serves: bool, connections: &[WatchedConnection], loads: &LoadsReport) -> Value {
    let connections: Map<String, Value> = connections
        .iter()
        .map(|watched| (watched.connection.name.to_string(), connection(watched)))
        .collect();
    json!({
        "ready": is_ready,
        "version": env!("CARGO_PKG_VERSION"),
        "state": if serves { "serving" } else { "draining" },
        "configuration": configuration(loads),
        "connections": connections,
    })
}

/// Which program this is: what it was built from, where whoever built it said so, and with what.
pub(super) fn version() -> Value {
    let features: &[&str] = if cfg!(feature = "sandbox") { &["sandbox"] } else { &[] };
    json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "commit": option_env!("BUILD_COMMIT").filter(|commit| !commit.is_empty()),
        "features": features,
    })
}

fn configuration(loads: &LoadsReport) -> Value {
    let failure = loads.failure.as_ref();
    json!({
        "generation": loads.generation,
        "fingerprint": format!("{:012x}", loads.fingerprint),
        "loaded_at": rfc3339(loads.loaded_at),
        "failed_reload": failure.map(|failure| json!({ "at": rfc3339(failure.at), "problems": failure.problems })),
    })
}

fn connection(WatchedConnection { connection, source }: &WatchedConnection) -> Value {
    json!({
        "service": connection.service.to_string(),
        "region": connection.region.to_string(),
        "auth": connection.auth.name(),
        "credentials": credentials(&source.state()),
        "assets": assets(source.stale_for()),
    })
}

/// Where the keys come from that the credentials are or are made with.
fn assets(stale_for: Option<Duration>) -> Value {
    match stale_for {
        None => json!({ "state": "as-read" }),
        Some(age) => json!({ "state": "last-known", "confirmed_seconds_ago": age.as_secs() }),
    }
}

fn credentials(state: &CredentialState) -> Value {
    match state {
        CredentialState::Never => json!({ "state": "not-requested-yet" }),
        CredentialState::Valid { expires_at } => json!({ "state": "valid", "expires_at": expires_at.map(rfc3339) }),
        CredentialState::Degraded { expires_at, code } => {
            json!({ "state": "valid-but-not-renewed", "expires_at": expires_at.map(rfc3339), "error": code })
        }
        CredentialState::Rejected { since, expires_at } => {
            json!({ "state": "rejected-by-aws", "rejected_since": rfc3339(*since), "expires_at": expires_at.map(rfc3339) })
        }
        CredentialState::Failing { code, is_permanent } => {
            json!({ "state": "failing", "error": code, "permanent": is_permanent })
        }
        CredentialState::Lapsed { since } => json!({ "state": "expired", "expired_at": rfc3339(*since) }),
        _ => json!({ "state": "unknown" }),
    }
}

fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[track_caller]
    fn check(state: &CredentialState, want: &Value) {
        assert_eq!(&credentials(state), want);
    }

    #[test]
    fn keys_that_serve_unconfirmed_are_reported() {
        assert_eq!(assets(None), json!({ "state": "as-read" }));
        let age = Some(Duration::from_secs(90));
        assert_eq!(
            assets(age),
            json!({ "state": "last-known", "confirmed_seconds_ago": 90 })
        );
    }

    #[test]
    fn every_state_has_a_name_of_its_own() {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        check(&CredentialState::Never, &json!({ "state": "not-requested-yet" }));
        check(
            &CredentialState::Valid { expires_at: None },
            &json!({ "state": "valid", "expires_at": null }),
        );
        check(
            &CredentialState::Degraded {
                expires_at: Some(at),
                code: "throttled",
            },
            &json!({
                "state": "valid-but-not-renewed", "expires_at": "2023-11-14T22:13:20Z", "error": "throttled"
            }),
        );
        check(
            &CredentialState::Rejected {
                since: at,
                expires_at: None,
            },
            &json!({ "state": "rejected-by-aws", "rejected_since": "2023-11-14T22:13:20Z", "expires_at": null }),
        );
        check(
            &CredentialState::Failing {
                code: "access-denied",
                is_permanent: true,
            },
            &json!({ "state": "failing", "error": "access-denied", "permanent": true }),
        );
        check(
            &CredentialState::Lapsed { since: at },
            &json!({ "state": "expired", "expired_at": "2023-11-14T22:13:20Z" }),
        );
    }
}
