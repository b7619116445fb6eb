//! The signing suite of AWS's common runtime, in the header and the query form; read from the package of `aws-sigv4`.
//!
//! The suite signs all headers and sends no payload hash unless configured to, so it has [`Rules`] of its own.
//!
//! It takes its request lines as text that is encoded once (awslabs/aws-c-auth#162): our [`PathEncoding::Single`].
//! Where it normalises as well, ours is `Double`, which comes to the same for paths without anything to encode; the two
//! cases with something to encode, [`ENCODED_ONCE`], are signed as `Single`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use aws_endpoints::PathEncoding;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

use super::EVERY_HEADER;
use super::request::{credentials, head, scope, time};
use super::request_file::RequestFile;
use crate::hash::sha256;
use crate::sign::Rules;
use crate::target::write_canonical_path;
use crate::{Payload, RegionSet, SignInput, Signer};

/// Normalised, though nothing in them is to normalise, and with a space or a letter beyond ASCII in the path.
const ENCODED_ONCE: [&str; 2] = ["get-space-normalized", "get-utf8"];

/// These two have no context: credentials, scope and time are unknown, and their files contradict each other in them.
/// Their canonical path is checked.
const WITHOUT_CONTEXT: [&str; 2] = ["double-encode-path", "double-url-encode"];

#[derive(Deserialize)]
struct Context {
    credentials: Keys,
    expiration_in_seconds: u64,
    normalize: bool,
    region: String,
    service: String,
    sign_body: bool,
    timestamp: String,
    #[serde(default)]
    omit_session_token: bool,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

struct Case {
    folder: PathBuf,
    context: Context,
    request: RequestFile,
}

impl Case {
    fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join(file)).unwrap()
    }

    fn encoding(&self) -> PathEncoding {
        if self.context.normalize && !ENCODED_ONCE.contains(&self.name()) {
            PathEncoding::Double
        } else {
            PathEncoding::Single
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            sends_payload_hash: self.context.sign_body,
            signs_token: !self.context.omit_session_token,
            ..EVERY_HEADER
        }
    }

    fn with_input<T>(&self, act: impl FnOnce(&http::request::Parts, &SignInput<'_>) -> T) -> T {
        let Context {
            credentials: keys,
            region,
            service,
            timestamp,
            ..
        } = &self.context;
        let head = head(
            &self.request.method,
            self.request.target.as_bytes(),
            self.encoding(),
            self.request.headers.clone(),
        );
        let input = SignInput {
            scope: &scope(region, service),
            path_encoding: self.encoding(),
            credentials: &credentials(&keys.access_key_id, &keys.secret_access_key, keys.token.as_deref()),
            payload: Payload::Sha256(sha256(self.request.body.as_bytes())),
            time: time(timestamp),
        };
        act(&head, &input)
    }
}

/// All cases of a version that have a context.
fn cases(version: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(SUITE.join(version)).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(context) = std::fs::read_to_string(folder.join("context.json")) else {
            assert!(WITHOUT_CONTEXT.contains(&folder.file_name().unwrap().to_str().unwrap()));
            continue;
        };
        cases.push(Case {
            context: serde_json::from_str(&context).unwrap(),
            request: RequestFile::parse(&std::fs::read_to_string(folder.join("request.txt")).unwrap()),
            folder,
        });
    }
    assert_eq!(cases.len(), 38);
    cases
}

/// `aws-signing-test-suite` in the package of `aws-sigv4`, a development dependency, wherever cargo keeps it.
static SUITE: LazyLock<PathBuf> = LazyLock::new(|| {
    let version = run(Command::new(env!("CARGO")).arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = run(Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--format-version=1", "--offline", "--filter-platform", host]));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "aws-sigv4").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.with_file_name("aws-signing-test-suite")
});

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn headers_are_signed_as_the_suite_signs_them() {
    for case in cases("v4") {
        let signed = case.with_input(|head, input| Signer::new().sign_by(&case.rules(), head, input).unwrap());
        assert_eq!(signed.signature(), case.read("header-signature.txt"), "{}", case.name());
    }
}

#[test]
fn queries_are_signed_as_the_suite_signs_them() {
    for case in cases("v4") {
        let expires = Duration::from_secs(case.context.expiration_in_seconds);
        let uri = case.with_input(|head, input| Signer::new().presign_by(&case.rules(), head, input, expires).unwrap());
        let ours = pairs(uri.query().unwrap());
        let signature = format!("X-Amz-Signature={}", case.read("query-signature.txt"));
        assert!(ours.contains(&signature), "{}: {ours:?}", case.name());

        // The suite leaves the client's pairs as they came; ours are in wire form, which is why only the others count.
        let theirs = RequestFile::parse(&case.read("query-signed-request.txt"));
        let theirs = pairs(theirs.target.split_once('?').unwrap().1);
        for pair in theirs.iter().filter(|pair| pair.starts_with("X-Amz-")) {
            assert!(ours.contains(pair), "{}: {pair}", case.name());
        }
        assert_eq!(ours.len(), theirs.len(), "{}", case.name());
    }
}

fn pairs(query: &str) -> Vec<String> {
    query.split('&').map(str::to_owned).collect()
}

#[test]
fn cases_without_a_context_have_their_canonical_path() {
    for name in WITHOUT_CONTEXT {
        let folder = SUITE.join("v4").join(name);
        let request = RequestFile::parse(&std::fs::read_to_string(folder.join("request.txt")).unwrap());
        let want = std::fs::read_to_string(folder.join("header-canonical-request.txt")).unwrap();
        let mut path = String::new();
        write_canonical_path(&mut path, &request.target, PathEncoding::Double).unwrap();
        assert_eq!(Some(path.as_str()), want.lines().nth(1), "{name}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct PublicKey {
    x: String,
    y: String,
}

/// Signatures of version 4a differ each time; ours is right if the suite's public key says so of the suite's text.
#[test]
fn headers_are_signed_by_version_4a_as_the_suite_signs_them() {
    for case in cases("v4a") {
        let regions = RegionSet::parse(case.context.region.as_str()).unwrap();
        let signed =
            case.with_input(|head, input| Signer::new().sign_v4a_by(&case.rules(), head, input, &regions).unwrap());
        let PublicKey { x, y } = serde_json::from_str(&case.read("public-key.json")).unwrap();
        let point = hex::decode(format!("04{x}{y}")).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(
                case.read("header-string-to-sign.txt").as_bytes(),
                &hex::decode(signed.signature()).unwrap(),
            )
            .unwrap_or_else(|_| panic!("{}", case.name()));
    }
}
