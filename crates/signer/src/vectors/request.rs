//! What the vectors share: credentials, times and requests from text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use crate::{SigningScope, WireTarget};

pub(crate) fn credentials(id: &str, secret: &str, token: Option<&str>) -> Credentials {
    let keys = Credentials::new(
        AccessKeyId::parse(id).unwrap(),
        SecretAccessKey::parse(Secret::new(secret)).unwrap(),
    );
    match token {
        Some(token) => keys.with_session_token(SessionToken::parse(Secret::new(token)).unwrap()),
        None => keys,
    }
}

pub(crate) fn scope(region: &str, name: &str) -> SigningScope {
    SigningScope {
        region: Region::parse(region).unwrap(),
        name: SigningName::parse(name).unwrap(),
    }
}

/// `20130524T000000Z` or `2013-05-24T00:00:00Z`; the vectors know three days only.
pub(crate) fn time(text: &str) -> SystemTime {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let midnight = match &digits[..8] {
        "20130524" => 1_369_353_600,
        "20150830" => 1_440_892_800,
        "20210511" => 1_620_691_200,
        "20260101" => 1_767_225_600,
        day => panic!("add {day} here"),
    };
    let clock = |at: usize| digits[at..at + 2].parse::<u64>().unwrap();
    UNIX_EPOCH + Duration::from_secs(midnight + clock(8) * 3600 + clock(10) * 60 + clock(12))
}

/// A head as it is before signing: its target in wire form.
pub(crate) fn head(
    method: &str,
    target: &[u8],
    encoding: PathEncoding,
    headers: impl IntoIterator<Item = (String, String)>,
) -> Parts {
    let target = WireTarget::from_bytes(target, encoding).unwrap();
    let uri: http::Uri = target.to_path_and_query().into();
    let (mut head, ()) = http::Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .unwrap()
        .into_parts();
    for (name, value) in headers {
        head.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    head
}
