//! The vocabulary of signing-proxy; every other crate speaks it.
//!
//! A [`Connection`] pairs an [`AuthMethod`] with a service and a region. An auth method says which
//! [`Credentials`] to obtain and how: static keys, a role in the same account, or a customer's role
//! through a [`ManagedIdentity`]. Every text that reaches AWS has a type here that can only be made
//! by parsing, so that the crates below never meet an unchecked one.
//!
//! ```
//! use auth_model::{
//!     AuthMethod, Connection, ConnectionName, KeyParts, ManagedIdentity, IdentityName, Organisation, ExternalId, Region,
//!     RoleArn, ServiceId,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeyParts {
//!     access_key_id: "AKIAIOSFODNN7EXAMPLE".parse()?,
//!     secret_access_key: "file:/run/secrets/acme".parse()?,
//!     session_token: None,
//! };
//! let connection = Connection {
//!     name: ConnectionName::parse("acme-models")?,
//!     service: ServiceId::parse("bedrock-runtime")?,
//!     region: Region::parse("us-east-1")?,
//!     signing_name: None,
//!     auth: AuthMethod::ManagedCrossAccount {
//!         identity: ManagedIdentity {
//!             name: IdentityName::parse("acme")?,
//!             organisation: Organisation::parse("Acme")?,
//!             keys: keys.into(),
//!         },
//!         role_arn: "arn:aws:iam::222233334444:role/for-the-proxy".parse::<RoleArn>()?,
//!         external_id: ExternalId::parse("9c1f0a7e5b3d")?,
//!         options: Default::default(),
//!     },
//! };
//! assert_eq!(connection.auth.name(), "managed-cross-account");
//! assert!(connection.auth.check().is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! Invariant: no I/O, no async, no HTTP, no AWS SDK, no configuration format.

#[macro_use]
mod text;

mod arn;
mod asset;
mod assume_role;
mod clock;
mod connection;
mod credentials;
mod identity;
mod key_assets;
mod method;
mod place;
mod role;
mod role_chain;
mod secret;
mod vault_login;

pub use arn::{AccountId, Arn, InvalidAccountId, InvalidArn, InvalidPartition, Partition};
pub use asset::{
    AssetLocation, AssetOrigin, AssetReference, AssetScheme, AssetSchemes, AssetSettings, AssetValue,
    InvalidAssetReference, InvalidLocation,
};
pub use assume_role::{
    AssumeRoleOptions, ExternalId, InvalidExternalId, InvalidMfaCode, InvalidMfaSerial, InvalidPolicyArn,
    InvalidPolicyArns, InvalidRoleSessionName, InvalidSessionDuration, InvalidSessionNameTemplate,
    InvalidSessionPolicy, InvalidSessionTags, InvalidSourceIdentity, InvalidTagKey, InvalidTagValue, Mfa, MfaCode,
    MfaSerial, PolicyArn, PolicyArns, RoleSessionName, SessionDuration, SessionNameTemplate, SessionPolicy,
    SessionTags, SourceIdentity, TagKey, TagValue,
};
pub use clock::{Clock, SystemClock};
pub use connection::{Connection, ConnectionName, InvalidConnectionName};
pub use credentials::{
    AccessKeyId, Credentials, InvalidAccessKeyId, InvalidSecretAccessKey, InvalidSessionToken, SecretAccessKey,
    SessionToken,
};
pub use identity::{IdentityName, InvalidIdentityName, InvalidOrganisation, ManagedIdentity, Organisation};
pub use key_assets::{KeyAssets, KeyParts};
pub use method::{AuthMethod, BaseKeys, ContradictoryAuth, RunsOn};
pub use place::{InvalidRegion, InvalidServiceId, InvalidSigningName, Region, ServiceId, SigningName};
pub use role::{InvalidRoleArn, InvalidRoleName, InvalidRoleReference, RoleArn, RoleName, RoleReference};
pub use role_chain::{InvalidRoleChain, RoleChain};
pub use secret::Secret;
pub use vault_login::VaultLogin;
