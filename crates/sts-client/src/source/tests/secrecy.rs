//! Responses full of secrets, and everything that is shown of them.

use std::time::SystemTime;

use super::*;
use crate::testing::Log;

/// An response and what becomes of it.
type Scene = (fn(SystemTime) -> ScriptedResponse, &'static str);

/// Responses that hold secrets, in the forms that loosely written code would repeat.
const SCENES: [Scene; 6] = [
    (|now| session("ASIA1", SESSION_SECRET, SESSION_TOKEN, now + HOUR), "ok"),
    (
        |_| {
            let body = format!("<AssumeRoleResponse><SecretAccessKey>{SESSION_SECRET}</Secret{SESSION_TOKEN}");
            ScriptedResponse::Status(200, body)
        },
        "sts_unreadable_response",
    ),
    (
        |_| {
            let canonical = format!("POST\nx-amz-security-token:{BASE_TOKEN}\n");
            let message = format!(
                "The request signature we calculated does not match.\n\n\
                 The Canonical String for this request should have been\n'{canonical}'"
            );
            error_response(403, "SignatureDoesNotMatch", &message)
        },
        "keys_rejected",
    ),
    (
        |_| ScriptedResponse::Status(502, format!("<html>{SESSION_SECRET}</html>")),
        "sts_server_error",
    ),
    (
        |_| error_response(400, "Odd\n\nCode", &format!("first line\n{SESSION_TOKEN}")),
        "sts_unreadable_response",
    ),
    (|_| ScriptedResponse::ConnectionRefused, "sts_unreachable"),
];

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_any_error_any_debug_or_any_log_line_at_trace() {
    let (log, _guard) = Log::capture();
    for (response, want) in SCENES {
        let clock = VirtualClock::new();
        let now = clock.clone();
        let sts = ScriptedSts::new(move |_| response(now.now()));
        let mut keys = key_parts();
        keys.session_token = Some("env:TOKEN".parse().unwrap());
        let auth = managed(keys.into(), AssumeRoleOptions::default());
        let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);

        let outcome = source.credentials().await;
        assert_eq!(outcome.as_ref().map_or_else(CredentialError::code, |_| "ok"), want);
        let mut shown = format!("{outcome:?} {source:?} {:?}", source.state());
        if let Err(error) = &outcome {
            tracing::error!(error = error as &dyn std::error::Error, "as the proxy would");
            shown += &error.to_string();
        }
        assert_clean(&shown);
    }
    let text = log.text();
    assert_eq!(text.matches("obtaining credentials failed").count(), SCENES.len() - 1);
    assert!(text.contains("obtained credentials"), "{text}");
    assert_clean(&text);
}

#[track_caller]
fn assert_clean(text: &str) {
    for secret in [SECRET, BASE_TOKEN, SESSION_SECRET, SESSION_TOKEN, "ASIA1", "Signature="] {
        assert!(!text.contains(secret), "{secret} is in: {text}");
    }
}
