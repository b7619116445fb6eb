//! What the service itself says to a signed request.

use std::sync::Arc;

use auth_model::SystemClock;
use sandbox::Fault;
use sandbox::principals::{BUCKET, BYSTANDER, REPORTER, ROBOT};
use signing_proxy::check::{ResponsibleParty, StepKind, Style, Verdict};

use super::{
    access_key, assert_blames, assert_fails, at, by_role, check, connection, mended_by, report_at, s3, sandbox, world,
};

#[tokio::test]
async fn a_role_that_lacks_the_services_permission() {
    let sandbox = sandbox().await;
    let auth = by_role(&ROBOT, BYSTANDER.arn);
    let rows = [
        ("s3", "s3:ListAllMyBuckets"),
        ("ec2", "ec2:DescribeRegions"),
        ("workspaces", "workspaces:DescribeWorkspaces"),
        ("dynamodb", "dynamodb:ListTables"),
        ("bedrock-runtime", "bedrock:ListAsyncInvokes"),
    ];
    for (service, action) in rows {
        let endpoint = format!("http://{}", sandbox.service(service).unwrap());
        let report = check(&(world(&sandbox) + &connection("it", &at(service, &endpoint), &auth))).await;
        assert_blames(
            &report,
            Verdict::Warns,
            &[(StepKind::Request, ResponsibleParty::RolePolicy)],
        );
        let statement = format!(r#"{{"Effect":"Allow","Action":["{action}"],"Resource":["*"]}}"#);
        assert!(mended_by(&report).contains(&statement), "{}", mended_by(&report));
    }
}

#[tokio::test]
async fn a_wrong_region() {
    let sandbox = sandbox().await;
    let wrong = s3(&sandbox).replace("us-east-1", "ap-south-1");
    let report = check(&(world(&sandbox) + &connection("it", &wrong, &access_key(&REPORTER)))).await;
    assert_fails(&report, StepKind::Keys, ResponsibleParty::Region);
    let alone = check(&connection("it", &wrong, &access_key(&REPORTER))).await;
    assert_fails(&alone, StepKind::Request, ResponsibleParty::Region);
    assert!(
        alone.to_text(Style::Plain).contains("us-east-1 is wanted"),
        "{}",
        alone.to_text(Style::Plain)
    );
}

#[tokio::test]
async fn a_wrong_service_name() {
    let sandbox = sandbox().await;
    let endpoint = format!("http://{}", sandbox.service("bedrock-runtime").unwrap());
    let control_plane = connection("it", &at("bedrock", &endpoint), &access_key(&REPORTER));
    let report = check(&(world(&sandbox) + &control_plane)).await;
    assert_fails(&report, StepKind::Request, ResponsibleParty::ServiceName);
    assert!(report.to_text(Style::Plain).contains("service = \"bedrock-runtime\""));

    let misnamed = at("bedrock-runtime", &endpoint) + "\nsigning_name = \"bedrock-runtime\"";
    let report = check(&(world(&sandbox) + &connection("it", &misnamed, &access_key(&REPORTER)))).await;
    assert_fails(&report, StepKind::Request, ResponsibleParty::ServiceName);

    let elsewhere = at(
        "dynamodb",
        &format!("http://{}", sandbox.service("workspaces").unwrap()),
    );
    let report = check(&(world(&sandbox) + &connection("it", &elsewhere, &access_key(&REPORTER)))).await;
    assert_fails(&report, StepKind::Request, ResponsibleParty::ServiceName);
}

#[tokio::test]
async fn services_that_have_trouble_of_their_own() {
    let sandbox = sandbox().await;
    let toml = world(&sandbox) + &connection("it", &s3(&sandbox), &access_key(&REPORTER));
    assert!(sandbox.fault("s3", Fault::Unavailable));
    assert_fails(&check(&toml).await, StepKind::Request, ResponsibleParty::Service);
    assert!(sandbox.fault("s3", Fault::Disconnect));
    assert_fails(&check(&toml).await, StepKind::Request, ResponsibleParty::Service);
    assert!(sandbox.fault("s3", Fault::None));
    sandbox.sts_fault(Fault::Throttled);
    assert_fails(&check(&toml).await, StepKind::Keys, ResponsibleParty::Sts);
}

#[tokio::test]
async fn a_bucket_is_checked_where_one_is_named() {
    let sandbox = sandbox().await;
    let toml = world(&sandbox) + &connection("it", &s3(&sandbox), &access_key(&REPORTER));
    let report = report_at(&toml, Arc::new(SystemClock), Some(BUCKET)).await;
    assert_blames(&report.connections[0], Verdict::Works, &[]);
    let report = report_at(&toml, Arc::new(SystemClock), Some("no-such-bucket")).await;
    assert_fails(
        &report.connections[0],
        StepKind::Request,
        ResponsibleParty::Configuration,
    );
    let toml = world(&sandbox) + &connection("it", &s3(&sandbox), &by_role(&ROBOT, BYSTANDER.arn));
    let report = report_at(&toml, Arc::new(SystemClock), Some(BUCKET)).await;
    let policy = mended_by(&report.connections[0]);
    assert!(
        policy.contains(&format!(r#""Resource":["arn:aws:s3:::{BUCKET}"]"#)),
        "{policy}"
    );
}
