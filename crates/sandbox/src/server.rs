//! A listener on loopback: HTTP/1.1 and h2c, and TLS on the same port where that is on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_model::Clock;
use http::header::{DATE, HOST};
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::error::SandboxError;
use crate::fault::Disconnected;
use crate::response::Body;

/// First byte of a TLS handshake record; no HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;
/// A client must say something, or finish the handshake or its request's head, within this.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Room for a 16 KiB session token and more besides; hyper's default for h2 is 16 KiB for all headers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// How long running requests may take once the sandbox stops.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

/// Responds to the requests of one service.
#[async_trait]
pub(crate) trait Handler: Send + Sync + 'static {
    /// # Errors
    /// [`Disconnected`] to close the connection without a response.
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Disconnected>;

    /// The IP time to live of what is sent: 1 keeps packets on their host.
    fn ip_ttl(&self) -> Option<u32> {
        None
    }
}

/// Binds loopback at `port` (0: any).
pub(crate) async fn bind(service: &'static str, port: u16) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |source| SandboxError::Listen {
        service,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Serves until `stop` changes, then lets running requests finish for [`STOP_DEADLINE`].
pub(crate) async fn serve(
    listener: TcpListener,
    handler: Arc<dyn Handler>,
    tls: Option<TlsAcceptor>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(
                        stream,
                        Arc::clone(&handler),
                        tls.clone(),
                        Arc::clone(&clock),
                        graceful.watcher(),
                    ));
                }
                // Out of file descriptors, most likely: some connection has to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_DEADLINE, graceful.shutdown()).await;
}

async fn connection(
    stream: TcpStream,
    handler: Arc<dyn Handler>,
    tls: Option<TlsAcceptor>,
    clock: Arc<dyn Clock>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    if let Some(ttl) = handler.ip_ttl() {
        let _ = stream.set_ttl(ttl);
    }
    let mut first = [0];
    match tokio::time::timeout(HEAD_DEADLINE, stream.peek(&mut first)).await {
        Ok(Ok(1)) => {}
        _ => return,
    }
    match tls {
        Some(acceptor) if first == [TLS_HANDSHAKE] => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_DEADLINE, acceptor.accept(stream)).await {
                http(stream, handler, clock, watcher).await;
            }
        }
        _ => http(stream, handler, clock, watcher).await,
    }
}

async fn http<S>(
    stream: S,
    handler: Arc<dyn Handler>,
    clock: Arc<dyn Clock>,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (handler, clock) = (Arc::clone(&handler), Arc::clone(&clock));
        async move {
            name_the_host(&mut request);
            let mut response = handler.handle(request).await?;
            // By the clock that judges: hyper would write the system's.
            if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(clock.now())) {
                response.headers_mut().insert(DATE, date);
            }
            Ok::<_, Disconnected>(response)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(MAX_HEADER_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEADER_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "sandbox connection ended");
    }
}

/// HTTP/2 has `:authority` in place of `Host`; signatures speak of `host` in both.
fn name_the_host(request: &mut Request<Incoming>) {
    if request.headers().contains_key(HOST) {
        return;
    }
    let authority = request
        .uri()
        .authority()
        .map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        request.headers_mut().insert(HOST, host);
    }
}
