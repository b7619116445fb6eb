//! Something else than the service listens at the endpoint, or nobody can say whether it does.

use std::sync::Arc;

use sandbox::principals::REPORTER;
use signing_proxy::check::{Outcome, ResponsibleParty, StepKind, Style, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{access_key, assert_blames, assert_fails, at, check, connection};

/// A server that sends these bytes to each client that has sent a head, and closes.
async fn server_of(response: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(respond(client, response.clone()));
        }
    });
    format!("http://{address}")
}

async fn respond(mut client: TcpStream, response: Vec<u8>) {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    // What is no head of HTTP, such as a TLS greeting, has a zero in it.
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") && !head.contains(&0) {
        match client.read(&mut piece).await {
            Ok(length) if length > 0 => head.extend_from_slice(&piece[..length]),
            _ => break,
        }
    }
    let _ = client.write_all(&response).await;
    let _ = client.shutdown().await;
    // Closed before all of the request is read, the connection would be reset.
    while client.read(&mut piece).await.is_ok_and(|length| length > 0) {}
}

fn http(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}").into_bytes()
}

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head></html>";

#[tokio::test]
async fn what_is_no_service_never_passes() {
    let html = "content-type: text/html\r\n";
    let rows = [
        ("a web server", http("200 OK", html, HTML)),
        ("an empty success", http("200 OK", "", "")),
        (
            "a captive portal",
            http("302 Found", "location: http://portal.example/login?t=1\r\n", ""),
        ),
        (
            "a redirection to https",
            http("301 Moved Permanently", "location: https://localhost/\r\n", HTML),
        ),
        (
            "a login",
            http("401 Unauthorized", "www-authenticate: Basic realm=a\r\n", ""),
        ),
        ("a forbidden page", http("403 Forbidden", html, HTML)),
        ("no such page", http("404 Not Found", html, HTML)),
        ("another method", http("405 Method Not Allowed", "allow: POST\r\n", "")),
        (
            "a TLS port of Go",
            http(
                "400 Bad Request",
                "",
                "Client sent an HTTP request to an HTTPS server.\n",
            ),
        ),
        ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46".to_vec()),
        ("no HTTP", b"SSH-2.0-OpenSSH_10.0\r\n".to_vec()),
    ];
    for (what, response) in rows {
        for service in ["s3", "dynamodb"] {
            let endpoint = server_of(response.clone()).await;
            let report = check(&connection("it", &at(service, &endpoint), &access_key(&REPORTER))).await;
            let found: Vec<_> = report.steps.iter().filter_map(|step| step.outcome.finding()).collect();
            let parties: Vec<_> = found
                .iter()
                .flat_map(|finding| &finding.causes)
                .map(|cause| cause.party)
                .collect();
            assert_eq!(
                (report.verdict(), parties),
                (Verdict::Fails, vec![ResponsibleParty::Endpoint]),
                "{what}: {}",
                report.to_text(Style::Plain)
            );
        }
    }
}

#[tokio::test]
async fn a_tls_port_that_is_spoken_to_in_the_clear() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // It sends an alert to what is no TLS, and closes.
            let _ = acceptor.accept(client).await;
        }
    });
    let report = check(&connection(
        "it",
        &at("s3", &format!("http://{address}")),
        &access_key(&REPORTER),
    ))
    .await;
    assert_fails(&report, StepKind::Request, ResponsibleParty::Endpoint);
    let text = report.to_text(Style::Plain);
    assert!(text.contains("write https://"), "{text}");
}

#[tokio::test]
async fn an_s3_server_without_request_ids_works() {
    let body = "<?xml version='1.0'?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>";
    let endpoint = server_of(http("200 OK", "content-type: application/xml\r\n", body)).await;
    let report = check(&connection("it", &at("s3", &endpoint), &access_key(&REPORTER))).await;
    assert_blames(&report, Verdict::Works, &[]);
}

#[tokio::test]
async fn a_wrong_region_in_other_words_than_aws_s() {
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>Authorization header malformed, unexpected \
                scope: 20261129/us-east-1/s3/aws4_request</Message><Region>garage</Region></Error>";
    let endpoint = server_of(http("400 Bad Request", "", body)).await;
    let report = check(&connection("it", &at("s3", &endpoint), &access_key(&REPORTER))).await;
    assert_fails(&report, StepKind::Request, ResponsibleParty::Region);
    let text = report.to_text(Style::Plain);
    assert!(text.contains("garage is wanted"), "{text}");
}

#[tokio::test]
async fn programs_of_somebody_are_not_checkable() {
    // They respond as no service does, and nobody is to be blamed for it.
    let page = server_of(http("200 OK", "", HTML)).await;
    for (service, party) in [
        ("vpc-lattice-svcs", ResponsibleParty::Service),
        ("execute-api", ResponsibleParty::Service),
        ("appsync", ResponsibleParty::Service),
        // Nothing is known to send to it, and `endpoint` may lead anywhere.
        ("sqs", ResponsibleParty::Endpoint),
    ] {
        let report = check(&connection("it", &at(service, &page), &access_key(&REPORTER))).await;
        assert_blames(&report, Verdict::Warns, &[(StepKind::Request, party)]);
        let request = report.steps.iter().find(|step| step.kind == StepKind::Request).unwrap();
        assert!(
            matches!(&request.outcome, Outcome::Warned(finding) if finding.what.starts_with("not checkable")),
            "{request:?}"
        );
    }
}
