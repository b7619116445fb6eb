//! What the body decides is not decided by the head.

use proxy_core::authorize::by_head;
use proxy_core::plan::DecidedByBody;

fn handle(request: DecidedByBody) {
    drop(by_head(request, None));
}

fn main() {}
