//! Services over TLS.

use std::io::Write as _;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate of the host's own, and the file that vouches for it.
pub(super) fn acceptor(host: &str, protocols: &[&str]) -> (TlsAcceptor, tempfile::NamedTempFile) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(cert.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), file)
}

/// A service on `localhost` with a certificate of its own, and the file that vouches for it.
pub(super) async fn tls_service(protocols: &[&str]) -> (Service, tempfile::NamedTempFile) {
    let (acceptor, file) = acceptor("localhost", protocols);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (seen_sender, seen) = mpsc::unbounded_channel();
    let (_, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), seen_sender.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    serve_http2(stream, seen).await;
                } else {
                    serve(stream, &Mutex::default(), &seen).await;
                }
            });
        }
    });
    (
        Service {
            addr,
            seen,
            connections,
            replies: Arc::default(),
            knows_expect: Arc::default(),
        },
        file,
    )
}

async fn serve_http2<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: T, seen: mpsc::UnboundedSender<Seen>) {
    use http_body_util::{BodyExt, Empty};
    let service = service_fn(move |request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (head, body) = request.into_parts();
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let line = format!("{} {} {:?}", head.method, head.uri, head.version);
            let headers = headers.collect();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            seen.send(Seen { line, headers, body }).unwrap();
            Ok::<_, std::convert::Infallible>(Response::new(Empty::<bytes::Bytes>::new()))
        }
    });
    let server = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

pub(super) async fn proxy_for(
    addr: SocketAddr,
    name: &str,
    ca_file: Option<&tempfile::NamedTempFile>,
    more: &str,
) -> Proxy {
    let port = addr.port();
    let ca = ca_file.map_or(String::new(), |file| {
        format!("[upstream]\nca_file = {:?}\n", file.path())
    });
    Proxy::start(&format!(
        "[connections.c]\nservice = \"{name}\"\nregion = \"eu-west-1\"\nendpoint = \"https://localhost:{port}\"\n{more}\n\
         [connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\n\
         secret_access_key = \"literal:wJalrXUtnFEMI\"\n{ca}"
    ))
    .await
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_a_bad_gateway_of_its_own_kind() {
    let (mut service, ca_file) = tls_service(&[]).await;
    let proxy = proxy_for(service.addr, "s3", None, "").await;
    assert_refused(&proxy.ask("GET /b/k HTTP/1.1", b"").await, 502, "upstream-tls");
    service.saw_nothing();
    let proxy = proxy_for(service.addr, "s3", Some(&ca_file), "").await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn http_2_is_used_where_the_service_has_it_and_the_host_is_said_once() {
    let (mut service, ca_file) = tls_service(&["h2", "http/1.1"]).await;
    let proxy = proxy_for(service.addr, "bedrock-runtime", Some(&ca_file), "").await;
    let response = proxy
        .ask("POST /model/a%3Ab/invoke HTTP/1.1\ncontent-length: 2", b"{}")
        .await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let seen = service.next().await;
    let url = format!("https://localhost:{}/model/a%3Ab/invoke", service.addr.port());
    assert_eq!(seen.line, format!("POST {url} HTTP/2.0"));
    assert!(!seen.has("host") && seen.has("authorization"));
    assert_eq!(seen.body, b"{}");
}

#[tokio::test]
async fn s3_is_reached_by_http_1_1() {
    let (mut service, ca_file) = tls_service(&["h2", "http/1.1"]).await;
    let proxy = proxy_for(service.addr, "s3", Some(&ca_file), "").await;
    proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_eq!(service.next().await.line, "GET /b/k HTTP/1.1");
}

#[tokio::test]
async fn an_unsigned_payload_is_passed_on_as_it_comes() {
    let (mut service, ca_file) = tls_service(&[]).await;
    for (mode, header) in [("unsigned", ""), ("auto", "\nx-amz-content-sha256: UNSIGNED-PAYLOAD")] {
        let proxy = proxy_for(service.addr, "s3", Some(&ca_file), &format!("payload = \"{mode}\"")).await;
        let head = format!("PUT /b/k HTTP/1.1\ncontent-length: 5{header}");
        let response = proxy.ask(&head, b"hello").await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        let seen = service.next().await;
        assert_eq!(seen.one("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        assert_eq!(
            (seen.one("content-length"), seen.body.as_slice()),
            ("5", b"hello".as_slice())
        );
    }
}

#[tokio::test]
async fn a_client_that_stops_in_an_unsigned_payload_gets_an_error() {
    let (service, ca_file) = tls_service(&[]).await;
    let more = "payload = \"unsigned\"\ntimeouts = { body_idle = \"1s\" }";
    let mut proxy = proxy_for(service.addr, "s3", Some(&ca_file), more).await;
    let mut client = proxy
        .send(b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhello")
        .await;
    assert_refused(&read_all(&mut client).await, 408, "body-timeout");
    assert_eq!(proxy.record().await.bytes_in, 5);
}

#[tokio::test]
async fn a_multi_region_access_point_is_signed_for_every_region() {
    const HOST: &str = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com";
    let (acceptor, ca_file) = acceptor(HOST, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = listener.local_addr().unwrap();
    let (seen_sender, mut seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let connect = read_request(&mut stream).await.unwrap();
        assert_eq!(connect.line, format!("CONNECT {HOST}:443 HTTP/1.1"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        serve(acceptor.accept(stream).await.unwrap(), &Mutex::default(), &seen_sender).await;
    });
    let proxy = Proxy::start(&format!(
        "[connections.c]\nservice = \"s3\"\nregion = \"eu-west-1\"\npayload = \"streaming\"\n[connections.c.auth]\n\
         method = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"literal:wJalrXUtnFEMI\"\n\
         [upstream]\nca_file = {:?}\nhttps_proxy = \"http://{tunnel}\"\n",
        ca_file.path()
    ))
    .await;
    // More than a chunk: version 4a signs it whole.
    let body = vec![b'x'; 100_000];
    let head = format!("PUT http://{HOST}/k HTTP/1.1\ncontent-length: 100000");
    let response = proxy.ask_at(HOST, &head, &body).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let seen = timeout(LONGEST_WAIT, seen.recv()).await.unwrap().unwrap();
    assert_eq!((seen.line.as_str(), seen.one("host")), ("PUT /k HTTP/1.1", HOST));
    assert_eq!(seen.one("x-amz-region-set"), "*");
    assert_eq!(seen.one("x-amz-content-sha256").len(), 64);
    let authorization = seen.one("authorization");
    assert!(authorization.starts_with("AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/"));
    assert!(authorization.contains("/s3/aws4_request,"));
    assert!(authorization.contains(";x-amz-region-set,"));
    assert_eq!(seen.body, body);
}
