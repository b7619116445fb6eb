use std::time::Duration;

use auth_model::{AccessKeyId, Region, Secret, SecretAccessKey, SigningName};
use aws_endpoints::PathEncoding;
use http::request::Parts;

use super::*;
use crate::{Payload, SignInput, Signer};

/// 2026-03-01T23:59:58Z.
const START: u64 = 1_772_409_598;

fn at(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START) + Duration::from_millis(milliseconds)
}

fn head() -> Parts {
    let request = http::Request::post("https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b/x");
    request.body(()).unwrap().into_parts().0
}

/// A stream that began at this time.
fn stream(time: SystemTime) -> EventSigner {
    let input = SignInput {
        scope: &SigningScope {
            region: Region::parse("eu-west-1").unwrap(),
            name: SigningName::parse("bedrock").unwrap(),
        },
        path_encoding: PathEncoding::Double,
        credentials: &Credentials::new(
            AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new("SECRETEXAMPLE")).unwrap(),
        ),
        payload: Payload::StreamingEvents,
        time,
    };
    let signed = Signer::new().sign(&head(), &input).unwrap();
    assert!(signed.seed().is_none());
    signed.event_seed().unwrap()
}

fn signed(stream: &mut EventSigner, message: &[u8], time: SystemTime) -> Vec<u8> {
    let envelope = stream.sign(message, time).unwrap();
    [envelope.head().as_slice(), message, envelope.tail()].concat()
}

#[test]
fn each_signature_covers_the_one_before_it() {
    let (mut one, mut other) = (stream(at(0)), stream(at(0)));
    assert_eq!(signed(&mut one, b"a", at(0)), signed(&mut other, b"a", at(0)));
    signed(&mut one, b"b", at(0));
    assert_ne!(signed(&mut one, b"c", at(0)), signed(&mut other, b"c", at(0)));
}

#[test]
fn the_time_is_that_of_the_message_in_whole_seconds() {
    let sign = |milliseconds| signed(&mut stream(at(0)), b"a", at(milliseconds));
    assert_eq!(sign(1000), sign(1999));
    assert_ne!(sign(999), sign(1000));
    let date = &sign(1999)[Envelope::HEAD - 8..Envelope::HEAD];
    assert_eq!(date, ((START + 1) * 1000).to_be_bytes());
}

#[test]
fn after_midnight_the_next_days_key_signs() {
    let mut stream = stream(at(0));
    let before = stream.keys.signing_key(&stream.credentials, "20260301", &stream.scope);
    let after = stream.keys.signing_key(&stream.credentials, "20260302", &stream.scope);
    assert_ne!(before.mac(b""), after.mac(b""));
    signed(&mut stream, b"a", at(1999));
    assert_eq!(stream.chain.key().mac(b""), before.mac(b""));
    signed(&mut stream, b"a", at(2000));
    assert_eq!(stream.chain.key().mac(b""), after.mac(b""));
}

#[test]
fn a_message_that_cannot_be_signed_leaves_the_chain_where_it_was() {
    let mut broken = stream(at(0));
    let refused = broken.sign(b"a", UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(refused.map(|_| ()), Err(SignError::TimeOutOfRange));
    assert_eq!(
        signed(&mut broken, b"a", at(0)),
        signed(&mut stream(at(0)), b"a", at(0))
    );
}

#[test]
fn nothing_prints_a_secret_or_a_signature() {
    let mut stream = stream(at(0));
    let envelope = stream.sign(b"a", at(0)).unwrap();
    assert_eq!(format!("{stream:?} {envelope:?}"), "EventSigner { .. } Envelope { .. }");
}

/// Memory for the string to sign is kept from the first message on.
#[test]
fn a_message_takes_no_allocation() {
    let mut stream = stream(at(0));
    stream.sign(b"message", at(0)).unwrap();
    let counted = allocation_counter::measure(|| {
        for milliseconds in [0, 1000] {
            stream.sign(b"message", at(milliseconds)).unwrap();
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
