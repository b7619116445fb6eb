//! No head is spelled for a service that is not known.

use proxy_core::authenticate::Authenticated;
use proxy_core::normalize::normalize;
use proxy_core::permit::Account;

fn handle(request: Authenticated, account: &Account) {
    drop(normalize(request, true, account, "signing-proxy"));
}

fn main() {}
