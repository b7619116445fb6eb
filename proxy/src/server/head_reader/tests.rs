//! The reader as hyper sees it, over every cut of the input.

use std::collections::VecDeque;

use futures_util::task::noop_waker_ref;
use proptest::prelude::*;

use super::super::limits::Limits;
use super::*;

const MAX: usize = 8 * 1024;

/// Input that comes in pieces, and then an end.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pieces = &mut self.get_mut().0;
        if let Some(mut piece) = pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            if !rest.is_empty() {
                pieces.push_front(rest);
            }
            buf.put_slice(&piece);
        }
        Poll::Ready(Ok(()))
    }
}

/// What hyper gets to see of one request, or how the input ends.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Request(String),
    Ambiguous(AmbiguousHead, String),
    Malformed(Malformed),
    BrokenBody(&'static str),
}

/// Serves what the reader hands over as hyper would: a request, its response, the next one.
fn read(pieces: &[&[u8]], room: usize) -> Vec<Seen> {
    let handed_over = Arc::new(HandedOver::default());
    let activity = Activity::new(Limits::admin());
    let mut reader = HeadReader::new(b"", MAX, Arc::clone(&handed_over));
    let mut io = Pieces(
        pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.to_vec())
            .collect(),
    );
    let mut cx = Context::from_waker(noop_waker_ref());
    let (mut seen, mut request) = (Vec::new(), Vec::new());
    let mut found = None;
    let mut memory = vec![0; room];
    let end = |request: &mut Vec<u8>, found: &mut Option<AmbiguousHead>| {
        let text = String::from_utf8_lossy(&std::mem::take(request)).into_owned();
        match found.take() {
            Some(found) => Seen::Ambiguous(found, text),
            None => Seen::Request(text),
        }
    };
    loop {
        let mut buf = ReadBuf::new(&mut memory);
        match reader.poll_read(&mut io, &activity, &mut cx, &mut buf) {
            Poll::Ready(Ok(())) if buf.filled().is_empty() => {
                if !request.is_empty() {
                    seen.push(end(&mut request, &mut found));
                }
                seen.extend(reader.malformed().map(Seen::Malformed));
                return seen;
            }
            Poll::Ready(Ok(())) => {
                request.extend_from_slice(buf.filled());
                if handed_over.is_pending() && request.windows(4).any(|window| window == b"\r\n\r\n") {
                    found = handed_over.take();
                    activity.started(false);
                }
            }
            Poll::Ready(Err(error)) => {
                let text = error.to_string();
                let known = [
                    "a chunk begins without a size",
                    "a chunk's size line is malformed",
                    "a trailer field is malformed",
                    "the trailer section names a field that belongs to the head",
                ];
                seen.push(Seen::BrokenBody(
                    known.into_iter().find(|why| *why == text).expect("a known fault"),
                ));
                return seen;
            }
            Poll::Pending => {
                // The request is complete: its response is written.
                seen.push(end(&mut request, &mut found));
                if matches!(seen.last(), Some(Seen::Ambiguous(..))) {
                    return seen;
                }
                activity.finished();
                activity.flushed();
            }
        }
        // The end of the input after a body that is complete.
        if !request.is_empty()
            && !handed_over.is_pending()
            && matches!(reader.place, Place::Head)
            && reader.cleared == 0
        {
            // As long as the request runs, nothing of the next one is handed over.
            let mut buf = ReadBuf::new(&mut memory);
            match reader.poll_read(&mut io, &activity, &mut cx, &mut buf) {
                Poll::Ready(Ok(())) => assert!(buf.filled().is_empty()),
                Poll::Ready(Err(error)) => panic!("{error}"),
                Poll::Pending => {}
            }
            seen.push(end(&mut request, &mut found));
            activity.finished();
            activity.flushed();
        }
    }
}

const GET: &str = "GET /b/1 HTTP/1.1\r\nHost: a\r\n\r\n";
const PUT: &str = "PUT /b/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe\r\n\n";
const CHUNKED: &str =
    "PUT /b/3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nGET /\r\n0\r\nx: y\r\n\r\n";

fn request(text: &str) -> Seen {
    Seen::Request(text.to_owned())
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
    let ambiguous = Seen::Ambiguous(AmbiguousHead::TwoLengths, substitute.to_owned());
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
    let malformed = Seen::Malformed(Malformed::Version);
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
        assert_eq!(read(&pieces, 4096), [request(GET), Seen::Malformed(Malformed::TooLong)]);
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
        check(format!("{head}{body}{GET}").as_bytes(), &[Seen::BrokenBody(why)]);
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
        let want: Vec<Seen> = requests.into_iter().map(Seen::Request).collect();
        prop_assert_eq!(read(&pieces, room), want);
    }
}
