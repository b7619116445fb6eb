//! Nobody but `authorize` makes an authorized request.

use proxy_core::authorize::Authorized;
use proxy_core::normalize::Normalized;
use proxy_core::plan::FramedBody;

fn forge(request: Normalized, body: FramedBody) -> Authorized {
    Authorized { request, body }
}

fn main() {}
