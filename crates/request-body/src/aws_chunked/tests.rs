use proptest::prelude::*;

use super::*;

const CRC: HeaderName = HeaderName::from_static("x-amz-checksum-crc32");

type Decoded = Result<(Vec<u8>, Vec<(HeaderName, HeaderValue)>), AwsChunkedError>;

fn decode_in_pieces(pieces: &[&[u8]], expected: Option<u64>, announced: &[HeaderName]) -> Decoded {
    let mut decoder = AwsChunkedDecoder::new(expected, announced.to_vec());
    let mut data = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(part) = decoder.decode(&mut input)? {
            data.extend_from_slice(&part);
        }
    }
    Ok((data, decoder.finish()?))
}

fn decode(body: &str, expected: Option<u64>, announced: &[HeaderName]) -> Decoded {
    decode_in_pieces(&[body.as_bytes()], expected, announced)
}

#[track_caller]
fn reject(body: &str, want: AwsChunkedError) {
    assert_eq!(decode(body, Some(5), &[CRC]), Err(want), "{body:?}");
}

const SIGNATURE: &str = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";

#[test]
fn unsigned_chunks_with_a_trailer_are_decoded() {
    let (data, trailers) = decode(
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        Some(5),
        &[CRC],
    )
    .unwrap();
    assert_eq!(data, b"hello");
    assert_eq!(trailers, [(CRC, HeaderValue::from_static("NhCmhg=="))]);
}

#[test]
fn signatures_are_dropped() {
    let body = format!(
        "3;chunk-signature={SIGNATURE}\r\nhel\r\n2;chunk-signature={SIGNATURE}\r\nlo\r\n0;chunk-signature={SIGNATURE}\r\n\
         x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:{SIGNATURE}\r\n\r\n"
    );
    assert_eq!(decode(&body, Some(5), &[CRC]).unwrap().0, b"hello");
    let plain = format!("5;chunk-signature={SIGNATURE}\r\nhello\r\n0;chunk-signature={SIGNATURE}\r\n\r\n");
    assert_eq!(decode(&plain, None, &[]).unwrap().0, b"hello");
}

#[test]
fn an_empty_body_is_one_last_chunk() {
    assert_eq!(decode("0\r\n\r\n", Some(0), &[]).unwrap().0, b"");
}

#[test]
fn data_may_look_like_framing() {
    assert_eq!(
        decode("5\r\n\r\n0\r\n\r\n0\r\n\r\n", Some(5), &[]).unwrap().0,
        b"\r\n0\r\n"
    );
}

#[test]
fn what_is_malformed_is_rejected() {
    for size in ["", "x", "-1", "+5", "0x5", " 5", "5 ", "1234567890abcdef0", ";a=b"] {
        reject(&format!("{size}\r\nhello\r\n0\r\n\r\n"), AwsChunkedError::Size);
    }
    reject("5\nhello\r\n0\r\n\r\n", AwsChunkedError::Line);
    reject("5\r\r\nhello\r\n0\r\n\r\n", AwsChunkedError::Line);
    reject(&format!("5;{}\r\nhello", "a".repeat(600)), AwsChunkedError::Line);
    reject("5\r\nhelloX\r\n0\r\n\r\n", AwsChunkedError::ChunkEnd);
    reject("5\r\nhelloX\n0\r\n\r\n", AwsChunkedError::ChunkEnd);
    reject("5\r\nhello\n0\r\n\r\n", AwsChunkedError::ChunkEnd);
    reject("5\r\nhello\rX\n", AwsChunkedError::Line);
    reject("5\r\nhello\r\n0\r\n\r\nmore", AwsChunkedError::Surplus);
    reject("6\r\nhello!\r\n", AwsChunkedError::Length);
    reject(
        "4\r\nhell\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n",
        AwsChunkedError::Length,
    );
    reject("5\r\nhello\r\n0\r\n\r\n", AwsChunkedError::MissingTrailer);
    let with_sum = |data: &str| format!("{data}0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    reject(&with_sum("5\r\nhallo\r\n"), AwsChunkedError::Checksum);
    reject(&with_sum("2\r\nlo\r\n3\r\nhel\r\n"), AwsChunkedError::Checksum);
    for truncated in ["", "5", "5\r\n", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"] {
        reject(truncated, AwsChunkedError::Truncated);
    }
    for trailer in [
        "no colon",
        "x-other:1",
        "x-amz-checksum-crc32:",
        "x-amz-checksum-crc32:a b",
        "x-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:b",
        "bad name:1",
    ] {
        reject(
            &format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n"),
            AwsChunkedError::Trailer,
        );
    }
}

#[test]
fn a_checksum_that_cannot_be_computed_here_is_kept_as_it_is() {
    let newer = HeaderName::from_static("x-amz-checksum-xxhash3");
    let body = "5\r\nhello\r\n0\r\nx-amz-checksum-xxhash3:AAAA\r\n\r\n";
    let (_, trailers) = decode(body, Some(5), std::slice::from_ref(&newer)).unwrap();
    assert_eq!(trailers, [(newer, HeaderValue::from_static("AAAA"))]);
}

#[test]
fn framing_without_data_is_bounded() {
    let sound = format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(12_000));
    assert_eq!(decode(&sound, None, &[]).unwrap().0.len(), 12_000);
    let padded = format!("1;{}\r\na\r\n", "x".repeat(400)).repeat(200);
    assert_eq!(decode(&padded, None, &[]), Err(AwsChunkedError::Framing));
}

proptest! {
    #[test]
    fn where_the_body_is_split_does_not_matter(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        has_signatures in any::<bool>(),
    ) {
        let extension = if has_signatures { format!(";chunk-signature={SIGNATURE}") } else { String::new() };
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        let mut sum = Checksum::new(ChecksumAlgorithm::Crc32);
        sum.update(&chunks.concat());
        body.extend_from_slice(format!("0{extension}\r\nx-amz-checksum-crc32:{}\r\n\r\n", sum.finish()).as_bytes());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
        let want = chunks.concat();
        let (data, trailers) = decode_in_pieces(&pieces, Some(want.len() as u64), &[CRC]).unwrap();
        prop_assert_eq!(data, want);
        prop_assert_eq!(trailers.len(), 1);
    }

    #[test]
    fn split_garbage_gives_one_result(body in proptest::collection::vec(prop_oneof![
        Just(b'0'), Just(b'1'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b':'), any::<u8>()
    ], 0..60), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(body.len() + 1);
        let whole = decode_in_pieces(&[&body], None, &[]);
        let split = decode_in_pieces(&[&body[..cut], &body[cut..]], None, &[]);
        prop_assert_eq!(whole, split);
    }
}
