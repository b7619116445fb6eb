//! Chunk-signed uploads: each chunk's signature counts, and so does the end.

use std::fmt::Write;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{SigningParams, sign_chunk};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use sandbox::principals::BUCKET;
use sandbox::{Sandbox, SandboxSettings};

use crate::support::{Draft, send};

const MODE: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// A PUT of these chunks, signed in a chain from the head's signature on.
fn upload(sandbox: &Sandbox, chunks: &[&'static str]) -> (Request<Full<Bytes>>, String) {
    let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut draft = Draft::new("s3", "PUT", &format!("/{BUCKET}/chunked"))
        .with_header("content-encoding", "aws-chunked")
        .with_header("x-amz-decoded-content-length", &length.to_string());
    draft.payload = Some(MODE);
    let request = draft.sign(sandbox.s3());
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let mut signature = authorization.split_once("Signature=").unwrap().1.to_owned();

    let identity = Credentials::new(&draft.keys.id, &draft.keys.secret, None, None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(draft.region)
        .name("s3")
        .time(draft.time)
        .settings(())
        .build()
        .unwrap();
    let mut body = String::new();
    for chunk in chunks.iter().copied().chain([""]) {
        signature = sign_chunk(&Bytes::from(chunk), &signature, &params)
            .unwrap()
            .into_parts()
            .1;
        write!(body, "{:x};chunk-signature={signature}\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    (request, body)
}

/// The status and code for the upload with its body changed.
async fn outcome(change: impl Fn(String) -> String) -> (u16, String) {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let (mut request, body) = upload(&sandbox, &["first chunk, ", "second chunk"]);
    *request.body_mut() = Full::from(change(body));
    let response = send(sandbox.s3(), request).await;
    let got = send(
        sandbox.s3(),
        Draft::new("s3", "GET", &format!("/{BUCKET}/chunked")).sign(sandbox.s3()),
    )
    .await;
    if response.status == 200 {
        assert_eq!(got.body, "first chunk, second chunk");
        return (200, String::new());
    }
    assert_eq!(got.code(), "NoSuchKey", "nothing of a rejected upload is kept");
    (response.status.as_u16(), response.code().to_owned())
}

#[tokio::test]
async fn a_well_signed_upload_is_taken() {
    assert_eq!(outcome(|body| body).await.0, 200);
}

#[tokio::test]
async fn each_chunk_is_covered() {
    for at in ["first", "second", "0;chunk-signature="] {
        let tamper = |body: String| {
            let (before, after) = body.split_at(body.find(at).unwrap() + at.len());
            let flipped = if after.starts_with('0') { "1" } else { "0" };
            format!("{before}{flipped}{}", &after[1..])
        };
        let expected = (403, "SignatureDoesNotMatch".to_owned());
        assert_eq!(outcome(tamper).await, expected, "{at}");
    }
}

#[tokio::test]
async fn an_upload_that_ends_early_is_refused() {
    let before_last = |body: String| body.split_at(body.find("0;chunk").unwrap()).0.to_owned();
    assert_eq!(outcome(before_last).await, (400, "IncompleteBody".to_owned()));
    let one_chunk_less = |body: String| {
        let (first, rest) = body.split_at(body.find("c;chunk").unwrap());
        first.to_owned() + rest.split_at(rest.find("0;chunk").unwrap()).1
    };
    assert_eq!(outcome(one_chunk_less).await, (400, "IncompleteBody".to_owned()));
    let too_large = |_| "fffffff;chunk-signature=00\r\n".to_owned();
    assert_eq!(outcome(too_large).await, (400, "IncompleteBody".to_owned()));
}
