//! Our signatures against those of the AWS SDK's signer, over random requests.
//!
//! The two are compared where both are defined: on targets in wire form, on headers of our allow-list, without tabs and
//! bytes outside of ASCII, and on queries that are UTF-8 once decoded (the SDK's signer replaces what is not).
//!
//! `PROPTEST_CASES` sets the number of cases where the usual thousand is not enough; a million requests take some minutes:
//! `PROPTEST_CASES=1000000 cargo test --release -p signer --test differential headers`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use aws_sigv4::event_stream::{sign_empty_message, sign_message};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningInstructions,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::event_stream::{Header, HeaderValue as EventValue, Message};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use proptest::prelude::*;
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};

/// A request before it is cleaned, and what to sign it with.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    host: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    encoding: PathEncoding,
    region: &'static str,
    name: &'static str,
    secret: String,
    token: Option<String>,
    payload: Payload,
    seconds: u64,
}

impl Case {
    fn head(&self) -> Parts {
        let target = WireTarget::parse(&self.target, self.encoding).unwrap();
        let (mut head, ()) = http::Request::builder()
            .method(self.method)
            .uri(format!("https://{}{}", self.host, target.as_str()))
            .body(())
            .unwrap()
            .into_parts();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            head.headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        clean_headers(&mut head.headers);
        head
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }

    fn with_input<T>(&self, act: impl FnOnce(&SignInput<'_>) -> T) -> T {
        let mut credentials = Credentials::new(
            AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new(self.secret.as_str())).unwrap(),
        );
        if let Some(token) = &self.token {
            credentials = credentials.with_session_token(SessionToken::parse(Secret::new(token.as_str())).unwrap());
        }
        act(&SignInput {
            scope: &SigningScope {
                region: Region::parse(self.region).unwrap(),
                name: SigningName::parse(self.name).unwrap(),
            },
            path_encoding: self.encoding,
            credentials: &credentials,
            payload: self.payload,
            time: self.time(),
        })
    }

    fn identity(&self) -> Identity {
        let credentials = aws_credential_types::Credentials::new(
            "AKIDEXAMPLE",
            &self.secret,
            self.token.clone(),
            None,
            "differential",
        );
        credentials.into()
    }

    /// The SDK's signature of the same head, in its headers or presigned.
    fn theirs(&self, head: &Parts, expires_in: Option<Duration>) -> String {
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.expires_in = expires_in;
        settings.signature_location = match expires_in {
            Some(_) => SignatureLocation::QueryParams,
            None => SignatureLocation::Headers,
        };
        match self.encoding {
            PathEncoding::Single | PathEncoding::SingleKeepingSlash => {
                settings.percent_encoding_mode = PercentEncodingMode::Single;
                settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            }
            PathEncoding::Double => {
                settings.percent_encoding_mode = PercentEncodingMode::Double;
                settings.uri_path_normalization_mode = UriPathNormalizationMode::Enabled;
            }
        }
        let identity = self.identity();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.name)
            .time(self.time())
            .settings(settings)
            .build()
            .unwrap();
        let listed = head.headers.iter().filter(|(name, _)| {
            name.as_str().starts_with("x-amz-") || ["content-type", "content-md5"].contains(&name.as_str())
        });
        let uri = head.uri.to_string();
        let request = SignableRequest::new(
            self.method,
            &uri,
            listed.map(|(name, value)| (name.as_str(), value.to_str().unwrap())),
            self.body(),
        );
        let output = sign(request.unwrap(), &parameters.into()).unwrap();
        let (_instructions, signature): (SigningInstructions, String) = output.into_parts();
        signature
    }

    fn body(&self) -> SignableBody<'static> {
        match self.payload {
            Payload::Empty => SignableBody::Bytes(&[]),
            Payload::Sha256(hash) => SignableBody::Precomputed(hex::encode(hash)),
            Payload::Unsigned => SignableBody::UnsignedPayload,
            Payload::StreamingSigned => SignableBody::Precomputed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned()),
            Payload::StreamingSignedTrailer => SignableBody::StreamingSignedPayloadTrailer,
            Payload::StreamingUnsignedTrailer => SignableBody::StreamingUnsignedPayloadTrailer,
            Payload::StreamingEvents => SignableBody::Precomputed("STREAMING-AWS4-HMAC-SHA256-EVENTS".to_owned()),
        }
    }
}

fn paths() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[A-Za-z0-9._~-]{1,8}",
        3 => prop::sample::select(&["/", "/", "//", "/./", "/../", "/.", "/..", "/..."][..]).prop_map(str::to_owned),
        2 => "[!$&'()*+,;=:@ \"<>\\[\\]\\\\^`{|}]",
        2 => any::<u8>().prop_map(|byte| format!("%{byte:02X}")),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}")),
        1 => prop::sample::select(&["%2F", "%252F", "%2e%2e", "ключ", "✓", "日本"][..]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn queries() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[A-Za-z0-9._~-]{1,6}",
        3 => prop::sample::select(&["&", "&&", "=", "==", "+"][..]).prop_map(str::to_owned),
        2 => "[!$'()*,:@/?]",
        2 => (0_u8..0x80).prop_map(|byte| format!("%{byte:02X}")),
        1 => prop::sample::select(&["%C3%BC", "%e2%9c%93", "ü", "acl", "prefix=a/b", "uploadId"][..]).prop_map(str::to_owned),
    ];
    let query = prop::collection::vec(piece, 0..14).prop_map(|pieces| format!("?{}", pieces.concat()));
    prop_oneof![1 => Just(String::new()), 3 => query]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        Just("Content-Type".to_owned()),
        Just("content-md5".to_owned()),
        "[Xx]-[Aa]mz-meta-[a-z0-9-]{0,3}",
        prop::sample::select(&["X-Amz-Target", "x-amz-acl", "x-amz-tagging", "X-Amz-Checksum-Crc32"][..])
            .prop_map(str::to_owned),
        prop::sample::select(
            &[
                "Range",
                "User-Agent",
                "X-Amzn-Trace-Id",
                "Accept",
                "Connection",
                "Authorization"
            ][..]
        )
        .prop_map(str::to_owned),
        prop::sample::select(&["x-amz-date", "X-Amz-Security-Token", "x-amz-content-sha256"][..])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec((name, "[ -~]{0,24}"), 0..8)
}

/// A message of an event stream, and how many milliseconds after the one before it it is signed.
fn messages() -> impl Strategy<Value = (Message, u64)> {
    let value = prop_oneof![
        any::<bool>().prop_map(EventValue::Bool),
        any::<i64>().prop_map(EventValue::Int64),
        any::<u128>().prop_map(EventValue::Uuid),
        ".{0,20}".prop_map(|text| EventValue::String(text.into())),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| EventValue::ByteArray(bytes.into())),
    ];
    let headers = prop::collection::vec((":?[a-z-]{1,20}", value), 0..4);
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    // Up to half a day, so that streams go past midnight.
    let pause = prop_oneof![0_u64..3_000, 0_u64..43_200_000];
    (headers, payload, pause).prop_map(|(headers, payload, pause)| {
        let message = headers
            .into_iter()
            .fold(Message::new(payload), |message, (name, value)| {
                message.add_header(Header::new(name, value))
            });
        (message, pause)
    })
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes).unwrap();
    bytes
}

fn payloads() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Empty),
        any::<[u8; 32]>().prop_map(Payload::Sha256),
        Just(Payload::Unsigned),
        Just(Payload::StreamingSigned),
        Just(Payload::StreamingSignedTrailer),
        Just(Payload::StreamingUnsignedTrailer),
        Just(Payload::StreamingEvents),
    ]
}

prop_compose! {
    fn cases()(
        method in prop::sample::select(&["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "MKCOL"][..]),
        host in prop::sample::select(
            &["bucket.s3.eu-west-1.amazonaws.com", "localhost:9000", "127.0.0.1", "[::1]:8333", "ec2.amazonaws.com"][..]
        ),
        path in paths(),
        query in queries(),
        headers in headers(),
        (encoding, name) in prop::sample::select(&[
            (PathEncoding::Single, "s3"),
            (PathEncoding::SingleKeepingSlash, "s3"),
            (PathEncoding::Double, "bedrock"),
            (PathEncoding::Double, "execute-api"),
        ][..]),
        region in prop::sample::select(&["us-east-1", "eu-central-1", "cn-north-1", "x"][..]),
        secret in "[A-Za-z0-9/+]{1,80}",
        token in prop::option::of("[A-Za-z0-9/+=]{1,900}"),
        payload in payloads(),
        seconds in 0_u64..32_503_680_000,
    ) -> Case {
        let target = format!("{path}{query}");
        Case { method, host, target, headers, encoding, region, name, secret, token, payload, seconds }
    }
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    config.cases = config.cases.max(1_000);
    config.failure_persistence = None;
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn headers_are_signed_as_the_sdk_signs_them(case in cases()) {
        let mut head = case.head();
        let signed = case.with_input(|input| Signer::new().sign(&head, input)).unwrap();
        let ours = signed.signature().to_owned();
        prop_assert_eq!(&ours, &case.theirs(&head, None));
        // And once more over what is sent, the SDK reading our own headers.
        signed.apply(&mut head);
        prop_assert_eq!(ours, case.theirs(&head, None));
    }

    #[test]
    fn requests_are_presigned_as_the_sdk_presigns_them(case in cases(), seconds in 1_u64..=604_800) {
        let head = case.head();
        let expires = Duration::from_secs(seconds);
        let uri = case.with_input(|input| Signer::new().presign(&head, input, expires)).unwrap();
        let ours = uri.query().unwrap().rsplit_once("X-Amz-Signature=").unwrap().1;
        prop_assert_eq!(ours, case.theirs(&head, Some(expires)));
    }

    #[test]
    fn chunks_and_trailers_are_signed_as_the_sdk_signs_them(
        case in cases(),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..5),
        trailer in prop::collection::btree_map("x-amz-[a-z0-9-]{1,8}", "[!-~]{1,16}", 1..4),
    ) {
        let case = Case { payload: Payload::StreamingSignedTrailer, ..case };
        let head = case.head();
        let signed = case.with_input(|input| Signer::new().sign(&head, input)).unwrap();
        let mut chain = signed.seed().unwrap();
        let mut previous = signed.signature().to_owned();

        let identity = case.identity();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(case.region)
            .name(case.name)
            .time(case.time())
            .settings(())
            .build()
            .unwrap();
        for chunk in chunks {
            let ours = chain.sign_chunk(&chunk);
            previous = v4::sign_chunk(&Bytes::from(chunk), &previous, &parameters).unwrap().into_parts().1;
            prop_assert_eq!(ours.as_str(), &previous);
        }
        let mut ours = HeaderMap::new();
        let mut theirs = Headers::new();
        for (name, value) in trailer {
            ours.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            theirs.insert(name, value);
        }
        let ours = chain.sign_trailer(&ours).unwrap();
        let theirs = v4::sign_trailer(&theirs, &previous, &parameters).unwrap().into_parts().1;
        prop_assert_eq!(ours.as_str(), theirs);
    }

    #[test]
    fn messages_of_event_streams_are_signed_as_the_sdk_signs_them(
        case in cases(),
        messages in prop::collection::vec(messages(), 0..6),
    ) {
        let case = Case { payload: Payload::StreamingEvents, ..case };
        let signed = case.with_input(|input| Signer::new().sign(&case.head(), input)).unwrap();
        let mut chain = signed.event_seed().unwrap();
        let mut previous = signed.signature().to_owned();
        let mut time = case.time();

        let identity = case.identity();
        for (message, pause) in messages.into_iter().map(|(message, pause)| (Some(message), pause)).chain([(None, 1)]) {
            time += Duration::from_millis(pause);
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region(case.region)
                .name(case.name)
                .time(time)
                .settings(())
                .build()
                .unwrap();
            let theirs = match &message {
                Some(message) => sign_message(message, &previous, &parameters),
                None => sign_empty_message(&previous, &parameters),
            };
            let (theirs, signature) = theirs.unwrap().into_parts();
            previous = signature;

            let message = message.as_ref().map(encoded).unwrap_or_default();
            let ours = chain.sign(&message, time).unwrap();
            let ours = [ours.head().as_slice(), &message, ours.tail()].concat();
            prop_assert_eq!(ours, encoded(&theirs));
        }
    }
}
