//! Mistakes that only the server shows.

use std::sync::Arc;

use sandbox::principals::REPORTER;
use sandbox::{Sandbox, SandboxSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{By, Seen, checked, connection, keys};

/// What `check` says of the service, and of what is none.
pub(super) async fn rows(seen: &mut Seen) {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let s3 = format!("http://{}", sandbox.s3());
    let (id, secret) = (REPORTER.access_key_id, REPORTER.secret_access_key);
    let words = "the service does not know the access key id: mistyped, deleted, deactivated, or of another server.";
    let unknown = checked_at(&s3, "AKIAIOSFODNN7EXAMPLE", secret).await;
    seen.row("a wrong access key id", By::Check, &unknown, words);
    let words = "the secret access key is not the one that belongs to the id: look for a cut or padded copy.";
    seen.row(
        "a wrong secret",
        By::Check,
        &checked_at(&s3, id, &"x".repeat(40)).await,
        words,
    );

    let page = server_of("200 OK\r\ncontent-type: text/html", "<html><body>Welcome</body></html>").await;
    let words = "200 OK with a page of HTML: not a response of s3";
    seen.row(
        "`endpoint` of a web server",
        By::Check,
        &checked_at(&page, id, secret).await,
        words,
    );
    let portal = server_of("302 Found\r\nlocation: https://portal.example/login?a=b", "").await;
    let words = "302 Found with nothing in it, to https://portal.example: not a response of s3";
    seen.row(
        "`endpoint` behind a captive portal",
        By::Check,
        &checked_at(&portal, id, secret).await,
        words,
    );
    let login = server_of("401 Unauthorized\r\nwww-authenticate: Basic", "").await;
    let words = "401 Unauthorized with nothing in it: not a response of s3";
    seen.row(
        "`endpoint` of a server with a login",
        By::Check,
        &checked_at(&login, id, secret).await,
        words,
    );
    let words = "the port speaks TLS, and `endpoint` begins with http://: write https://.";
    let clear = tls_server().await;
    seen.row(
        "`http://` to a TLS port",
        By::Check,
        &checked_at(&clear, id, secret).await,
        words,
    );
    let garage = server_of(
        "400 Bad Request",
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>unexpected scope</Message><Region>garage</Region></Error>",
    );
    let words = "the signature is for the region us-east-1, and garage is wanted";
    let said = checked_at(&garage.await, id, secret).await;
    seen.row(
        "a region that is not the S3-compatible server's",
        By::Check,
        &said,
        words,
    );
}

/// What `check` says of keys at an endpoint.
async fn checked_at(endpoint: &str, id: &str, secret: &str) -> String {
    let at = connection("s3", "us-east-1", &format!("endpoint = \"{endpoint}\""));
    checked(&(at + &keys(id, secret))).await
}

/// A server that gives each client this response.
async fn server_of(head: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut piece = [0; 8192];
            let _ = client.read(&mut piece).await;
            let response = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = client.write_all(response.as_bytes()).await;
            let _ = client.shutdown().await;
            while client.read(&mut piece).await.is_ok_and(|length| length > 0) {}
        }
    });
    format!("http://{address}")
}

/// A server that speaks TLS alone; its URL begins with `http://`.
async fn tls_server() -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let _ = acceptor.accept(client).await;
        }
    });
    format!("http://{address}")
}
