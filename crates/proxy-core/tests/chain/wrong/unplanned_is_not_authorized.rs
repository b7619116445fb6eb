//! Nothing is authorized before it is known whether the body decides.

use proxy_core::authorize::by_head;
use proxy_core::normalize::Normalized;

fn handle(request: Normalized) {
    drop(by_head(request, None));
}

fn main() {}
