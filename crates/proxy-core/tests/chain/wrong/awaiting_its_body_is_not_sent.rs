//! What waits for its body cannot be signed.

use proxy_core::authorize::AwaitsBody;

fn handle(request: &AwaitsBody) {
    let _ = request.to_send();
}

fn main() {}
