//! STS: who may assume what, and what the temporary keys are good for.

use std::time::{Duration, SystemTime};

use sandbox::principals::{ACME_PROXY, BYSTANDER, CLERK, FOR_THE_PROXY, OPEN_TO_ALL, REPORT_READER, REPORTER, ROBOT};
use sandbox::{ManualClock, Sandbox, SandboxSettings};

use crate::support::{Draft, Keys, TestResponse, send};

/// Calls `AssumeRole` with more parameters.
pub(crate) async fn assume_response(sandbox: &Sandbox, keys: Keys, role: &str, more: &str) -> TestResponse {
    let role = role.replace(':', "%3A").replace('/', "%2F");
    let form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=test-session{more}");
    let draft = Draft::query("sts", &form).with_keys(keys);
    send(sandbox.sts(), draft.sign(sandbox.sts())).await
}

/// Assumes a role that must be granted.
pub(crate) async fn assume(sandbox: &Sandbox, keys: Keys, role: &str, external_id: Option<&str>) -> Keys {
    let more = external_id.map_or_else(String::new, |id| format!("&ExternalId={id}"));
    let response = assume_response(sandbox, keys, role, &more).await;
    assert_eq!(response.status, 200, "{response:?}");
    keys_of(&response)
}

fn keys_of(response: &TestResponse) -> Keys {
    Keys {
        id: response.element("AccessKeyId").to_owned(),
        secret: response.element("SecretAccessKey").to_owned(),
        token: Some(response.element("SessionToken").to_owned()),
    }
}

async fn whoami(sandbox: &Sandbox, draft: Draft) -> TestResponse {
    send(sandbox.sts(), draft.sign(sandbox.sts())).await
}

fn identity_of(keys: Keys) -> Draft {
    Draft::query("sts", "Action=GetCallerIdentity&Version=2011-06-15").with_keys(keys)
}

async fn start() -> Sandbox {
    Sandbox::start(SandboxSettings::default()).await.unwrap()
}

#[tokio::test]
async fn callers_learn_who_they_are() {
    let sandbox = start().await;
    for user in Sandbox::users() {
        let response = whoami(&sandbox, identity_of((*user).into())).await;
        assert_eq!(response.element("Arn"), user.arn);
        assert_eq!(response.element("Account"), user.account);
        assert_eq!(response.element("UserId"), user.user_id);
    }
    let by_get = Draft::new("sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(whoami(&sandbox, by_get).await.element("Arn"), REPORTER.arn);
    let session = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    let response = whoami(&sandbox, identity_of(session)).await;
    assert_eq!(
        response.element("Arn"),
        "arn:aws:sts::111122223333:assumed-role/report-reader/test-session"
    );
}

#[tokio::test]
async fn the_customers_role_needs_the_right_external_id() {
    let sandbox = start().await;
    let mut events = sandbox.events();
    let external_id = FOR_THE_PROXY.external_id.unwrap();
    let keys = assume(&sandbox, ACME_PROXY.into(), FOR_THE_PROXY.arn, Some(external_id)).await;
    assert!(keys.id.starts_with("ASIA") && keys.id.len() == 20);
    for more in ["", "&ExternalId=wrong-one"] {
        let rejected = assume_response(&sandbox, ACME_PROXY.into(), FOR_THE_PROXY.arn, more).await;
        assert_eq!((rejected.status.as_u16(), rejected.code()), (403, "AccessDenied"));
        assert_eq!(rejected.element("Type"), "Sender");
        assert_eq!(
            rejected.element("Message"),
            "User: arn:aws:iam::444455556666:user/acme-proxy is not authorized to perform: sts:AssumeRole \
             on resource: arn:aws:iam::222233334444:role/for-the-proxy"
        );
        assert!(
            rejected
                .body
                .contains("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">")
        );
    }
    let seen = events.drain();
    assert_eq!(seen[0].operation.as_deref(), Some("AssumeRole"));
    assert_eq!(seen.iter().filter(|event| event.is_accepted()).count(), 1);
}

#[tokio::test]
async fn who_is_not_trusted_and_what_does_not_exist_is_rejected_alike() {
    let sandbox = start().await;
    let external_id = format!("&ExternalId={}", FOR_THE_PROXY.external_id.unwrap());
    for (user, role, more) in [
        (ROBOT, FOR_THE_PROXY.arn, external_id.as_str()),
        (ACME_PROXY, REPORT_READER.arn, ""),
        (REPORTER, REPORT_READER.arn, ""),
        (ROBOT, "arn:aws:iam::111122223333:role/no-such-role", ""),
        (ROBOT, "arn:aws:iam::111122223333:role/report-reader", ""),
    ] {
        let rejected = assume_response(&sandbox, user.into(), role, more).await;
        assert_eq!(
            (rejected.status.as_u16(), rejected.code()),
            (403, "AccessDenied"),
            "{role}"
        );
        let expected = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}",
            user.arn
        );
        assert_eq!(rejected.element("Message"), expected);
    }
}

#[tokio::test]
async fn missing_policy_is_reported_before_trust_is_looked_at() {
    let sandbox = start().await;
    let rejected = assume_response(&sandbox, CLERK.into(), REPORT_READER.arn, "").await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (403, "AccessDenied"));
    let why = "because no identity-based policy allows the sts:AssumeRole action";
    assert!(rejected.element("Message").ends_with(why), "{rejected:?}");
}

#[tokio::test]
async fn a_role_without_a_policy_has_sessions_that_may_do_nothing() {
    let sandbox = start().await;
    let keys = assume(&sandbox, ROBOT.into(), BYSTANDER.arn, None).await;
    let s3 = Draft::new("s3", "GET", "/").with_keys(keys.clone());
    let rejected = send(sandbox.s3(), s3.sign(sandbox.s3())).await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (403, "AccessDenied"));
    assert_eq!(whoami(&sandbox, identity_of(keys)).await.status, 200);
}

#[tokio::test]
async fn a_role_whose_trust_asks_for_no_external_id_takes_any() {
    let sandbox = start().await;
    for external_id in [None, Some("one"), Some("another")] {
        assume(&sandbox, ACME_PROXY.into(), OPEN_TO_ALL.arn, external_id).await;
    }
}

#[tokio::test]
async fn parameters_have_bounds() {
    let sandbox = start().await;
    let check = async |form: &str, code: &str, message: &str| {
        let draft = Draft::query("sts", form).with_keys(ROBOT);
        let rejected = send(sandbox.sts(), draft.sign(sandbox.sts())).await;
        assert_eq!((rejected.status.as_u16(), rejected.code()), (400, code), "{form}");
        assert!(rejected.element("Message").contains(message), "{rejected:?}");
    };
    let with = |more: &str| {
        let arn = REPORT_READER.arn;
        format!("Action=AssumeRole&Version=2011-06-15&RoleArn={arn}{more}")
    };
    let validation = "ValidationError";
    check(&with(""), validation, "Value null at &apos;roleSessionName&apos;").await;
    check(
        &with("&RoleSessionName=a"),
        validation,
        "length greater than or equal to 2",
    )
    .await;
    check(&with("&RoleSessionName=a%20b"), validation, r"pattern: [\w+=,.@-]*").await;
    let long = "x".repeat(65);
    check(
        &with(&format!("&RoleSessionName={long}")),
        validation,
        "length less than or equal to 64",
    )
    .await;
    check(
        &with("&RoleSessionName=ok&DurationSeconds=899"),
        validation,
        "greater than or equal to 900",
    )
    .await;
    check(
        &with("&RoleSessionName=ok&DurationSeconds=43201"),
        validation,
        "less than or equal to 43200",
    )
    .await;
    check(&with("&RoleSessionName=ok&ExternalId=a"), validation, "externalId").await;
    check(
        &with("&RoleSessionName=ok&Policy=nonsense"),
        "MalformedPolicyDocument",
        "JSON",
    )
    .await;
    check(
        "Action=AssumeRole&Version=2011-06-15",
        validation,
        "Value null at &apos;roleArn&apos;",
    )
    .await;
    check("Action=Dance&Version=2011-06-15", "InvalidAction", "Dance").await;
    check("Action=AssumeRole", "InvalidAction", "NO_VERSION_SPECIFIED").await;
    check("Version=2011-06-15", "MissingAction", "Action").await;

    let external_id = FOR_THE_PROXY.external_id.unwrap();
    let more = format!("&ExternalId={external_id}&DurationSeconds=3601");
    let rejected = assume_response(&sandbox, ACME_PROXY.into(), FOR_THE_PROXY.arn, &more).await;
    assert!(rejected.element("Message").contains("MaxSessionDuration"));
}

#[tokio::test]
async fn sessions_end_when_they_said_they_would() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
    let settings = SandboxSettings {
        clock: std::sync::Arc::new(clock.clone()),
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let now = || auth_model::Clock::now(&clock);
    let at = |mut draft: Draft| {
        draft.time = now();
        draft
    };
    let form = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=short&DurationSeconds=900",
        REPORT_READER.arn
    );
    let response = whoami(&sandbox, at(Draft::query("sts", &form).with_keys(ROBOT))).await;
    assert_eq!(response.element("Expiration"), "2033-05-18T03:48:20Z");
    assert_eq!(response.headers["date"], "Wed, 18 May 2033 03:33:20 GMT");
    let keys = keys_of(&response);
    clock.advance(Duration::from_secs(899));
    assert_eq!(whoami(&sandbox, at(identity_of(keys.clone()))).await.status, 200);
    // s3s would judge by the system's clock: it is set not to.
    let s3 = at(Draft::new("s3", "GET", "/sandbox-bucket").with_keys(keys.clone()));
    assert_eq!(send(sandbox.s3(), s3.sign(sandbox.s3())).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let expired = whoami(&sandbox, at(identity_of(keys.clone()))).await;
    assert_eq!((expired.status.as_u16(), expired.code()), (403, "ExpiredToken"));
    let s3 = at(Draft::new("s3", "GET", "/sandbox-bucket").with_keys(keys));
    assert_eq!(send(sandbox.s3(), s3.sign(sandbox.s3())).await.code(), "ExpiredToken");
}

#[tokio::test]
async fn session_tokens_are_for_long_term_keys() {
    let sandbox = start().await;
    let form = "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900";
    let response = whoami(&sandbox, Draft::query("sts", form)).await;
    let keys = keys_of(&response);
    let who = whoami(&sandbox, identity_of(keys.clone())).await;
    assert_eq!(who.element("Arn"), REPORTER.arn);
    let rejected = whoami(&sandbox, Draft::query("sts", form).with_keys(keys)).await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (403, "AccessDenied"));
}
