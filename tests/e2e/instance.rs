//! Connections for EC2 instances against the sandbox's metadata service and STS, and against services that fail.
//!
//! Each connection lives in a child process: this test binary again, which [`IS_CHILD`] makes one.

use std::net::SocketAddr;
use std::sync::Arc;

use auth_model::{
    AssumeRoleOptions, AuthMethod, BaseKeys, Connection, ConnectionName, KeyParts, Region, RoleChain, RunsOn,
    ServiceId, SystemClock,
};
use credential_assets::{Assets, FixedEnvironment};
use sandbox::Fault;
use sandbox::principals::{INSTANCE_ROLE, REPORT_READER, ROBOT};
use sts_client::{CredentialSource, StsSettings};

use crate::support::child;
use crate::support::world::sandbox;

const IS_CHILD: &str = "E2E_INSTANCE_CHILD";
/// The roles, separated by blanks.
const ROLES: &str = "E2E_INSTANCE_ROLES";
/// Where STS listens; with it the keys are the robot's, without they are found.
const STS: &str = "E2E_INSTANCE_STS";
/// Set for the plain default chain.
const CHAIN: &str = "E2E_INSTANCE_CHAIN";

/// Not a test: what the child does.
#[tokio::test]
async fn child() {
    let variable = |name| std::env::var_os(name).map(|value| value.into_string().unwrap());
    if variable(IS_CHILD).is_none() {
        return;
    }
    let sts = variable(STS);
    let base = match &sts {
        Some(_) => BaseKeys::Assets(
            KeyParts {
                access_key_id: ROBOT.access_key_id.parse().unwrap(),
                secret_access_key: ROBOT.secret_access_key.parse().unwrap(),
                session_token: None,
            }
            .into(),
        ),
        None => BaseKeys::DefaultChain { profile: None },
    };
    let auth = match variable(CHAIN) {
        Some(_) => AuthMethod::DefaultChain { profile: None },
        None => AuthMethod::AccessKeyAssumeRole {
            base,
            roles: RoleChain::new(variable(ROLES).unwrap().split(' ').map(|role| role.parse().unwrap())).unwrap(),
            runs_on: RunsOn::InstanceOfRole,
            options: AssumeRoleOptions::default(),
        },
    };
    let connection = Connection {
        name: ConnectionName::parse("child").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        signing_name: None,
        auth,
    };
    let settings = StsSettings {
        endpoint: sts.map(|url| url.parse().unwrap()),
        ..StsSettings::default()
    };
    let assets = Assets::new(FixedEnvironment::default());
    let source = CredentialSource::new(&connection, assets, &settings, Arc::new(SystemClock)).unwrap();
    match source.credentials().await {
        Ok(set) => {
            let lifetime = set.expires_at.unwrap().elapsed().unwrap_err().duration();
            let hours = lifetime.as_secs().div_ceil(3_600);
            child::report(&format!("ok {} hours={hours}", set.session_token.is_some()));
        }
        Err(error) => child::report(&format!("error {} {error}", error.code())),
    }
}

/// What a child says whose metadata service is there.
async fn run(imds: SocketAddr, variables: &[(&str, &str)]) -> String {
    child::run("instance::child", imds, &[&[(IS_CHILD, "1")], variables].concat()).await
}

#[tokio::test]
async fn the_instances_own_role_is_used_by_version_2_and_not_assumed() {
    let sandbox = sandbox().await;
    // Whoever prefers these to the instance's own gets no session token.
    let others = [("AWS_ACCESS_KEY_ID", "AKIAWRONG"), ("AWS_SECRET_ACCESS_KEY", "wrong")];
    for role in [INSTANCE_ROLE.name, INSTANCE_ROLE.arn] {
        let variables = [(ROLES, role), others[0], others[1]];
        assert_eq!(run(sandbox.imds(), &variables).await, "ok true hours=6");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn keys_assume_the_role_where_the_instance_has_it_attached() {
    let sandbox = sandbox().await;
    let sts = format!("http://{}", sandbox.sts());
    // The robot may assume this role, but the instance has another one.
    let result = run(sandbox.imds(), &[(ROLES, REPORT_READER.arn), (STS, &sts)]).await;
    assert_eq!(
        result,
        format!(
            "error instance_role this instance does not have the role {} attached: it has the role {}",
            REPORT_READER.arn, INSTANCE_ROLE.name
        )
    );
    // The instance has this one, so the robot comes to STS, which does not let it.
    let result = run(sandbox.imds(), &[(ROLES, INSTANCE_ROLE.arn), (STS, &sts)]).await;
    assert!(
        result.starts_with("error access_denied STS denies assuming"),
        "{result}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_role_of_the_same_name_in_another_account_is_another_role() {
    let sandbox = sandbox().await;
    let elsewhere = INSTANCE_ROLE.arn.replace(INSTANCE_ROLE.account, "999999999999");
    let result = run(sandbox.imds(), &[(ROLES, &elsewhere)]).await;
    let want = format!(
        "it has the role {} of account {}",
        INSTANCE_ROLE.name, INSTANCE_ROLE.account
    );
    assert!(
        result.starts_with("error instance_role ") && result.ends_with(&want),
        "{result}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_hop_limit_that_is_too_low_is_reported_clearly() {
    // The connection is made, the response to the PUT never arrives: as one hop too many looks from inside.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let imds = silent.local_addr().unwrap();
    for variables in [[(ROLES, INSTANCE_ROLE.name)], [(CHAIN, "1")]] {
        let result = run(imds, &variables).await;
        assert!(result.starts_with("error instance_hop_limit "), "{result}");
        assert!(result.contains("HttpPutResponseHopLimit to 2"), "{result}");
    }
}

#[tokio::test]
async fn a_machine_without_a_metadata_service_differs_from_one_out_of_reach() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let result = run(closed, &[(ROLES, INSTANCE_ROLE.name)]).await;
    assert!(result.starts_with("error instance_metadata "), "{result}");

    let sandbox = sandbox().await;
    assert!(sandbox.fault("imds", Fault::Unavailable));
    let result = run(sandbox.imds(), &[(ROLES, INSTANCE_ROLE.name)]).await;
    assert!(result.starts_with("error instance_metadata "), "{result}");
    sandbox.stop().await;
}
