//! The sandbox as its users meet it: real sockets, signed requests, and tampering.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod bidirectional;
mod chunks;
mod faults;
mod imds;
mod logs;
mod presigned;
mod s3;
mod services;
mod signatures;
mod streams;
mod sts;
mod support;
mod tls;
