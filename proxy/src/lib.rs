//! The signing proxy.

pub mod config;
pub mod log;
pub mod metrics;
pub mod server;
