//! What may be sent in the clear: to this machine, and to where the operator allows it.
//!
//! A request in the clear shows its body and its session token to everybody on the way, and the token with a signature
//! for any time and target that somebody on the way changes is as good as the key for what the signature covers.

use crate::table::Table;
use crate::{EndpointUrl, Scheme};

/// The URL of the key; one with `http://` beyond this machine only where `allow_cleartext` of the same table allows it.
pub(super) fn endpoint(table: &Table<'_>, name: &str, text: Option<&str>, is_allowed: bool) -> Option<EndpointUrl> {
    let url: EndpointUrl = table.parse(name, text)?;
    if url.scheme() == Scheme::Http && !is_allowed && !is_this_machine(&url) {
        let message = format!(
            "leads beyond this machine in the clear: bodies, session tokens and secrets could be read in transit; use \
             https://, or set {} = true",
            table.key("allow_cleartext")
        );
        table.reject(name, message);
        return None;
    }
    Some(url)
}

/// Whether nothing that is sent there leaves this machine.
fn is_this_machine(url: &EndpointUrl) -> bool {
    match url.ip() {
        Some(ip) => ip.to_canonical().is_loopback(),
        // RFC 6761, section 6.3: resolvers respond with loopback addresses only.
        None => url.host() == "localhost" || url.host().ends_with(".localhost"),
    }
}
