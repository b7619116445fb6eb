use std::time::{Duration, SystemTime};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
use aws_endpoints::PathEncoding;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use signer::{Payload, SignInput, Signer, SigningScope};

use super::super::body_slot::BodySlot;
use super::super::chunk_layout::ChunkIntegrity;
use super::super::client_stream::{ClientStream, StreamStatus};
use super::super::error::AwsChunkedError;
use super::super::framing::PayloadFraming;
use super::super::outgoing::{ChunkFraming, OutgoingBody};
use super::super::progress::Progress;
use super::super::read_timeout::ReadTimeout;
use super::*;

const CHUNK: u64 = 64 * 1024;

const INTEGRITIES: [ChunkIntegrity; 5] = [
    ChunkIntegrity::Signed,
    ChunkIntegrity::SignedTrailer(ChecksumAlgorithm::Crc64Nvme),
    ChunkIntegrity::SignedTrailer(ChecksumAlgorithm::Crc32c),
    ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Crc64Nvme),
    ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Sha256),
];

fn layout(length: u64, integrity: ChunkIntegrity) -> ChunkLayout {
    ChunkLayout {
        length,
        chunk: CHUNK,
        integrity,
    }
}

/// The head of S3's own example, whose time and key give its signatures.
fn chunk_signer(payload: Payload) -> ChunkSigner {
    let request = Request::put("/examplebucket/chunkObject.txt")
        .header("host", "s3.amazonaws.com")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .header("x-amz-decoded-content-length", "66560")
        .body(())
        .unwrap();
    let credentials = Credentials {
        access_key_id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
        secret_access_key: SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")).unwrap(),
        session_token: None,
        expires_at: None,
        account: None,
        session_name: None,
    };
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let input = SignInput {
        scope: &scope,
        path_encoding: PathEncoding::Single,
        credentials: &credentials,
        payload,
        // 2013-05-24T00:00:00Z.
        time: SystemTime::UNIX_EPOCH + Duration::from_hours(380_376),
    };
    let (head, ()) = request.into_parts();
    Signer::new().sign(&head, &input).unwrap().seed().unwrap()
}

/// What comes out of a client's body: the pieces, and why it broke off.
async fn pieces_of(
    sent: Vec<Result<Bytes, BoxError>>,
    framing: PayloadFraming,
    layout: ChunkLayout,
) -> (Vec<Bytes>, Option<BodyErrorKind>) {
    let fault = StreamStatus::default();
    let frames = stream::iter(sent).map(|piece| piece.map(Frame::data));
    let stream = ClientStream::new(
        StreamBody::new(frames),
        ReadTimeout::new(Duration::from_secs(9)),
        fault.clone(),
    );
    let signer = layout.is_signed().then(|| chunk_signer(layout.payload()));
    let slot = BodySlot::new(UploadStream::new(stream, framing));
    let chunks = Some(ChunkFraming { layout, signer });
    let mut body = OutgoingBody::once(slot, chunks, layout.framed_length(), None, Progress::new());
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => pieces.push(frame.into_data().unwrap()),
            Err(_) => break,
        }
    }
    assert!(body.frame().await.is_none(), "there is nothing after an end");
    (pieces, fault.error())
}

async fn framed(sent: Vec<Bytes>, layout: ChunkLayout) -> Vec<u8> {
    let plain = PayloadFraming::Plain { length: None };
    let (pieces, fault) = pieces_of(sent.into_iter().map(Ok).collect(), plain, layout).await;
    assert_eq!(fault, None);
    pieces.concat()
}

/// What the framing that a layout announces makes of it again; checks the checksum.
async fn unframed(framed: Vec<u8>, layout: ChunkLayout) -> Vec<u8> {
    let framing = PayloadFraming::AwsChunked {
        length: Some(layout.length),
        trailers: layout.trailer().map(ChecksumAlgorithm::header).into_iter().collect(),
    };
    let body = StreamBody::new(stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from(framed)))]));
    let stream = ClientStream::new(body, ReadTimeout::new(Duration::from_secs(9)), StreamStatus::default());
    let mut stream = UploadStream::new(stream, framing);
    let mut data = Vec::new();
    while let Some(piece) = std::future::poll_fn(|cx| stream.poll_data(cx)).await {
        data.extend_from_slice(&piece.unwrap());
    }
    data
}

fn chunk_line(signer: &mut ChunkSigner, chunk: &[u8]) -> String {
    let signature = signer.sign_chunk(chunk);
    format!("{:x};chunk-signature={}\r\n", chunk.len(), signature.as_str())
}

#[tokio::test]
async fn chunks_are_signed_one_over_the_other() {
    let body = Bytes::from(vec![b'a'; 66_560]);
    let framed = framed(vec![body.clone()], layout(66_560, ChunkIntegrity::Signed)).await;
    let mut signer = chunk_signer(Payload::StreamingSigned);
    let mut want = Vec::new();
    for chunk in [body.slice(..65_536), body.slice(65_536..), Bytes::new()] {
        want.extend(chunk_line(&mut signer, &chunk).into_bytes());
        want.extend_from_slice(&chunk);
        want.extend_from_slice(b"\r\n");
    }
    assert!(framed == want);
    // What S3's documentation says of this body.
    assert_eq!(framed.len(), 66_824);
}

#[tokio::test]
async fn the_trailer_is_signed_behind_the_last_chunk() {
    let body = Bytes::from(vec![b'a'; 66_560]);
    let layout = layout(66_560, ChunkIntegrity::SignedTrailer(ChecksumAlgorithm::Crc32c));
    let framed = framed(vec![body.clone()], layout).await;
    let mut signer = chunk_signer(Payload::StreamingSignedTrailer);
    for chunk in [body.slice(..65_536), body.slice(65_536..)] {
        chunk_line(&mut signer, &chunk);
    }
    let last = chunk_line(&mut signer, b"");
    let value = HeaderValue::from_static("sOO8/Q==");
    let trailer = HeaderMap::from_iter([(ChecksumAlgorithm::Crc32c.header(), value)]);
    let signature = signer.sign_trailer(&trailer).unwrap();
    // The checksum is that of the same body in S3's documentation.
    let want = format!(
        "\r\n{last}x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{}\r\n\r\n",
        signature.as_str()
    );
    assert!(framed.ends_with(want.as_bytes()));
}

#[tokio::test]
async fn unsigned_chunks_pass_as_they_come() {
    let body = Bytes::from(vec![b'a'; 66_560]);
    let layout = layout(66_560, ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Crc32c));
    let framed = framed(vec![body.slice(..10), body.slice(10..)], layout).await;
    let data = |size| "a".repeat(size);
    let want = format!(
        "10000\r\n{}\r\n400\r\n{}\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n",
        data(65_536),
        data(1_024)
    );
    assert!(framed == want.as_bytes());
}

#[tokio::test]
async fn the_framed_length_is_exact() {
    for length in [
        0,
        1,
        15,
        16,
        255,
        4_096,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        5 * CHUNK + 17,
    ] {
        for integrity in INTEGRITIES {
            let layout = layout(length, integrity);
            let body = Bytes::from(vec![7; usize::try_from(length).unwrap()]);
            let framed = framed(vec![body], layout).await;
            assert_eq!(Some(length_of(&framed)), layout.framed_length(), "{layout:?}");
        }
    }
    assert_eq!(layout(u64::MAX, ChunkIntegrity::Signed).framed_length(), None);
}

#[tokio::test]
async fn a_body_that_breaks_or_ends_early_never_gets_its_last_chunk() {
    let piece = || Ok(Bytes::from(vec![1; 70_000]));
    let broken = || Err("gone".into());
    for integrity in INTEGRITIES {
        for (sent, announced) in [
            (vec![piece()], 70_001),
            (vec![piece(), broken()], 140_000),
            (vec![piece(), broken()], 70_000),
            (vec![piece(), Ok(Bytes::from_static(b"x"))], 70_000),
            (vec![], 1),
        ] {
            let plain = PayloadFraming::Plain { length: None };
            let (pieces, fault) = pieces_of(sent, plain, layout(announced, integrity)).await;
            assert_eq!(fault, Some(BodyErrorKind::Incomplete));
            let is_last = |piece: &Bytes| piece.starts_with(b"0;") || piece.starts_with(b"\r\n0\r\n");
            assert!(!pieces.iter().any(is_last), "{integrity:?}");
        }
    }
}

#[tokio::test]
async fn a_chunk_goes_out_before_the_next_is_read() {
    let sent = vec![Ok(Bytes::from(vec![1; 200_000])), Err("gone".into())];
    let plain = PayloadFraming::Plain { length: None };
    let (pieces, _) = pieces_of(sent, plain, layout(300_000, ChunkIntegrity::Signed)).await;
    // Three chunks of a line and data each; the fourth was never full.
    assert_eq!(pieces.len(), 6);
}

/// A client's own framing around `hello`, and what its head says.
fn wrapped(body: &'static str) -> (Vec<Result<Bytes, BoxError>>, PayloadFraming) {
    let framing = PayloadFraming::AwsChunked {
        length: Some(5),
        trailers: vec![ChecksumAlgorithm::Crc32.header()],
    };
    (vec![Ok(Bytes::from_static(body.as_bytes()))], framing)
}

#[tokio::test]
async fn a_clients_own_framing_is_replaced_and_its_checksum_kept() {
    let (sent, framing) = wrapped("2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    let layout = layout(5, ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Crc32));
    let (pieces, fault) = pieces_of(sent, framing, layout).await;
    assert_eq!(fault, None);
    let want = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    assert_eq!(pieces.concat(), want);
}

#[tokio::test]
async fn a_clients_framing_that_is_wrong_ends_the_upload_before_its_end() {
    for body in [
        "2\r\nhe\r\n3\r\nllo\r\n0\r\n",
        "2\r\nhe\r\n3\r\nlla\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "3\r\nllo\r\n2\r\nhe\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\nmore",
    ] {
        for integrity in [
            ChunkIntegrity::Signed,
            ChunkIntegrity::SignedTrailer(ChecksumAlgorithm::Crc32),
            ChunkIntegrity::UnsignedTrailer(ChecksumAlgorithm::Crc32),
        ] {
            let (sent, framing) = wrapped(body);
            let (pieces, fault) = pieces_of(sent, framing, layout(5, integrity)).await;
            assert!(matches!(fault, Some(BodyErrorKind::AwsChunked(_))), "{body:?}");
            assert!(!pieces.concat().ends_with(b"\r\n\r\n"), "{body:?}");
        }
    }
}

/// Where the length alone ends an upload, its last bytes wait for the verdict.
#[tokio::test]
async fn the_end_of_a_body_in_framing_is_held_back_until_it_was_found_right() {
    let (sent, framing) = wrapped("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    let frames = stream::iter(sent).map(|piece| piece.map(Frame::data));
    let fault = StreamStatus::default();
    let stream = ClientStream::new(
        StreamBody::new(frames),
        ReadTimeout::new(Duration::from_secs(9)),
        fault.clone(),
    );
    let slot = BodySlot::new(UploadStream::new(stream, framing));
    let mut body = OutgoingBody::once(slot, None, Some(5), None, Progress::new());
    assert!(body.frame().await.unwrap().is_err());
    let wrong_checksum = BodyErrorKind::AwsChunked(AwsChunkedError::Checksum);
    assert_eq!(fault.error(), Some(wrong_checksum));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_clients_pieces_do_not_show(
        length in 1_usize..200_000,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        integrity in prop::sample::select(INTEGRITIES.to_vec()),
    ) {
        let body: Bytes = (0..=250_u8).cycle().take(length).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length)).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| body.slice(pair[0]..pair[1])).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let layout = layout(length_of(&body), integrity);
        let (in_pieces, whole) = runtime.block_on(async {
            (framed(pieces, layout).await, framed(vec![body.clone()], layout).await)
        });
        prop_assert!(in_pieces == whole);
        prop_assert!(runtime.block_on(unframed(whole, layout)) == body);
    }
}

#[tokio::test]
async fn chunks_of_a_byte_leave_others_their_turn() {
    let body = [b"1\r\na\r\n".repeat(10_000), b"0\r\n\r\n".to_vec()].concat();
    let framing = PayloadFraming::AwsChunked {
        length: Some(10_000),
        trailers: Vec::new(),
    };
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    let layout = layout(10_000, ChunkIntegrity::Signed);
    let (pieces, fault) = tokio::select! {
        got = pieces_of(vec![Ok(Bytes::from(body))], framing, layout) => got,
        () = others => unreachable!(),
    };
    assert_eq!(fault, None);
    assert!(pieces.concat().len() > 10_000);
    assert!(turns > 50, "{turns}");
}
