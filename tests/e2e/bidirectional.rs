//! Bidirectional streams of Bedrock: HTTP/2 from the client to the service, and every signature verified there.

use std::net::SocketAddr;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sandbox::{Outcome, Reason, VerifiedRequest};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::world::{connection, methods, sandbox};
use crate::support::{LONGEST_WAIT, World, ask};

pub(crate) const PATH: &str = "/model/acme.words-v1%3A0/invoke-with-bidirectional-stream";

type Body = UnsyncBoxBody<Bytes, &'static str>;

/// The sandbox, in the clear or by TLS, and a proxy before it.
async fn world(tls: bool, more: &str) -> World {
    let service = "bedrock-runtime";
    World::over(tls, service, |endpoint| connection("models", service, endpoint, more)).await
}

/// A client's connection by HTTP/2 with prior knowledge.
struct Client {
    sender: SendRequest<Body>,
    socket: std::net::TcpStream,
    authority: String,
}

/// One stream: the messages of the client, and the response.
struct Exchange {
    pieces: mpsc::Sender<Result<Bytes, &'static str>>,
    response: Response<Incoming>,
    unread: BytesMut,
}

impl Client {
    async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("somebody listens");
        let stream = stream.into_std().expect("a socket");
        let socket = stream.try_clone().expect("a second handle");
        let stream = TokioIo::new(TcpStream::from_std(stream).expect("a socket"));
        let (sender, connection) = handshake(TokioExecutor::new(), stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            sender,
            socket,
            authority: to.to_string(),
        }
    }

    /// Is gone: its connection is closed without a word.
    fn leave(&self) {
        self.socket.shutdown(std::net::Shutdown::Both).expect("it is open");
    }

    async fn begin(&mut self, headers: &[(&str, &str)]) -> Exchange {
        let (pieces, receiver) = mpsc::channel(4);
        let frames = stream::unfold(receiver, |mut receiver: mpsc::Receiver<_>| async move {
            let piece: Result<Bytes, _> = receiver.recv().await?;
            Some((piece.map(Frame::data), receiver))
        });
        let mut request = Request::post(format!("http://{}{PATH}", self.authority))
            .header("content-type", "application/vnd.amazon.eventstream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(StreamBody::new(frames).boxed_unsync()).expect("a request");
        let response = timeout(LONGEST_WAIT, self.sender.send_request(request)).await;
        Exchange {
            pieces,
            response: response.expect("a response in time").expect("a response"),
            unread: BytesMut::new(),
        }
    }
}

impl Exchange {
    async fn send(&self, message: &Message) {
        self.pieces.send(Ok(encoded(message))).await.expect("it is taken");
    }

    /// The text of the next message; `None` at the end, an error where it breaks off.
    async fn receive(&mut self) -> Option<Result<Message, hyper::Error>> {
        receive(self.response.body_mut(), &mut self.unread).await
    }

    async fn receives(&mut self, text: &str) {
        let message = self.receive().await.expect("a message").expect("a whole one");
        assert_eq!(message.payload(), text.as_bytes());
    }

    fn finish(&mut self) {
        self.pieces = mpsc::channel(1).0;
    }
}

async fn receive(response: &mut Incoming, unread: &mut BytesMut) -> Option<Result<Message, hyper::Error>> {
    let mut decoder = MessageFrameDecoder::new();
    loop {
        if let DecodedFrame::Complete(message) = decoder.decode_frame(&mut *unread).expect("right checksums") {
            return Some(Ok(message));
        }
        match timeout(LONGEST_WAIT, response.frame())
            .await
            .expect("something in time")?
        {
            Ok(frame) => unread.extend_from_slice(frame.data_ref().expect("data")),
            Err(error) => return Some(Err(error)),
        }
    }
}

pub(crate) fn encoded(message: &Message) -> Bytes {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes).expect("it has an encoding");
    bytes.into()
}

pub(crate) fn message(payload: impl Into<Bytes>) -> Message {
    Message::new(payload).add_header(Header::new(":event-type", HeaderValue::String("chunk".into())))
}

/// As an SDK wraps it, with a signature of keys that nobody knows.
fn envelope(message: Option<&Message>) -> Message {
    let signature = HeaderValue::ByteArray(Bytes::from_static(&[7; 32]));
    Message::new(message.map(encoded).unwrap_or_default())
        .add_header(Header::new(":date", HeaderValue::Timestamp(DateTime::from_secs(0))))
        .add_header(Header::new(":chunk-signature", signature))
}

/// The verdict on a stream, which comes at its end.
async fn verdict(world: &mut World) -> VerifiedRequest {
    let event = timeout(LONGEST_WAIT, world.events.next())
        .await
        .expect("a verdict in time");
    let event = event.expect("the sandbox runs");
    assert_eq!(event.operation.as_deref(), Some("InvokeModelWithBidirectionalStream"));
    event
}

async fn accepted(world: &mut World) {
    let event = verdict(world).await;
    assert!(event.is_accepted(), "{event:#?}");
}

async fn broken_off(world: &mut World) {
    let event = verdict(world).await;
    let Outcome::Rejected { reason, why, .. } = &event.outcome else {
        panic!("it ended well: {event:#?}");
    };
    assert_eq!(*reason, Reason::BadRequest);
    assert!(why.contains("broke off") || why.contains("left"), "{why}");
}

#[tokio::test]
async fn messages_alternate_over_tls() {
    let mut world = world(true, "").await;
    let mut client = Client::connect(world.address()).await;
    let mut exchange = client.begin(&[]).await;
    assert_eq!(exchange.response.status(), 200);
    assert_eq!(
        exchange.response.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert!(exchange.response.headers().contains_key("x-signing-proxy-request-id"));
    for number in 0..50 {
        let text = format!("question {number}");
        exchange.send(&message(text.clone())).await;
        exchange.receives(&text).await;
    }
    exchange.finish();
    assert!(exchange.receive().await.is_none());
    accepted(&mut world).await;
}

#[tokio::test]
async fn many_messages_flow_in_both_directions_at_once() {
    const COUNT: usize = 400;
    // Up to 160 kB each, 32 MB in all.
    let size = |number: usize| number * number % 1000 * 160;
    for tls in [false, true] {
        let mut world = world(tls, "").await;
        let mut client = Client::connect(world.address()).await;
        let Exchange {
            pieces,
            response,
            mut unread,
        } = client.begin(&[]).await;
        let speaking = tokio::spawn(async move {
            for number in 0..COUNT {
                let bytes = encoded(&message(vec![b'x'; size(number)]));
                // In pieces that have nothing to do with messages.
                let (first, second) = (bytes.slice(..bytes.len() / 3), bytes.slice(bytes.len() / 3..));
                pieces.send(Ok(first)).await.expect("it is taken");
                pieces.send(Ok(second)).await.expect("it is taken");
            }
        });
        let mut response = response.into_body();
        for number in 0..COUNT {
            let received = receive(&mut response, &mut unread)
                .await
                .expect("a message")
                .expect("a whole one");
            assert_eq!(received.payload().len(), size(number), "{number}");
        }
        speaking.await.expect("all was said");
        assert!(receive(&mut response, &mut unread).await.is_none());
        accepted(&mut world).await;
    }
}

#[tokio::test]
async fn an_sdk_may_sign_by_any_keys() {
    let mut world = world(false, "").await;
    let mut client = Client::connect(world.address()).await;
    let authorization = "AWS4-HMAC-SHA256 Credential=DUMMY/20200101/us-east-1/bedrock/aws4_request, \
                         SignedHeaders=host;x-amz-date, Signature=00";
    let headers = [
        ("authorization", authorization),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amz-security-token", "dummy"),
    ];
    let mut exchange = client.begin(&headers).await;
    for text in ["one", "two"] {
        exchange.send(&envelope(Some(&message(text)))).await;
        exchange.receives(text).await;
    }
    exchange.send(&envelope(None)).await;
    exchange.finish();
    assert!(exchange.receive().await.is_none());
    accepted(&mut world).await;
}

#[tokio::test]
async fn a_changed_message_ends_the_stream_on_both_sides() {
    let mut world = world(true, "").await;
    let mut client = Client::connect(world.address()).await;
    let mut exchange = client.begin(&[]).await;
    exchange.send(&message("one")).await;
    exchange.receives("one").await;
    let mut changed = encoded(&message("two")).to_vec();
    *changed.last_mut().expect("bytes") ^= 1;
    exchange.pieces.send(Ok(changed.into())).await.expect("it is taken");
    assert!(exchange.receive().await.expect("no end").is_err());
    broken_off(&mut world).await;

    // Others on the same connection go on.
    let mut exchange = client.begin(&[]).await;
    exchange.finish();
    assert!(exchange.receive().await.is_none());
    accepted(&mut world).await;
}

#[tokio::test]
async fn a_client_that_stops_in_a_message_or_is_gone_is_noticed_by_the_service() {
    let mut world = world(false, "").await;
    let gate = world.sandbox.stream_gate();
    let mut client = Client::connect(world.address()).await;
    let mut exchange = client.begin(&[]).await;
    exchange
        .pieces
        .send(Ok(encoded(&message("one")).slice(..7)))
        .await
        .expect("it is taken");
    exchange.finish();
    assert!(exchange.receive().await.expect("no end").is_err());
    broken_off(&mut world).await;

    let mut exchange = client.begin(&[]).await;
    exchange.send(&message("one")).await;
    exchange.receives("one").await;
    client.leave();
    broken_off(&mut world).await;
    timeout(LONGEST_WAIT, gate.wait_for_abandoned())
        .await
        .expect("it is noticed");
}

#[tokio::test]
async fn a_service_that_takes_nothing_stops_the_client_and_loses_nothing() {
    let mut world = world(false, "").await;
    let gate = world.sandbox.stream_gate();
    let mut client = Client::connect(world.address()).await;
    let mut exchange = client.begin(&[]).await;
    gate.hold();
    let pieces = exchange.pieces.clone();
    let piece = encoded(&message(vec![b'x'; 200_000]));
    let speaking = tokio::spawn(async move {
        for _ in 0..100 {
            pieces.send(Ok(piece.clone())).await.expect("it is taken");
        }
    });
    exchange
        .receive()
        .await
        .expect("the first passes the gate")
        .expect("a whole one");
    assert!(!speaking.is_finished(), "20 MB went nowhere");
    gate.open();
    for _ in 1..100 {
        let received = exchange.receive().await.expect("a message").expect("a whole one");
        assert_eq!(received.payload().len(), 200_000);
    }
    speaking.await.expect("all was said");
    exchange.finish();
    assert!(exchange.receive().await.is_none());
    accepted(&mut world).await;
}

#[tokio::test]
async fn a_rejection_of_the_service_is_passed_on_while_the_client_still_sends() {
    let sandbox = sandbox().await;
    let address = sandbox.service("bedrock-runtime").expect("Bedrock runtime");
    let wrong = methods()
        .into_iter()
        .find(|(name, _)| *name == "wrong-secret")
        .expect("wrong keys");
    let connection = format!(
        "[connections.c]\nservice = \"bedrock-runtime\"\nregion = \"us-east-1\"\nendpoint = \"http://{address}\"\n\
         [connections.c.auth]\n{}",
        wrong.1
    );
    let mut world = World::with(sandbox, &connection).await;
    let mut client = Client::connect(world.address()).await;
    let exchange = client.begin(&[]).await;
    assert_eq!(exchange.response.status(), 403);
    assert_eq!(
        exchange.response.headers()["x-amzn-errortype"],
        "InvalidSignatureException"
    );
    timeout(LONGEST_WAIT, exchange.pieces.closed())
        .await
        .expect("the request is over");
    assert!(!verdict(&mut world).await.is_accepted());
}

#[tokio::test]
async fn http_1_is_rejected_where_http_2_is_required() {
    let mut world = world(false, "").await;
    let request = format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    let (status, code, hint) = ask(world.address(), request).await.rejection();
    assert_eq!((status, code.as_str()), (505, "http2-required"));
    assert!(hint.contains("h2c"), "{hint}");
    assert!(world.events.try_next().is_none());
}

#[tokio::test]
async fn a_policy_decides_about_bidirectional_streams() {
    let policy = |model: &str| {
        format!(
            "allow = '''{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\
             \"bedrock:InvokeModel\",\"Resource\":\"arn:aws:bedrock:us-east-1::foundation-model/{model}\"}}]}}'''\n\
             account = \"111122223333\""
        )
    };
    let mut allowing = world(false, &policy("acme.words-v1:0")).await;
    let mut exchange = Client::connect(allowing.address()).await.begin(&[]).await;
    exchange.send(&message("one")).await;
    exchange.receives("one").await;
    exchange.finish();
    assert!(exchange.receive().await.is_none());
    accepted(&mut allowing).await;

    let mut denying = world(false, &policy("acme.others-v1:0")).await;
    let exchange = Client::connect(denying.address()).await.begin(&[]).await;
    assert_eq!(exchange.response.status(), 403);
    assert_eq!(exchange.response.headers()["x-signing-proxy-error"], "action-denied");
    assert!(denying.events.try_next().is_none());
}
