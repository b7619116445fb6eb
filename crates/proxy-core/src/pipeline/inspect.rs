//! Looks into a response that may reject the signature: what it says of the keys and the time, and what a client must not see.

use std::time::Duration;

use aws_errors::{MAX_BODY, code_in_headers, decoded};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderValue, Method, Response};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::guard::Watch;
use super::read_ahead::ReadAhead;
use super::redaction::{self, Shown};
use super::rejection::{self, InHead, Rejection};
use crate::upstream::ServiceBody;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    pub(super) rejection: Option<Rejection>,
    /// The canonical request that the service computed. It has the session token in it.
    pub(super) canonical_request: Option<Zeroizing<String>>,
}

/// Reads an error response up to [`MAX_BODY`] bytes and up to `read_timeout`, and takes out of it what the signature was
/// made of; what is not all here is watched while it passes. A response that shows nothing of it is passed on as it is. Of
/// any status, it shows no session token.
pub(super) async fn inspect(
    response: &mut Response<ReadAhead<ServiceBody>>,
    method: &Method,
    shown: &Shown<'_>,
    read_timeout: Duration,
) -> Inspected {
    let status = response.status();
    if !rejection::may_reject(status) {
        redaction::redact_head(response.headers_mut(), false, shown);
        return Inspected::default();
    }
    let code = code_in_headers(response.headers()).map(str::to_owned);
    let code = code.as_deref();
    let in_head = rejection::in_head(method, status, response.headers());
    if *method == Method::HEAD {
        redaction::redact_head(response.headers_mut(), true, shown);
        return Inspected {
            rejection: in_head.rejection(),
            canonical_request: None,
        };
    }
    let whole = timeout(read_timeout, response.body_mut().read_whole(MAX_BODY)).await;
    let Ok(Some(raw)) = whole else {
        redact_beginning(response, code, shown);
        return Inspected {
            rejection: in_head.rejection(),
            canonical_request: None,
        };
    };
    let plain = decoded(response.headers(), &raw, MAX_BODY);
    let found = Inspected {
        rejection: match in_head {
            InHead::Body => rejection::in_body(status, response.headers(), &plain),
            InHead::All(_) | InHead::Nothing => in_head.rejection(),
        },
        canonical_request: redaction::canonical_request_in(&plain),
    };
    let clean = redaction::redacted(&plain, code, shown);
    put(response, clean, shown);
    found
}

/// A body that is not all here: too long, too slow or broken off.
fn redact_beginning(response: &mut Response<ReadAhead<ServiceBody>>, code: Option<&str>, shown: &Shown<'_>) {
    let raw = response.body().beginning();
    let plain = decoded(response.headers(), &raw, MAX_BODY);
    // What is compressed shows nothing to whoever has only its beginning.
    let coding = response.headers().get(CONTENT_ENCODING);
    let is_packed = coding.is_some_and(|coding| coding != "identity") && !shown.is_application;
    if response.body().is_broken() {
        redaction::redact_head(response.headers_mut(), true, shown);
        let kept = if is_packed {
            Some(&[][..])
        } else {
            redaction::cut(&raw, shown.token, shown.most())
        };
        if let Some(kept) = kept {
            let kept = Bytes::copy_from_slice(kept);
            response.body_mut().replace_beginning(kept);
        }
    } else if redaction::must_be_replaced(&plain, code, shown) {
        put(response, Some(redaction::replacement(&plain)), shown);
    } else if is_packed {
        let cause = "an error response is packed, and too long or too slow to be looked into";
        response.body_mut().break_off(cause);
    } else {
        redaction::redact_head(response.headers_mut(), true, shown);
        response.body_mut().watch(Watch::new(shown.most()));
    }
}

fn put(response: &mut Response<ReadAhead<ServiceBody>>, clean: Option<Vec<u8>>, shown: &Shown<'_>) {
    redaction::redact_head(response.headers_mut(), true, shown);
    if let Some(clean) = clean {
        redaction::drop_fields_of_body(response.headers_mut());
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(clean.len()));
        response.body_mut().replace(clean.into());
    }
}
