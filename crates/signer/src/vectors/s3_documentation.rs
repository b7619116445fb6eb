//! `tests/vectors/s3-doc-examples.json`: the worked examples of the S3 and the general documentation.
//!
//! They sign headers that we do not (`range`, `date`, `content-encoding`, `content-length`), and the last one sends no
//! payload hash; that aside, they are signed by the code that signs everything.

use std::time::Duration;

use aws_endpoints::PathEncoding;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::EVERY_HEADER;
use super::request::{credentials, head, scope, time};
use crate::hash::sha256;
use crate::key::KeyCache;
use crate::sign::Rules;
use crate::{ChunkSigner, Payload, SignInput, SignedHeaders, Signer};

#[derive(Deserialize)]
struct Document {
    credentials: Keys,
    region: String,
    service: String,
    timestamp: String,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
}

#[derive(Deserialize)]
struct Example {
    name: String,
    credentials: Option<Keys>,
    service: Option<String>,
    timestamp: Option<String>,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    payload_hash: String,
    expires: Option<u64>,
    signature: Option<String>,
    signed_url: Option<String>,
    authorization: Option<String>,
    seed_signature: Option<String>,
    #[serde(default)]
    chunks: Vec<Chunk>,
    trailer: Option<Trailer>,
    signing_key_hex: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    size: usize,
    signature: String,
}

#[derive(Deserialize)]
struct Trailer {
    line: String,
    signature: String,
}

impl Example {
    fn payload(&self) -> Payload {
        match self.payload_hash.as_str() {
            "UNSIGNED-PAYLOAD" => Payload::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Payload::StreamingSigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Payload::StreamingSignedTrailer,
            _ => match &self.body {
                Some(body) => Payload::Sha256(sha256(body.as_bytes())),
                None => Payload::Empty,
            },
        }
    }
}

fn document() -> Document {
    serde_json::from_str(include_str!("../../../../tests/vectors/s3-doc-examples.json")).unwrap()
}

fn with_input<T>(
    document: &Document,
    example: &Example,
    act: impl FnOnce(&http::request::Parts, &SignInput<'_>) -> T,
) -> T {
    let keys = example.credentials.as_ref().unwrap_or(&document.credentials);
    let service = example.service.as_ref().unwrap_or(&document.service);
    let head = head(
        &example.method,
        example.target.as_bytes(),
        PathEncoding::Single,
        example.headers.clone(),
    );
    let input = SignInput {
        scope: &scope(&document.region, service),
        path_encoding: PathEncoding::Single,
        credentials: &credentials(&keys.access_key_id, &keys.secret_access_key, None),
        payload: example.payload(),
        time: time(example.timestamp.as_ref().unwrap_or(&document.timestamp)),
    };
    act(&head, &input)
}

fn sign(document: &Document, example: &Example) -> SignedHeaders {
    let rules = Rules {
        sends_payload_hash: example.headers.iter().any(|(name, _)| name == "x-amz-content-sha256"),
        ..EVERY_HEADER
    };
    with_input(document, example, |head, input| {
        Signer::new().sign_by(&rules, head, input).unwrap()
    })
}

#[test]
fn the_documentation_signs_as_we_do() {
    let document = document();
    let mut checked = 0;
    for example in document.examples.iter().filter(|example| example.expires.is_none()) {
        let signed = sign(&document, example);
        let want = example.signature.as_ref().or(example.seed_signature.as_ref()).unwrap();
        assert_eq!(signed.signature(), want, "{}", example.name);
        if let Some(authorization) = &example.authorization {
            let (mut head, ()) = http::Request::new(()).into_parts();
            signed.apply(&mut head);
            // The documentation leaves the spaces out.
            let ours = head.headers["authorization"].to_str().unwrap().replace(", ", ",");
            assert_eq!(&ours, authorization, "{}", example.name);
        }
        checked += 1;
    }
    assert_eq!(checked, 7);
}

#[test]
fn the_documentation_presigns_as_we_do() {
    let document = document();
    let example = document
        .examples
        .iter()
        .find(|example| example.expires.is_some())
        .unwrap();
    let expires = Duration::from_secs(example.expires.unwrap());
    let uri = with_input(&document, example, |head, input| {
        Signer::new().presign(head, input, expires).unwrap()
    });
    let theirs: http::Uri = example.signed_url.as_ref().unwrap().parse().unwrap();
    let sorted = |uri: &http::Uri| {
        let mut pairs: Vec<_> = uri.query().unwrap().split('&').map(str::to_owned).collect();
        pairs.sort();
        pairs
    };
    assert_eq!(sorted(&uri), sorted(&theirs));
    assert_eq!(
        (uri.scheme(), uri.host(), uri.path()),
        (theirs.scheme(), theirs.host(), theirs.path())
    );
}

#[test]
fn the_documentation_signs_chunks_and_trailers_as_we_do() {
    let document = document();
    let mut trailers = 0;
    for example in document.examples.iter().filter(|example| !example.chunks.is_empty()) {
        let mut chain: ChunkSigner = sign(&document, example).seed().unwrap();
        for chunk in &example.chunks {
            let signature = chain.sign_chunk(&vec![b'a'; chunk.size]);
            assert_eq!(signature.as_str(), chunk.signature, "{}", example.name);
        }
        if let Some(trailer) = &example.trailer {
            let (name, value) = trailer.line.split_once(':').unwrap();
            let name: HeaderName = name.parse().unwrap();
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(chain.sign_trailer(&headers).unwrap().as_str(), trailer.signature);
            trailers += 1;
        }
    }
    assert_eq!(trailers, 1);
}

#[test]
fn the_documentation_derives_its_key_as_we_do() {
    let document = document();
    let example = document
        .examples
        .iter()
        .find(|example| example.signing_key_hex.is_some())
        .unwrap();
    let keys = example.credentials.as_ref().unwrap();
    let ours = KeyCache::<crate::key::SigningKey>::default().signing_key(
        &credentials(&keys.access_key_id, &keys.secret_access_key, None),
        "20150830",
        &scope("us-east-1", "iam"),
    );
    let theirs = hex::decode(example.signing_key_hex.as_ref().unwrap()).unwrap();
    let theirs = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &theirs);
    let tag = aws_lc_rs::hmac::sign(&theirs, b"either key signs this");
    assert_eq!(ours.sign(b"either key signs this").as_str(), hex::encode(tag));
}
