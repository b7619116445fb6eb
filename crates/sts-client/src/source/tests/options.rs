//! The parameters of `AssumeRole`, field by field, as STS is sent them.

use std::collections::BTreeMap;

use auth_model::{
    Mfa, MfaSerial, PolicyArn, PolicyArns, RoleSessionName, SessionDuration, SessionPolicy, SessionTags,
    SourceIdentity, TagKey, TagValue,
};

use super::*;
use crate::testing::Log;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/robot";

fn tags() -> SessionTags {
    let tags = [
        ("Project", "a+b=c & more".replace(" & ", " @ ")),
        ("Team", String::new()),
    ];
    let key = |text: &str| TagKey::parse(text).unwrap();
    let tags: BTreeMap<_, _> = tags
        .into_iter()
        .map(|(name, value)| (key(name), TagValue::parse(value).unwrap()))
        .collect();
    SessionTags::new(tags, vec![key("Team")]).unwrap()
}

/// Every option there is.
pub(super) fn every_option() -> AssumeRoleOptions {
    let arns = [
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::222233334444:policy/x",
    ];
    let arns = arns.map(|arn| PolicyArn::parse(arn).unwrap()).to_vec();
    AssumeRoleOptions {
        session_name: Some(RoleSessionName::parse("who+what=,.@-_").unwrap()),
        duration: Some(SessionDuration::parse(Duration::from_hours(12)).unwrap()),
        policy: Some(SessionPolicy::parse(POLICY).unwrap()),
        policy_arns: PolicyArns::new(arns).unwrap(),
        tags: tags(),
        source_identity: Some(SourceIdentity::parse("alice@example.com").unwrap()),
        mfa: Some(Mfa {
            serial: MfaSerial::parse(DEVICE).unwrap(),
            code: "env:CODE".parse().unwrap(),
        }),
    }
}

/// The request has these fields and no others.
#[track_caller]
pub(super) fn check_fields(request: &Received, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(request.field(name), Some(*value), "{name}");
    }
    assert_eq!(request.form.len(), fields.len(), "{:?}", request.form);
}

#[tokio::test(start_paused = true)]
async fn every_option_is_on_the_wire() {
    let mut keys = key_parts();
    keys.session_token = Some("env:TOKEN".parse().unwrap());
    let sent = sent_for(
        "eu-west-1",
        managed(keys.into(), every_option()),
        &StsSettings::default(),
    )
    .await;
    let [request] = &sent[..] else { panic!("{sent:?}") };
    check_fields(
        request,
        &[
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", ROLE),
            ("ExternalId", "b1c9f0:a/b=c,d.e@f-g+h"),
            ("RoleSessionName", "who+what=,.@-_"),
            ("DurationSeconds", "43200"),
            ("Policy", POLICY),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("PolicyArns.member.2.arn", "arn:aws:iam::222233334444:policy/x"),
            ("Tags.member.1.Key", "Project"),
            ("Tags.member.1.Value", "a+b=c @ more"),
            ("Tags.member.2.Key", "Team"),
            ("Tags.member.2.Value", ""),
            ("TransitiveTagKeys.member.1", "Team"),
            ("SourceIdentity", "alice@example.com"),
            ("SerialNumber", DEVICE),
            ("TokenCode", CODE),
        ],
    );
    assert_eq!(request.header("x-amz-security-token"), BASE_TOKEN);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_one_time_code_is_not_sent() {
    let mut options = every_option();
    options.mfa = options.mfa.map(|mfa| Mfa {
        code: "env:SECRET".parse().unwrap(),
        ..mfa
    });
    let clock = VirtualClock::new();
    let sts = obliging(&clock);
    let source = source(
        &connection("eu-west-1", managed(key_assets(), options)),
        &StsSettings::default(),
        &clock,
        &sts,
    );
    let error = source.credentials().await.unwrap_err();
    assert_eq!(error.code(), "mfa_code");
    assert_eq!(error.to_string(), "env:SECRET is not a one-time code: six digits");
    assert!(sts.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_nearly_full_is_reported() {
    for (members, want, warns) in [
        ("", None, false),
        ("<PackedPolicySize>79</PackedPolicySize>", Some(79), false),
        ("<PackedPolicySize>80</PackedPolicySize>", Some(80), true),
        // The newer member holds where both are there.
        (
            "<PackedPolicySize>99</PackedPolicySize><SessionTokenUtilization>12</SessionTokenUtilization>",
            Some(12),
            false,
        ),
    ] {
        let (log, _guard) = Log::capture();
        let clock = VirtualClock::new();
        let expiry = clock.now() + HOUR;
        let sts = ScriptedSts::new(move |_| match session("ASIA1", SESSION_SECRET, SESSION_TOKEN, expiry) {
            ScriptedResponse::Status(status, body) => {
                let end = "</AssumeRoleResult>";
                ScriptedResponse::Status(status, body.replace(end, &format!("{members}{end}")))
            }
            other => other,
        });
        let auth = role(ROLE, AssumeRoleOptions::default());
        let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
        assert_eq!(source.session_space_percent(), None);
        source.credentials().await.unwrap();
        assert_eq!(source.session_space_percent(), want);
        assert_eq!(log.text().contains("take most of the space"), warns, "{members}");
    }
}
