//! The signing proxy.
//!
//! It runs on Unix: on file modes, signals, and files that are opened and then removed.

#[cfg(not(unix))]
compile_error!("signing-proxy runs on Unix only, such as Linux or macOS: on Windows, run it in a container or in WSL");

// As the modules name it.
extern crate http_server as server;
extern crate proxy_config as config;
extern crate request_body as body;
extern crate resource_limits as share;

use http_server::threads;

mod admin;
mod admit;
pub mod app;
mod authenticate;
mod authorize;
mod browser;
mod chain_files;
pub mod check;
pub mod cli;
pub mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod log;
pub mod metrics;
mod normalize;
mod permit;
pub mod pipeline;
mod plan;
pub mod process;
mod retry;
mod route;
#[cfg(feature = "sandbox")]
pub mod sandbox_command;
mod sign;
mod strip;
mod upstream;
