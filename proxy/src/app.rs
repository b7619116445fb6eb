//! The program as a whole: what a configuration is made into, how it is replaced while it runs, and how it ends.
//!
//! This is the only module that knows all the others. What it composes: listeners ([`http_server`]) with the request
//! pipeline ([`proxy_core::pipeline`]) and the admin endpoints, credential sources with their secret stores, and signals and
//! the configuration's files with reloads and shutdown.

mod assets;
mod limits;
mod proxy;
mod recorder;
mod rejections;
mod reload;
mod reloadable;
mod run;
mod signals;
mod sockets;
pub(crate) mod sources;
mod stores;
#[cfg(test)]
mod tests;
mod watch;

pub use proxy::{Proxy, StartError};
pub use reload::{ReloadError, Reloaded};
pub use run::{RunError, run};
#[cfg(feature = "sandbox")]
pub(crate) use signals::StopSignals;
