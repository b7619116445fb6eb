//! Operations that stream in both directions: each message's signature counts, and so does the end.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::event_stream::{sign_empty_message, sign_message};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sandbox::{Events, Outcome, Reason, Sandbox, SandboxSettings};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{Draft, send};

const PATH: &str = "/model/a.b/invoke-with-bidirectional-stream";
const TYPE: &str = "application/vnd.amazon.eventstream";

fn draft() -> Draft {
    let mut draft = Draft::new("bedrock", "POST", PATH).with_header("content-type", TYPE);
    draft.payload = Some("STREAMING-AWS4-HMAC-SHA256-EVENTS");
    draft
}

/// A stream from its client's side.
struct Client {
    _sandbox: Sandbox,
    events: Events,
    draft: Draft,
    signature: String,
    messages: mpsc::Sender<Bytes>,
    response: Incoming,
    unread: BytesMut,
}

impl Client {
    async fn start() -> Self {
        let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
        let events = sandbox.events();
        let draft = draft();
        let (messages, response) = begin(&sandbox, &draft).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], TYPE);
        Self {
            signature: seed(&draft, &sandbox),
            _sandbox: sandbox,
            events,
            draft,
            messages,
            response: response.into_body(),
            unread: BytesMut::new(),
        }
    }

    /// The next message in its envelope; `None` ends the stream.
    fn sign(&mut self, message: Option<&Message>) -> Message {
        let keys = &self.draft.keys;
        let identity = Credentials::new(&keys.id, &keys.secret, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.draft.region)
            .name("bedrock")
            .time(self.draft.time)
            .settings(())
            .build()
            .unwrap();
        let signed = match message {
            Some(message) => sign_message(message, &self.signature, &params),
            None => sign_empty_message(&self.signature, &params),
        };
        let (envelope, signature) = signed.unwrap().into_parts();
        self.signature = signature;
        envelope
    }

    async fn send(&self, message: &Message) {
        let mut bytes = Vec::new();
        write_message_to(message, &mut bytes).unwrap();
        self.messages.send(bytes.into()).await.unwrap();
    }

    /// The text of the next reply, after its type; `None` at the end.
    async fn next(&mut self) -> Option<(String, String)> {
        let mut decoder = MessageFrameDecoder::new();
        loop {
            if let DecodedFrame::Complete(message) = decoder.decode_frame(&mut self.unread).unwrap() {
                let header = |name: &str| {
                    let found = message.headers().iter().find(|header| header.name().as_str() == name);
                    found.map(|header| header.value().as_string().unwrap().as_str().to_owned())
                };
                let kind = header(":event-type").or(header(":exception-type")).unwrap();
                return Some((kind, String::from_utf8(message.payload().to_vec()).unwrap()));
            }
            let frame = self.response.frame().await?.unwrap();
            self.unread.extend_from_slice(frame.data_ref().unwrap());
        }
    }

    /// How the stream was judged.
    async fn judgement(mut self) -> Outcome {
        let event = self.events.next().await.unwrap();
        assert_eq!(event.operation.as_deref(), Some("InvokeModelWithBidirectionalStream"));
        assert!(self.events.try_next().is_none());
        event.outcome
    }

    /// Ends with this exception, and that judgement.
    async fn ends_with(mut self, code: &str, reason: Reason) {
        let (kind, text) = self.next().await.unwrap();
        assert_eq!(kind, code, "{text}");
        assert!(self.next().await.is_none());
        let outcome = self.judgement().await;
        assert!(
            matches!(&outcome, Outcome::Rejected { reason: why, .. } if *why == reason),
            "{outcome:?}"
        );
    }
}

async fn begin(sandbox: &Sandbox, draft: &Draft) -> (mpsc::Sender<Bytes>, Response<Incoming>) {
    let address = sandbox.service("bedrock-runtime").unwrap();
    let (mut head, _) = draft.sign(address).into_parts();
    head.headers.remove("host");
    head.uri = format!("http://{address}{PATH}").parse().unwrap();
    let (messages, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(piece)), receiver))
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::from_parts(head, StreamBody::new(pieces.boxed()));
    (messages, sender.send_request(request).await.unwrap())
}

fn seed(draft: &Draft, sandbox: &Sandbox) -> String {
    let request = draft.sign(sandbox.service("bedrock-runtime").unwrap());
    let authorization = request.headers()["authorization"].to_str().unwrap();
    authorization.split_once("Signature=").unwrap().1.to_owned()
}

fn message(text: &str) -> Message {
    Message::new(text.to_owned()).add_header(Header::new(":event-type", HeaderValue::String("chunk".into())))
}

#[tokio::test]
async fn each_message_is_repeated_before_the_next_one_is_sent() {
    let mut client = Client::start().await;
    for text in ["one", "two", "three"] {
        let envelope = client.sign(Some(&message(text)));
        client.send(&envelope).await;
        assert_eq!(client.next().await, Some(("chunk".to_owned(), text.to_owned())));
    }
    let end = client.sign(None);
    client.send(&end).await;
    client.messages = mpsc::channel(1).0;
    assert_eq!(client.next().await, None);
    assert_eq!(client.judgement().await, Outcome::Accepted);
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let mut client = Client::start().await;
    let envelope = client.sign(Some(&message("one")));
    let tampered = Message::new_from_parts(envelope.headers().to_vec(), {
        let mut bytes = Vec::new();
        write_message_to(&message("two"), &mut bytes).unwrap();
        bytes
    });
    client.send(&tampered).await;
    client
        .ends_with("InvalidSignatureException", Reason::SignatureMismatch)
        .await;
}

#[tokio::test]
async fn the_order_is_covered() {
    let mut client = Client::start().await;
    client.sign(Some(&message("one")));
    let second = client.sign(Some(&message("two")));
    client.send(&second).await;
    client
        .ends_with("InvalidSignatureException", Reason::SignatureMismatch)
        .await;
}

#[tokio::test]
async fn the_time_is_covered_and_must_be_about_now() {
    let mut client = Client::start().await;
    client.draft.time -= Duration::from_mins(6);
    let old = client.sign(Some(&message("one")));
    client.send(&old).await;
    client
        .ends_with("InvalidSignatureException", Reason::RequestExpired)
        .await;
}

#[tokio::test]
async fn a_message_without_an_envelope_is_refused() {
    let client = Client::start().await;
    client.send(&Message::new("one")).await;
    client
        .ends_with("MissingAuthenticationTokenException", Reason::MissingAuthentication)
        .await;
}

#[tokio::test]
async fn an_end_without_its_envelope_is_refused() {
    let mut client = Client::start().await;
    let envelope = client.sign(Some(&message("one")));
    client.send(&envelope).await;
    client.next().await.unwrap();
    client.messages = mpsc::channel(1).0;
    client.ends_with("ValidationException", Reason::BadRequest).await;
}

#[tokio::test]
async fn a_client_that_leaves_is_judged_as_well() {
    let mut client = Client::start().await;
    let envelope = client.sign(Some(&message("one")));
    client.send(&envelope).await;
    client.next().await.unwrap();
    let mut events = client.events;
    drop((client.response, client.messages));
    let event = events.next().await.unwrap();
    assert!(!event.is_accepted(), "{event:?}");
}

#[tokio::test]
async fn other_requests_are_rejected_by_their_head() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let address = sandbox.service("bedrock-runtime").unwrap();
    let by_http1 = send(address, draft().sign(address)).await;
    assert_eq!(
        (by_http1.status.as_u16(), by_http1.code()),
        (400, "ValidationException")
    );
    let mut unsigned = draft();
    unsigned.payload = Some("UNSIGNED-PAYLOAD");
    assert_eq!(begin(&sandbox, &unsigned).await.1.status(), 400);
    let mut wrong = draft();
    wrong.keys.secret = "wrong".to_owned();
    assert_eq!(begin(&sandbox, &wrong).await.1.status(), 403);
}

#[tokio::test]
async fn messages_come_in_any_pieces() {
    let mut client = Client::start().await;
    let text = "x".repeat(200_000);
    let envelope = client.sign(Some(&message(&text)));
    let mut bytes = Vec::new();
    write_message_to(&envelope, &mut bytes).unwrap();
    let bytes = Bytes::from(bytes);
    for piece in [0..3, 3..12, 12..70_000].map(|range: std::ops::Range<usize>| bytes.slice(range)) {
        client.messages.send(piece).await.unwrap();
    }
    client.messages.send(bytes.slice(70_000..)).await.unwrap();
    assert_eq!(client.next().await.unwrap().1, text);
}
