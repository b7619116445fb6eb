//! `check` names the right responsible party: each test breaks one thing and says who has to be named for it.

mod endpoint;
mod keys;
mod network;
mod roles;
mod service;

use std::sync::Arc;

use auth_model::{Clock, SystemClock};
use proxy_config::Config;
use sandbox::Sandbox;
use sandbox::principals::{ACME_PROXY, FOR_THE_PROXY, FakeUser, OPEN_TO_ALL, REPORTER, ROBOT};
use signing_proxy::check::{Checker, ConnectionReport, Outcome, Report, ResponsibleParty, StepKind, Style, Verdict};

use crate::support::world::{SERVICES, sandbox};

/// The connection of that name, with its `[connections.NAME.auth]`; S3 of the sandbox unless `more` says otherwise.
fn connection(name: &str, more: &str, auth: &str) -> String {
    format!("[connections.{name}]\n{more}\n[connections.{name}.auth]\n{auth}\n")
}

fn s3(sandbox: &Sandbox) -> String {
    at("s3", &format!("http://{}", sandbox.s3()))
}

fn at(service: &str, endpoint: &str) -> String {
    format!("service = \"{service}\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"")
}

fn keys_of(user: &FakeUser) -> String {
    let (id, secret) = (user.access_key_id, user.secret_access_key);
    format!("access_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n")
}

fn access_key(user: &FakeUser) -> String {
    format!("method = \"access-key\"\n{}", keys_of(user))
}

fn by_role(user: &FakeUser, role: &str) -> String {
    format!(
        "method = \"access-key-assume-role\"\n{}role = \"{role}\"\n",
        keys_of(user)
    )
}

fn managed(role: &str, external_id: &str) -> String {
    format!(
        "method = \"managed-cross-account\"\nidentity = \"acme\"\nrole_arn = \"{role}\"\nexternal_id = \"{external_id}\"\n"
    )
}

/// STS of the sandbox, and the operator's user for Acme.
fn world(sandbox: &Sandbox) -> String {
    let acme = keys_of(&ACME_PROXY);
    let sts = sandbox.sts();
    format!("[sts]\nendpoint = \"http://{sts}\"\n[identities.acme]\norganisation = \"Acme\"\n{acme}")
}

async fn report_at(toml: &str, clock: Arc<dyn Clock>, bucket: Option<&str>) -> Report {
    let config =
        Config::from_toml(toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let checker = Checker::new(config, clock).await.unwrap();
    let report = checker.with_bucket(bucket.map(str::to_owned)).check_all().await;
    assert_no_secret(&report);
    report
}

/// No fake secret is in any form of the report.
fn assert_no_secret(report: &Report) {
    let mut forms = vec![format!("{report:?}"), report.to_json().to_string()];
    forms.extend(report.connections.iter().map(|report| report.to_text(Style::Coloured)));
    for form in forms {
        for user in Sandbox::users() {
            assert!(!form.contains(user.secret_access_key), "a secret shows");
            assert!(!form.contains(user.access_key_id), "an access key id shows");
        }
        assert!(!form.contains("WRONG-SECRET"), "a secret shows");
    }
}

/// Checks the one connection `it`.
async fn check(toml: &str) -> ConnectionReport {
    report_at(toml, Arc::new(SystemClock), None).await.connections.remove(0)
}

/// The steps of the report that failed or warn, with the likeliest cause of each.
#[track_caller]
fn assert_blames(report: &ConnectionReport, verdict: Verdict, blamed: &[(StepKind, ResponsibleParty)]) {
    let found: Vec<_> = report
        .steps
        .iter()
        .filter_map(|step| Some((step.kind, step.outcome.finding()?.causes.first()?.party)))
        .collect();
    assert_eq!(
        (report.verdict(), found.as_slice()),
        (verdict, blamed),
        "{}",
        report.to_text(Style::Plain)
    );
}

#[track_caller]
fn assert_fails(report: &ConnectionReport, kind: StepKind, party: ResponsibleParty) {
    assert_blames(report, Verdict::Fails, &[(kind, party)]);
}

/// The policy that mends the first cause of the only finding, without white space.
#[track_caller]
fn mended_by(report: &ConnectionReport) -> String {
    let finding = report.steps.iter().find_map(|step| step.outcome.finding()).unwrap();
    let amendment = finding.causes[0].amendment.as_ref().unwrap();
    amendment.policy.to_json()
}

/// An address where nobody listens.
async fn closed() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn what_works_is_said_to_work_for_each_method_and_service() {
    let sandbox = sandbox().await;
    let methods = [
        ("keys", access_key(&REPORTER)),
        ("role", by_role(&ROBOT, "team/report-reader")),
        (
            "managed",
            managed(FOR_THE_PROXY.arn, FOR_THE_PROXY.external_id.unwrap()),
        ),
    ];
    let mut toml = world(&sandbox);
    for (name, auth) in &methods {
        for service in SERVICES {
            let endpoint = format!("http://{}", sandbox.service(service).unwrap());
            toml += &connection(&format!("{name}-{service}"), &at(service, &endpoint), auth);
        }
    }
    let report = report_at(&toml, Arc::new(SystemClock), None).await;
    assert_eq!(report.connections.len(), methods.len() * SERVICES.len());
    for connection in &report.connections {
        assert_blames(connection, Verdict::Works, &[]);
        let request = connection
            .steps
            .iter()
            .find(|step| step.kind == StepKind::Request)
            .unwrap();
        assert!(matches!(request.outcome, Outcome::Passed { .. }), "{request:?}");
    }
    let managed = report
        .connections
        .iter()
        .find(|c| c.connection.as_str() == "managed-s3")
        .unwrap();
    let enforced = managed
        .steps
        .iter()
        .find(|step| step.kind == StepKind::ExternalId)
        .unwrap();
    assert!(
        matches!(&enforced.outcome, Outcome::Passed { found } if found.starts_with("enforced")),
        "{enforced:?}"
    );
}

#[tokio::test]
async fn shared_keys_and_sessions_are_checked_once() {
    let sandbox = sandbox().await;
    let mut events = sandbox.events();
    let ec2 = at("ec2", &format!("http://{}", sandbox.service("ec2").unwrap()));
    let id = FOR_THE_PROXY.external_id.unwrap();
    let toml = world(&sandbox)
        + &connection("a", &s3(&sandbox), &managed(FOR_THE_PROXY.arn, id))
        + &connection("b", &ec2, &managed(FOR_THE_PROXY.arn, id))
        + &connection("c", &s3(&sandbox), &managed(OPEN_TO_ALL.arn, "another-id"));
    let report = report_at(&toml, Arc::new(SystemClock), None).await;
    let requested: Vec<_> = events
        .drain()
        .into_iter()
        .filter(|event| event.service == "sts")
        .collect();
    let count = |operation| {
        requested
            .iter()
            .filter(|event| event.operation.as_deref() == Some(operation))
            .count()
    };
    // For a: its own External ID, none and another one; for c: its own and none.
    assert_eq!((count("GetCallerIdentity"), count("AssumeRole")), (1, 5));
    let shared = |index: usize| {
        report.connections[index]
            .steps
            .iter()
            .filter(|step| step.shared_with.is_some())
            .count()
    };
    assert_eq!(shared(0), 0);
    assert!(shared(1) >= 3 && shared(2) >= 1);
    assert!(report.connections[1].to_text(Style::Plain).contains("(as for a)"));
}

#[tokio::test]
async fn the_json_has_the_documented_fields() {
    let sandbox = sandbox().await;
    let toml = world(&sandbox) + &connection("it", &s3(&sandbox), &managed(OPEN_TO_ALL.arn, "agreed"));
    let json = report_at(&toml, Arc::new(SystemClock), None).await.to_json();
    assert_eq!((&json["version"], &json["verdict"]), (&1.into(), &"warns".into()));
    let connection = &json["connections"][0];
    for (field, value) in [
        ("connection", "it"),
        ("service", "s3"),
        ("region", "us-east-1"),
        ("auth", "managed-cross-account"),
        ("verdict", "warns"),
    ] {
        assert_eq!(connection[field], value);
    }
    let steps = connection["steps"].as_array().unwrap();
    let page = include_str!("../../docs/check.md");
    for step in steps {
        for field in [
            "step",
            "subject",
            "outcome",
            "detail",
            "millis",
            "shared_with",
            "causes",
        ] {
            assert!(step.get(field).is_some(), "{field}: {step}");
            assert!(page.contains(&format!("`{field}`")), "docs/check.md lacks {field}");
        }
    }
    let step = steps.iter().find(|step| step["step"] == "external-id").unwrap();
    assert_eq!(step["outcome"], "warned");
    let cause = &step["causes"][0];
    assert_eq!(
        (&cause["responsible_party"], &cause["policy"]["kind"]),
        (&"trust-policy".into(), &"trust".into())
    );
    assert_eq!(cause["policy"]["of"], OPEN_TO_ALL.arn);
    assert_eq!(
        cause["policy"]["document"]["Statement"][0]["Principal"]["AWS"],
        ACME_PROXY.arn
    );
}
