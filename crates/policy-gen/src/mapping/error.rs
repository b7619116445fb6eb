//! Why a request has no mapping.

use std::borrow::Cow;

use auth_model::ServiceId;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// The request is ambiguous, does not parse or is of no known operation. No text holds a value of the request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// No table for the service.
    #[error("service {0} has no table of actions; connect it without a policy")]
    UnknownService(ServiceId),
    /// No row for what the request asks for.
    #[error("{what}: no known operation; check method, path and query against the API reference")]
    UnknownOperation {
        /// The part of the request that names none.
        what: Cow<'static, str>,
    },
    /// Two parts of the request contradict each other, or one is there twice.
    #[error("{what}: says more than one thing; send one of them")]
    Ambiguous {
        /// The parts.
        what: Cow<'static, str>,
    },
    /// A part of the request that must be read cannot be.
    #[error("{what}: {reason}")]
    Malformed {
        /// The part.
        what: Cow<'static, str>,
        /// What is wrong, and how it would be right.
        reason: Cow<'static, str>,
    },
    /// [`needs_body`](super::needs_body) wanted a body, none was given.
    #[error("the body names what is requested, and there is none")]
    BodyMissing,
    /// A body comes with an operation that has none: some services would read it.
    #[error("the operation has no body; send the request without one")]
    BodyUnexpected,
    /// The body is longer than the operation allows.
    #[error("the body has more than {limit} bytes; split the request")]
    BodyTooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The body is compressed, and what it says counts.
    #[error("the body has a content encoding; send it plain")]
    BodyEncoded,
}

impl MappingError {
    /// A part of the request names no operation.
    #[must_use]
    pub fn unknown(what: impl Into<Cow<'static, str>>) -> Self {
        Self::UnknownOperation { what: what.into() }
    }

    /// Parts of the request contradict each other, or one is there twice.
    #[must_use]
    pub fn ambiguous(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Ambiguous { what: what.into() }
    }

    /// A part of the request cannot be read.
    #[must_use]
    pub fn malformed(what: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

/// Rejects a body that is missing, too long or compressed.
pub(super) fn check_body(headers: &HeaderMap, body: Option<&[u8]>, limit: usize) -> Result<(), MappingError> {
    let body = body.ok_or(MappingError::BodyMissing)?;
    if body.len() > limit {
        return Err(MappingError::BodyTooLarge { limit });
    }
    check_charset(headers)?;
    // aws-chunked is framing, which whoever calls has taken off.
    let is_plain = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") || coding.eq_ignore_ascii_case(b"aws-chunked")
    };
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.all(|value| value.as_bytes().split(|b| *b == b',').all(is_plain)) {
        Ok(())
    } else {
        Err(MappingError::BodyEncoded)
    }
}

/// Rejects bodies in another charset than UTF-8, which a service may decode before it reads them.
fn check_charset(headers: &HeaderMap) -> Result<(), MappingError> {
    let is_good = |parameter: &[u8]| {
        let parameter = parameter.trim_ascii();
        let Some(at) = parameter.iter().position(|byte| *byte == b'=') else {
            return !parameter.to_ascii_lowercase().starts_with(b"charset");
        };
        let (name, value) = parameter.split_at(at);
        let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
        !name.trim_ascii().eq_ignore_ascii_case(b"charset") || is_utf8(value)
    };
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    if kinds.all(|kind| kind.as_bytes().split(|byte| matches!(byte, b';' | b',')).all(is_good)) {
        Ok(())
    } else {
        Err(MappingError::malformed(
            "Content-Type",
            "its charset is UTF-8, or not said",
        ))
    }
}

/// `utf-8` with quotes or without.
fn is_utf8(value: &[u8]) -> bool {
    let value = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value);
    value.eq_ignore_ascii_case(b"utf-8") || value.eq_ignore_ascii_case(b"utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_be_there_short_and_plain() {
        let check = |coding: &'static str, body: Option<&[u8]>| {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, http::HeaderValue::from_static(coding))]);
            check_body(&headers, body, 3)
        };
        assert_eq!(check("", None), Err(MappingError::BodyMissing));
        assert_eq!(check("", Some(b"four")), Err(MappingError::BodyTooLarge { limit: 3 }));
        assert_eq!(check("", Some(b"abc")), Ok(()));
        assert_eq!(check("AWS-chunked", Some(b"abc")), Ok(()));
        assert_eq!(check("aws-chunked, gzip", Some(b"abc")), Err(MappingError::BodyEncoded));
    }

    #[test]
    fn a_body_is_in_utf8() {
        let check = |kind: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(kind))]);
            check_body(&headers, Some(b"a"), 9).is_ok()
        };
        for kind in [
            "a/b",
            "a/b; charset=utf-8",
            "a/b;CHARSET=\"UTF-8\"; x=y",
            "a/b; x=charset",
        ] {
            assert!(check(kind), "{kind}");
        }
        for kind in [
            "a/b; charset=utf-16",
            "a/b;charset=ibm037",
            "a/b; charset = utf-7",
            "a/b; charset",
            "a/b; charset=utf-8; charset=utf-16",
            "a/b; charset=\"utf-8",
        ] {
            assert!(!check(kind), "{kind}");
        }
    }
}
