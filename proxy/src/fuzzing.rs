//! Doors for the fuzzer to parsers that are private otherwise. Only there with `--cfg fuzzing`.

use aws_endpoints::{PathEncoding, parse_host};
use bytes::Bytes;
use http::{HeaderName, Request};
use signer::WireTarget;

use crate::admit::admit;
use crate::body::{Decoder, Framing};
use crate::config::{Config, Environment};
use crate::route::Router;
use crate::server::ListenerRole;
use crate::strip;

const CONFIG: &str = r#"
[connections.reports]
service = "s3"
region = "eu-west-1"
auth = { method = "default-chain" }
[connections.local]
service = "s3"
region = "garage"
endpoint = "https://minio.internal:9000"
bucket_addressing = "virtual"
auth = { method = "default-chain" }
"#;

/// Decodes the body whole and in two pieces: both must say the same.
///
/// # Panics
///
/// Where they do not, or where more comes out than went in.
pub fn aws_chunked(body: &[u8], cut: usize) {
    let whole = decode(&[body]);
    let (first, second) = body.split_at(cut.min(body.len()));
    let split = decode(&[first, second]);
    assert_eq!(whole, split);
    assert!(whole.is_none_or(|data| data.len() < body.len()));
}

fn decode(pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let announced = HeaderName::from_static("x-amz-checksum-crc32");
    let mut decoder = Decoder::new(None, vec![announced]);
    let mut data = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(part) = decoder.decode(&mut input).ok()? {
            data.extend_from_slice(&part);
        }
    }
    decoder.finish().ok().map(|_| data)
}

/// Takes a request's head as far as it goes without a body. Wherever it is sent, it is a connection's own place.
///
/// # Panics
///
/// Where it is not.
#[expect(clippy::expect_used, reason = "the configuration is a constant")]
pub fn head(request: Request<()>) {
    thread_local! {
        static ROUTER: Router = {
            let config = Config::from_toml(CONFIG, &Environment::empty()).expect("a valid configuration");
            Router::new(&config).expect("routes for it")
        };
    }
    let (head, ()) = request.into_parts();
    let Ok(admitted) = admit(head, "signing-proxy-0") else {
        return;
    };
    let Ok(target) = ROUTER.with(|router| router.route(&admitted, &ListenerRole::Shared)) else {
        return;
    };
    let name = target.route.name().as_str();
    let is_own = match name {
        "local" => target.authority.ends_with("minio.internal:9000"),
        _ => parse_host(&target.authority).is_ok_and(|host| host.service.as_str() == "s3"),
    };
    assert!(is_own, "{name} sends to {}", target.authority);
    let mut headers = admitted.head.headers;
    if Framing::take_from(&mut headers).is_ok() {
        strip::request_headers(&mut headers);
        assert!(!headers.contains_key("authorization") && !headers.contains_key("transfer-encoding"));
    }
    // Never panics; what it refuses is refused.
    let _ = WireTarget::parse(&target.path_and_query, PathEncoding::Single);
}
