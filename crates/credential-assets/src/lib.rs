//! References to secrets kept elsewhere, and reading them.
//!
//! [`Assets`] turns an [`AssetReference`](auth_model::AssetReference) into a
//! [`Secret`](auth_model::Secret), and a connection's [`KeyAssets`](auth_model::KeyAssets) into checked
//! [`Credentials`](auth_model::Credentials). Files and variables are read each time. What a program
//! printed and what a vault or one of AWS's stores gave is used again for as long as the settings say, read once for
//! concurrent reads, and served stale for at most a day while the program fails, the vault or the store is down; then
//! [`Assets::stale_for`] says so. Keys that a vault's AWS engine makes live as long as their lease.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use auth_model::AssetReference;
//! use credential_assets::{Assets, FixedEnvironment};
//!
//! let environment = FixedEnvironment::from_iter([("REPORTS_SECRET", "wJalrXUtnFEMI")]);
//! let assets = Assets::new(environment);
//! let reference: AssetReference = "env:REPORTS_SECRET".parse()?;
//! assert_eq!(assets.read(&reference).await?.expose(), "wJalrXUtnFEMI");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Contracts
//!
//! Each sentence has a test named like it.
//!
//! - An error names the asset, never the value.
//! - A trailing newline is trimmed; so is a byte order mark.
//! - A file over 64 KiB is rejected.
//! - What is no regular file is rejected without being opened.
//! - A JSON pointer takes one string of a file.
//! - An empty asset is an error.
//! - A missing asset is distinguished from an unreadable one.
//! - A file readable by others is warned about once.
//! - A file is read again each time.
//! - A program is run without a shell and without input.
//! - A program that takes too long is killed.
//! - What a program prints is cached until it is rejected or grows old.
//! - Parts of one key from the same source are of the same reading.
//! - Each login method of a vault brings a secret.
//! - A vault's token is renewed before it ends and replaced when the vault no longer takes it.
//! - While a vault is sealed or cannot be reached its last secret is served stale.
//! - Leased keys are one set for all readers, renewed while that makes them live longer and replaced ahead of their end.
//! - Leased keys end with the vault's token.
//! - Leased keys that are seconds old are not replaced when they are rejected.
//! - A stored secret is fetched again when it is rejected or grows old.
//! - Keys are checked before they are handed out.
//! - Every exchange with a vault is measured, however it ends.
//!
//! Invariant: no client requests, no signing, no routes.

mod asset_cache;
mod assets;
mod call;
mod denied;
mod env;
mod environment;
mod error;
mod exec;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod readers;
mod reading;
mod scheme;
mod schemes;
pub mod single_flight;
mod store;
mod unconfigured;
mod value;
mod vault;

pub use assets::Assets;
pub use call::{CallObserver, CallOutcome, CallTarget, CallTimer};
pub use denied::DeniedFile;
pub use environment::{Environment, FixedEnvironment, ProcessEnvironment};
pub use error::{AssetError, AssetProblem, Outlook, SourceProblem};
pub use exec::{CommandProblem, CommandSettings, MAX_OUTPUT_BYTES};
pub use file::MAX_FILE_BYTES;
pub use reading::AssetReading;
pub use scheme::{AssetReader, KeyReader, LeasedKey, Pending, ReadableScheme, SecretReader, split_pointer};
pub use schemes::SCHEMES;
pub use store::{Fetching, SecretStore, StoreProblem, StoredSecret, store_reader};
pub use unconfigured::Unconfigured;
pub use vault::{InvalidVaultSettings, VaultProblem, VaultSettings};
