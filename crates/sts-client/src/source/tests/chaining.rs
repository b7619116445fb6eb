//! Roles that assume roles: with whose keys, and which options go where.

use auth_model::{ContradictoryAuth, SessionDuration};

use super::options::{check_fields, every_option};
use super::*;

/// An hour's session for every `AssumeRole`, its keys named for the role; the keys are a user's of 123456789012.
fn naming(clock: &VirtualClock) -> ScriptedSts {
    let clock = clock.clone();
    ScriptedSts::new(move |received| match received.field("RoleArn") {
        None => identity("123456789012", "arn:aws:iam::123456789012:user/robot"),
        Some(arn) => {
            let name = arn.rsplit('/').next().unwrap().to_uppercase();
            session(
                &format!("ASIA{name}"),
                SESSION_SECRET,
                &format!("token-{name}"),
                clock.now() + HOUR,
            )
        }
    })
}

fn options() -> AssumeRoleOptions {
    AssumeRoleOptions {
        duration: Some(SessionDuration::LONGEST_CHAINED),
        ..every_option()
    }
}

#[tokio::test(start_paused = true)]
async fn each_role_is_assumed_with_the_session_of_the_one_before() {
    let clock = VirtualClock::new();
    let sts = naming(&clock);
    let chain = ["team/first", "arn:aws:iam::222233334444:role/second", "third"];
    let auth = roles(&chain, AssumeRoleOptions::default());
    let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
    let last = source.credentials().await.unwrap();
    assert_eq!(last.access_key_id.as_str(), "ASIATHIRD");
    assert_eq!(last.account.as_ref().unwrap().as_str(), "222233334444");

    let sent = sts.take();
    let arns: Vec<_> = sent
        .iter()
        .map(|request| request.field("RoleArn").unwrap_or("-"))
        .collect();
    assert_eq!(
        arns,
        [
            "-",
            "arn:aws:iam::123456789012:role/team/first",
            "arn:aws:iam::222233334444:role/second",
            "arn:aws:iam::222233334444:role/third"
        ]
    );
    for (request, signer) in sent.iter().zip([KEY_ID, KEY_ID, "ASIAFIRST", "ASIASECOND"]) {
        let authorization = request.header("authorization");
        assert!(
            authorization.contains(&format!("Credential={signer}/")),
            "{authorization}"
        );
    }
    let durations: Vec<_> = sent
        .iter()
        .map(|request| request.field("DurationSeconds").unwrap_or("-"))
        .collect();
    assert_eq!(durations, ["-", "900", "900", "3600"]);
}

#[tokio::test(start_paused = true)]
async fn what_holds_for_the_whole_way_is_said_at_its_beginning_and_the_rest_at_its_end() {
    let clock = VirtualClock::new();
    let sts = naming(&clock);
    let chain = ["arn:aws:iam::123456789012:role/a", "b", "c"];
    let source = source(
        &connection("eu-west-1", roles(&chain, options())),
        &StsSettings::default(),
        &clock,
        &sts,
    );
    source.credentials().await.unwrap();
    let sent = sts.take();
    let [first, middle, last] = &sent[..] else {
        panic!("{sent:?}")
    };
    let common = [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleSessionName", "who+what=,.@-_"),
    ];
    let check = |request, fields: &[(&str, &str)]| check_fields(request, &[&common[..], fields].concat());
    check(
        first,
        &[
            ("RoleArn", "arn:aws:iam::123456789012:role/a"),
            ("DurationSeconds", "900"),
            ("Tags.member.1.Key", "Team"),
            ("Tags.member.1.Value", ""),
            ("TransitiveTagKeys.member.1", "Team"),
            ("SourceIdentity", "alice@example.com"),
            ("SerialNumber", "arn:aws:iam::123456789012:mfa/robot"),
            ("TokenCode", CODE),
        ],
    );
    check(
        middle,
        &[
            ("RoleArn", "arn:aws:iam::123456789012:role/b"),
            ("DurationSeconds", "900"),
        ],
    );
    let policy = options().policy.unwrap();
    check(
        last,
        &[
            ("RoleArn", "arn:aws:iam::123456789012:role/c"),
            ("DurationSeconds", "3600"),
            ("Policy", policy.as_str()),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("PolicyArns.member.2.arn", "arn:aws:iam::222233334444:policy/x"),
            ("Tags.member.1.Key", "Project"),
            ("Tags.member.1.Value", "a+b=c @ more"),
        ],
    );
}

#[tokio::test]
async fn a_chain_that_asks_for_more_than_an_hour_has_no_source() {
    let auth = roles(&["a", "b"], every_option());
    let connection = connection("eu-west-1", auth);
    let clock = Arc::new(auth_model::SystemClock);
    let assets = Assets::new(FixedEnvironment::default());
    let error = CredentialSource::new(&connection, assets, &StsSettings::default(), clock).unwrap_err();
    assert_eq!(error.failure(), &ContradictoryAuth::ChainedDuration.into());
    assert_eq!(error.code(), "auth_contradictory");
}
