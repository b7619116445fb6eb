use std::future::poll_fn;
use std::task::Waker;
use std::time::{Duration, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
use aws_endpoints::PathEncoding;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use resource_limits::{ClientKey, ListenerRole, Pool, PoolSize};
use signer::{Payload, SignInput, Signer, SigningScope};

use super::super::bidirectional::OpenResponse;
use super::super::client_stream::StreamStatus;
use super::super::event_message::tests::{envelope, message};
use super::super::read_timeout::ReadTimeout;
use super::*;

/// Memory for messages.
const ROOM: PoolSize = PoolSize {
    total: 100_000,
    reserve_percent: 0,
};

fn time() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_772_409_598)
}

fn seed() -> EventSigner {
    let (head, ()) = Request::post("https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b/x")
        .body(())
        .unwrap()
        .into_parts();
    let input = SignInput {
        scope: &SigningScope {
            region: Region::parse("eu-west-1").unwrap(),
            name: SigningName::parse("bedrock").unwrap(),
        },
        path_encoding: PathEncoding::Double,
        credentials: &Credentials::new(
            AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new("SECRET")).unwrap(),
        ),
        payload: Payload::StreamingEvents,
        time: time(),
    };
    Signer::new().sign(&head, &input).unwrap().event_seed().unwrap()
}

/// What goes out for these messages, and the end.
fn signed(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut signer = seed();
    let mut signed_message = |message: &[u8]| {
        let envelope = signer.sign(message, time()).unwrap();
        [envelope.head().as_slice(), message, envelope.tail()].concat()
    };
    messages
        .iter()
        .chain([&[].as_slice()])
        .map(|message| signed_message(message))
        .collect()
}

struct Client {
    upload: EventUpload,
    status: StreamStatus,
    exchange: BidirectionalStream,
}

impl Client {
    /// A client that sends these pieces and ends, or falls silent.
    fn sending(pieces: Vec<Vec<u8>>, ends: bool, max: u64) -> Self {
        let status = StreamStatus::default();
        let exchange = BidirectionalStream::new();
        let pieces = stream::iter(pieces).map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from(piece))));
        let rest = if ends {
            stream::empty().boxed()
        } else {
            stream::pending().boxed()
        };
        let source = EventStream {
            stream: ClientStream::new(
                StreamBody::new(pieces.chain(rest)),
                ReadTimeout::new(Duration::from_secs(9)),
                status.clone(),
            ),
            exchange: exchange.clone(),
            memory: Pool::new(ROOM).nothing(&ClientKey::new(ListenerRole::Shared, [127, 0, 0, 1].into())),
            max,
        };
        Self {
            upload: EventUpload::new(source, EventStreamSigner::new(seed(), time)),
            status,
            exchange,
        }
    }

    /// The next piece, if there is one by now.
    fn next(&mut self) -> Poll<Option<Result<Bytes, BoxError>>> {
        self.upload.poll_data(&mut Context::from_waker(Waker::noop()))
    }

    /// The next piece, which is there.
    #[track_caller]
    fn piece(&mut self) -> Bytes {
        match self.next() {
            Poll::Ready(Some(Ok(piece))) => piece,
            other => panic!("{other:?}"),
        }
    }

    /// All pieces to the end, and why it broke off.
    fn all(&mut self) -> (Vec<Vec<u8>>, Option<BodyErrorKind>) {
        let mut pieces = Vec::new();
        let mut end = self.next();
        while let Poll::Ready(Some(Ok(piece))) = end {
            pieces.push(piece.to_vec());
            end = self.next();
        }
        if !matches!(end, Poll::Ready(None)) {
            assert!(matches!(self.next(), Poll::Ready(None)), "nothing comes after an error");
        }
        (pieces, self.status.error())
    }
}

#[track_caller]
fn check(sent: Vec<Vec<u8>>, want: &[Vec<u8>]) {
    assert_eq!(Client::sending(sent, true, u64::MAX).all(), (want.to_vec(), None));
}

#[track_caller]
fn reject(sent: Vec<Vec<u8>>, max: u64, passed: usize, want: BodyErrorKind) {
    let (pieces, status) = Client::sending(sent, true, max).all();
    assert_eq!((pieces.len(), status), (passed, Some(want)));
}

#[test]
fn plain_and_signed_messages_go_on_in_our_envelopes() {
    let (one, two) = (message(b"", b"one"), message(b"", b"two"));
    let want = signed(&[&one, &two]);
    check(vec![one.clone(), two.clone()], &want);
    check(vec![[one.clone(), two.clone()].concat()], &want);
    check(vec![envelope(&one), envelope(&two), envelope(b"")], &want);
    check(vec![envelope(&one), two], &want);
    check(vec![], &signed(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_while_the_next_is_still_to_come() {
    let (one, two) = (message(b"", b"one"), message(b"", b"two"));
    let mut client = Client::sending(vec![one.clone(), two[..5].to_vec()], false, u64::MAX);
    let first = client.piece();
    assert_eq!(first, signed(&[&one])[0]);
    assert!(client.next().is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_clients_own_end_goes_out_before_it_closes_its_side() {
    let one = message(b"", b"one");
    let mut client = Client::sending(vec![envelope(&one), envelope(b"")], false, u64::MAX);
    client.piece();
    let end = client.piece();
    assert_eq!(end, signed(&[&one])[1]);
    assert!(client.next().is_pending());
}

#[test]
fn what_is_not_whole_and_right_never_ends_well() {
    let one = message(b"", b"one");
    let malformed = BodyErrorKind::EventStream;
    let mut wrong = one.clone();
    wrong[13] ^= 1;
    reject(
        vec![one.clone(), wrong],
        u64::MAX,
        1,
        malformed(EventStreamError::MessageChecksum),
    );
    reject(
        vec![one.clone(), one[..9].to_vec()],
        u64::MAX,
        1,
        malformed(EventStreamError::Truncated),
    );
    reject(
        vec![envelope(b""), one.clone()],
        u64::MAX,
        1,
        malformed(EventStreamError::Surplus),
    );
    reject(
        vec![envelope(b""), envelope(b"")],
        u64::MAX,
        1,
        malformed(EventStreamError::Surplus),
    );
    let length = one.len() as u64;
    reject(
        vec![one.clone(), one],
        2 * length - 1,
        1,
        BodyErrorKind::TooLarge { max: 2 * length - 1 },
    );
}

#[test]
fn the_stream_ends_with_the_response() {
    let one = message(b"", b"one");
    let mut client = Client::sending(vec![one.clone(), one], true, u64::MAX);
    client.piece();
    drop(OpenResponse::new(client.exchange.clone()));
    let (pieces, status) = client.all();
    assert!(pieces.is_empty() && status.is_none(), "nobody is at status");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_woken_by_the_end_of_the_response() {
    let mut client = Client::sending(vec![], false, u64::MAX);
    let response = OpenResponse::new(client.exchange.clone());
    let sending = tokio::spawn(async move { poll_fn(|cx| client.upload.poll_data(cx)).await });
    tokio::task::yield_now().await;
    drop(response);
    let woken = tokio::time::timeout(Duration::from_secs(1), sending).await;
    assert!(woken.unwrap().unwrap().unwrap().is_err());
}

#[tokio::test]
async fn a_message_without_memory_breaks_the_stream_off() {
    let message = message(&[], &vec![b'x'; 150_000]);
    let (first, rest) = message.split_at(90_000);
    let mut client = Client::sending(vec![first.to_vec(), rest[..30_000].to_vec()], false, 1 << 20);
    assert!(matches!(client.next(), Poll::Ready(Some(Err(_)))));
    assert!(matches!(client.status.error(), Some(BodyErrorKind::MemoryExhausted(_))));
}
