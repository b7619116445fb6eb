//! Each auth method against a scripted STS: what is sent, what is said, what is never shown.

mod chaining;
mod options;
mod rotation;
mod secrecy;

use auth_model::{
    AssumeRoleOptions, AuthMethod, BaseKeys, ConnectionName, ExternalId, KeyAssets, KeyParts, ManagedIdentity, Region,
    RoleChain, RunsOn, ServiceId,
};
use credential_assets::FixedEnvironment;

use super::*;
use crate::state::CredentialState;
use crate::testing::sts::{Received, ScriptedResponse, ScriptedSts, error_response, identity, session};
use crate::testing::{VirtualClock, pass};

const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "baseSecretwJalrXUtnFEMI";
const BASE_TOKEN: &str = "baseTokenFwoGZXIvYXdz";
const CODE: &str = "042137";
const SESSION_SECRET: &str = "sessionSecretKyqRIGvtRp";
const SESSION_TOKEN: &str = "sessionTokenIQoJb3JpZ2lu";
const ROLE: &str = "arn:aws:iam::222233334444:role/for-the-proxy";

fn key_parts() -> KeyParts {
    KeyParts {
        access_key_id: KEY_ID.parse().unwrap(),
        secret_access_key: "env:SECRET".parse().unwrap(),
        session_token: None,
    }
}

fn key_assets() -> KeyAssets {
    key_parts().into()
}

fn connection(region: &str, auth: AuthMethod) -> Connection {
    Connection {
        name: ConnectionName::parse("reports_1").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse(region).unwrap(),
        signing_name: None,
        auth,
    }
}

fn role(role: &str, options: AssumeRoleOptions) -> AuthMethod {
    roles(&[role], options)
}

fn roles(roles: &[&str], options: AssumeRoleOptions) -> AuthMethod {
    AuthMethod::AccessKeyAssumeRole {
        base: BaseKeys::Assets(key_assets()),
        roles: RoleChain::new(roles.iter().map(|role| role.parse().unwrap())).unwrap(),
        runs_on: RunsOn::Anywhere,
        options,
    }
}

fn managed(keys: KeyAssets, options: AssumeRoleOptions) -> AuthMethod {
    AuthMethod::ManagedCrossAccount {
        identity: ManagedIdentity {
            name: "acme".parse().unwrap(),
            organisation: "Acme".parse().unwrap(),
            keys,
        },
        role_arn: ROLE.parse().unwrap(),
        external_id: ExternalId::parse("b1c9f0:a/b=c,d.e@f-g+h").unwrap(),
        options,
    }
}

/// An hour's session for every `AssumeRole`; the keys are a user's of account 123456789012.
fn obliging(clock: &VirtualClock) -> ScriptedSts {
    let clock = clock.clone();
    ScriptedSts::new(move |received| match received.field("Action") {
        Some("GetCallerIdentity") => identity("123456789012", "arn:aws-cn:iam::123456789012:user/robot"),
        _ => session("ASIA1", SESSION_SECRET, SESSION_TOKEN, clock.now() + HOUR),
    })
}

const HOUR: Duration = Duration::from_hours(1);

fn source(
    connection: &Connection,
    settings: &StsSettings,
    clock: &VirtualClock,
    sts: &ScriptedSts,
) -> CredentialSource {
    let environment = FixedEnvironment::from_iter([("SECRET", SECRET), ("TOKEN", BASE_TOKEN), ("CODE", CODE)]);
    CredentialSource::by(Means {
        wall: crate::wall::KeyWall::default(),
        connection,
        shown_as: connection.name.as_str(),
        assets: Assets::new(environment),
        settings,
        clock: Arc::new(clock.clone()),
        http: sts.http_client(),
    })
}

/// Obtains credentials once with default settings; the response is what STS was sent.
async fn sent_for(region: &str, auth: AuthMethod, settings: &StsSettings) -> Vec<Received> {
    let clock = VirtualClock::new();
    let sts = obliging(&clock);
    let source = source(&connection(region, auth), settings, &clock, &sts);
    source.credentials().await.unwrap();
    sts.take()
}

#[tokio::test(start_paused = true)]
async fn the_default_session_name_comes_from_the_connection() {
    let sent = sent_for(
        "eu-west-1",
        role(ROLE, AssumeRoleOptions::default()),
        &StsSettings::default(),
    )
    .await;
    let [request] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(request.field("RoleSessionName"), Some("signing-proxy-reports_1"));
    assert_eq!(request.field("DurationSeconds"), Some("3600"));
    for absent in ["ExternalId", "Policy"] {
        assert_eq!(request.field(absent), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_has_the_name_that_it_was_given() {
    let (clock, sts_clock) = (VirtualClock::new(), VirtualClock::new());
    let sts = obliging(&sts_clock);
    let method = role(ROLE, AssumeRoleOptions::default());
    let source = source(&connection("eu-west-1", method), &StsSettings::default(), &clock, &sts);
    let credentials = source.credentials().await.unwrap();
    let name = credentials
        .session_name
        .as_ref()
        .map(auth_model::RoleSessionName::as_str);
    assert_eq!(name, Some("signing-proxy-reports_1"));
}

#[tokio::test(start_paused = true)]
async fn calls_are_signed_with_the_keys_and_the_time_of_our_clock() {
    let sent = sent_for(
        "eu-west-1",
        role(ROLE, AssumeRoleOptions::default()),
        &StsSettings::default(),
    )
    .await;
    let authorization = sent[0].header("authorization");
    let scope = format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/20261123/eu-west-1/sts/aws4_request");
    assert!(authorization.starts_with(&scope), "{authorization}");
    assert_eq!(sent[0].header("x-amz-date"), "20261123T000000Z");
    assert_eq!(sent[0].header("x-amz-security-token"), "");
}

#[tokio::test(start_paused = true)]
async fn a_roles_name_is_completed_by_the_callers_account_which_is_requested_once() {
    let clock = VirtualClock::new();
    let sts = obliging(&clock);
    let auth = role("team/report-reader", AssumeRoleOptions::default());
    let source = source(&connection("cn-north-1", auth), &StsSettings::default(), &clock, &sts);
    let first = source.credentials().await.unwrap();
    assert_eq!(first.account.as_ref().unwrap().as_str(), "123456789012");
    pass(Duration::from_mins(1)).await;
    source.refresh_rejected(&first).await.unwrap();

    let sent = sts.take();
    let actions: Vec<_> = sent.iter().filter_map(|request| request.field("Action")).collect();
    assert_eq!(actions, ["GetCallerIdentity", "AssumeRole", "AssumeRole"]);
    let arn = "arn:aws-cn:iam::123456789012:role/team/report-reader";
    assert_eq!(sent[1].field("RoleArn"), Some(arn));
    assert_eq!(sent[2].field("RoleArn"), Some(arn));
}

#[tokio::test(start_paused = true)]
async fn sts_is_called_at_its_regional_endpoint() {
    let fips = StsSettings {
        use_fips: true,
        ..StsSettings::default()
    };
    let overridden = StsSettings {
        endpoint: Some("http://127.0.0.1:9600".parse().unwrap()),
        ..fips.clone()
    };
    let plain = StsSettings::default();
    for (region, settings, uri) in [
        ("us-east-1", &plain, "https://sts.us-east-1.amazonaws.com/"),
        ("eu-west-1", &plain, "https://sts.eu-west-1.amazonaws.com/"),
        ("cn-north-1", &plain, "https://sts.cn-north-1.amazonaws.com.cn/"),
        ("us-gov-west-1", &plain, "https://sts.us-gov-west-1.amazonaws.com/"),
        ("eusc-de-east-1", &plain, "https://sts.eusc-de-east-1.amazonaws.eu/"),
        ("us-east-2", &fips, "https://sts-fips.us-east-2.amazonaws.com/"),
        ("us-east-2", &overridden, "http://127.0.0.1:9600/"),
    ] {
        let sent = sent_for(region, role(ROLE, AssumeRoleOptions::default()), settings).await;
        assert_eq!(sent[0].uri, uri);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_in_time_by_a_clock_that_is_behind() {
    let clock = VirtualClock::new();
    for sts_is_ahead_by in [Duration::ZERO, Duration::from_mins(15), HOUR] {
        let now = clock.now();
        let sts =
            ScriptedSts::new(move |_| session("ASIA1", SESSION_SECRET, SESSION_TOKEN, now + HOUR + sts_is_ahead_by));
        let auth = role(ROLE, AssumeRoleOptions::default());
        let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
        assert_eq!(source.credentials().await.unwrap().expires_at, Some(now + HOUR));
    }
}

/// An STS whose clock is `ahead` of ours (behind, where `is_behind`), and that looks at the time of a signature.
fn with_a_clock_of_its_own(clock: &VirtualClock, by: Duration, is_behind: bool) -> ScriptedSts {
    let clock = clock.clone();
    ScriptedSts::new(move |received| {
        let now = if is_behind { clock.now() - by } else { clock.now() + by };
        let right = aws_smithy_types::DateTime::from(now)
            .fmt(aws_smithy_types::date_time::Format::DateTime)
            .unwrap();
        // 2026-11-23T01:00 as 20261123T0100: the minute is exact enough.
        let right: String = right.chars().take(16).filter(|c| !"-:".contains(*c)).collect();
        let response = if received.header("x-amz-date").starts_with(&right) {
            session("ASIA1", SESSION_SECRET, SESSION_TOKEN, now + HOUR)
        } else {
            error_response(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 1 is now earlier than 2",
            )
        };
        ScriptedResponse::At(now, Box::new(response))
    })
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_differs_from_that_of_sts_is_corrected_for() {
    for (hours, is_behind) in [(1, false), (14, false), (1, true), (2, true)] {
        let clock = VirtualClock::new();
        let sts = with_a_clock_of_its_own(&clock, HOUR * hours, is_behind);
        let auth = role(ROLE, AssumeRoleOptions::default());
        let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
        let began = clock.now();
        let expires_at = source.credentials().await.unwrap().expires_at.unwrap();
        assert_eq!(sts.take().len(), 2, "refused once, then signed by the time of STS");
        let lifetime = expires_at.duration_since(began).unwrap();
        assert!(
            lifetime >= HOUR && lifetime < HOUR + Duration::from_secs(5),
            "{lifetime:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn static_keys_ask_nobody() {
    let auth = AuthMethod::AccessKey { keys: key_assets() };
    assert!(sent_for("eu-west-1", auth, &StsSettings::default()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_caller_identity_is_requested_with_the_keys_of_the_session() {
    let clock = VirtualClock::new();
    let sts = obliging(&clock);
    let auth = role(ROLE, AssumeRoleOptions::default());
    let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
    let caller = source.caller_identity().await.unwrap();
    assert_eq!(caller.account.as_str(), "123456789012");
    assert_eq!(caller.arn.to_string(), "arn:aws-cn:iam::123456789012:user/robot");
    assert_eq!(sts.take()[1].header("x-amz-security-token"), SESSION_TOKEN);
}

#[tokio::test(start_paused = true)]
async fn a_passing_error_is_tried_twice_and_a_permanent_one_once() {
    for (play, code, attempts) in [
        (denied as fn(&Received) -> ScriptedResponse, "access_denied", 1),
        (
            |_| error_response(400, "MalformedPolicyDocument", "no"),
            "sts_request_rejected",
            1,
        ),
        (
            |_| error_response(400, "Throttling", "Rate exceeded"),
            "sts_throttled",
            2,
        ),
        (
            |_| error_response(503, "ServiceUnavailable", "later"),
            "sts_server_error",
            2,
        ),
        (|_| ScriptedResponse::ConnectionRefused, "sts_unreachable", 2),
        (in_motos_shape, "keys_rejected", 1),
    ] {
        let clock = VirtualClock::new();
        let sts = ScriptedSts::new(play);
        let auth = role(ROLE, AssumeRoleOptions::default());
        let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
        let error = source.credentials().await.unwrap_err();
        assert_eq!((error.code(), sts.take().len()), (code, attempts));
    }
}

fn in_motos_shape(_: &Received) -> ScriptedResponse {
    let error = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>";
    ScriptedResponse::Status(403, format!("<ErrorResponse><Errors>{error}</Errors></ErrorResponse>"))
}

fn denied(_: &Received) -> ScriptedResponse {
    let message = "User: arn:aws:iam::111122223333:user/x is not authorized to perform: sts:AssumeRole";
    error_response(403, "AccessDenied", message)
}

#[tokio::test(start_paused = true)]
async fn an_error_says_what_was_rejected_with_the_message_of_aws() {
    let clock = VirtualClock::new();
    let sts = ScriptedSts::new(denied);
    let auth = managed(key_assets(), AssumeRoleOptions::default());
    let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
    let error = source.credentials().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "STS denies assuming arn:aws:iam::222233334444:role/for-the-proxy: AccessDenied: \
         User: arn:aws:iam::111122223333:user/x is not authorized to perform: sts:AssumeRole"
    );
    let code = "access_denied";
    let is_permanent = true;
    assert_eq!(source.state(), CredentialState::Failing { code, is_permanent });
}

#[tokio::test]
async fn fixed_source_returns_what_it_was_given_and_never_refreshes_it() {
    let mut given = crate::testing::keys(KEY_ID);
    given.expires_at = Some(std::time::SystemTime::UNIX_EPOCH);
    let source = CredentialSource::fixed(given);
    let first = source.credentials().await.unwrap();
    assert_eq!(first.access_key_id.as_str(), KEY_ID);
    let refresh = source.refresh(&first, Certainty::Certain).await.unwrap();
    assert!(Arc::ptr_eq(&refresh.credentials, &first) && refresh.held_back_for.is_none());
    assert!(Arc::ptr_eq(&source.reread(&first).await.unwrap(), &first));
    assert!(matches!(source.state(), CredentialState::Valid { expires_at } if expires_at == first.expires_at));
    assert_eq!(source.counters(), CredentialCounters::default());
    assert_eq!(source.caller_identity().await.unwrap_err().code(), "sts_absent");
}
