//! Which uploads can be cut into parts, how large each part is, and what each request of a multipart upload says.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use policy_gen::mapping::BodyFraming;
use request_body::PayloadFraming;

use crate::normalize::{Normalized, SignatureOwner};

/// S3 takes no more parts.
pub(crate) const MAX_PARTS: u16 = 10_000;

/// The largest part that S3 takes.
const MAX_PART: u64 = 5 << 30;

/// So many parts are of the configured size.
const EVEN_PARTS: u16 = 3_000;

/// Then so many are twice as large, and so on: parts of 5 MiB at first make up 6.8 TiB, beyond S3's 5 TiB for what
/// most clients upload, while the first 14.6 GiB need little memory.
const DOUBLED_AFTER: u16 = 700;

/// How large the part of this number (from 1) is.
pub(crate) fn part_size(base: u64, number: u16) -> u64 {
    let beyond = number.saturating_sub(EVEN_PARTS);
    let doublings = u32::from(beyond.div_ceil(DOUBLED_AFTER));
    base.checked_shl(doublings)
        .unwrap_or(MAX_PART)
        .clamp(base.min(MAX_PART), MAX_PART)
}

/// The requests of a multipart upload, which together are one `PutObject`. There are no others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UploadRequest<'a> {
    /// Begins the upload.
    Create,
    /// Stores one part.
    Part {
        /// From 1.
        number: u16,
        /// The upload's id as it is in a query.
        upload_id: &'a str,
    },
    /// Puts the parts together.
    Complete {
        /// The upload's id as it is in a query.
        upload_id: &'a str,
    },
    /// Has the parts removed.
    Abort {
        /// The upload's id as it is in a query.
        upload_id: &'a str,
    },
}

impl UploadRequest<'_> {
    /// Its method.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Create | Self::Complete { .. } => Method::POST,
            Self::Part { .. } => Method::PUT,
            Self::Abort { .. } => Method::DELETE,
        }
    }

    /// Its query, after the path of the object.
    pub(crate) fn query(self) -> String {
        match self {
            Self::Create => "uploads".to_owned(),
            Self::Part { number, upload_id } => format!("partNumber={number}&uploadId={upload_id}"),
            Self::Complete { upload_id } | Self::Abort { upload_id } => format!("uploadId={upload_id}"),
        }
    }

    /// The headers of the client's `PutObject` that belong to it, and its own.
    pub(crate) fn headers(self, headers: &HeaderMap) -> HeaderMap {
        let belongs = |name: &str| {
            if name.starts_with(KEY_PREFIX) {
                !matches!(self, Self::Abort { .. })
            } else if is_of_object(name) {
                self == Self::Create
            } else if CONDITIONS.contains(&name) {
                matches!(self, Self::Complete { .. })
            } else {
                true
            }
        };
        let kept = headers.iter().filter(|(name, _)| belongs(name.as_str()));
        let mut headers: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Self::Complete { .. } = self {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        headers
    }
}

/// Headers of the object itself.
const OF_OBJECT: [&str; 13] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-acl",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-storage-class",
    "x-amz-tagging",
];

const OF_OBJECT_PREFIXES: [&str; 4] = [
    "x-amz-grant-",
    "x-amz-meta-",
    "x-amz-object-lock-",
    "x-amz-website-redirect-",
];

/// Headers of the customer's own key: each request that touches data needs them.
const KEY_PREFIX: &str = "x-amz-server-side-encryption-customer-";

/// What is said with every request.
const OF_ALL: [&str; 2] = ["x-amz-expected-bucket-owner", "x-amz-request-payer"];

/// Conditions on the object that is replaced: they hold when the upload is completed.
const CONDITIONS: [&str; 2] = ["if-match", "if-none-match"];

/// Whether the body is to go out in parts, if it has more than one.
pub(super) fn suits(request: &Normalized, operation: Option<&str>) -> bool {
    request.route().config.multipart
        && request.signature() != SignatureOwner::Client
        && matches!(request.framing(), PayloadFraming::Plain { length: None })
        && operation == Some("PutObject")
        && request.body() != BodyFraming::Empty
        && can_be_divided(request.head())
}

/// Whether a `PutObject` says nothing that cannot be said of a multipart upload: no digest of the whole, no query, and
/// no `x-amz-` header that is not known here.
fn can_be_divided(head: &Parts) -> bool {
    let has_plain_target = matches!(head.uri.query(), None | Some("" | "x-id=PutObject"));
    let is_known = |name: &HeaderName| {
        let name = name.as_str();
        let is_s3s = name.starts_with("x-amz-") || matches!(name, "content-md5" | "content-range");
        !is_s3s || is_of_object(name) || name.starts_with(KEY_PREFIX) || OF_ALL.contains(&name)
    };
    has_plain_target && head.headers.keys().all(is_known)
}

fn is_of_object(name: &str) -> bool {
    OF_OBJECT.contains(&name) || OF_OBJECT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn parts_are_even_for_long_and_enough_for_five_tebibytes() {
        let base = 5 << 20;
        assert_eq!(part_size(base, 1), base);
        assert_eq!(part_size(base, EVEN_PARTS), base);
        assert_eq!(part_size(base, EVEN_PARTS + 1), 2 * base);
        let sizes: Vec<u64> = (1..=MAX_PARTS).map(|number| part_size(base, number)).collect();
        assert!(sizes.is_sorted() && sizes.iter().all(|size| *size <= MAX_PART));
        assert!(sizes.iter().sum::<u64>() > 5 << 40);
        assert!((1..=MAX_PARTS).all(|number| part_size(512 << 20, number) <= MAX_PART));
    }

    fn head(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::put(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_cannot_be_said_of_parts_keeps_a_body_whole() {
        for (target, headers, want) in [
            ("/b/k", [("content-type", "a/b")], true),
            ("/b/k?x-id=PutObject", [("x-amz-meta-a", "1")], true),
            ("/b/k", [("x-other", "1")], true),
            ("/b/k", [("x-amz-server-side-encryption-customer-key", "k")], true),
            ("/b/k?a=b", [("content-type", "a/b")], false),
            ("/b/k", [("content-md5", "a")], false),
            ("/b/k", [("x-amz-checksum-crc32", "a")], false),
            ("/b/k", [("x-amz-sdk-checksum-algorithm", "CRC32")], false),
            ("/b/k", [("x-amz-write-offset-bytes", "1")], false),
        ] {
            assert_eq!(can_be_divided(&head(target, &headers)), want, "{target} {headers:?}");
        }
    }

    #[test]
    fn each_request_gets_the_headers_that_belong_to_it() {
        let head = head(
            "/b/k",
            &[
                ("content-type", "a/b"),
                ("if-none-match", "*"),
                ("via", "1.1 x"),
                ("x-amz-meta-a", "1"),
                ("x-amz-request-payer", "requester"),
                ("x-amz-server-side-encryption-customer-key", "k"),
            ],
        );
        let upload_id = "u";
        for (request, want) in [
            (
                UploadRequest::Create,
                "content-type via x-amz-meta-a x-amz-request-payer x-amz-server-side-encryption-customer-key",
            ),
            (
                UploadRequest::Part { number: 1, upload_id },
                "via x-amz-request-payer x-amz-server-side-encryption-customer-key",
            ),
            (
                UploadRequest::Complete { upload_id },
                "content-type if-none-match via x-amz-request-payer x-amz-server-side-encryption-customer-key",
            ),
            (UploadRequest::Abort { upload_id }, "via x-amz-request-payer"),
        ] {
            let headers = request.headers(&head.headers);
            let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names.join(" "), want, "{request:?}");
        }
    }
}
