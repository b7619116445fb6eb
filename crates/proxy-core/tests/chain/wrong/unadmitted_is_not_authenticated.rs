//! No client is looked at before the head can be read in one way only.

use http::request::Parts;
use proxy_core::authenticate::authenticate;

fn handle(head: Parts) {
    authenticate(head);
}

fn main() {}
