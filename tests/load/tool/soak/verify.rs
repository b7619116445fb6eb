//! Whether a request is signed right, by AWS's own signer: the crate `aws-sigv4` signs again what arrived, chunks and
//! trailers too. Nothing here is the proxy's.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::{SigningParams, sign_chunk, sign_trailer};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::{Buf as _, Bytes, BytesMut};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::content::sha256;
use super::keys::{Key, Keys};
use super::wire::Head;

/// What S3 encodes in a canonical path.
const S3_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// Requests are signed when they are sent.
const SKEW: Duration = Duration::from_secs(120);
const REGION: &str = "us-east-1";

/// What is wrong with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wrong {
    Unsigned,
    /// The session was ended by the service, which its owner cannot know.
    Revoked,
    /// The session was over, which its owner knew.
    Expired,
    /// The body is not the one that was signed.
    Body(String),
    Signature(String),
}

fn wrong(what: impl Into<String>) -> Wrong {
    Wrong::Signature(what.into())
}

/// What a request says of its signature, and by which key it has to be one.
pub(super) struct Claim {
    pub(super) key_id: String,
    key: Key,
    service: String,
    signed: Vec<String>,
    signature: String,
    time: SystemTime,
}

impl Claim {
    /// # Errors
    /// Where it cannot be right, whatever the signature is.
    pub(super) fn read(head: &Head, keys: &Keys, now: SystemTime) -> Result<Self, Wrong> {
        let fields = head
            .field("authorization")
            .and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 "))
            .ok_or(Wrong::Unsigned)?;
        let field = |name: &str| {
            let pairs = fields.split(',').filter_map(|field| field.trim().split_once('='));
            pairs.filter(|(given, _)| *given == name).map(|(_, value)| value).next()
        };
        let (Some(credential), Some(signed), Some(signature)) =
            (field("Credential"), field("SignedHeaders"), field("Signature"))
        else {
            return Err(wrong("authorization lacks a part"));
        };
        let [key_id, date, REGION, service, "aws4_request"] = *credential.split('/').collect::<Vec<_>>() else {
            return Err(wrong(format!("the scope is {credential}")));
        };
        let stamp = head.field("x-amz-date").unwrap_or_default();
        let time = parse_time(stamp).ok_or_else(|| wrong(format!("x-amz-date is {stamp:?}")))?;
        if !stamp.starts_with(date) || time > now + SKEW || time + SKEW < now {
            return Err(wrong(format!("signed at {stamp}, with a scope of {date}")));
        }
        let key = keys.find(key_id).ok_or_else(|| wrong(format!("the key is {key_id}")))?;
        if head.field("x-amz-security-token") != key.token.as_deref() {
            return Err(wrong(format!("the session token is not the one of {key_id}")));
        }
        let claim = Self {
            key_id: key_id.to_owned(),
            service: service.to_owned(),
            signed: signed.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
            key,
            time,
        };
        claim.check_choice(head)?;
        Ok(claim)
    }

    fn check_choice(&self, head: &Head) -> Result<(), Wrong> {
        let must = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-amz-");
        let unsigned = head.fields.iter().map(|(name, _)| name);
        if let Some(name) = unsigned
            .filter(|name| must(name))
            .find(|name| !self.signed.contains(name))
        {
            return Err(wrong(format!("{name} is not signed")));
        }
        let is_sorted = self.signed.is_sorted();
        if is_sorted {
            Ok(())
        } else {
            Err(wrong("the signed headers are not sorted"))
        }
    }

    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// Whether the key is still one.
    pub(super) fn check_session(&self, now: SystemTime) -> Result<(), Wrong> {
        if self.key.is_revoked {
            return Err(Wrong::Revoked);
        }
        match self.key.expires_at {
            Some(end) if end <= now => Err(Wrong::Expired),
            _ => Ok(()),
        }
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        } else {
            settings.percent_encoding_mode = PercentEncodingMode::Double;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Enabled;
        }
        settings
    }

    fn identity(&self) -> Identity {
        let token = self.key.token.clone();
        Credentials::new(self.key_id.as_str(), self.key.secret.as_str(), token, None, "soak").into()
    }

    fn params<'a>(&'a self, identity: &'a Identity) -> Result<SigningParams<'a, SigningSettings>, Wrong> {
        SigningParams::builder()
            .identity(identity)
            .region(REGION)
            .name(&self.service)
            .time(self.time)
            .settings(self.settings())
            .build()
            .map_err(|error| wrong(error.to_string()))
    }

    /// Whether the head is signed right. `payload` is its last line: a hash or one of the words for one.
    pub(super) fn check_head(&self, head: &Head, payload: &str) -> Result<(), Wrong> {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        let path = if self.service == "s3" {
            let decoded: Vec<u8> = percent_decode_str(path).collect();
            percent_encode(&decoded, S3_PATH).to_string()
        } else {
            path.to_owned()
        };
        let separator = if query.is_empty() { "" } else { "?" };
        let mut fields = Vec::new();
        for name in &self.signed {
            let value = head
                .field(name)
                .ok_or_else(|| wrong(format!("{name} is signed, and not there once")))?;
            fields.push((name.as_str(), value));
        }
        // Only path and query count: `host` is among the fields.
        let url = format!("http://soak{path}{separator}{query}");
        let body = SignableBody::Precomputed(payload.to_owned());
        let request = SignableRequest::new(&head.method, url, fields.iter().copied(), body)
            .map_err(|error| wrong(error.to_string()))?;
        let identity = self.identity();
        let output = sign(request, &self.params(&identity)?.into()).map_err(|error| wrong(error.to_string()))?;
        same(output.signature(), &self.signature, "the head")
    }

    /// The content of a body, which has to be the one that the head announces as `payload`.
    pub(super) fn open(&self, payload: &str, body: Bytes, is_tls: bool) -> Result<Bytes, Wrong> {
        match payload {
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => self.chunks(body, true, false),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => self.chunks(body, true, true),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" if is_tls => self.chunks(body, false, true),
            hash if hash == hex::encode(sha256(&body)) => Ok(body),
            other => Err(Wrong::Body(format!(
                "x-amz-content-sha256 {other} is not that of the body"
            ))),
        }
    }

    fn chunks(&self, mut body: Bytes, is_signed: bool, has_trailer: bool) -> Result<Bytes, Wrong> {
        let identity = self.identity();
        let params = self.params(&identity)?;
        let mut running = self.signature.clone();
        let mut content = BytesMut::with_capacity(body.len());
        loop {
            let line = line(&mut body)?;
            let (size, signature) = match line.split_once(";chunk-signature=") {
                Some((size, signature)) if is_signed => (size, signature),
                None if !is_signed => (line.as_str(), ""),
                _ => return Err(Wrong::Body(format!("a chunk begins with {line}"))),
            };
            let size = usize::from_str_radix(size, 16).map_err(|_| Wrong::Body(format!("a chunk of size {size}")))?;
            if size > body.len() {
                return Err(Wrong::Body("a chunk that is cut off".to_owned()));
            }
            let chunk = body.split_to(size);
            if is_signed {
                let output = sign_chunk(&chunk, &running, &params).map_err(|error| wrong(error.to_string()))?;
                same(output.signature(), signature, "a chunk")?;
                signature.clone_into(&mut running);
            }
            if size == 0 {
                break;
            }
            content.extend_from_slice(&chunk);
            end_of_line(&mut body)?;
        }
        if has_trailer {
            self.trailer(&mut body, is_signed, &running)?;
        }
        end_of_line(&mut body)?;
        if body.is_empty() {
            Ok(content.freeze())
        } else {
            Err(Wrong::Body("bytes behind the end".to_owned()))
        }
    }

    fn trailer(&self, body: &mut Bytes, is_signed: bool, running: &str) -> Result<(), Wrong> {
        let checksum = line(body)?;
        let Some((name, value)) = checksum
            .split_once(':')
            .filter(|(name, _)| name.starts_with("x-amz-checksum-"))
        else {
            return Err(Wrong::Body(format!("the trailer begins with {checksum}")));
        };
        if !is_signed {
            return Ok(());
        }
        let mut headers = Headers::new();
        headers.insert(name.to_owned(), value.to_owned());
        let identity = self.identity();
        let output = sign_trailer(&headers, running, &self.params(&identity)?).map_err(|e| wrong(e.to_string()))?;
        let signature = line(body)?;
        let signature = signature.strip_prefix("x-amz-trailer-signature:").unwrap_or_default();
        same(output.signature(), signature, "the trailer")
    }
}

fn same(expected: &str, found: &str, what: &str) -> Result<(), Wrong> {
    let is_same = expected == found;
    if is_same {
        Ok(())
    } else {
        Err(wrong(format!("{what} has another signature than aws-sigv4 makes")))
    }
}

fn line(body: &mut Bytes) -> Result<String, Wrong> {
    let end = body.windows(2).take(4096).position(|pair| pair == b"\r\n");
    let line = body.split_to(end.ok_or_else(|| Wrong::Body("a line without an end".to_owned()))?);
    body.advance(2);
    String::from_utf8(line.into()).map_err(|_| Wrong::Body("a line that is no text".to_owned()))
}

fn end_of_line(body: &mut Bytes) -> Result<(), Wrong> {
    let rest = line(body)?;
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Wrong::Body(format!("{rest} where a line ends")))
    }
}

/// `20261129T120000Z`.
fn parse_time(stamp: &str) -> Option<SystemTime> {
    let (date, time) = stamp.split_once('T').filter(|_| stamp.len() == 16)?;
    let part = |text: &str, from: usize, to: usize| text.get(from..to).map(str::to_owned);
    let (year, month, day) = (part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?);
    let (hour, minute, second) = (part(time, 0, 2)?, part(time, 2, 4)?, part(time, 4, 7)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}");
    let time = DateTime::from_str(&text, Format::DateTime).ok()?;
    SystemTime::try_from(time).ok()
}

#[cfg(test)]
mod tests;
