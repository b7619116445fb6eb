//! Our signing against that of the AWS SDK's signer, on the requests that matter most.
//!
//! `cargo bench -p signer`. Both sign the same head and hash the same body. The SDK's signer derives its key for each
//! request, ours once a day.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use criterion::{Criterion, criterion_group, criterion_main};
use http::request::Parts;
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct Case {
    name: &'static str,
    head: Parts,
    scope: SigningScope,
    encoding: PathEncoding,
    token: Option<String>,
    body: Vec<u8>,
}

impl Case {
    fn time() -> SystemTime {
        UNIX_EPOCH + Duration::from_mins(24_015_636)
    }

    fn credentials(&self) -> Credentials {
        let keys = Credentials::new(
            AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new(SECRET)).unwrap(),
        );
        match &self.token {
            Some(token) => keys.with_session_token(SessionToken::parse(Secret::new(token.as_str())).unwrap()),
            None => keys,
        }
    }

    fn ours(&self, signer: &Signer, credentials: &Credentials) -> String {
        let input = SignInput {
            scope: &self.scope,
            path_encoding: self.encoding,
            credentials,
            payload: if self.body.is_empty() {
                Payload::Empty
            } else {
                Payload::Sha256(digest(&SHA256, &self.body).as_ref().try_into().unwrap())
            },
            time: Self::time(),
        };
        signer.sign(&self.head, &input).unwrap().signature().to_owned()
    }

    fn theirs(&self, identity: &Identity) -> String {
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
            .time(Self::time())
            .settings(settings)
            .build()
            .unwrap();
        let listed = self.head.headers.iter().filter(|(name, _)| {
            name.as_str().starts_with("x-amz-") || ["host", "content-type", "content-md5"].contains(&name.as_str())
        });
        let body = SignableBody::Bytes(&self.body);
        let uri = self.head.uri.to_string();
        let listed = listed.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let request = SignableRequest::new(self.head.method.as_str(), &uri, listed, body).unwrap();
        let output = aws_sigv4::http_request::sign(request, &parameters.into()).unwrap();
        output.signature().to_owned()
    }
}

fn head(method: &str, host: &str, target: &str, encoding: PathEncoding, headers: &[(&str, &str)]) -> Parts {
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

fn scope(region: &str, name: &str) -> SigningScope {
    SigningScope {
        region: Region::parse(region).unwrap(),
        name: SigningName::parse(name).unwrap(),
    }
}

fn requests() -> [Case; 3] {
    let common = [
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("user-agent", "aws-cli/2.15.0 Python/3.11"),
        ("range", "bytes=0-1048575"),
        ("if-none-match", "\"686897696a7c876b7e\""),
        ("cache-control", "no-cache"),
        ("x-amz-checksum-mode", "ENABLED"),
        ("x-amz-expected-bucket-owner", "123456789012"),
        ("x-amz-request-payer", "requester"),
    ];
    let get = || {
        head(
            "GET",
            "example-bucket.s3.eu-west-1.amazonaws.com",
            "/photos/2026/01/some%20picture.jpg?versionId=abc&x-id=GetObject&partNumber=2",
            PathEncoding::Single,
            &common,
        )
    };
    let post = head(
        "POST",
        "bedrock-runtime.us-east-1.amazonaws.com",
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
        PathEncoding::Double,
        &[
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("content-length", "4096"),
        ],
    );
    [
        Case {
            name: "s3-get",
            head: get(),
            scope: scope("eu-west-1", "s3"),
            encoding: PathEncoding::Single,
            token: None,
            body: Vec::new(),
        },
        Case {
            name: "s3-get-session-token",
            head: get(),
            scope: scope("eu-west-1", "s3"),
            encoding: PathEncoding::Single,
            token: Some("T".repeat(800)),
            body: Vec::new(),
        },
        Case {
            name: "bedrock-post",
            head: post,
            scope: scope("us-east-1", "bedrock"),
            encoding: PathEncoding::Double,
            token: None,
            body: vec![b'x'; 4096],
        },
    ]
}

fn bench(criterion: &mut Criterion) {
    for case in requests() {
        let signer = Signer::new();
        let keys = case.credentials();
        let identity: Identity =
            aws_credential_types::Credentials::new("AKIDEXAMPLE", SECRET, case.token.clone(), None, "bench").into();
        assert_eq!(case.ours(&signer, &keys), case.theirs(&identity), "{}", case.name);

        let mut group = criterion.benchmark_group(case.name);
        group.bench_function("ours", |bencher| bencher.iter(|| black_box(case.ours(&signer, &keys))));
        group.bench_function("aws-sigv4", |bencher| {
            bencher.iter(|| black_box(case.theirs(&identity)));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
