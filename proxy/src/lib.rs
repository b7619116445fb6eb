//! The signing proxy.
//!
//! It runs on Unix: on file modes, signals, and files that are opened and then removed.

#[cfg(not(unix))]
compile_error!("signing-proxy runs on Unix only, such as Linux or macOS: on Windows, run it in a container or in WSL");

mod admin;
pub mod app;
mod chain_files;
pub mod check;
pub mod cli;
pub mod log;
pub mod process;
#[cfg(feature = "sandbox")]
pub mod sandbox_command;
