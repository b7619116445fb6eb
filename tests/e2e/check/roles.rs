//! Roles, their trust policies and External IDs, and the machines that they are for.

use sandbox::Sandbox;
use sandbox::principals::{CLERK, FOR_THE_PROXY, INSTANCE_ROLE, OPEN_TO_ALL, REPORT_READER, ROBOT};
use signing_proxy::check::{Outcome, ResponsibleParty, StepKind, Style, Verdict};

use super::{assert_blames, assert_fails, by_role, check, connection, keys_of, managed, mended_by, s3, sandbox, world};
use crate::support::child;

#[tokio::test]
async fn a_user_that_lacks_assume_role() {
    let sandbox = sandbox().await;
    let auth = by_role(&CLERK, REPORT_READER.arn);
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::UserPolicy);
    assert_eq!(
        mended_by(&report),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["arn:aws:iam::111122223333:role/team/report-reader"]}]}"#
    );
}

#[tokio::test]
async fn a_role_that_does_not_exist() {
    let sandbox = sandbox().await;
    // Its path is missing: no such role.
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &by_role(&ROBOT, "report-reader")))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::Role);
    let role = report.steps.iter().find(|step| step.kind == StepKind::Role).unwrap();
    assert!(
        matches!(&role.outcome, Outcome::Passed { found } if found.contains("arn:aws:iam::111122223333:role/report-reader")),
        "{role:?}"
    );
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_user() {
    let sandbox = sandbox().await;
    let auth = by_role(&ROBOT, FOR_THE_PROXY.arn);
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::TrustPolicy);
    assert!(mended_by(&report).contains(&format!(r#""Principal":{{"AWS":"{}"}}"#, ROBOT.arn)));
    // AWS does not tell, so the user's own policy is named as well, with its statement.
    let finding = report.steps.iter().find_map(|step| step.outcome.finding()).unwrap();
    let last = finding.causes.last().unwrap();
    assert_eq!(last.party, ResponsibleParty::UserPolicy);
    assert!(last.amendment.is_some());
}

#[tokio::test]
async fn a_wrong_external_id() {
    let sandbox = sandbox().await;
    let auth = managed(FOR_THE_PROXY.arn, "not-the-one-that-was-agreed");
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::ExternalId);
}

#[tokio::test]
async fn a_trust_policy_that_asks_for_no_external_id() {
    let sandbox = sandbox().await;
    let auth = managed(OPEN_TO_ALL.arn, "agreed-with-acme");
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_blames(
        &report,
        Verdict::Warns,
        &[(StepKind::ExternalId, ResponsibleParty::TrustPolicy)],
    );
    assert_eq!(
        mended_by(&report),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/acme-proxy"},"Action":["sts:AssumeRole"],"Condition":{"StringEquals":{"sts:ExternalId":"agreed-with-acme"}}}]}"#
    );
    assert!(report.to_text(Style::Plain).contains("THE EXTERNAL ID IS NOT ENFORCED"));
}

#[tokio::test]
async fn a_session_that_is_to_last_longer_than_the_role_allows() {
    let sandbox = sandbox().await;
    let auth = managed(FOR_THE_PROXY.arn, FOR_THE_PROXY.external_id.unwrap()) + "session_duration = \"2h\"\n";
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::SessionDuration);
}

#[tokio::test]
async fn the_second_role_of_a_chain_that_does_not_trust_the_first() {
    let sandbox = sandbox().await;
    let auth = format!(
        "method = \"access-key-assume-role\"\n{}roles = [\"{}\", \"{}\"]\n",
        keys_of(&ROBOT),
        REPORT_READER.arn,
        FOR_THE_PROXY.arn
    );
    let report = check(&(world(&sandbox) + &connection("it", &s3(&sandbox), &auth))).await;
    assert_fails(&report, StepKind::AssumeRole, ResponsibleParty::TrustPolicy);
    assert!(mended_by(&report).contains(REPORT_READER.arn), "{}", mended_by(&report));
}

const IS_CHILD: &str = "E2E_CHECK_CHILD";

/// Not a test: checks the configuration of [`IS_CHILD`] in a process whose metadata service is the sandbox's.
#[tokio::test]
async fn child() {
    let Some(toml) = std::env::var_os(IS_CHILD) else { return };
    let report = check(toml.to_str().unwrap()).await;
    let failed = report.steps.iter().find(|step| step.outcome.finding().is_some());
    let step = failed.map_or("none", |step| step.kind.name());
    let parties: Vec<_> = report
        .responsible_parties()
        .into_iter()
        .map(ResponsibleParty::name)
        .collect();
    child::report(&format!("{} {step} {}", report.verdict().name(), parties.join(",")));
}

async fn check_on_instance(sandbox: &Sandbox, auth: &str) -> String {
    let toml = world(sandbox) + &connection("it", &s3(sandbox), auth);
    child::run("check::roles::child", sandbox.imds(), &[(IS_CHILD, &toml)]).await
}

#[tokio::test]
async fn an_instance_that_has_another_role() {
    let sandbox = sandbox().await;
    let own = |role: &str| {
        format!(
            "method = \"access-key-assume-role\"\nsource = \"default-chain\"\nrole = \"{role}\"\nrequire_ec2 = true\n"
        )
    };
    assert_eq!(
        check_on_instance(&sandbox, &own(INSTANCE_ROLE.name)).await,
        "works none "
    );
    let other = check_on_instance(&sandbox, &own(REPORT_READER.arn)).await;
    assert_eq!(other, "fails instance instance");
}
