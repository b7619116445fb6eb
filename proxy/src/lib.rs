//! The signing proxy.

pub mod config;
pub mod metrics;
pub mod server;
