//! Any head, raw or made ready: signing does not panic, is all or nothing, and signing what was sent gives the same.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use arbitrary::Arbitrary;
use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    method: &'a str,
    target: &'a [u8],
    headers: Vec<(u8, &'a [u8], &'a [u8])>,
    keeps_raw: bool,
    encoding: u8,
    payload: u8,
    time: u64,
    expires: u64,
    has_token: bool,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);
static SCOPE: LazyLock<SigningScope> = LazyLock::new(|| SigningScope {
    region: Region::parse("eu-west-1").unwrap(),
    name: SigningName::parse("s3").unwrap(),
});

fuzz_target!(|input: Input<'_>| {
    let encoding = match input.encoding % 3 {
        0 => PathEncoding::Single,
        1 => PathEncoding::SingleKeepingSlash,
        _ => PathEncoding::Double,
    };
    let Some(head) = head(&input, encoding) else {
        return;
    };
    let credentials = credentials(input.has_token);
    let sign_input = SignInput {
        scope: &SCOPE,
        path_encoding: encoding,
        credentials: &credentials,
        payload: match input.payload % 6 {
            0 => Payload::Empty,
            1 => Payload::Sha256([input.payload; 32]),
            2 => Payload::Unsigned,
            3 => Payload::StreamingSigned,
            4 => Payload::StreamingSignedTrailer,
            _ => Payload::StreamingUnsignedTrailer,
        },
        time: UNIX_EPOCH + Duration::from_secs(input.time % (1 << 40)),
    };
    let copy = head.headers.clone();
    let signed = SIGNER.sign(&head, &sign_input);
    assert_eq!(head.headers, copy);
    let presigned = SIGNER.presign(&head, &sign_input, Duration::from_secs(input.expires));
    match signed {
        Err(error) => assert!(error.to_string().len() < 70_000),
        Ok(signed) => {
            let mut sent = head;
            signed.clone().apply(&mut sent);
            let again = SIGNER.sign(&sent, &sign_input).unwrap();
            assert_eq!(signed.signature(), again.signature());
            if let Some(mut chain) = signed.seed() {
                chain.sign_chunk(input.target);
                let _ = chain.sign_trailer(&sent.headers);
            }
        }
    }
    if let Ok(uri) = presigned {
        let target = uri.path_and_query().unwrap().as_str();
        assert_eq!(WireTarget::parse(target, encoding).unwrap().as_str(), target);
    }
});

fn head(input: &Input<'_>, encoding: PathEncoding) -> Option<Parts> {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(input.method.as_bytes()).ok()?;
    head.uri = if input.keeps_raw {
        Uri::try_from(input.target).ok()?
    } else {
        WireTarget::from_bytes(input.target, encoding)
            .ok()?
            .to_path_and_query()
            .into()
    };
    for (choice, name, value) in &input.headers {
        let name = match choice {
            0 => Ok(HeaderName::from_static("host")),
            1 => Ok(HeaderName::from_static("x-amz-meta-a")),
            2 => Ok(HeaderName::from_static("content-type")),
            3 => Ok(HeaderName::from_static("x-amz-security-token")),
            _ => HeaderName::from_bytes(name),
        };
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            head.headers.append(name, value);
        }
    }
    if !input.keeps_raw {
        head.headers.insert("host", HeaderValue::from_static("localhost:9000"));
        clean_headers(&mut head.headers);
    }
    Some(head)
}

fn credentials(has_token: bool) -> Credentials {
    let keys = Credentials::new(
        AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
        SecretAccessKey::parse(Secret::new("SECRET")).unwrap(),
    );
    if has_token {
        keys.with_session_token(SessionToken::parse(Secret::new("TOKEN")).unwrap())
    } else {
        keys
    }
}
