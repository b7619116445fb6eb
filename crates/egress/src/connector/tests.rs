use std::net::SocketAddr;
use std::sync::Arc;

use auth_model::Secret;
use rcgen::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::error::TlsFailure;
use crate::http_proxy::{HttpProxies, ProxySettings};
use crate::roots::TrustedRoots;

/// What a server does with the connections it takes.
#[derive(Clone)]
enum Server {
    /// Nothing.
    Silent,
    /// It sends something else than TLS.
    Cleartext,
    Tls(Arc<rustls::ServerConfig>),
    /// It opens each tunnel that is requested, to this address.
    Proxy(SocketAddr),
}

async fn start(server: Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(server.clone(), socket));
        }
    });
    address
}

async fn serve(server: Server, mut socket: tokio::net::TcpStream) {
    match server {
        Server::Silent => std::future::pending().await,
        Server::Cleartext => socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap(),
        Server::Tls(config) => {
            // A client that does not trust the certificate breaks the handshake off.
            if let Ok(mut stream) = TlsAcceptor::from(config).accept(socket).await {
                let _ = stream.read_u8().await;
            }
        }
        Server::Proxy(target) => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                socket.read_buf(&mut head).await.unwrap();
            }
            assert!(
                head.starts_with(b"CONNECT service.example:443 HTTP/1.1\r\n"),
                "{head:?}"
            );
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut service = tokio::net::TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut socket, &mut service).await;
        }
    }
}

/// A server with a certificate for this name, and the certificate in PEM form.
fn tls_server(name: &str) -> (Server, String) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (Server::Tls(Arc::new(config)), cert.pem())
}

fn connector(pem: &str, protocols: Protocols, settings: DialSettings) -> Connector {
    let roots = TrustedRoots::platform().with_extra_pem(pem.as_bytes()).unwrap();
    Connector::new(&TlsSettings::new(roots).unwrap(), protocols, settings)
}

fn within_a_minute() -> DialSettings {
    DialSettings::new(Duration::from_mins(1))
}

async fn connect(server: Server, pem: &str, protocols: Protocols) -> Result<Connection, ConnectError> {
    let port = start(server).await.port();
    let destination = format!("https://localhost:{port}/").parse().unwrap();
    connector(pem, protocols, within_a_minute()).connect(destination).await
}

#[tokio::test]
async fn a_trusted_server_agrees_on_tls_and_on_what_was_offered() {
    for (protocols, is_http2) in [(Protocols::Http1, false), (Protocols::Http2OrHttp1, true)] {
        let (server, pem) = tls_server("localhost");
        let connection = connect(server, &pem, protocols).await.unwrap();
        assert_eq!(connection.tls_version(), Some(TlsVersion::Tls13));
        assert_eq!((connection.is_http2(), connection.is_proxied()), (is_http2, false));
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_never_connected_to() {
    let (server, pem) = tls_server("localhost");
    let (other, other_pem) = tls_server("elsewhere.example");
    for (server, pem, want) in [
        (server, "", TlsFailure::UntrustedIssuer),
        (other, other_pem.as_str(), TlsFailure::WrongName),
        (Server::Cleartext, pem.as_str(), TlsFailure::NotTls),
    ] {
        let error = connect(server, pem, Protocols::Http1).await.unwrap_err();
        assert_eq!(error.tls_failure(), Some(want), "{error:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_ends_by_the_connect_timeout() {
    let port = start(Server::Silent).await.port();
    let destination = format!("https://localhost:{port}/").parse().unwrap();
    let settings = DialSettings::new(Duration::from_millis(50));
    let error = connector("", Protocols::Http1, settings)
        .connect(destination)
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
}

#[tokio::test]
async fn tls_goes_through_the_tunnel_of_a_proxy_that_resolves_the_name() {
    let (server, pem) = tls_server("service.example");
    let proxy = start(Server::Proxy(start(server).await)).await;
    let proxies = HttpProxies::new(&ProxySettings {
        https: Some(Secret::new(format!("http://{proxy}"))),
        ..ProxySettings::default()
    });
    let settings = within_a_minute().with_proxies(proxies.unwrap());
    let connected = connector(&pem, Protocols::Http1, settings)
        .connect("https://service.example/".parse().unwrap())
        .await;
    assert_eq!(connected.unwrap().tls_version(), Some(TlsVersion::Tls13));
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let destination = format!("http://{free}/").parse().unwrap();
    let error = connector("", Protocols::Http1, within_a_minute())
        .connect(destination)
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error:?}");
}
