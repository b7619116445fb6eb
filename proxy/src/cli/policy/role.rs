//! `policy trust` and `policy identity`: the documents on either side of a role.

use std::path::PathBuf;

use auth_model::{AuthMethod, ConnectionName, ExternalId, RoleArn, RoleReference};
use clap::Args;
use policy_gen::template::{assume_role, trust};
use policy_gen::{AccountRoot, PolicyKind, Principal};
use proxy_config::{ConnectionConfig, Environment, Overrides, load};

use super::documents::{OutputArgs, note};
use crate::chain_files::chain_files;
use crate::cli::output::Failure;

/// A connection of the configuration, where a command may take what it says.
#[derive(Args, Debug)]
pub(super) struct ConnectionArgs {
    /// Take what the configuration says of this connection.
    #[arg(long, value_name = "NAME")]
    pub(super) connection: Option<ConnectionName>,
    /// The configuration file; else `$SIGNING_PROXY_CONFIG`, else `./signing-proxy.toml`.
    #[arg(long, short, value_name = "FILE", requires = "connection")]
    config: Option<PathBuf>,
}

impl ConnectionArgs {
    /// The connection; `None` where none is named.
    pub(super) fn load(&self, environment: &Environment) -> Result<Option<ConnectionConfig>, Failure> {
        let Some(name) = &self.connection else { return Ok(None) };
        let overrides = Overrides {
            file: self.config.clone(),
            ..Overrides::default()
        };
        let mut connections = load(&overrides, environment, chain_files)?.config.connections;
        let known: Vec<_> = connections.keys().map(ConnectionName::as_str).collect();
        let unknown = format!(
            "there is no connection {name}; the configuration has {}",
            known.join(", ")
        );
        connections.remove(name).map(Some).ok_or(Failure::Input(unknown))
    }
}

#[derive(Args, Debug)]
pub(in crate::cli) struct TrustArgs {
    /// The user that may assume the role, by its ARN.
    #[arg(long, value_name = "USER_ARN")]
    principal: String,
    /// What the user must name besides; in place of the connection's.
    #[arg(long, value_name = "ID")]
    external_id: Option<ExternalId>,
    /// Let --principal be an account's root: everybody there whom the account's own policies let.
    #[arg(long)]
    allow_root: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn trust_policy(args: &TrustArgs, environment: &Environment) -> Result<(), Failure> {
    let root = if args.allow_root {
        AccountRoot::Allowed
    } else {
        AccountRoot::Rejected
    };
    let principal =
        Principal::parse(&args.principal, root).map_err(|error| Failure::Input(format!("--principal: {error}")))?;
    let of_connection = match args.connection.load(environment)?.map(|config| config.connection.auth) {
        Some(AuthMethod::ManagedCrossAccount { external_id, .. }) => Some(external_id),
        Some(AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. }) => {
            return Err(Failure::Input(
                "the connection assumes no role: there is nobody to trust".to_owned(),
            ));
        }
        Some(AuthMethod::AccessKeyAssumeRole { .. }) | None => None,
    };
    let external_id = args.external_id.as_ref().or(of_connection.as_ref());
    match &principal {
        Principal::User(_) => note(
            "IAM keeps the user's unique id in place of its ARN: a user that is deleted and made again is not trusted",
        ),
        Principal::AccountRoot { .. } => {
            note("everybody in that account whom its own policies let may assume the role");
        }
    }
    if external_id.is_none() {
        note("no External ID: give one where the user serves several customers, so that none can use another's role");
    }
    args.output.write(&trust(&principal, external_id), PolicyKind::Trust)
}

#[derive(Args, Debug)]
pub(in crate::cli) struct IdentityArgs {
    /// The role that the user assumes, by its ARN.
    #[arg(
        long,
        value_name = "ARN",
        required_unless_present = "connection",
        conflicts_with = "connection"
    )]
    role_arn: Option<RoleArn>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn identity_policy(args: &IdentityArgs, environment: &Environment) -> Result<(), Failure> {
    let of_connection = args
        .connection
        .load(environment)?
        .map(|config| first_role(&config.connection.auth));
    let role = of_connection.transpose()?.or_else(|| args.role_arn.clone());
    let role = role.ok_or_else(|| Failure::Input("no role is named: give --role-arn".to_owned()))?;
    note("attach it to the user whose keys the connection has; it needs no other policy");
    args.output.write(&assume_role(&role), PolicyKind::Managed)
}

/// The role that the connection's keys assume.
fn first_role(auth: &AuthMethod) -> Result<RoleArn, Failure> {
    match auth {
        AuthMethod::ManagedCrossAccount { role_arn, .. } => Ok(role_arn.clone()),
        AuthMethod::AccessKeyAssumeRole { roles, .. } => match roles.first() {
            RoleReference::Arn(arn) => Ok(arn.clone()),
            RoleReference::Name(name) => Err(Failure::Input(format!(
                "the connection names its role {name} without an account: give --role-arn instead of --connection"
            ))),
        },
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => Err(Failure::Input(
            "the connection assumes no role: there is nothing to let its user do".to_owned(),
        )),
    }
}
