//! The reader over every cut of the input.

use proptest::prelude::*;

use super::play::{Seen, play};
use super::*;

const MAX: usize = 8 * 1024;

fn read(pieces: &[&[u8]], room: usize) -> Vec<Seen> {
    play(pieces, MAX, room)
}

const GET: &str = "GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n";
const PUT: &str = "PUT /b/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe\r\n\n";
const CHUNKED: &str =
    "PUT /b/3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nGET /\r\n0\r\nx: y\r\n\r\n";

fn request(text: &str) -> Seen {
    Seen::Request(text.into())
}

/// The same is seen at every cut, in pieces of one byte, and whatever room hyper has.
#[track_caller]
fn check(input: &[u8], want: &[Seen]) {
    for cut in 0..=input.len() {
        let (first, second) = input.split_at(cut);
        assert_eq!(read(&[first, second], 4096), want, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(&bytes, 4096), want);
    assert_eq!(read(&[input], 7), want);
}

#[test]
fn requests_come_one_by_one_whatever_stands_before_them() {
    for (first, second) in [
        (GET, PUT),
        (PUT, CHUNKED),
        (CHUNKED, GET),
        (CHUNKED, CHUNKED),
        (PUT, PUT),
    ] {
        check(
            format!("{first}{second}").as_bytes(),
            &[request(first), request(second)],
        );
        // Old clients send an empty line behind a body.
        check(
            format!("\r\n{first}\r\n\r\n{second}").as_bytes(),
            &[request(first), request(second)],
        );
    }
}

#[test]
fn an_ambiguous_head_is_found_wherever_it_stands_and_nothing_behind_it_is_read() {
    let substitute = "PUT /b/k HTTP/1.1\r\nconnection: close\r\n\r\n";
    let head = "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let ambiguous = Seen::Ambiguous(AmbiguousHead::TwoLengths, substitute.into());
    check(format!("{head}{GET}").as_bytes(), std::slice::from_ref(&ambiguous));
    for before in [GET, PUT, CHUNKED] {
        check(
            format!("{before}{head}{GET}").as_bytes(),
            &[request(before), ambiguous.clone()],
        );
    }
}

#[test]
fn a_malformed_head_ends_the_input_wherever_it_stands() {
    let malformed = Seen::Malformed(Rejection::Version);
    for head in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/0.9\r\n\r\n"] {
        check(format!("{head}{GET}").as_bytes(), std::slice::from_ref(&malformed));
        for before in [GET, PUT, CHUNKED] {
            check(
                format!("{before}{head}{GET}").as_bytes(),
                &[request(before), malformed.clone()],
            );
        }
    }
    let long = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(MAX));
    let input = format!("{GET}{long}\r\n\r\n");
    for size in [1, 1000, MAX, 2 * MAX] {
        let pieces: Vec<&[u8]> = input.as_bytes().chunks(size).collect();
        assert_eq!(
            read(&pieces, 4096),
            [request(GET), Seen::Malformed(Rejection::HeadTooLong)]
        );
    }
}

#[test]
fn a_body_without_an_end_is_broken_and_nothing_behind_it_is_read() {
    for (body, why) in [
        ("xyz\r\n", "a chunk begins without a size"),
        ("5\nhello\r\n0\r\n\r\n", "a chunk's size line is malformed"),
        ("0\r\na\r\n\r\n", "a trailer field is malformed"),
        (
            "0\r\nContent-Length: 3\r\n\r\n",
            "the trailer section names a field that belongs to the head",
        ),
    ] {
        let head = "PUT /b/3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(
            format!("{head}{body}{GET}").as_bytes(),
            &[Seen::BrokenBody(why.to_owned())],
        );
    }
}

/// Requests with any body, as bytes and whether they are in chunks.
fn requests() -> impl Strategy<Value = Vec<String>> {
    let text = "[ -~]{0,40}";
    let one = prop_oneof![
        "[a-z]{0,9}".prop_map(|path| format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n")),
        text.prop_map(|body| format!(
            "PUT / HTTP/1.0\r\nx: GET /\r\ncontent-LENGTH:{}\r\n\r\n{body}",
            body.len()
        )),
        prop::collection::vec("[ -~]{1,20}", 0..4).prop_map(|chunks| {
            let chunks = chunks.iter().fold(String::new(), |all, chunk| {
                format!("{all}{:X}\r\n{chunk}\r\n", chunk.len())
            });
            format!("POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n{chunks}0\r\n\r\n")
        }),
    ];
    prop::collection::vec(one, 1..6)
}

proptest! {
    /// Whatever is concatenated is taken apart again, however it is cut.
    #[test]
    fn a_chain_of_requests_yields_exactly_those(requests in requests(), cuts in prop::collection::vec(1..60_usize, 0..40), room in 1..200_usize) {
        let chain = requests.concat();
        let mut rest = chain.as_bytes();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        let want: Vec<Seen> = requests.iter().map(|text| request(text)).collect();
        prop_assert_eq!(read(&pieces, room), want);
    }
}

/// hyper is set up for them here from the beginning, as it is behind an earlier head with as many.
#[test]
fn fields_beyond_a_hundred_count_for_more_than_their_bytes_in_every_head() {
    let head = |long: usize| format!("GET /{} HTTP/1.1\r\n{}\r\n", "k".repeat(long), "a: b\r\n".repeat(200));
    let (fits, beyond) = (head(1_000), head(5_000));
    assert!(beyond.len() < MAX && beyond.len() + 100 * 32 > MAX);
    let seen = read(&[fits.as_bytes(), beyond.as_bytes()], 4096);
    assert_eq!(seen, [request(&fits), Seen::Malformed(Rejection::HeadTooLong)]);
}
