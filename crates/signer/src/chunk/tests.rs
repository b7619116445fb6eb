use std::time::UNIX_EPOCH;

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
use http::header::HeaderValue;

use super::*;
use crate::HeaderFault;
use crate::key::KeyCache;

fn chain() -> ChunkSigner {
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let credentials = Credentials::new(
        AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
        SecretAccessKey::parse(Secret::new("SECRET")).unwrap(),
    );
    let time = AmzTime::at(UNIX_EPOCH).unwrap();
    let key = KeyCache::<crate::key::SigningKey>::default().signing_key(&credentials, time.date(), &scope);
    let seed = key.sign(b"head");
    ChunkSigner::new(key, &time, &scope, seed)
}

#[test]
fn each_signature_covers_the_one_before_it() {
    let (mut one, mut other) = (chain(), chain());
    assert_eq!(one.sign_chunk(b"a"), other.sign_chunk(b"a"));
    one.sign_chunk(b"b");
    assert_ne!(one.sign_chunk(b"c"), other.sign_chunk(b"c"));
}

#[test]
fn a_chunk_may_be_given_by_its_hash() {
    assert_eq!(chain().sign_chunk(b"a"), chain().sign_chunk_hash(&sha256(b"a")));
}

#[test]
fn a_trailer_that_cannot_be_signed_leaves_the_chain_where_it_was() {
    let mut broken = chain();
    let bad = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-amz-checksum-crc32"),
        HeaderValue::from_bytes(b"\xFF").unwrap(),
    )]);
    let error = broken.sign_trailer(&bad).unwrap_err();
    assert!(matches!(
        error,
        SignError::UnsignableHeader {
            fault: HeaderFault::NotAscii,
            ..
        }
    ));
    assert_eq!(broken.sign_chunk(b"a"), chain().sign_chunk(b"a"));
}
