use std::time::{Duration, SystemTime};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
use aws_endpoints::PathEncoding;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use signer::{Payload, SignInput, Signer, SigningScope};

use super::super::aws_chunked::Decoder;
use super::super::client_stream::StreamFault;
use super::super::outgoing::{OutgoingBody, Progress};
use super::*;

/// The head of S3's own example, whose time and key give its signatures.
fn chunk_signer() -> ChunkSigner {
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
    };
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: SigningName::parse("s3").unwrap(),
    };
    let input = SignInput {
        scope: &scope,
        path_encoding: PathEncoding::Single,
        credentials: &credentials,
        payload: Payload::StreamingSigned,
        // 2013-05-24T00:00:00Z.
        time: SystemTime::UNIX_EPOCH + Duration::from_hours(380_376),
    };
    let (head, ()) = request.into_parts();
    Signer::new().sign(&head, &input).unwrap().seed().unwrap()
}

/// What of a client's body comes out, framed: the pieces, and whether it broke off.
async fn pieces_of(sent: Vec<Result<Bytes, Cause>>, announced: u64) -> (Vec<Bytes>, Option<ErrorCode>) {
    let fault = StreamFault::default();
    let frames = stream::iter(sent).map(|piece| piece.map(Frame::data));
    let stream = ClientStream::new(StreamBody::new(frames), Duration::from_secs(9), fault.clone());
    let chunks = SignedChunks::new(stream, announced, chunk_signer());
    let mut body = OutgoingBody::in_chunks(chunks, framed_length(announced).unwrap(), Progress::new());
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => pieces.push(frame.into_data().unwrap()),
            Err(_) => break,
        }
    }
    assert!(body.frame().await.is_none(), "there is nothing after an end");
    let code = fault.error().map(|error| error.code());
    (pieces, code)
}

async fn framed(sent: Vec<Bytes>, announced: u64) -> Vec<u8> {
    let (pieces, fault) = pieces_of(sent.into_iter().map(Ok).collect(), announced).await;
    assert_eq!(fault, None);
    pieces.concat()
}

fn decoded(framed: Vec<u8>, length: u64) -> Vec<u8> {
    let mut decoder = Decoder::new(Some(length), Vec::new());
    let mut data = Vec::new();
    let mut framed = Bytes::from(framed);
    while let Some(piece) = decoder.decode(&mut framed).unwrap() {
        data.extend_from_slice(&piece);
    }
    decoder.finish().unwrap();
    data
}

#[tokio::test]
async fn chunks_are_signed_one_over_the_other() {
    let body = Bytes::from(vec![b'a'; 66_560]);
    let framed = framed(vec![body.clone()], 66_560).await;
    let mut signer = chunk_signer();
    let mut want = Vec::new();
    for chunk in [body.slice(..65_536), body.slice(65_536..), Bytes::new()] {
        let line = format!(
            "{:x};chunk-signature={}\r\n",
            chunk.len(),
            signer.sign_chunk(&chunk).as_str()
        );
        want.extend(line.into_bytes());
        want.extend_from_slice(&chunk);
        want.extend_from_slice(b"\r\n");
    }
    assert!(framed == want);
    // What S3's documentation says of this body.
    assert_eq!(framed.len(), 66_824);
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
        let body = Bytes::from(vec![7; usize::try_from(length).unwrap()]);
        let framed = framed(vec![body], length).await;
        assert_eq!(Some(length_of(&framed)), framed_length(length), "{length}");
    }
    assert_eq!(framed_length(u64::MAX), None);
}

#[tokio::test]
async fn a_body_that_breaks_or_ends_early_never_gets_its_last_chunk() {
    let piece = || Ok(Bytes::from(vec![1; 70_000]));
    let broken = || Err("gone".into());
    for (sent, announced) in [
        (vec![piece()], 70_001),
        (vec![piece(), broken()], 140_000),
        (vec![piece(), broken()], 70_000),
        (vec![piece(), Ok(Bytes::from_static(b"x"))], 70_000),
        (vec![], 1),
    ] {
        let (pieces, fault) = pieces_of(sent, announced).await;
        assert_eq!(fault, Some(ErrorCode::BodyIncomplete));
        assert!(!pieces.iter().any(|piece| piece.starts_with(b"0;")));
    }
}

#[tokio::test]
async fn a_chunk_goes_out_before_the_next_is_read() {
    let (pieces, _) = pieces_of(vec![Ok(Bytes::from(vec![1; 200_000])), Err("gone".into())], 300_000).await;
    // Three chunks of a line and data each; the fourth was never full.
    assert_eq!(pieces.len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_clients_pieces_do_not_show(
        length in 1_usize..200_000,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let body: Bytes = (0..=250_u8).cycle().take(length).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length)).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| body.slice(pair[0]..pair[1])).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let announced = length_of(&body);
        let (in_pieces, whole) = runtime.block_on(async {
            (framed(pieces, announced).await, framed(vec![body.clone()], announced).await)
        });
        prop_assert!(in_pieces == whole);
        prop_assert!(decoded(whole, announced) == body);
    }
}
