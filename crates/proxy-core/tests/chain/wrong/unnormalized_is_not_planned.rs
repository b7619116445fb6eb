//! No body has a plan before the head is in its final spelling.

use std::sync::Arc;

use proxy_core::plan::plan;
use proxy_core::route::{Route, Routed};

fn handle(request: Routed<Arc<Route>>) {
    let _ = plan(request, None, None);
}

fn main() {}
