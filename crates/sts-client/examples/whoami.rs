//! Prints the account and the ARN that an auth method leads to, asking a real STS.
//!
//! ```sh
//! # what AWS's own tools would use on this machine
//! cargo run -p sts-client --example whoami -- --region eu-west-1
//! # keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; then a role with them; then a customer's
//! cargo run -p sts-client --example whoami -- --region eu-west-1 --keys env
//! cargo run -p sts-client --example whoami -- --region eu-west-1 --keys env --role team/report-reader
//! cargo run -p sts-client --example whoami -- --region eu-west-1 --keys env \
//!     --role arn:aws:iam::222233334444:role/for-the-proxy --external-id b1c9f0
//! ```
//! `--endpoint http://127.0.0.1:9600` asks an emulator, `--ca FILE` trusts its certificates, `--proxy URL` goes
//! through a proxy; `--profile NAME` chooses a profile.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example writes to a terminal"
)]

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use auth_model::{
    AssumeRoleOptions, AuthMethod, BaseKeys, Connection, ConnectionName, ExternalId, KeyAssets, KeyParts,
    ManagedIdentity, Region, RoleChain, RoleReference, RunsOn, ServiceId, SystemClock,
};
use credential_assets::{Assets, ProcessEnvironment};
use sts_client::{CredentialSource, EgressProxy, StsSettings};

const USAGE: &str = "usage: whoami --region REGION [--endpoint URL] [--ca FILE] [--proxy URL] \
    [--profile NAME | --keys env [--role ROLE [--external-id ID]]]";

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(whoami()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whoami: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn whoami() -> Result<(), Box<dyn Error>> {
    let mut flags = flags()?;
    let region = flags.remove("--region").ok_or(USAGE)?;
    let settings = StsSettings {
        endpoint: flags.remove("--endpoint").map(|url| url.parse()).transpose()?,
        extra_roots_pem: flags.remove("--ca").map(std::fs::read).transpose()?.unwrap_or_default(),
        proxy: flags.remove("--proxy").map(|url| proxy(&url)).transpose()?,
        ..StsSettings::default()
    };
    let connection = Connection {
        name: ConnectionName::parse("whoami")?,
        service: ServiceId::parse("sts")?,
        region: Region::parse(region)?,
        signing_name: None,
        auth: auth_method(&mut flags)?,
    };
    let assets = Assets::new(ProcessEnvironment);
    let source = CredentialSource::new(&connection, assets, &settings, Arc::new(SystemClock))?;
    let caller = source.caller_identity().await?;
    println!("account {}\narn     {}", caller.account, caller.arn);
    Ok(())
}

fn proxy(url: &str) -> Result<EgressProxy, Box<dyn Error>> {
    Ok(EgressProxy {
        uri: url.parse()?,
        no_proxy: String::new(),
    })
}

/// `--name value` pairs.
fn flags() -> Result<HashMap<String, String>, Box<dyn Error>> {
    let known = USAGE.split([' ', '[', ']']).filter(|word| word.starts_with("--"));
    let known: Vec<_> = known.collect();
    let mut flags = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or(USAGE)?;
        if !known.contains(&name.as_str()) {
            return Err(USAGE.into());
        }
        flags.insert(name, value);
    }
    Ok(flags)
}

fn auth_method(flags: &mut HashMap<String, String>) -> Result<AuthMethod, Box<dyn Error>> {
    if flags.remove("--keys").is_none() {
        let profile = flags.remove("--profile");
        return Ok(AuthMethod::DefaultChain { profile });
    }
    let keys: KeyAssets = KeyParts {
        access_key_id: "env:AWS_ACCESS_KEY_ID".parse()?,
        secret_access_key: "env:AWS_SECRET_ACCESS_KEY".parse()?,
        session_token: None,
    }
    .into();
    let options = AssumeRoleOptions::default();
    Ok(match (flags.remove("--role"), flags.remove("--external-id")) {
        (None, _) => AuthMethod::AccessKey { keys },
        (Some(role), None) => AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(keys),
            roles: RoleChain::from(role.parse::<RoleReference>()?),
            runs_on: RunsOn::Anywhere,
            options,
        },
        (Some(role), Some(external_id)) => AuthMethod::ManagedCrossAccount {
            identity: ManagedIdentity {
                name: "whoami".parse()?,
                organisation: "whoami".parse()?,
                keys,
            },
            role_arn: role.parse()?,
            external_id: ExternalId::parse(external_id)?,
            options,
        },
    })
}
