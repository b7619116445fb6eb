//! Any head, raw or made ready: signing does not panic, is all or nothing, and signing what was sent gives the same.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;
use http::HeaderValue;
use http::request::Parts;
use libfuzzer_sys::fuzz_target;
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};
use signing_proxy_fuzz::Text;

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);
static SCOPE: LazyLock<SigningScope> = LazyLock::new(|| SigningScope {
    region: Region::parse("eu-west-1").unwrap(),
    name: SigningName::parse("s3").unwrap(),
});

fuzz_target!(|input: &[u8]| {
    let text = Text::read(input);
    let choice = text.word.bytes().fold(0_u64, |number, byte| {
        number.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let encoding = match choice % 3 {
        0 => PathEncoding::Single,
        1 => PathEncoding::SingleKeepingSlash,
        _ => PathEncoding::Double,
    };
    let Some(head) = head(&text, choice & 8 != 0, encoding) else {
        return;
    };
    let credentials = credentials(choice & 16 != 0);
    let sign_input = SignInput {
        scope: &SCOPE,
        path_encoding: encoding,
        credentials: &credentials,
        payload: match choice % 7 {
            0 => Payload::Empty,
            1 => Payload::Sha256([choice.to_le_bytes()[0]; 32]),
            2 => Payload::Unsigned,
            3 => Payload::StreamingSigned,
            4 => Payload::StreamingSignedTrailer,
            5 => Payload::StreamingUnsignedTrailer,
            _ => Payload::StreamingEvents,
        },
        time: UNIX_EPOCH + Duration::from_secs(choice % (1 << 40)),
    };
    let copy = head.headers.clone();
    let signed = SIGNER.sign(&head, &sign_input);
    assert_eq!(head.headers, copy);
    let presigned = SIGNER.presign(&head, &sign_input, Duration::from_secs(choice));
    match signed {
        Err(error) => assert!(error.to_string().len() < 70_000),
        Ok(signed) => {
            let mut sent = head;
            signed.clone().apply(&mut sent);
            let again = SIGNER.sign(&sent, &sign_input).unwrap();
            assert_eq!(signed.signature(), again.signature());
            if let Some(mut chain) = signed.seed() {
                chain.sign_chunk(text.body);
                let _ = chain.sign_trailer(&sent.headers);
            }
            if let Some(mut chain) = signed.event_seed() {
                chain.sign(text.body, sign_input.time).unwrap();
            }
        }
    }
    if let Ok(uri) = presigned {
        let target = uri.path_and_query().unwrap().as_str();
        assert_eq!(WireTarget::parse(target, encoding).unwrap().as_str(), target);
    }
});

fn head(text: &Text<'_>, keeps_raw: bool, encoding: PathEncoding) -> Option<Parts> {
    if keeps_raw {
        return text.head();
    }
    let wire = WireTarget::from_bytes(text.target, encoding).ok()?;
    let ready = Text {
        target: b"/",
        headers: text.headers.clone(),
        ..*text
    };
    let mut head = ready.head()?;
    head.uri = wire.to_path_and_query().into();
    head.headers.insert("host", HeaderValue::from_static("localhost:9000"));
    clean_headers(&mut head.headers);
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
