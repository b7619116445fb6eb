//! VPC Lattice takes no signed payload: `UNSIGNED-PAYLOAD` always, over TLS and in the clear, with and without a body.

use std::convert::Infallible;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use signing_proxy::app::Proxy;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::early::service::identity;
use crate::support::world::{connection, is_well_signed, proxy, upstream_trusting};
use crate::support::{LONGEST_WAIT, Wire, World, ask};

/// A body of which only the end says its length, in two pieces.
const CHUNKS: [&str; 2] = ["5\r\nhello\r\n", "6\r\n world\r\n"];
const LAST: &str = "0\r\n\r\n";

/// What a service sees, as it comes.
#[derive(Debug)]
enum Seen {
    Head(Box<Parts>),
    Data(Bytes),
    End,
    Broken,
}

/// A Lattice service of somebody's own, with a proxy before it.
struct Mesh {
    proxy: Proxy,
    seen: mpsc::UnboundedReceiver<Seen>,
    _folder: Option<TempDir>,
}

impl Mesh {
    /// `keys` are further keys of the connection.
    async fn start(is_tls: bool, keys: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (acceptor, folder) = is_tls.then(identity).unzip();
        let (sender, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(socket, sender).await,
                        Some(acceptor) => serve(acceptor.accept(socket).await.expect("TLS"), sender).await,
                    }
                });
            }
        });
        let (scheme, upstream) = match &folder {
            Some(folder) => ("https", upstream_trusting(&folder.path().join("ca.pem"))),
            None => ("http", String::new()),
        };
        let endpoint = format!("{scheme}://{address}");
        let proxy = proxy(&(upstream + &connection("mesh", "vpc-lattice-svcs", &endpoint, keys))).await;
        Self {
            proxy,
            seen,
            _folder: folder,
        }
    }

    async fn connect(&self) -> Wire {
        Wire::connect(self.proxy.addr().expect("a listener")).await
    }

    async fn next(&mut self) -> Seen {
        let seen = timeout(LONGEST_WAIT, self.seen.recv()).await;
        seen.expect("in time").expect("the service runs")
    }

    async fn head(&mut self) -> Parts {
        match self.next().await {
            Seen::Head(head) => *head,
            other => panic!("{other:?}"),
        }
    }

    /// So many bytes of the body.
    async fn data(&mut self, count: usize) -> Vec<u8> {
        let mut data = Vec::new();
        while data.len() < count {
            match self.next().await {
                Seen::Data(piece) => data.extend(piece),
                other => panic!("{other:?} behind {data:?}"),
            }
        }
        data
    }
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(socket: T, sender: mpsc::UnboundedSender<Seen>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let sender = sender.clone();
        async move {
            let (head, mut body) = request.into_parts();
            let _ = sender.send(Seen::Head(Box::new(head)));
            let mut end = Seen::End;
            while let Some(frame) = body.frame().await {
                match frame.map(Frame::into_data) {
                    Ok(data) => drop(sender.send(Seen::Data(data.unwrap_or_default()))),
                    Err(_) => end = Seen::Broken,
                }
            }
            let _ = sender.send(end);
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
        }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

#[track_caller]
fn assert_is_unsigned(head: &Parts, shown: &str) {
    let field = |name: &str| {
        let values: Vec<_> = head.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{shown}: {name}");
        values[0].to_str().expect("ASCII").to_owned()
    };
    assert_eq!(field("x-amz-content-sha256"), "UNSIGNED-PAYLOAD", "{shown}");
    let authorization = field("authorization");
    assert!(
        authorization.contains("/us-east-1/vpc-lattice-svcs/aws4_request,"),
        "{authorization}"
    );
    assert!(authorization.contains("x-amz-content-sha256"), "{authorization}");
}

#[tokio::test]
async fn the_payload_is_unsigned_whatever_the_request_is() {
    let hash = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n";
    let events = "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-EVENTS\r\n";
    let hash_and_length = format!("{hash}content-length: 5\r\n");
    let events_and_length = format!("{events}content-length: 5\r\n");
    let whole = format!("{}{}{LAST}", CHUNKS[0], CHUNKS[1]);
    for is_tls in [false, true] {
        for keys in ["", "payload = \"unsigned\"", "limits = { memory_body = \"0B\" }"] {
            let mut mesh = Mesh::start(is_tls, keys).await;
            for (line, fields, sent, body) in [
                ("GET", "", "", ""),
                ("GET", hash, "", ""),
                ("HEAD", "", "", ""),
                ("DELETE", "", "", ""),
                ("OPTIONS", "", "", ""),
                ("POST", "", "", ""),
                ("POST", "content-length: 0\r\n", "", ""),
                ("POST", "content-length: 5\r\n", "hello", "hello"),
                ("PUT", hash_and_length.as_str(), "hello", "hello"),
                ("POST", events_and_length.as_str(), "hello", "hello"),
                ("PATCH", "transfer-encoding: chunked\r\n", whole.as_str(), "hello world"),
                ("POST", "transfer-encoding: chunked\r\n", LAST, ""),
                ("GET", "transfer-encoding: chunked\r\n", whole.as_str(), "hello world"),
            ] {
                let shown = format!("{line} {fields:?}, {keys:?}, TLS: {is_tls}");
                let mut wire = mesh.connect().await;
                let head =
                    format!("{line} /orders/1?a=b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n");
                wire.send(format!("{head}{sent}")).await;
                assert_eq!(wire.head().await.0, 200, "{shown}");
                assert_is_unsigned(&mesh.head().await, &shown);
                assert_eq!(mesh.data(body.len()).await, body.as_bytes(), "{shown}");
                assert!(matches!(mesh.next().await, Seen::End), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_passes_while_it_comes() {
    for is_tls in [false, true] {
        let mut mesh = Mesh::start(is_tls, "").await;
        let mut wire = mesh.connect().await;
        wire.send("POST /orders HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        wire.send(CHUNKS[0]).await;
        // The rest is sent only once the service has seen this.
        let head = mesh.head().await;
        assert_is_unsigned(&head, "a stream");
        assert!(!head.headers.contains_key("content-length"), "{head:?}");
        assert_eq!(mesh.data(5).await, b"hello");
        wire.send(CHUNKS[1]).await;
        assert_eq!(mesh.data(6).await, b" world");
        wire.send(LAST).await;
        assert!(matches!(mesh.next().await, Seen::End));
        assert_eq!(wire.response().await.status, 200);
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_that_breaks_off_never_ends() {
    let mut mesh = Mesh::start(false, "").await;
    let mut wire = mesh.connect().await;
    wire.send("POST /orders HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    wire.send(CHUNKS[0]).await;
    mesh.head().await;
    mesh.data(5).await;
    drop(wire);
    assert!(matches!(mesh.next().await, Seen::Broken));
}

#[tokio::test]
async fn a_body_of_unknown_length_has_its_bound() {
    let limits = "limits = { memory_body = \"10B\", max_body = \"10B\" }";
    let mut mesh = Mesh::start(false, limits).await;
    let mut wire = mesh.connect().await;
    let head =
        "POST /orders HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    wire.send(format!("{head}{}", CHUNKS[0])).await;
    mesh.head().await;
    mesh.data(5).await;
    wire.send(format!("{}{LAST}", CHUNKS[1])).await;
    let (status, code, hint) = wire.response().await.rejection();
    assert_eq!((status, code.as_str()), (413, "body-too-large"), "{hint}");
    assert!(hint.contains("10 bytes"), "{hint}");
    assert!(matches!(mesh.next().await, Seen::Broken));
}

/// The sandbox's S3 verifies `UNSIGNED-PAYLOAD` with another program's signer. It knows its own name in scopes alone.
#[tokio::test]
async fn the_signature_is_right_in_the_clear_and_over_tls() {
    for tls in [false, true] {
        let mut world = World::over(tls, "s3", |endpoint| {
            connection("mesh", "vpc-lattice-svcs", endpoint, "signing_name = \"s3\"")
        })
        .await;
        let whole = format!("{}{}{LAST}", CHUNKS[0], CHUNKS[1]);
        for (line, framing, body) in [
            ("PUT /sandbox-bucket/k", "content-length: 5\r\n", "hello"),
            ("GET /sandbox-bucket/k?response-content-type=text%2Fplain", "", ""),
            ("GET /sandbox-bucket", "", ""),
            ("HEAD /sandbox-bucket/k", "", ""),
            (
                "PUT /sandbox-bucket/k2",
                "transfer-encoding: chunked\r\n",
                whole.as_str(),
            ),
        ] {
            let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{framing}\r\n{body}");
            let mut wire = Wire::connect(world.address()).await;
            wire.send(request).await;
            wire.response().await;
            let event = world.verified("s3");
            assert!(is_well_signed(&event), "{line}, TLS: {tls}: {event:#?}");
        }
        let got = ask(
            world.address(),
            "GET /sandbox-bucket/k HTTP/1.1\r\nhost: localhost\r\n\r\n",
        )
        .await;
        assert_eq!((got.status, got.text().as_str()), (200, "hello"), "TLS: {tls}");
    }
}
