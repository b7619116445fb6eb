//! Makes a signature again with the `aws-sigv4` crate from the bytes that arrived.
//!
//! That crate signs exactly the headers it is given, so it gets those that the request says it signed; that everything
//! which must be signed is among them was checked before.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use tracing::dispatcher::{self, Dispatch};

use super::{PathRule, Payload, Scheme, sha256_hex};
use crate::claim::{Claim, Placement};
use crate::event::Reason;
use crate::keys::Key;
use crate::service_error::ServiceError;

/// What S3 encodes in a canonical path: all but the unreserved characters and the slash.
const S3_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The query parameters that carry a presigned signature and are not part of the canonical query as it arrived.
const PRESIGNED: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// # Errors
/// [`Reason::SignatureMismatch`], whatever the cause: AWS does not tell either.
pub(super) fn check(
    claim: &Claim,
    key: &Key,
    head: &Parts,
    payload: Payload<'_>,
    scheme: Scheme,
    signed_at: SystemTime,
) -> Result<(), ServiceError> {
    let mut headers = Vec::with_capacity(claim.signed_headers.len());
    for name in &claim.signed_headers {
        let mut values = head.headers.get_all(name.as_str()).iter().peekable();
        if values.peek().is_none() {
            return Err(mismatch(&format!(" The signed header '{name}' is not in the request.")));
        }
        for value in values {
            let value = std::str::from_utf8(value.as_bytes())
                .map_err(|_| mismatch(&format!(" The signed header '{name}' is not UTF-8.")))?;
            headers.push((name.as_str(), value));
        }
    }
    let expected = recompute(claim, key, head, &headers, payload, scheme, signed_at)
        .ok_or_else(|| mismatch(" The request has no canonical form."))?;
    verify_slices_are_equal(expected.as_bytes(), claim.signature.as_bytes()).map_err(|_| mismatch(""))
}

fn mismatch(detail: &str) -> ServiceError {
    ServiceError::new(
        Reason::SignatureMismatch,
        format!(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service documentation for details.{detail}"
        ),
    )
}

fn recompute(
    claim: &Claim,
    key: &Key,
    head: &Parts,
    headers: &[(&str, &str)],
    payload: Payload<'_>,
    scheme: Scheme,
    signed_at: SystemTime,
) -> Option<String> {
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    let path = match scheme.path {
        PathRule::DecodedOnce => {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            let decoded: Vec<u8> = percent_decode_str(head.uri.path()).collect();
            percent_encode(&decoded, S3_PATH).to_string()
        }
        PathRule::EncodedTwice => {
            settings.percent_encoding_mode = PercentEncodingMode::Double;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Enabled;
            head.uri.path().to_owned()
        }
    };
    let mut query = head.uri.query().unwrap_or_default().to_owned();
    if let Placement::Query { expires } = claim.placement {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires);
        query = without_presigned(&query);
    }
    let separator = if query.is_empty() { "" } else { "?" };
    // Only path and query count: `host` is among the headers.
    let uri = format!("http://sandbox{path}{separator}{query}");
    let body = match payload {
        // Never the declared text: UNSIGNED-PAYLOAD is for S3 alone.
        Payload::Whole(body) => SignableBody::Precomputed(sha256_hex(body)),
        Payload::Declared(text) => SignableBody::Precomputed(text.to_owned()),
    };
    let request = SignableRequest::new(head.method.as_str(), uri, headers.iter().copied(), body).ok()?;
    let identity: Identity = Credentials::new(
        claim.credential.access_key_id.as_str(),
        key.secret.expose(),
        claim.token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "sandbox",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&claim.credential.region)
        .name(&claim.credential.service)
        .time(signed_at)
        .settings(settings)
        .build()
        .ok()?
        .into();
    // At TRACE `aws-sigv4` logs all it is given, session tokens included.
    let output = dispatcher::with_default(&Dispatch::none(), || sign(request, &params));
    output.ok().map(|output| output.signature().to_owned())
}

fn without_presigned(query: &str) -> String {
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !PRESIGNED.contains(&&*percent_decode_str(name).decode_utf8_lossy())
    };
    query.split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}
