//! What the proxy has to sign is not passed on as if its client had.

use proxy_core::authorize::Unsigned;
use proxy_core::sign::Signed;

fn handle(request: Unsigned<'_>) {
    let _ = Signed::by_client(request, None);
}

fn main() {}
