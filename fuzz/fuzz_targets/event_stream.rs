//! Any event stream, in any pieces: the same messages however it is cut, each with the checksums it came with.
#![no_main]

use crc_fast::{CrcAlgorithm, checksum};
use libfuzzer_sys::fuzz_target;
use proxy_core::fuzzing::read_messages;

fuzz_target!(|input: &[u8]| {
    check(input);
    // With right checksums, which no mutation finds: headers, payload, and an envelope around them.
    let [headers, rest @ ..] = input else { return };
    let (headers, payload) = rest.split_at(usize::from(*headers).min(rest.len()));
    let inner = message(headers, payload);
    if check(&inner) {
        let signature = [b"\x10:chunk-signature\x06\x00\x20".as_slice(), &[0; 32]].concat();
        let (messages, is_whole) = read_messages(&[&inner, &message(&signature, &inner)]).unwrap();
        assert!(is_whole && messages.len() == 2);
    }
    check(&[inner.as_slice(), rest].concat());
});

/// Whether it can be read; the same in pieces.
fn check(stream: &[u8]) -> bool {
    let whole = read_messages(&[stream]);
    for size in [1, 3, 13, 64] {
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(read_messages(&pieces), whole, "in pieces of {size}");
    }
    let Ok((messages, _)) = &whole else { return false };
    let length: usize = messages.iter().flatten().map(|message| message.len()).sum();
    assert!(length <= stream.len());
    true
}

fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = 16 + headers.len() + payload.len();
    let mut message = u32::try_from(total).unwrap().to_be_bytes().to_vec();
    message.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    append_crc(&mut message);
    message.extend_from_slice(headers);
    message.extend_from_slice(payload);
    append_crc(&mut message);
    message
}

fn append_crc(bytes: &mut Vec<u8>) {
    let sum = u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).unwrap();
    bytes.extend_from_slice(&sum.to_be_bytes());
}
