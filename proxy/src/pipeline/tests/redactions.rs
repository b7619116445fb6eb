//! Error responses that show what the signature was made of.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const TOKEN: &str = "IQoJb3JpZ2luX2VjE//wEa+session-token==";

/// A proxy that signs with a session token.
async fn proxy(service: &str, reply: Reply, more: &str) -> (Service, Proxy) {
    let upstream = Service::start(vec![reply]).await;
    let addr = upstream.addr;
    let proxy = Proxy::start(&format!(
        "[connections.c]\nservice = \"{service}\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\"\n{more}\n\
         [connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"AKIDEXAMPLE\"\n\
         secret_access_key = \"literal:wJalrXUtnFEMI\"\nsession_token = \"literal:{TOKEN}\"\n"
    ))
    .await;
    (upstream, proxy)
}

fn reply(status: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Say(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
    ))
}

fn s3_body() -> String {
    format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId>\
         <StringToSign>AWS4-HMAC-SHA256\nx</StringToSign><CanonicalRequest>GET\n/b/k\n\nx-amz-security-token:{TOKEN}\n\n\
         x\ny</CanonicalRequest><CanonicalRequestBytes>47 45 54</CanonicalRequestBytes><HostId>H</HostId></Error>"
    )
}

const CLEAN: &str = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><HostId>H</HostId></Error>";

#[track_caller]
fn assert_clean(response: &str, body: &str) {
    let (head, found) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!(found, body, "{response}");
    assert!(
        head.contains(&format!("\r\ncontent-length: {}", body.len())),
        "{response}"
    );
    assert!(
        !head.contains("transfer-encoding") && !head.contains(TOKEN),
        "{response}"
    );
}

#[tokio::test]
async fn a_rejected_signature_shows_a_client_nothing_of_it() {
    let body = s3_body();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for sent in [
        reply(
            "403 Forbidden",
            "content-md5: x\r\netag: \"a\"\r\nx-amz-request-id: R\r\n",
            &body,
        ),
        reply(
            "400 Bad Request",
            "content-type: text/html\r\nx-amz-request-id: R\r\n",
            &body,
        ),
        Reply::Say(format!(
            "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: R\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
        )),
        reply(
            "403 Forbidden",
            &format!("x-amz-request-id: R\r\nx-amzn-errormessage: {TOKEN}\r\n"),
            &body,
        ),
    ] {
        let (_upstream, mut proxy) = proxy("s3", sent, "").await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert_clean(&response, CLEAN);
        assert!(response.contains("\r\nx-amz-request-id: R\r\n"), "{response}");
        assert!(
            !response.contains("etag") && !response.contains("content-md5"),
            "{response}"
        );
        let record = proxy.record().await;
        assert_eq!(
            (record.bytes_out, record.outcome),
            (CLEAN.len() as u64, Outcome::Complete)
        );
    }
}

#[tokio::test]
async fn json_loses_it_from_its_message() {
    let kept = "The request signature we calculated does not match the signature you provided.";
    let message = format!(
        "{kept}\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:{TOKEN}'\n"
    );
    let body = serde_json::json!({ "__type": "InvalidSignatureException", "message": message }).to_string();
    let (_upstream, proxy) = proxy("dynamodb", reply("400 Bad Request", "x-amz-crc32: 1\r\n", &body), "").await;
    let response = proxy.ask("POST / HTTP/1.1\ncontent-length: 2", b"{}").await;
    let want = serde_json::json!({ "__type": "InvalidSignatureException", "message": kept }).to_string();
    assert_clean(&response, &want);
    assert!(
        !response.contains("x-amz-crc32"),
        "a checksum of another body: {response}"
    );
}

/// The token of a session that S3 takes for expired, in the response to the second attempt too.
#[tokio::test]
async fn an_expired_token_is_not_shown() {
    let body = format!("<Error><Code>ExpiredToken</Code><Token-0>{TOKEN}</Token-0></Error>");
    let (_upstream, proxy) = proxy("s3", reply("400 Bad Request", "", &body), "").await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_clean(&response, "<Error><Code>ExpiredToken</Code></Error>");
    assert!(response.contains("credentials-refused"), "{response}");
}

#[tokio::test]
async fn one_that_is_too_long_is_replaced_and_one_that_breaks_off_is_cut() {
    let long = s3_body().replace("<HostId>", &format!("<Pad>{}</Pad><HostId>", "x".repeat(100_000)));
    let (_upstream, proxy_of_long) = proxy("s3", reply("403 Forbidden", "", &long), "").await;
    let response = proxy_of_long.ask("GET /b/k HTTP/1.1", b"").await;
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(
        body.starts_with("<Error><Code>SignatureDoesNotMatch</Code><Message>signing-proxy: "),
        "{body}"
    );
    assert_clean(&response, body);

    let fields = "HTTP/1.1 403 Forbidden\r\ncontent-length: 5000\r\n\r\n";
    let (_upstream, mut proxy) = proxy("s3", Reply::SayAndClose(format!("{fields}{}", s3_body())), "").await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(response.ends_with("<Message>no</Message>"), "{response}");
    assert_eq!(proxy.record().await.outcome, Outcome::UpstreamBroke);
}

#[tokio::test]
async fn a_client_that_signed_sees_what_the_service_computed() {
    let body = s3_body();
    let (_upstream, proxy) = proxy("s3", reply("403 Forbidden", "", &body), "presigned = \"pass\"").await;
    let head = "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00 HTTP/1.1";
    assert_clean_of_nothing(&proxy.ask(head, b"").await, &body);
}

#[track_caller]
fn assert_clean_of_nothing(response: &str, body: &str) {
    assert_eq!(response.split_once("\r\n\r\n").unwrap().1, body, "{response}");
}

#[tokio::test]
async fn packed_responses_are_looked_into() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(s3_body().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let head = format!(
            "HTTP/1.1 403 Forbidden\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            packed.len()
        );
        stream.write_all(&[head.as_bytes(), &packed].concat()).await.unwrap();
    });
    let proxy = Proxy::with(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\""
    ))
    .await;
    let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_clean(&response, CLEAN);
    assert!(!response.contains("content-encoding"), "{response}");
}
