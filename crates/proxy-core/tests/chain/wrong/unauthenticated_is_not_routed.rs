//! No route for a client that nobody has looked at.

use std::sync::Arc;

use proxy_core::admit::Admitted;
use proxy_core::route::{Route, Router};
use resource_limits::ListenerRole;

fn handle(router: &Router<Arc<Route>>, admitted: Admitted) {
    let _ = router.route(admitted, &ListenerRole::Shared);
}

fn main() {}
