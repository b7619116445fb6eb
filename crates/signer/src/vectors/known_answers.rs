//! `tests/vectors/known-answers.jsonl`: what a client sends, what we send, and its signature as botocore computed it.
//!
//! Each line is a complaint that users of signing proxies have made; `why` names the public thread.

use aws_endpoints::PathEncoding;
use serde::Deserialize;

use super::request::{credentials, head, scope, time};
use crate::hash::sha256;
use crate::target::{write_canonical_path, write_canonical_query};
use crate::{Payload, SignInput, Signer, WireTarget, clean_headers};

#[derive(Deserialize)]
struct Answer {
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

fn check(answer: &Answer) {
    let id = &answer.id;
    let encoding = match answer.service.as_str() {
        "s3" => PathEncoding::Single,
        _ => PathEncoding::Double,
    };
    let wire = WireTarget::parse(&answer.client, encoding).unwrap();
    assert_eq!(wire.as_str(), answer.wire, "{id}: wire form");

    let (mut path, mut query) = (String::new(), String::new());
    write_canonical_path(&mut path, wire.path(), encoding).unwrap();
    write_canonical_query(&mut query, wire.query(), &[]).unwrap();
    assert_eq!(path, answer.cpath, "{id}: canonical path");
    assert_eq!(query, answer.cquery, "{id}: canonical query");

    let host = [("Host".to_owned(), answer.host.clone())];
    let mut head = head(
        &answer.method,
        answer.client.as_bytes(),
        encoding,
        host.into_iter().chain(answer.headers.clone()),
    );
    clean_headers(&mut head.headers);
    let input = SignInput {
        scope: &scope(&answer.region, &answer.service),
        path_encoding: encoding,
        credentials: &credentials(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            answer.token.as_deref(),
        ),
        payload: match (&answer.payload, &answer.body) {
            (Some(_), _) => Payload::Unsigned,
            (None, Some(body)) => Payload::Sha256(sha256(body.as_bytes())),
            (None, None) => Payload::Empty,
        },
        time: time("20150830T123600Z"),
    };
    let signed = Signer::new().sign(&head, &input).unwrap();
    assert_eq!(signed.signature(), answer.sig, "{id}: signature");
    signed.apply(&mut head);
    let authorization = head.headers["authorization"].to_str().unwrap();
    assert!(
        authorization.contains(&format!(", SignedHeaders={}, ", answer.signed)),
        "{id}: {authorization}"
    );
}

#[test]
fn known_answers_are_ours() {
    let lines = include_str!("../../../../tests/vectors/known-answers.jsonl").lines();
    let answers: Vec<Answer> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 21);
    answers.iter().for_each(check);
}
