use proptest::prelude::*;

use super::*;

/// A header of type 7, text.
pub(crate) fn text_header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![u8::try_from(name.len()).unwrap()];
    header.extend_from_slice(name.as_bytes());
    header.push(7);
    header.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
    header.extend_from_slice(value.as_bytes());
    header
}

/// A message with its checksums.
pub(crate) fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = PRELUDE + headers.len() + payload.len() + TRAILER;
    let mut message = u32::try_from(total).unwrap().to_be_bytes().to_vec();
    message.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&crc(&message));
    message.extend_from_slice(headers);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc(&message));
    message
}

/// An envelope as SDKs make it, with a signature that is none.
pub(crate) fn envelope(payload: &[u8]) -> Vec<u8> {
    let signature = [b"\x10:chunk-signature\x06\x00\x20".as_slice(), &[7; 32]].concat();
    let date = [b"\x05:date\x08".as_slice(), &[0; 8]].concat();
    message(&[signature, date].concat(), payload)
}

/// What is gathered of a stream that comes in pieces of this size: messages, and how it ends.
fn gather(stream: &[u8], size: usize) -> (Vec<Option<Vec<u8>>>, Result<bool, EventStreamError>) {
    let mut reader = EventReader::default();
    let mut messages = Vec::new();
    for piece in stream.chunks(size) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match reader.take(&mut piece) {
                Ok(Some(EventMessage::Plain(behind_room))) => {
                    messages.push(Some(behind_room[Envelope::HEAD..].to_vec()));
                }
                Ok(Some(EventMessage::End)) => messages.push(None),
                Ok(None) => break,
                Err(malformed) => return (messages, Err(malformed)),
            }
        }
        assert!(piece.is_empty());
    }
    (messages, Ok(reader.is_empty()))
}

#[track_caller]
fn reject(stream: &[u8], want: EventStreamError) {
    for size in [1, 7, stream.len()] {
        assert_eq!(gather(stream, size), (vec![], Err(want)), "in pieces of {size}");
    }
}

#[test]
fn a_message_is_taken_as_it_is_and_out_of_its_envelope() {
    let plain = message(&text_header(":event-type", "chunk"), b"{}");
    let stream = [plain.clone(), envelope(&plain), message(b"", b""), envelope(b"")].concat();
    for size in [1, 5, 80, stream.len()] {
        let want = vec![Some(plain.clone()), Some(plain.clone()), Some(message(b"", b"")), None];
        assert_eq!(gather(&stream, size), (want, Ok(true)), "in pieces of {size}");
    }
}

#[test]
fn a_cut_message_is_not_whole() {
    let plain = message(b"", b"payload");
    for cut in 1..plain.len() {
        assert_eq!(gather(&plain[..cut], 3), (vec![], Ok(false)), "{cut}");
    }
}

#[test]
fn only_a_header_of_bytes_makes_an_envelope() {
    let plain = message(&text_header(":chunk-signature", "x"), b"not a message");
    assert_eq!(gather(&plain, 9), (vec![Some(plain)], Ok(true)));
}

#[test]
fn every_type_of_header_is_read() {
    let sized: [(u8, usize); 8] = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)];
    let headers: Vec<u8> = sized
        .iter()
        .flat_map(|(kind, length)| [&[1, b'a', *kind], vec![0xFF; *length].as_slice()].concat())
        .chain([1, b'b', 6, 0, 1, 0xFF])
        .chain(text_header("c", "text"))
        .collect();
    let inner = message(b"", b"inner");
    let signature = [b"\x10:chunk-signature\x06\x00\x20".as_slice(), &[7; 32]].concat();
    let wrapped = message(&[headers, signature].concat(), &inner);
    assert_eq!(gather(&wrapped, 11), (vec![Some(inner)], Ok(true)));
}

#[test]
fn what_cannot_be_read_is_rejected() {
    for headers in [
        b"\x01".as_slice(),
        b"\x02a",
        b"\x01a",
        b"\x01a\x0A",
        b"\x01a\x06\x00",
        b"\x01a\x07\x00\x02x",
        b"\x01a\x05\0",
    ] {
        reject(&message(headers, b""), EventStreamError::Headers);
    }
    let headers_beyond = {
        let mut message = message(b"", b"abc");
        message[4..8].copy_from_slice(&4_u32.to_be_bytes());
        let sum = crc(&message[..8]);
        message[8..12].copy_from_slice(&sum);
        message
    };
    reject(&headers_beyond, EventStreamError::TooShort);
    let announcing = |total: u32| {
        let lengths = [total.to_be_bytes(), [0; 4]].concat();
        let sum = crc(&lengths);
        [lengths.as_slice(), &sum].concat()
    };
    reject(&announcing(15), EventStreamError::TooShort);
    reject(
        &announcing(u32::try_from(MAX_MESSAGE).unwrap() + 1),
        EventStreamError::TooLong,
    );
    reject(&announcing(u32::MAX), EventStreamError::TooLong);
}

#[test]
fn an_envelope_holds_one_message_that_is_right_as_well() {
    let inner = message(b"", b"inner");
    reject(&envelope(b"short"), EventStreamError::Envelope);
    reject(
        &envelope(&[inner.clone(), inner.clone()].concat()),
        EventStreamError::Envelope,
    );
    reject(&envelope(&inner[..inner.len() - 1]), EventStreamError::Envelope);
    let mut wrong = inner;
    *wrong.last_mut().unwrap() ^= 1;
    reject(&envelope(&wrong), EventStreamError::MessageChecksum);
}

#[test]
fn the_longest_message_passes() {
    let longest = message(b"", &vec![b'x'; MAX_MESSAGE - PRELUDE - TRAILER]);
    assert_eq!(gather(&longest, 100_000), (vec![Some(longest)], Ok(true)));
}

proptest! {
    #[test]
    fn any_changed_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 0..40), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut changed = message(&text_header(":event-type", "chunk"), &payload);
        let at = at.index(changed.len());
        changed[at] ^= 1_u8 << bit;
        let (messages, end) = gather(&changed, 16);
        prop_assert!(messages.is_empty());
        prop_assert!(end != Ok(true), "{end:?}");
    }

    #[test]
    fn no_bytes_make_gathering_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), headers in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = gather(&bytes, 7);
        let _ = gather(&message(&headers, &bytes), 7);
        let _ = gather(&envelope(&bytes), 7);
    }
}
