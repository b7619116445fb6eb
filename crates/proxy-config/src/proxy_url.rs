//! URLs of HTTP proxies, and entries of `no_proxy`: where they lead, without user and password.

use super::endpoint::{EndpointUrl, InvalidEndpointUrl};

/// Where the proxy of this URL is, without its user and password.
pub(super) fn address(url: &str) -> Result<EndpointUrl, InvalidEndpointUrl> {
    let rest = url.strip_prefix("http://").ok_or(InvalidEndpointUrl::Scheme)?;
    let host = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(['/', '?', '#', '@']) || user.chars().any(|c| c.is_control() || c == ' ') => {
            return Err(InvalidEndpointUrl::UserInfo);
        }
        Some((_, host)) => host,
        None => rest,
    };
    format!("http://{host}").parse()
}

/// An entry of `no_proxy` without what precedes the host of a URL with a user.
pub(super) fn without_user_info(entry: &str) -> &str {
    entry.rsplit_once('@').map_or(entry, |(_, host)| host)
}
