//! `tests/vectors/known-signatures.jsonl`: what a client sends, what we send, and its signature as botocore computed it.
//!
//! Each line is a complaint that users of signing proxies have made; `why` names the public thread.

use aws_endpoints::PathEncoding;
use serde::Deserialize;

use super::request::{credentials, head, scope, time};
use crate::hash::sha256;
use crate::target::{write_canonical_path, write_canonical_query};
use crate::{Payload, SignInput, Signer, WireTarget, clean_headers};

#[derive(Deserialize)]
struct KnownSignature {
    id: String,
    service: String,
    region: String,
    method: String,
    host: String,
    client: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    payload: Option<String>,
    token: Option<String>,
    wire: String,
    cpath: String,
    cquery: String,
    signed: String,
    sig: String,
}

fn check(known: &KnownSignature) {
    let id = &known.id;
    let encoding = match known.service.as_str() {
        "s3" => PathEncoding::Single,
        _ => PathEncoding::Double,
    };
    let wire = WireTarget::parse(&known.client, encoding).unwrap();
    assert_eq!(wire.as_str(), known.wire, "{id}: wire form");

    let (mut path, mut query) = (String::new(), String::new());
    write_canonical_path(&mut path, wire.path(), encoding).unwrap();
    write_canonical_query(&mut query, wire.query(), &[]).unwrap();
    assert_eq!(path, known.cpath, "{id}: canonical path");
    assert_eq!(query, known.cquery, "{id}: canonical query");

    let host = [("Host".to_owned(), known.host.clone())];
    let mut head = head(
        &known.method,
        known.client.as_bytes(),
        encoding,
        host.into_iter().chain(known.headers.clone()),
    );
    clean_headers(&mut head.headers);
    let input = SignInput {
        scope: &scope(&known.region, &known.service),
        path_encoding: encoding,
        credentials: &credentials(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            known.token.as_deref(),
        ),
        payload: match (&known.payload, &known.body) {
            (Some(_), _) => Payload::Unsigned,
            (None, Some(body)) => Payload::Sha256(sha256(body.as_bytes())),
            (None, None) => Payload::Empty,
        },
        time: time("20150830T123600Z"),
    };
    let signed = Signer::new().sign(&head, &input).unwrap();
    assert_eq!(signed.signature(), known.sig, "{id}: signature");
    signed.apply(&mut head);
    let authorization = head.headers["authorization"].to_str().unwrap();
    assert!(
        authorization.contains(&format!(", SignedHeaders={}, ", known.signed)),
        "{id}: {authorization}"
    );
}

#[test]
fn known_signatures_are_ours() {
    let lines = include_str!("../../../../tests/vectors/known-signatures.jsonl").lines();
    let known: Vec<KnownSignature> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(known.len(), 21);
    known.iter().for_each(check);
}
