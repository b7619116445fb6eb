//! Requests that flow while their response does.

use crc_fast::{CrcAlgorithm, checksum};
use futures_util::stream;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http2::SendRequest;

use super::*;
use crate::error::ErrorCode;

const PATH: &str = "/model/a.b/invoke-with-bidirectional-stream";

/// The pieces of a body, as a test lets them go; an error resets it.
type Pieces = mpsc::Sender<Result<Bytes, &'static str>>;
type PieceBody = UnsyncBoxBody<Bytes, &'static str>;

fn piece_body() -> (Pieces, PieceBody) {
    let (pieces, receiver) = mpsc::channel::<Result<Bytes, &'static str>>(1);
    let frames = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece.map(Frame::data), receiver))
    });
    (pieces, StreamBody::new(frames).boxed_unsync())
}

/// A message of an event stream, with its checksums.
fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let sum = u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).unwrap();
        sum.to_be_bytes()
    };
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let lengths = [total, u32::try_from(headers.len()).unwrap()].map(u32::to_be_bytes);
    let mut message = lengths.concat();
    message.extend(crc(&message));
    message.extend([headers, payload].concat());
    message.extend(crc(&message));
    message
}

/// A signed message as SDKs make it, with a signature that is none.
fn envelope(payload: &[u8]) -> Vec<u8> {
    let signature = [b"\x10:chunk-signature\x06\x00\x20".as_slice(), &[7; 32]].concat();
    let date = [b"\x05:date\x08".as_slice(), &[0; 8]].concat();
    message(&[signature, date].concat(), payload)
}

/// One stream from the service's side.
struct Heard {
    head: Parts,
    body: Incoming,
    response: Option<tokio::sync::oneshot::Sender<Response<PieceBody>>>,
}

impl Heard {
    /// Begins to respond.
    fn response(&mut self) -> Pieces {
        let (pieces, body) = piece_body();
        let _ = self.response.take().unwrap().send(Response::new(body));
        pieces
    }

    async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        next(&mut self.body).await
    }

    /// Reads on to a reset; an end would be wrong.
    async fn is_reset(&mut self) -> bool {
        loop {
            match self.piece().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return true,
                None => return false,
            }
        }
    }
}

/// A service that speaks HTTP/2 without TLS, and does what the test says.
async fn service() -> (SocketAddr, mpsc::UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, streams) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let (head, body) = request.into_parts();
                let (response, responded) = tokio::sync::oneshot::channel();
                let response = Some(response);
                sender.send(Heard { head, body, response }).unwrap();
                responded
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (addr, streams)
}

fn connection(endpoint: &str, more: &str) -> String {
    format!(
        "[connections.c]\nservice = \"bedrock-runtime\"\nregion = \"eu-west-1\"\nendpoint = \"{endpoint}\"\n\
         [connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\n\
         secret_access_key = \"literal:wJalrXUtnFEMI\"\n{more}"
    )
}

/// A proxy, a client of it and the service's side of all streams.
struct Line {
    proxy: Proxy,
    client: SendRequest<PieceBody>,
    service: mpsc::UnboundedReceiver<Heard>,
}

impl Line {
    async fn open() -> Self {
        let (addr, service) = service().await;
        let proxy = Proxy::speaking(Version::HTTP_2, &connection(&format!("http://{addr}"), "")).await;
        let client = client(&proxy).await;
        Self { proxy, client, service }
    }

    /// Begins to speak: the client's pieces, its response to come, and what the service hears.
    async fn call(
        &mut self,
    ) -> (
        Pieces,
        tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>,
        Heard,
    ) {
        let (pieces, body) = piece_body();
        let response = tokio::spawn(self.client.send_request(request(&self.proxy, body)));
        let heard = timeout(LONGEST_WAIT, self.service.recv()).await.unwrap().unwrap();
        (pieces, response, heard)
    }
}

/// The body of a response that a call waits for.
async fn body_of(response: tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>) -> Incoming {
    let response = timeout(LONGEST_WAIT, response).await.unwrap();
    response.unwrap().unwrap().into_body()
}

async fn client(proxy: &Proxy) -> SendRequest<PieceBody> {
    let stream = TokioIo::new(TcpStream::connect(proxy.addr).await.unwrap());
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(proxy: &Proxy, body: PieceBody) -> Request<PieceBody> {
    Request::post(format!("http://{}{PATH}", proxy.addr))
        .header("content-type", "application/vnd.amazon.eventstream")
        .body(body)
        .unwrap()
}

/// The next piece. An end comes as an empty one first.
async fn next(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        let frame = timeout(LONGEST_WAIT, body.frame()).await.unwrap()?;
        let piece = frame.map(|frame| frame.into_data().unwrap());
        if !piece.as_ref().is_ok_and(Bytes::is_empty) {
            return Some(piece);
        }
    }
}

fn text(size: usize) -> Bytes {
    message(b"", &vec![b'x'; size]).into()
}

#[tokio::test]
async fn messages_and_responses_pass_as_they_come() {
    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    let headers = &heard.head.headers;
    assert_eq!(headers["x-amz-content-sha256"], "STREAMING-AWS4-HMAC-SHA256-EVENTS");
    assert_eq!(heard.head.version, Version::HTTP_2);
    assert!(!headers.contains_key("content-length") && !headers.contains_key("host"));
    assert!(headers.contains_key("authorization"));

    // The response begins before the client has said anything.
    let responses = heard.response();
    let mut response = body_of(response).await;
    responses.send(Ok(Bytes::from("hello"))).await.unwrap();
    assert_eq!(next(&mut response).await.unwrap().unwrap(), "hello");
    for size in [1, 70_000, 5] {
        let sent = text(size);
        pieces.send(Ok(sent.clone())).await.unwrap();
        let mut received = Vec::new();
        while received.len() < sent.len() + 83 {
            received.extend_from_slice(&heard.piece().await.unwrap().unwrap());
        }
        assert_eq!(received[79..received.len() - 4], sent);
        responses.send(Ok(Bytes::from("yes"))).await.unwrap();
        assert_eq!(next(&mut response).await.unwrap().unwrap(), "yes");
    }
    drop(pieces);
    assert_eq!(heard.piece().await.unwrap().unwrap().len(), 83);
    assert!(heard.piece().await.is_none());
    drop(responses);
    assert!(next(&mut response).await.is_none());
    let record = line.proxy.record().await;
    assert_eq!(record.operation.as_deref(), Some("InvokeModelWithBidirectionalStream"));
    assert_eq!((record.outcome, record.attempts), (Outcome::Complete, 1));
    assert_eq!((record.bytes_in, record.bytes_out), (70_006 + 3 * 16, 5 + 3 * 3));
}

#[tokio::test]
async fn a_client_that_signs_for_itself_is_signed_anew() {
    let mut line = Line::open().await;
    let (pieces, _response, mut heard) = line.call().await;
    let inner = message(b"", b"inner");
    pieces.send(Ok(envelope(&inner).into())).await.unwrap();
    let received = heard.piece().await.unwrap().unwrap();
    assert_eq!(received[79..received.len() - 4], inner);
    assert_ne!(received, envelope(&inner));
    pieces.send(Ok(envelope(b"").into())).await.unwrap();
    assert_eq!(
        heard.piece().await.unwrap().unwrap().len(),
        83,
        "the end goes out at once"
    );
    drop(pieces);
    assert!(heard.piece().await.is_none());
}

#[tokio::test]
async fn a_malformed_stream_is_rejected_before_the_response_and_breaks_it_off_afterwards() {
    let mut wrong = text(9).to_vec();
    wrong[20] ^= 1;
    let wrong = Bytes::from(wrong);

    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    pieces.send(Ok(wrong.clone())).await.unwrap();
    let response = timeout(LONGEST_WAIT, response).await.unwrap().unwrap().unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-signing-proxy-error"], "event-stream-malformed");
    assert!(heard.is_reset().await);
    assert_eq!(line.proxy.record().await.error, Some(ErrorCode::EventStreamMalformed));

    let (pieces, response, mut heard) = line.call().await;
    let responses = heard.response();
    let mut response = body_of(response).await;
    responses.send(Ok(Bytes::from("hello"))).await.unwrap();
    next(&mut response).await.unwrap().unwrap();
    pieces.send(Ok(text(9))).await.unwrap();
    pieces.send(Ok(wrong)).await.unwrap();
    assert!(heard.is_reset().await);
    assert!(next(&mut response).await.unwrap().is_err());
    let record = line.proxy.record().await;
    assert_eq!(record.status.unwrap(), 200);
    assert_eq!(record.outcome, Outcome::ClientBroke);
    assert_eq!(record.error, Some(ErrorCode::EventStreamMalformed));
    assert!(record.cause.unwrap().contains("checksum"));
}

#[tokio::test]
async fn a_client_that_ends_in_a_message_or_resets_never_ends_the_request_upstream() {
    let mut line = Line::open().await;
    let (pieces, _response, mut heard) = line.call().await;
    pieces.send(Ok(text(9).slice(..20))).await.unwrap();
    drop(pieces);
    assert!(heard.is_reset().await);

    let (pieces, response, mut heard) = line.call().await;
    let _responses = heard.response();
    let _response = timeout(LONGEST_WAIT, response).await.unwrap().unwrap().unwrap();
    pieces.send(Ok(text(9))).await.unwrap();
    pieces.send(Err("the test resets")).await.unwrap();
    assert!(heard.is_reset().await);
    line.proxy.record().await;
    let record = line.proxy.record().await;
    assert_eq!((record.outcome, record.error), (Outcome::ClientLeft, None));
}

#[tokio::test]
async fn a_client_that_is_gone_is_noticed_upstream() {
    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    pieces.send(Ok(text(9))).await.unwrap();
    heard.piece().await.unwrap().unwrap();
    response.abort();
    drop(pieces);
    line.client = client(&line.proxy).await;
    assert!(heard.is_reset().await);
    assert_eq!(line.proxy.record().await.outcome, Outcome::ClientLeft);
}

/// An HTTP/2 frame of the first stream.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_HEADERS: u8 = 4;
/// Of the connection, and empty.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
const NO_ERROR: &[u8] = &[0; 4];

/// A reset without an error is what a server says that needs no more; from a client it is no end of a request.
#[tokio::test]
async fn a_reset_without_an_error_is_no_end_of_a_request() {
    let (addr, mut service) = service().await;
    let proxy = Proxy::speaking(Version::HTTP_2, &connection(&format!("http://{addr}"), "")).await;
    let authority = proxy.addr.to_string();
    // HPACK: POST, http, then path and authority as literals that are not indexed.
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(0x04, PATH), (0x01, authority.as_str())] {
        block.extend_from_slice(&[name, u8::try_from(value.len()).unwrap()]);
        block.extend_from_slice(value.as_bytes());
    }
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SETTINGS].concat();
    let mut client = proxy.send(&preface).await;
    client.write_all(&frame(HEADERS, END_HEADERS, &block)).await.unwrap();
    client.write_all(&frame(DATA, 0, &text(9))).await.unwrap();
    let mut heard = timeout(LONGEST_WAIT, service.recv()).await.unwrap().unwrap();
    let _responses = heard.response();
    heard.piece().await.unwrap().unwrap();
    client.write_all(&frame(RST_STREAM, 0, NO_ERROR)).await.unwrap();
    assert!(heard.is_reset().await);
}

#[tokio::test]
async fn a_reset_without_an_error_is_no_end_of_a_response() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, may_go_on) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // HPACK: status 200.
        let head = frame(HEADERS, END_HEADERS, &[0x88]);
        let response = [SETTINGS, &head, &frame(DATA, 0, b"hello")].concat();
        // Not before the request: its preface, and its head behind it.
        stream.read_exact(&mut [0; 200]).await.unwrap();
        stream.write_all(&response).await.unwrap();
        may_go_on.await.unwrap();
        stream.write_all(&frame(RST_STREAM, 0, NO_ERROR)).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let mut proxy = Proxy::speaking(Version::HTTP_2, &connection(&endpoint, "")).await;
    let (_pieces, body) = piece_body();
    let response = client(&proxy).await.send_request(request(&proxy, body)).await.unwrap();
    let mut response = response.into_body();
    assert_eq!(next(&mut response).await.unwrap().unwrap(), "hello");
    go_on.send(()).unwrap();
    assert!(next(&mut response).await.expect("no end").is_err());
    assert_eq!(proxy.record().await.outcome, Outcome::UpstreamBroke);
}

#[tokio::test]
async fn with_the_response_the_request_is_over() {
    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    drop(heard.response());
    let mut response = body_of(response).await;
    assert!(next(&mut response).await.is_none());
    assert!(heard.is_reset().await);
    timeout(LONGEST_WAIT, pieces.closed()).await.unwrap();
    assert_eq!(line.proxy.record().await.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_response_that_breaks_off_breaks_the_request_off() {
    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    let responses = heard.response();
    let mut response = body_of(response).await;
    responses.send(Err("the test breaks off")).await.unwrap();
    assert!(next(&mut response).await.unwrap().is_err());
    timeout(LONGEST_WAIT, pieces.closed()).await.unwrap();
    assert_eq!(line.proxy.record().await.outcome, Outcome::UpstreamBroke);
}

#[tokio::test]
async fn neither_direction_is_read_faster_than_it_is_taken() {
    let mut line = Line::open().await;
    let (pieces, response, mut heard) = line.call().await;
    let responses = heard.response();
    let mut response = body_of(response).await;
    // Neither side reads: both come to a halt.
    let piece = text(256 * 1024);
    let fill = async |sender: &Pieces| {
        let mut sent = 0;
        while let Ok(Ok(())) = timeout(Duration::from_millis(300), sender.send(Ok(piece.clone()))).await {
            sent += 1;
            assert!(sent < 100, "25 MiB went nowhere");
        }
        sent
    };
    let (spoken, responded) = tokio::join!(fill(&pieces), fill(&responses));
    assert!(spoken > 0 && responded > 0);
    // One of them reads, and is not kept from it by the other.
    drop(responses);
    let mut received = 0;
    while let Some(piece) = next(&mut response).await {
        received += piece.unwrap().len();
    }
    assert_eq!(received, responded * piece.len());
    drop(heard);
}

#[tokio::test]
async fn http_1_clients_learn_what_to_speak() {
    let (addr, mut service) = service().await;
    let proxy = Proxy::start(&connection(&format!("http://{addr}"), "")).await;
    let head = format!("POST {PATH} HTTP/1.1\ntransfer-encoding: chunked");
    let response = proxy.ask(&head, b"0\r\n\r\n").await;
    assert_refused(&response, 505, "http2-required");
    assert!(response.contains("h2c"), "{response}");
    assert!(service.try_recv().is_err());
}

/// The error's code and hint.
async fn rejection(config: &str) -> (String, String) {
    let proxy = Proxy::speaking(Version::HTTP_2, config).await;
    let (_pieces, body) = piece_body();
    let response = client(&proxy).await.send_request(request(&proxy, body)).await.unwrap();
    let code = response.headers()["x-signing-proxy-error"].to_str().unwrap().to_owned();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn a_service_without_http_2_gets_nothing() {
    let (mut service, ca_file) = tls::tls_service(&["http/1.1"]).await;
    let upstream = format!("[upstream]\nca_file = {:?}\n", ca_file.path());
    let endpoint = format!("https://localhost:{}", service.addr.port());
    let (code, _) = rejection(&connection(&endpoint, &upstream)).await;
    assert_eq!(code, "upstream-not-http2");
    service.saw_nothing();

    let mut service = Service::start(vec![]).await;
    let upstream = format!("[upstream]\nhttp_proxy = \"http://{}\"\n", service.addr);
    let (code, _) = rejection(
        &connection("http://bedrock.example", &upstream).replace("endpoint", "allow_cleartext = true\nendpoint"),
    )
    .await;
    assert_eq!(code, "upstream-not-http2");
    service.saw_nothing();
}

#[tokio::test]
async fn an_endpoint_that_knows_only_http_1_is_named_as_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let response = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(response).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (code, text) = rejection(&connection(&format!("http://{addr}"), "")).await;
    assert_eq!(code, "upstream-malformed");
    assert!(text.contains("HTTP/2") && text.contains("h2c"), "{text}");
}

#[tokio::test]
async fn tls_with_http_2_carries_bidirectional_streams() {
    let (mut service, ca_file) = tls::tls_service(&["h2", "http/1.1"]).await;
    let upstream = format!("[upstream]\nca_file = {:?}\n", ca_file.path());
    let endpoint = format!("https://localhost:{}", service.addr.port());
    let proxy = Proxy::speaking(Version::HTTP_2, &connection(&endpoint, &upstream)).await;
    let body = Full::new(text(9)).map_err(|never| match never {}).boxed_unsync();
    let response = client(&proxy).await.send_request(request(&proxy, body)).await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = service.next().await;
    assert!(seen.line.ends_with(" HTTP/2.0"), "{}", seen.line);
    assert_eq!(seen.body.len(), text(9).len() + 2 * 83);
}
