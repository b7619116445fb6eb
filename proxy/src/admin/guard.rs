//! Keeps web pages out.

use std::net::IpAddr;

use http::Request;
use http::header::HOST;
use http::uri::Authority;

/// Why a request was refused, as a hint for the client.
const HINT: &str = "Use an IP address, 'localhost' or a one-label name, or add the name to server.gateway_hosts.";

/// A page can point a name of its own at a loopback address (DNS rebinding), but it cannot make the browser send one
/// of our names. HTTP/1.0 clients may send none; browsers always do.
pub(super) fn check<B>(request: &Request<B>, hosts: &[String]) -> Result<(), &'static str> {
    let mut named = request.headers().get_all(HOST).iter();
    let host = match (request.uri().authority(), named.next(), named.next()) {
        (_, Some(_), Some(_)) => return Err("Send exactly one Host header."),
        (Some(authority), ..) => authority.clone(),
        (None, Some(host), _) => Authority::try_from(host.as_bytes()).map_err(|_| HINT)?,
        (None, None, ..) => return Ok(()),
    };
    if is_ours(&host.host().to_ascii_lowercase(), hosts) {
        Ok(())
    } else {
        Err(HINT)
    }
}

fn is_ours(host: &str, hosts: &[String]) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    !host.contains('.') || bare.parse::<IpAddr>().is_ok() || hosts.iter().any(|known| known == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn verdict(hosts: &[&str]) -> bool {
        let mut request = Request::get("/livez");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check(&request.body(()).unwrap(), &["proxy.internal".to_owned()]).is_ok()
    }

    #[test]
    fn our_names_are_addresses_single_labels_and_configured_ones() {
        for host in [
            "127.0.0.1:9901",
            "[::1]:9901",
            "10.1.2.3",
            "localhost",
            "LOCALHOST:1",
            "proxy",
            "Proxy.Internal:9901",
        ] {
            assert!(verdict(&[host]), "{host}");
        }
        assert!(verdict(&[]));
    }

    #[test]
    fn other_names_and_nonsense_are_refused() {
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "xproxy.internal",
            "a b",
            "",
            "proxy.internal.",
        ] {
            assert!(!verdict(&[host]), "{host}");
        }
        assert!(!verdict(&["localhost", "localhost"]));
    }
}
