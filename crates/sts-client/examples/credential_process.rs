//! The credential source alone: a role's credentials as AWS's own tools take them from a program (`credential_process`).
//!
//! ```sh
//! export BASE_KEY_ID=AKIA… BASE_SECRET=…
//! cargo run -p sts-client --example credential_process -- eu-west-1 team/report-reader
//! ```
//! In `~/.aws/config`: `credential_process = /path/to/credential_process eu-west-1 team/report-reader`.

use std::error::Error;
use std::sync::Arc;

use auth_model::{
    AssumeRoleOptions, AuthMethod, BaseKeys, Connection, ConnectionName, Credentials, KeyParts, Region, RoleChain,
    RoleReference, RunsOn, ServiceId, SessionToken, SystemClock,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use credential_assets::{Assets, ProcessEnvironment};
use sts_client::{CredentialSource, StsSettings};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the protocol is JSON on the standard output")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [region, role] = arguments.as_slice() else {
        return Err("usage: credential_process REGION ROLE".into());
    };
    // References, not the secrets themselves: `file:`, `exec:` and `vault:` would do as well.
    let keys = KeyParts {
        access_key_id: "env:BASE_KEY_ID".parse()?,
        secret_access_key: "env:BASE_SECRET".parse()?,
        session_token: None,
    };
    let source = source(Region::parse(region)?, role.parse()?, keys, &StsSettings::default())?;
    println!("{}", to_json(&*source.credentials().await?)?);
    Ok(())
}

/// The role's credentials: cached, shared by all that hold a clone, and refreshed before they expire. This program asks
/// once; one that runs on calls [`CredentialSource::credentials`] before each request.
pub(crate) fn source(
    region: Region,
    role: RoleReference,
    keys: KeyParts,
    settings: &StsSettings,
) -> Outcome<CredentialSource> {
    let connection = Connection {
        name: ConnectionName::parse("credential-process")?,
        service: ServiceId::parse("sts")?,
        region,
        signing_name: None,
        auth: AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(keys.into()),
            roles: RoleChain::from(role),
            runs_on: RunsOn::Anywhere,
            options: AssumeRoleOptions::default(),
        },
    };
    let assets = Assets::new(ProcessEnvironment);
    Ok(CredentialSource::new(
        &connection,
        assets,
        settings,
        Arc::new(SystemClock),
    )?)
}

/// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
pub(crate) fn to_json(credentials: &Credentials) -> Outcome<serde_json::Value> {
    let expires_at = credentials.expires_at.ok_or("a role's credentials expire")?;
    Ok(serde_json::json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id.as_str(),
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "SessionToken": credentials.session_token.as_ref().map(SessionToken::expose),
        "Expiration": DateTime::from(expires_at).fmt(Format::DateTime)?,
    }))
}
