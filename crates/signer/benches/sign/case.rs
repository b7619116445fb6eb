//! The requests whose signing is measured, and how each side signs them.
//!
//! Both sides get the same head and body, hash the body, and end with everything that makes the request a signed one:
//! [`SignedHeaders`] here, `SigningInstructions` there. What a caller of the SDK's signer could prepare once and keep
//! (its settings and parameters, the URI as a text) is prepared before the measurement. The SDK's signer derives its key
//! for each request and hashes by the crate `sha2`; ours keeps the key of the day and hashes by aws-lc.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::SigningOutput;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::request::Parts;
use signer::{Payload, SignInput, SignedHeaders, Signer, SigningScope, WireTarget};

const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// One request.
pub(crate) struct Case {
    /// What it is called in figures.
    pub(crate) name: &'static str,
    /// Its head, in wire form.
    pub(crate) head: Parts,
    scope: SigningScope,
    encoding: PathEncoding,
    token: Option<String>,
    body: Vec<u8>,
}

/// A request, ready to be signed by this crate.
pub(crate) struct Ours<'a> {
    case: &'a Case,
    signer: Signer,
    credentials: Credentials,
}

/// A request, ready to be signed by the SDK's signer.
pub(crate) struct Theirs<'a> {
    case: &'a Case,
    parameters: SigningParams<'a>,
    uri: String,
}

impl Case {
    /// The requests that matter most: a small read from S3, with long-term keys and with a session's, and a small prompt.
    pub(crate) fn all() -> [Self; 3] {
        let s3_get = |name, token| Self {
            name,
            head: head(
                "GET",
                "example-bucket.s3.eu-west-1.amazonaws.com",
                "/photos/2026/01/some%20picture.jpg?versionId=abc&x-id=GetObject&partNumber=2",
                PathEncoding::Single,
                &[
                    ("accept", "*/*"),
                    ("accept-encoding", "identity"),
                    ("user-agent", "aws-cli/2.15.0 Python/3.11"),
                    ("range", "bytes=0-1048575"),
                    ("if-none-match", "\"686897696a7c876b7e\""),
                    ("cache-control", "no-cache"),
                    ("x-amz-checksum-mode", "ENABLED"),
                    ("x-amz-expected-bucket-owner", "123456789012"),
                    ("x-amz-request-payer", "requester"),
                ],
            ),
            scope: scope("eu-west-1", "s3"),
            encoding: PathEncoding::Single,
            token,
            body: Vec::new(),
        };
        let bedrock_post = Self {
            name: "bedrock-post",
            head: head(
                "POST",
                "bedrock-runtime.us-east-1.amazonaws.com",
                "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
                PathEncoding::Double,
                &[
                    ("accept", "application/json"),
                    ("content-type", "application/json"),
                    ("content-length", "4096"),
                ],
            ),
            scope: scope("us-east-1", "bedrock"),
            encoding: PathEncoding::Double,
            token: None,
            body: vec![b'x'; 4096],
        };
        [
            s3_get("s3-get", None),
            s3_get("s3-get-session-token", Some("T".repeat(800))),
            bedrock_post,
        ]
    }

    /// Prepares this crate's side. The key of the day is derived with the first signature.
    pub(crate) fn ours(&self) -> Ours<'_> {
        Ours {
            case: self,
            signer: Signer::new(),
            credentials: credentials(self.token.as_deref()),
        }
    }

    /// Prepares the SDK's side; `identity` is [`Case::identity`].
    pub(crate) fn theirs<'a>(&'a self, identity: &'a Identity) -> Theirs<'a> {
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if self.encoding == PathEncoding::Single {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let parameters = v4::SigningParams::builder()
            .identity(identity)
            .region(self.scope.region.as_str())
            .name(self.scope.name.as_str())
            .time(time())
            .settings(settings)
            .build()
            .unwrap();
        Theirs {
            case: self,
            parameters: parameters.into(),
            uri: self.head.uri.to_string(),
        }
    }

    /// The keys, as the SDK knows them.
    pub(crate) fn identity(&self) -> Identity {
        identity(self.token.clone())
    }
}

impl Ours<'_> {
    /// Signs.
    pub(crate) fn sign(&self) -> SignedHeaders {
        let payload = if self.case.body.is_empty() {
            Payload::Empty
        } else {
            Payload::Sha256(digest(&SHA256, &self.case.body).as_ref().try_into().unwrap())
        };
        let input = SignInput {
            scope: &self.case.scope,
            path_encoding: self.case.encoding,
            credentials: &self.credentials,
            payload,
            time: time(),
        };
        self.signer.sign(&self.case.head, &input).unwrap()
    }
}

impl Theirs<'_> {
    /// Signs.
    pub(crate) fn sign(&self) -> SigningOutput<SigningInstructions> {
        let head = &self.case.head;
        let listed = head.headers.iter().filter(|(name, _)| {
            name.as_str().starts_with("x-amz-") || ["host", "content-type", "content-md5"].contains(&name.as_str())
        });
        let listed = listed.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let body = SignableBody::Bytes(&self.case.body);
        let request = SignableRequest::new(head.method.as_str(), self.uri.as_str(), listed, body).unwrap();
        sign(request, &self.parameters).unwrap()
    }
}

/// The keys that everything is signed with.
pub(crate) fn credentials(token: Option<&str>) -> Credentials {
    let keys = Credentials::new(
        AccessKeyId::parse(ACCESS_KEY_ID).unwrap(),
        SecretAccessKey::parse(Secret::new(SECRET)).unwrap(),
    );
    match token {
        Some(token) => keys.with_session_token(SessionToken::parse(Secret::new(token)).unwrap()),
        None => keys,
    }
}

/// The same, as the SDK knows them.
pub(crate) fn identity(token: Option<String>) -> Identity {
    aws_credential_types::Credentials::new(ACCESS_KEY_ID, SECRET, token, None, "bench").into()
}

/// When everything is signed.
pub(crate) fn time() -> SystemTime {
    UNIX_EPOCH + Duration::from_mins(24_015_636)
}

/// A head in wire form.
pub(crate) fn head(method: &str, host: &str, target: &str, encoding: PathEncoding, headers: &[(&str, &str)]) -> Parts {
    let target = WireTarget::parse(target, encoding).unwrap();
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("https://{host}{}", target.as_str()))
        .header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// Where a signature is for.
pub(crate) fn scope(region: &str, name: &str) -> SigningScope {
    SigningScope {
        region: Region::parse(region).unwrap(),
        name: SigningName::parse(name).unwrap(),
    }
}
