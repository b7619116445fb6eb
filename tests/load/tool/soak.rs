//! The soak: a client at a constant rate that knows what each request has to bring, and a service that knows what each
//! has to be and spoils some of them on a script. Both derive all of that from the request's number, so nothing about a
//! request is taken on trust, and nothing is kept of it.

mod check;
mod client;
mod content;
mod counts;
mod fault;
mod keys;
mod mixture;
mod plan;
mod pool;
mod service;
mod sts;
mod tally;
mod verify;
mod wire;

use auth_model::{Clock as _, SystemClock};
use std::time::SystemTime;

pub(super) use client::{Load, run};
pub(super) use service::{Settings, serve};

/// The header that numbers a request, there and back.
const NUMBER: &str = "x-soak-number";

/// The header in which the service reports whose key signed.
const SIGNED_BY: &str = "x-soak-signed-by";

fn now() -> SystemTime {
    SystemClock.now()
}
