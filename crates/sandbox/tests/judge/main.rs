//! The sandbox as its users meet it: real sockets, signed requests, and tampering.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod s3;
mod signatures;
mod sts;
mod support;
