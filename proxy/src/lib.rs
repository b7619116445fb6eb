//! The signing proxy.

pub mod config;
