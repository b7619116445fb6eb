//! A service that responds early, over plain TCP or TLS.

use std::collections::VecDeque;
use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_model::{Clock as _, SystemClock};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// When an early response comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Early {
    /// To the head, whether it expects `100 Continue` or not.
    ToHead,
    /// After some of a body for which it has sent `100 Continue`, where that was expected.
    AfterContinue,
    /// After some of the body, without a word before.
    AfterSome,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// This response comes early, and the connection is closed with the rest of the request unread.
    Early(Early, &'static str),
    /// The same, and then nothing is read, and the connection stays open.
    Stuck(Early, &'static str),
    /// The body is read, and its length is the response.
    Whole,
}

/// A service on a port of its own.
pub(crate) struct Service {
    address: SocketAddr,
    /// With the certificate, where it is one of TLS.
    folder: Option<TempDir>,
}

impl Service {
    /// The first requests get `first`, all others `then`.
    pub(crate) async fn start(is_tls: bool, first: Vec<Then>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (acceptor, folder) = is_tls.then(identity).unzip();
        let first = Arc::new(Mutex::new(VecDeque::from(first)));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Else a response that waits for an acknowledgement is lost on this side, with the reset that follows it.
                socket.set_nodelay(true).expect("a socket option");
                let (acceptor, first) = (acceptor.clone(), Arc::clone(&first));
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(socket, &first, then).await,
                        Some(acceptor) => match acceptor.accept(socket).await {
                            Ok(socket) => serve(socket, &first, then).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, folder }
    }

    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.folder.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| ca_file(folder.path()))
    }
}

pub(crate) fn ca_file(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

/// TLS with a certificate for `127.0.0.1`, and the folder with it, `ca.pem`.
pub(crate) fn identity() -> (TlsAcceptor, TempDir) {
    identity_for(&[])
}

/// The same, for a service that speaks these protocols.
pub(crate) fn identity_for(protocols: &[&[u8]]) -> (TlsAcceptor, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(ca_file(folder.path()), made.cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
        })
        .expect("TLS");
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), folder)
}

/// One request after the other; `None` once the connection is to be closed.
async fn serve<T: AsyncRead + AsyncWrite + Unpin>(
    mut socket: T,
    first: &Mutex<VecDeque<Then>>,
    then: Then,
) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head in UTF-8").to_ascii_lowercase();
        let then = first.lock().expect("no panic").pop_front().unwrap_or(then);
        let is_to_head = matches!(
            then,
            Then::Early(Early::ToHead | Early::AfterSome, _) | Then::Stuck(Early::ToHead | Early::AfterSome, _)
        );
        if head.contains("\r\nexpect: 100-continue\r\n") && !is_to_head {
            socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        }
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |value| value.parse().expect("a length"));
        match then {
            Then::Early(early, response) | Then::Stuck(early, response) => {
                let some = match early {
                    Early::ToHead => 0,
                    Early::AfterContinue | Early::AfterSome => length.min(20_000),
                };
                socket.read_exact(&mut vec![0; some]).await.ok()?;
                let response = response.replace("DATE", &in_an_hour());
                socket.write_all(response.as_bytes()).await.ok()?;
                socket.flush().await.ok()?;
                if matches!(then, Then::Stuck(..)) {
                    pending::<()>().await;
                }
                return None;
            }
            Then::Whole => {
                let mut left = length;
                let mut piece = vec![0; 64 * 1024];
                while left > 0 {
                    let room = piece.len().min(left);
                    left -= socket.read_exact(&mut piece[..room]).await.ok()?;
                }
                let body = length.to_string();
                let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                socket.write_all(response.as_bytes()).await.ok()?;
            }
        }
    }
}

pub(crate) fn in_an_hour() -> String {
    httpdate::fmt_http_date(SystemClock.now() + Duration::from_hours(1))
}
