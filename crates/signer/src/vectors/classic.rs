//! The original `aws4_testsuite`, where it lies beside the repository; it is not ours to copy.
//!
//! As in the newer suite the request line is text that is encoded once, and all headers are signed.

use std::path::{Path, PathBuf};

use aws_endpoints::PathEncoding;

use super::EVERY_HEADER;
use super::request::{credentials, head, scope, time};
use super::request_file::RequestFile;
use crate::hash::sha256;
use crate::sign::Rules;
use crate::{Payload, SignInput, Signer};

/// With something to encode in the path, hence signed as `Single`.
const ENCODED_ONCE: [&str; 3] = ["get-space", "get-special-character", "get-utf8"];

#[test]
fn requests_are_signed_as_the_classic_suite_signs_them() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/sigv4-vectors/classic");
    let mut requests = Vec::new();
    find_requests(&suite, &mut requests);
    // All or nothing: half a suite would be a mistake of ours.
    assert!(matches!(requests.len(), 0 | 34), "{}", requests.len());
    for path in requests {
        check(&path);
    }
}

fn find_requests(folder: &Path, requests: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_requests(&path, requests);
        } else if path.extension().is_some_and(|extension| extension == "req") {
            requests.push(path);
        }
    }
}

fn check(path: &Path) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let read = |extension| std::fs::read_to_string(path.with_extension(extension)).unwrap();
    let request = RequestFile::parse(&read("req"));
    let authorization = read("authz");
    let signed_request = RequestFile::parse(&read("sreq"));
    let token = signed_request
        .headers
        .iter()
        .find(|(name, _)| name == "X-Amz-Security-Token");
    let encoding = if ENCODED_ONCE.contains(&name) {
        PathEncoding::Single
    } else {
        PathEncoding::Double
    };
    let rules = Rules {
        signs_token: authorization.contains("x-amz-security-token"),
        ..EVERY_HEADER
    };
    let head = head(&request.method, request.target.as_bytes(), encoding, request.headers);
    let input = SignInput {
        scope: &scope("us-east-1", "service"),
        path_encoding: encoding,
        credentials: &credentials(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            token.map(|(_, value)| value.trim()),
        ),
        payload: Payload::Sha256(sha256(request.body.as_bytes())),
        time: time("20150830T123600Z"),
    };
    let signed = Signer::new().sign_by(&rules, &head, &input).unwrap();
    let want = authorization.rsplit_once("Signature=").unwrap().1.trim();
    assert_eq!(signed.signature(), want, "{name}");
}
