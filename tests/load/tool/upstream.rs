//! A service over HTTPS that costs next to nothing: it sends as many bytes as the path names, takes any body, and
//! counts. It verifies no signature.
//!
//! `GET /BUCKET/SIZE` responds with SIZE bytes. `GET /load/counts`, and anything on the second port, returns the counts.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::HandshakeKind;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Outcome;

const BLOCK: Bytes = Bytes::from_static(&[b'x'; 64 * 1024]);

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    resumed: AtomicU64,
    requests: AtomicU64,
    bytes_in: AtomicU64,
    /// Bodies that ended before their end.
    broken: AtomicU64,
}

impl Counts {
    fn json(&self) -> String {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        serde_json::json!({
            "connections": value(&self.connections),
            "resumed": value(&self.resumed),
            "requests": value(&self.requests),
            "bytes_in": value(&self.bytes_in),
            "broken": value(&self.broken),
        })
        .to_string()
    }
}

/// Serves until it is killed. Writes its certificate to `FOLDER/ca.pem`, then its ports to `FOLDER/ports`.
pub(super) async fn serve(folder: &Path) -> Outcome {
    let acceptor = tls(folder)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let counters = TcpListener::bind("127.0.0.1:0").await?;
    let ports = format!("{} {}", listener.local_addr()?.port(), counters.local_addr()?.port());
    let counts = Arc::new(Counts::default());
    // Renamed, so that whoever waits for the file never reads half of it.
    fs::write(folder.join("ports.new"), ports)?;
    fs::rename(folder.join("ports.new"), folder.join("ports"))?;

    tokio::spawn(report(counters, Arc::clone(&counts)));
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_one(stream, acceptor.clone(), Arc::clone(&counts)));
    }
}

/// TLS by a certificate of its own, which is written to `FOLDER/ca.pem`.
pub(super) fn tls(folder: &Path) -> Outcome<TlsAcceptor> {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names)?;
    fs::write(folder.join("ca.pem"), certified.cert.pem())?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

async fn serve_one(stream: TcpStream, acceptor: TlsAcceptor, counts: Arc<Counts>) {
    counts.connections.fetch_add(1, Ordering::Relaxed);
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        counts.resumed.fetch_add(1, Ordering::Relaxed);
    }
    let service = service_fn(move |request| respond(request, Arc::clone(&counts)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // A client that leaves is its own business.
    drop(connection.await);
}

async fn respond(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    counts.requests.fetch_add(1, Ordering::Relaxed);
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                counts.bytes_in.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            Ok(Err(_trailers)) => {}
            Err(_) => {
                counts.broken.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
    }
    let size = head.uri.path().rsplit('/').next().and_then(|size| size.parse().ok());
    let response = Response::builder().header("etag", "\"0123456789abcdef0123456789abcdef\"");
    let response = match (head.method, size) {
        (Method::GET, Some(size)) => response.header("content-length", size).body(bytes(size)),
        _ => response.body(Full::from("{}").boxed()),
    };
    Ok(response.unwrap_or_else(|_| Response::new(Full::default().boxed())))
}

fn bytes(size: u64) -> BoxBody<Bytes, Infallible> {
    let block = BLOCK.len() as u64;
    let blocks = (0..size.div_ceil(block)).map(move |number| {
        let length = block.min(size - number * block);
        Ok(Frame::data(
            BLOCK.slice(..usize::try_from(length).unwrap_or(BLOCK.len())),
        ))
    });
    BoxBody::new(StreamBody::new(futures_util::stream::iter(blocks)))
}

/// The counts, in the clear, to whoever connects.
async fn report(listener: TcpListener, counts: Arc<Counts>) {
    while let Ok((stream, _)) = listener.accept().await {
        let counts = Arc::clone(&counts);
        let service = service_fn(move |_| {
            let text = counts.json();
            async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text))) }
        });
        drop(
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await,
        );
    }
}
