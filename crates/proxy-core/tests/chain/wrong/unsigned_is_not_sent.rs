//! Nothing unsigned is sent.

use proxy_core::authorize::Authorized;
use proxy_core::upstream::{Attempt, Upstream};

fn handle(upstream: &Upstream, request: Authorized) {
    drop(upstream.send(request, Attempt::First));
}

fn main() {}
