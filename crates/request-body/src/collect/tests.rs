use std::convert::Infallible;
use std::num::NonZeroU64;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::{Instant, sleep};

use super::super::error::AwsChunkedError;
use super::*;

fn timeout() -> ReadTimeout {
    ReadTimeout::new(Duration::from_secs(30))
}

/// So much memory, and more disk than any body here takes.
fn room(memory: u64) -> ClientStorage {
    crate::storage::tests::room(memory, 1 << 30, std::env::temp_dir())
}

fn body_of(pieces: Vec<Vec<u8>>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
    StreamBody::new(stream::iter(
        pieces.into_iter().map(|piece| Ok(Frame::data(Bytes::from(piece)))),
    ))
}

async fn collect_with(
    pieces: Vec<Vec<u8>>,
    framing: PayloadFraming,
    memory: u64,
    budget: u64,
) -> Result<CollectedBody, BodyError> {
    let storage = room(budget);
    let limits = BodyLimits {
        memory,
        max: 4 << 20,
        storage: &storage,
    };
    collect(body_of(pieces), framing, limits, timeout(), &mut 0).await
}

async fn bytes_of(content: &BodyContent) -> Vec<u8> {
    let body = content.body(None, super::super::Progress::new());
    body.collect().await.unwrap().to_bytes().to_vec()
}

const PLAIN: PayloadFraming = PayloadFraming::Plain { length: None };

fn pattern(length: usize) -> Vec<u8> {
    (0..=250u8).cycle().take(length).collect()
}

#[tokio::test]
async fn no_data_is_an_empty_body() {
    for pieces in [vec![], vec![vec![]]] {
        let got = collect_with(pieces, PLAIN, 10, 1 << 20).await.unwrap();
        assert!(matches!(got.content, BodyContent::Empty));
        assert_eq!(got.sha256, digest(&SHA256, b"").as_ref());
    }
}

#[tokio::test]
async fn bodies_come_out_as_they_went_in_wherever_they_are_stored() {
    for length in [1, 1023, 65_536, 65_537, 300_000, 2_000_000] {
        for piece in [700, 65_536, 1_000_000] {
            let want = pattern(length);
            for (memory, budget) in [(4 << 20, 8 << 20), (100_000, 8 << 20), (4 << 20, 128 << 10), (0, 0)] {
                let pieces = want.chunks(piece).map(<[u8]>::to_vec).collect();
                let got = collect_with(pieces, PLAIN, memory, budget).await.unwrap();
                assert_eq!(
                    got.sha256,
                    digest(&SHA256, &want).as_ref(),
                    "{length} {piece} {memory} {budget}"
                );
                // Twice: a body can be sent again.
                assert_eq!(bytes_of(&got.content).await, want);
                assert_eq!(bytes_of(&got.content).await, want);
                assert_eq!(got.content.length(), length as u64);
            }
        }
    }
}

#[tokio::test]
async fn the_limit_decides_where_a_body_is_stored() {
    let got = |memory, budget| collect_with(vec![pattern(1000), pattern(24)], PLAIN, memory, budget);
    assert!(matches!(
        got(1024, 1 << 20).await.unwrap().content,
        BodyContent::Memory(_)
    ));
    assert!(matches!(
        got(1023, 1 << 20).await.unwrap().content,
        BodyContent::Spooled { .. }
    ));
    assert!(matches!(
        got(1024, 0).await.unwrap().content,
        BodyContent::Spooled { .. }
    ));
}

#[tokio::test]
async fn memory_goes_back_to_the_budget() {
    let storage = room(100 << 10);
    for _ in 0..3 {
        let limits = BodyLimits {
            memory: 1 << 20,
            max: 1 << 20,
            storage: &storage,
        };
        let got = collect(body_of(vec![pattern(60 << 10)]), PLAIN, limits, timeout(), &mut 0)
            .await
            .unwrap();
        assert!(matches!(got.content, BodyContent::Memory(_)));
    }
}

#[tokio::test]
async fn a_spool_without_room_is_rejected_and_the_room_comes_back() {
    let storage = crate::storage::tests::room(0, 300_000, std::env::temp_dir());
    let limits = BodyLimits {
        memory: 0,
        max: 1 << 20,
        storage: &storage,
    };
    let first = collect(body_of(vec![pattern(200_000)]), PLAIN, limits, timeout(), &mut 0)
        .await
        .unwrap();
    let error = collect(body_of(vec![pattern(200_000)]), PLAIN, limits, timeout(), &mut 0)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), BodyErrorKind::SpoolExhausted(_)), "{error}");
    drop(first);
    // Not even alone.
    let error = collect(
        body_of(vec![pattern(200_000), pattern(200_000)]),
        PLAIN,
        limits,
        timeout(),
        &mut 0,
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::LargerThanSpool);
    assert!(
        collect(body_of(vec![pattern(200_000)]), PLAIN, limits, timeout(), &mut 0)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn too_large_is_rejected_early_and_late() {
    let early = PayloadFraming::Plain {
        length: Some((4 << 20) + 1),
    };
    let error = collect_with(vec![], early, 0, 0).await.unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::TooLarge { max: 4_194_304 });
    let pieces = vec![pattern(1 << 20); 5];
    let error = collect_with(pieces, PLAIN, 1 << 20, 8 << 20).await.unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::TooLarge { max: 4_194_304 });
    let exact = vec![pattern(1 << 20); 4];
    assert!(collect_with(exact, PLAIN, 1 << 20, 8 << 20).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_arriving_times_out() {
    let storage = room(0);
    let limits = BodyLimits {
        memory: 0,
        max: 1,
        storage: &storage,
    };
    let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let error = collect(body, PLAIN, limits, timeout(), &mut 0).await.unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_too_slow() {
    let storage = room(1 << 20);
    let limits = BodyLimits {
        memory: 1 << 20,
        max: 1 << 20,
        storage: &storage,
    };
    let body = Box::pin(stream::unfold((), async |()| {
        sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))), ()))
    }));
    let timeout = timeout().with_least_rate(NonZeroU64::new(10));
    let (begin, mut received) = (Instant::now(), 0);
    let error = collect(StreamBody::new(body), PLAIN, limits, timeout, &mut received)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::TooSlow);
    // Nine tenths of each second are late: 30 s of that are 33 s and a third.
    assert_eq!((received, begin.elapsed().as_secs()), (33, 33));
}

#[tokio::test]
async fn a_broken_body_is_incomplete() {
    let storage = room(1 << 20);
    let limits = BodyLimits {
        memory: 100,
        max: 100,
        storage: &storage,
    };
    let pieces = [
        Ok(Frame::data(Bytes::from_static(b"abc"))),
        Err(std::io::Error::other("reset")),
    ];
    let mut received = 0;
    let error = collect(
        StreamBody::new(stream::iter(pieces)),
        PLAIN,
        limits,
        timeout(),
        &mut received,
    )
    .await
    .unwrap_err();
    assert_eq!((error.kind(), received), (BodyErrorKind::Incomplete, 3));
}

#[tokio::test]
async fn no_directory_for_the_spool_is_our_failure() {
    let storage = crate::storage::tests::room(0, 1 << 20, "/nonexistent/spool".into());
    let limits = BodyLimits {
        memory: 0,
        max: 100,
        storage: &storage,
    };
    let error = collect(body_of(vec![b"abc".to_vec()]), PLAIN, limits, timeout(), &mut 0)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::SpoolFailed);
}

#[tokio::test]
async fn an_aws_chunked_body_is_kept_decoded() {
    let crc = HeaderName::from_static("x-amz-checksum-crc32");
    let framing = |length| PayloadFraming::AwsChunked {
        length: Some(length),
        trailers: vec![crc.clone()],
    };
    let body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n".to_vec();
    let got = collect_with(vec![body.clone()], framing(5), 100, 1 << 20)
        .await
        .unwrap();
    assert_eq!(bytes_of(&got.content).await, b"hello");
    assert_eq!(got.sha256, digest(&SHA256, b"hello").as_ref());
    assert_eq!(got.trailers, [(crc.clone(), HeaderValue::from_static("NhCmhg=="))]);
    let error = collect_with(vec![body], framing(6), 100, 1 << 20).await.unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::AwsChunked(AwsChunkedError::Length));
}

#[tokio::test]
async fn chunks_of_a_byte_leave_others_their_turn() {
    let framing = PayloadFraming::AwsChunked {
        length: Some(10_000),
        trailers: Vec::new(),
    };
    let body = [b"1\r\na\r\n".repeat(10_000), b"0\r\n\r\n".to_vec()].concat();
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    let got = tokio::select! {
        got = collect_with(vec![body], framing, 1 << 20, 1 << 20) => got,
        () = others => unreachable!(),
    };
    assert_eq!(bytes_of(&got.unwrap().content).await.len(), 10_000);
    assert!(turns > 50, "{turns}");
}
