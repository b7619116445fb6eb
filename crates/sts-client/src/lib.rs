//! Live AWS credentials for an auth method: obtained once, shared and renewed ahead of expiry.
//!
//! A [`CredentialSource`] is one connection's way to its credentials: static keys, a role assumed
//! with keys, a customer's role assumed by a managed identity, or the chain that AWS's own tools
//! search. [`CredentialSource::credentials`] is cheap while a valid set is held and may be called
//! for every request.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use auth_model::{
//!     AuthMethod, BaseKeys, Connection, ConnectionName, KeyParts, Region, RoleChain, RoleReference, RunsOn, ServiceId,
//!     SystemClock,
//! };
//! use credential_assets::{Assets, ProcessEnvironment};
//! use sts_client::{CredentialSource, StsSettings};
//!
//! let keys = KeyParts {
//!     access_key_id: "AKIAIOSFODNN7EXAMPLE".parse()?,
//!     secret_access_key: "env:ROBOT_SECRET".parse()?,
//!     session_token: None,
//! };
//! let connection = Connection {
//!     name: ConnectionName::parse("robot")?,
//!     service: ServiceId::parse("s3")?,
//!     region: Region::parse("eu-west-1")?,
//!     signing_name: None,
//!     auth: AuthMethod::AccessKeyAssumeRole {
//!         base: BaseKeys::Assets(keys.into()),
//!         roles: RoleChain::from("team/report-reader".parse::<RoleReference>()?),
//!         runs_on: RunsOn::Anywhere,
//!         options: Default::default(),
//!     },
//! };
//! let assets = Assets::new(ProcessEnvironment);
//! let source = CredentialSource::new(&connection, assets, &StsSettings::default(), Arc::new(SystemClock))?;
//! let credentials = source.credentials().await?; // GetCallerIdentity, then AssumeRole; once
//! # let _ = credentials;
//! # Ok(())
//! # }
//! ```
//!
//! # Contracts
//!
//! Each sentence has a test named like it.
//!
//! The life of a set of credentials:
//! - Concurrent cold start calls STS once.
//! - A dropped request does not cancel the flight for others.
//! - While a valid set is held nobody waits for its renewal.
//! - A set is renewed in the background before it expires.
//! - The refresh window is a third of the lifetime at most, and five minutes at most.
//! - A session of 900 seconds does not loop.
//! - The last good set serves while STS is down.
//! - An expired set is never served.
//! - A failing source is not hammered.
//! - Permanent errors are distinguished from passing ones.
//! - A refused set is renewed once however many report it.
//! - Constant rejections lead to few refreshes.
//! - Keys that AWS rejects are reported once, until others come or AWS accepts them.
//! - A wrong signature has keys read again and nothing issued.
//! - The first request after a long idle time costs one call.
//! - A rotated file is picked up.
//! - Two organisations never act by one key: see [`KeyWall`].
//! - Identical sources share a set; managed identities of different organisations never do.
//! - A flight that hangs ends at its deadline.
//! - A leased set is refreshed by its lease, and more often while the vault is down.
//! - A user that a vault has just made is taken when AWS knows it.
//!
//! Where the caller has the credentials already:
//! - A fixed source returns what it was given, and never refreshes it.
//!
//! [`CredentialDiagnostics`] take the same steps one at a time, and report each:
//! - The steps of diagnostics are those of a source.
//! - Diagnostics can leave the External ID out.
//! - STS's clock is compared with ours.
//!
//! What is sent and said:
//! - Every option is on the wire.
//! - A role's name is completed by the caller's account, which is requested once.
//! - The default session name comes from the connection.
//! - Each role of a chain is assumed with the session of the one before.
//! - STS is called at its regional endpoint.
//! - A clock that differs from that of STS is made up for.
//! - An instance's own role is used by IMDSv2, and only where the instance has it attached.
//! - A hop limit that is too low is reported clearly.
//! - A named profile is the only place that is searched.
//! - Each store is called in its own protocol, with a valid signature, in the region of an ARN.
//! - A set that a store refuses is renewed once.
//! - Every exchange is measured, however it ends.
//! - No secret is in any error, any `Debug` or any log line at TRACE.
//!
//! Invariant: no client requests, no routes, no configuration files. The AWS SDK's types stay inside.

mod ambient;
mod cache;
mod chain;
mod connector;
mod diagnostics;
mod error;
mod error_response;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod instance;
mod means;
mod observed;
mod origin;
mod own_keys;
mod quiet;
mod role;
mod schedule;
mod secret_store;
mod settings;
mod shared;
mod source;
mod state;
mod static_keys;
mod sts;
mod wall;

pub use ambient::{AmbientFiles, ambient_files};
pub use cache::{Certainty, Refresh};
pub use diagnostics::{CredentialDiagnostics, ExternalIdChoice, Skew, is_same_identity, is_same_way};
pub use error::{CredentialError, CredentialFailure};
pub use secret_store::{AwsSecretStore, SecretStoreSettings, asset_schemes, aws_schemes};
pub use settings::{EgressProxy, StsSettings};
pub use shared::shared_sources;
pub use source::CredentialSource;
pub use state::{CredentialCounters, CredentialState};
pub use sts::CallerIdentity;
pub use wall::KeyWall;

#[cfg(test)]
mod testing;
