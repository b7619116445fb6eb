//! The way to the service, and to STS.

use sandbox::principals::{REPORT_READER, REPORTER, ROBOT};
use sandbox::{Sandbox, SandboxSettings};
use signing_proxy::check::{Outcome, ResponsibleParty, StepKind, Verdict};

use super::{access_key, assert_blames, assert_fails, at, by_role, check, closed, connection, s3, sandbox, world};
use crate::support::world::upstream_trusting;

#[tokio::test]
async fn a_host_that_has_no_address() {
    let sandbox = sandbox().await;
    // RFC 2606 keeps the name from ever having one.
    let place = at("s3", "http://no-such-host.invalid") + "\nallow_cleartext = true";
    let toml = connection("it", &place, &access_key(&REPORTER));
    let report = check(&(world(&sandbox) + &toml)).await;
    assert_fails(&report, StepKind::Dns, ResponsibleParty::Dns);
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", closed().await);
    let toml = connection("it", &at("s3", &endpoint), &access_key(&REPORTER));
    let report = check(&(world(&sandbox) + &toml)).await;
    assert_fails(&report, StepKind::Tcp, ResponsibleParty::Tcp);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted() {
    let settings = SandboxSettings {
        tls: true,
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let port = sandbox.s3().port();
    let toml = connection(
        "it",
        &at("s3", &format!("https://localhost:{port}")),
        &access_key(&REPORTER),
    );
    let report = check(&(world(&sandbox) + &toml)).await;
    assert_fails(&report, StepKind::Tls, ResponsibleParty::Tls);

    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), sandbox.ca_pem().unwrap()).unwrap();
    let trusting = upstream_trusting(ca.path());
    let report = check(&(world(&sandbox) + &trusting + &toml)).await;
    assert_blames(&report, Verdict::Works, &[]);
    let tls = report.steps.iter().find(|step| step.kind == StepKind::Tls).unwrap();
    assert!(
        matches!(&tls.outcome, Outcome::Passed { found } if found.contains("TLS 1.3")),
        "{tls:?}"
    );
}

#[tokio::test]
async fn a_port_that_speaks_no_tls() {
    let sandbox = sandbox().await;
    let toml = connection(
        "it",
        &at("s3", &format!("https://{}", sandbox.s3())),
        &access_key(&REPORTER),
    );
    let report = check(&(world(&sandbox) + &toml)).await;
    assert_fails(&report, StepKind::Tls, ResponsibleParty::Tls);
}

#[tokio::test]
async fn an_sts_that_cannot_be_reached() {
    let sandbox = sandbox().await;
    let toml = format!("[sts]\nendpoint = \"http://{}\"\n", closed().await)
        + &connection("it", &s3(&sandbox), &by_role(&ROBOT, REPORT_READER.arn));
    let report = check(&toml).await;
    let blamed = [
        (StepKind::Keys, ResponsibleParty::Sts),
        (StepKind::Tcp, ResponsibleParty::Tcp),
    ];
    assert_blames(&report, Verdict::Fails, &blamed);
}
