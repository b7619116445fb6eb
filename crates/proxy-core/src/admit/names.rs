//! Names of header fields that some servers take for other fields.
//!
//! Behind CGI and what came of it (RFC 3875, section 4.1.18; WSGI, Rack, Ceph's RGW) a field `x-amz-acl` is a variable
//! `HTTP_X_AMZ_ACL`, and so is `x_amz_acl`; some write every other character as `_`. What the proxy signed, removed or
//! decided on by the one name would then stand in the request by the other.

use http::HeaderMap;
use policy_gen::mapping::Server;

use crate::error::{ErrorCode, ProxyError};

/// Where a body ends: the hops before the proxy may have read it too.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// What the proxy signs, removes, decides on or frames by, as names begin.
const WEIGHTY: [&str; 21] = [
    "x-amz",
    "access-control-",
    "content-",
    "http2-settings",
    "if-",
    "keep-alive",
    "ping-",
    "proxy-",
    "sec-",
    "service-worker",
    "smithy-protocol",
    "transfer-",
    "upgrade-",
    "x-forwarded-",
    "x-http-method",
    "x-method-override",
    "x-minio-",
    "x-moz",
    "x-purpose",
    "x-rgw-",
    "x-signing-proxy-",
];

/// Fields whose names the client may choose, as they begin, and the one of AWS's own that has an underscore.
///
/// Source: locations `header` and `headers` of every model of botocore 1.43.
const CHOSEN: [&str; 4] = [
    "x-amz-meta-",
    "x-amz-sso_bearer_token",
    "x-amzn-bedrock-agentcore-runtime-custom-",
    "x-amzn-dataexchange-header-",
];

/// Checks every field's name, for a request that goes to this server.
///
/// # Errors
///
/// [`ErrorCode::HeadAmbiguous`].
pub fn check_names(headers: &HeaderMap, server: Server) -> Result<(), ProxyError> {
    match headers.keys().find(|name| is_taken_for_another(name.as_str(), server)) {
        None => Ok(()),
        Some(name) => Err(ProxyError::new(ErrorCode::HeadAmbiguous).with_hint(format!(
            "Write '-' for every other mark in the header name {name}: some servers take it for another header."
        ))),
    }
}

/// `name` is in lower case.
fn is_taken_for_another(name: &str, server: Server) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.bytes().all(is_plain) || CHOSEN.iter().any(|chosen| name.starts_with(chosen)) {
        return false;
    }
    let dashed = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let weighty = match server {
        // Their servers take names as they are; what is theirs alone has one spelling all the same.
        Server::Aws => WEIGHTY.get(..1).unwrap_or_default(),
        Server::Other => WEIGHTY.as_slice(),
    };
    FRAMING.contains(&dashed.as_str()) || weighty.iter().any(|start| dashed.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(name: &str) -> [bool; 2] {
        [Server::Aws, Server::Other].map(|server| is_taken_for_another(name, server))
    }

    #[test]
    fn names_of_weight_have_one_spelling() {
        for name in [
            "x_amz_acl",
            "x-amz-copy_source",
            "x_amz-acl",
            "x.amz.acl",
            "x!amz'acl",
            "x_amzn_a",
            "content_length",
            "transfer.encoding",
            "x_amz_meta_a",
            "x-amz_meta-a",
        ] {
            assert_eq!(is_taken(name), [true, true], "{name}");
        }
        for name in [
            "content_type",
            "content_md5",
            "if_match",
            "proxy_authorization",
            "x_forwarded_host",
            "x_signing_proxy_connection",
            "x_http_method_override",
            "x_rgw_copy",
        ] {
            assert_eq!(is_taken(name), [false, true], "{name}");
        }
    }

    #[test]
    fn other_names_may_have_any_character() {
        for name in [
            "x-amz-acl",
            "x-amz-meta-my_key",
            "x-amz-meta-a.b_c",
            "x-amz-sso_bearer_token",
            "content-length",
            "api_key",
            "user_agent",
            "x_request_id",
            "_",
            "a.b",
        ] {
            assert_eq!(is_taken(name), [false, false], "{name}");
        }
    }
}
