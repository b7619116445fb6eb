//! Credential assets, keys and the clock.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_model::{
    AssumeRoleOptions, AuthMethod, BaseKeys, Clock, Connection, ConnectionName, KeyAssets, KeyParts, Region, RoleChain,
    RunsOn, ServiceId, SessionDuration, SystemClock,
};
use credential_assets::{Assets, FixedEnvironment};
use sandbox::principals::{REPORT_READER, REPORTER, ROBOT};
use sandbox::{ManualClock, Sandbox, SandboxSettings};
use signing_proxy::check::{Outcome, ResponsibleParty, StepKind, Style, Verdict};
use sts_client::{CredentialSource, StsSettings};

use super::{access_key, assert_blames, assert_fails, check, closed, connection, report_at, s3, sandbox, world};

#[tokio::test]
async fn a_missing_variable() {
    let sandbox = sandbox().await;
    let auth = "method = \"access-key\"\naccess_key_id = \"AKIA1\"\nsecret_access_key = \"env:NO_SUCH_VARIABLE_HERE\"";
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), auth))).await;
    assert_fails(&report, StepKind::Asset, ResponsibleParty::Asset);
    let step = &report.steps[0];
    assert_eq!(step.subject, "env:NO_SUCH_VARIABLE_HERE");
    let request = report.steps.last().unwrap();
    assert!(matches!(request.outcome, Outcome::Skipped { .. }), "{request:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read() {
    let sandbox = sandbox().await;
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("no-such-file")] {
        let secret = format!("file:{}", path.display());
        let auth = format!("method = \"access-key\"\naccess_key_id = \"AKIA1\"\nsecret_access_key = \"{secret}\"");
        let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
        assert_fails(&report, StepKind::Asset, ResponsibleParty::Asset);
    }
}

#[tokio::test]
async fn a_vault_that_is_down() {
    let sandbox = sandbox().await;
    let vault = format!(
        "[assets.vault]\naddress = \"http://{}\"\n[assets.vault.auth]\nmethod = \"token\"\ntoken = \"t\"\n",
        closed().await
    );
    let auth = "method = \"access-key\"\naccess_key_id = \"AKIA1\"\nsecret_access_key = \"vault:kv/team/aws#secret\"";
    let report = check(&(world(&sandbox) + &vault + &connection("it", &s3(&sandbox), auth))).await;
    assert_fails(&report, StepKind::Asset, ResponsibleParty::Vault);
}

#[tokio::test]
async fn a_secret_that_is_not_the_ids() {
    let sandbox = sandbox().await;
    let auth = format!(
        "method = \"access-key\"\naccess_key_id = \"{}\"\nsecret_access_key = \"WRONG-SECRET\"",
        REPORTER.access_key_id
    );
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::Keys, ResponsibleParty::SecretAccessKey);

    // A server of one's own, where STS has no say: its own response tells.
    let alone = check(&connection("it", &s3(&sandbox), &auth)).await;
    assert_fails(&alone, StepKind::Request, ResponsibleParty::SecretAccessKey);
}

#[tokio::test]
async fn an_access_key_id_that_nobody_knows() {
    let sandbox = sandbox().await;
    let auth = "method = \"access-key\"\naccess_key_id = \"AKIANOBODYKNOWSTHIS0\"\nsecret_access_key = \"x\"";
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), auth))).await;
    assert_fails(&report, StepKind::Keys, ResponsibleParty::AccessKey);
    let alone = check(&connection("it", &s3(&sandbox), auth)).await;
    assert_fails(&alone, StepKind::Request, ResponsibleParty::AccessKey);
}

/// A session of the robot's role, and the sandbox that gave it, on a clock of its own.
async fn session(clock: &ManualClock) -> (Sandbox, String, String, String) {
    let settings = SandboxSettings {
        clock: Arc::new(clock.clone()),
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let connection = Connection {
        name: ConnectionName::parse("robot").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        signing_name: None,
        auth: AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(KeyAssets::Parts(KeyParts {
                access_key_id: ROBOT.access_key_id.parse().unwrap(),
                secret_access_key: ROBOT.secret_access_key.parse().unwrap(),
                session_token: None,
            })),
            roles: RoleChain::new([REPORT_READER.arn.parse().unwrap()]).unwrap(),
            runs_on: RunsOn::Anywhere,
            options: AssumeRoleOptions {
                duration: Some(SessionDuration::SHORTEST),
                ..AssumeRoleOptions::default()
            },
        },
    };
    let settings = StsSettings {
        endpoint: Some(format!("http://{}", sandbox.sts()).parse().unwrap()),
        ..StsSettings::default()
    };
    let assets = Assets::new(FixedEnvironment::default());
    let source = CredentialSource::new(&connection, assets, &settings, Arc::new(clock.clone())).unwrap();
    let set = source.credentials().await.unwrap();
    let token = set.session_token.as_ref().unwrap().expose().to_owned();
    (
        sandbox,
        set.access_key_id.as_str().to_owned(),
        set.secret_access_key.expose().to_owned(),
        token,
    )
}

#[tokio::test]
async fn a_session_token_that_has_expired_or_is_not_there() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
    let (sandbox, id, secret, token) = session(&clock).await;
    let keys = format!("method = \"access-key\"\naccess_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n");
    let with_token = format!("{keys}session_token = \"{token}\"\n");
    let toml = |auth: &str| world(&sandbox) + &connection("it", &s3(&sandbox), auth);
    let check = async |auth: &str| {
        let report = report_at(&toml(auth), Arc::new(clock.clone()), None).await;
        report.connections.into_iter().next().unwrap()
    };
    assert_blames(&check(&with_token).await, Verdict::Works, &[]);
    assert_fails(&check(&keys).await, StepKind::Keys, ResponsibleParty::SessionToken);
    clock.advance(Duration::from_mins(15));
    assert_fails(
        &check(&with_token).await,
        StepKind::Keys,
        ResponsibleParty::SessionToken,
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let sandbox = sandbox().await;
    let slow = ManualClock::at(SystemClock.now() - Duration::from_hours(1));
    let toml = world(&sandbox) + &connection("it", &s3(&sandbox), &access_key(&REPORTER));
    let report = report_at(&toml, Arc::new(slow), None).await;
    let report = &report.connections[0];
    // The AWS SDK, and what else learns of the difference, may sign by AWS's clock at the next request.
    assert!(
        report
            .responsible_parties()
            .iter()
            .all(|party| *party == ResponsibleParty::Clock),
        "{report:?}"
    );
    assert_ne!(report.verdict(), Verdict::Works);
    assert!(
        report.to_text(Style::Plain).contains("s behind"),
        "{}",
        report.to_text(Style::Plain)
    );
    let clock = (StepKind::Clock, ResponsibleParty::Clock);

    // Not far enough for AWS to refuse it.
    let late = ManualClock::at(SystemClock.now() - Duration::from_mins(3));
    let report = report_at(&toml, Arc::new(late), None).await;
    assert_blames(&report.connections[0], Verdict::Warns, &[clock]);

    // Without STS the service's own clock is looked at.
    let alone = connection("it", &s3(&sandbox), &access_key(&REPORTER));
    let late = ManualClock::at(SystemClock.now() + Duration::from_mins(3));
    let report = report_at(&alone, Arc::new(late), None).await;
    assert_blames(&report.connections[0], Verdict::Warns, &[clock]);
}
