//! TLS on the same ports: HTTP/1.1 and h2 by ALPN, under AWS's names.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sandbox::principals::BUCKET;
use sandbox::{Sandbox, SandboxSettings};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Draft, send};

async fn start() -> Sandbox {
    let settings = SandboxSettings {
        tls: true,
        ..SandboxSettings::default()
    };
    Sandbox::start(settings).await.unwrap()
}

async fn connect(sandbox: &Sandbox, name: &str, alpn: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(sandbox.ca_pem().unwrap().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(sandbox.s3()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    Ok(stream)
}

#[tokio::test]
async fn http_1_and_2_are_spoken_over_tls() {
    let sandbox = start().await;
    let host = format!("{BUCKET}.s3.eu-west-1.amazonaws.com");
    let mut draft = Draft::new("s3", "PUT", "/key").with_body("over TLS");
    draft.region = "eu-west-1";
    let stream = connect(&sandbox, &host, b"http/1.1").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    assert_eq!(
        sender.send_request(draft.sign(&host)).await.unwrap().status(),
        StatusCode::OK
    );

    // Over h2 the host is in `:authority`, not in a header.
    let stream = connect(&sandbox, &host, b"h2").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut request: Request<Full<Bytes>> = Draft {
        method: "GET",
        body: String::new(),
        ..draft
    }
    .sign(&host);
    request.headers_mut().remove("host");
    *request.uri_mut() = format!("https://{host}/key").parse().unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "over TLS");
}

#[tokio::test]
async fn the_certificate_is_for_loopback_and_aws_and_for_nobody_else() {
    let sandbox = start().await;
    for good in [
        "localhost",
        "127.0.0.1",
        "sts.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
    ] {
        assert!(connect(&sandbox, good, b"h2").await.is_ok(), "{good}");
    }
    for bad in ["example.com", "s3.ap-south-1.amazonaws.com"] {
        assert!(connect(&sandbox, bad, b"h2").await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn plain_http_still_works_beside_it() {
    let sandbox = start().await;
    let draft = Draft::new("s3", "GET", &format!("/{BUCKET}?list-type=2"));
    assert_eq!(send(sandbox.s3(), draft.sign(sandbox.s3())).await.status, 200);
}
