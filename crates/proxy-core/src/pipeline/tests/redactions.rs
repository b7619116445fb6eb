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
    assert!(response.contains("credentials-rejected"), "{response}");
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

/// Of a body of which the code comes late, because it is slow or long, no more passes than what comes before.
#[tokio::test]
async fn what_comes_late_or_far_behind_breaks_off_before_it_shows_it() {
    let (release, pieces) = mpsc::channel(2);
    let head = "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<Erro\r\n";
    let stream = Reply::Stream(head.to_owned(), Arc::new(tokio::sync::Mutex::new(pieces)));
    let keys = "timeouts = { body_idle = \"2s\" }";
    let (_upstream, mut slow) = proxy("s3", stream, keys).await;
    // Sent when the beginning was given up: the head is on its way.
    let late = format!("r>{}", &s3_body()["<Error>".len()..]);
    let late: &'static str = Box::leak(format!("{:x}\r\n{late}\r\n0\r\n\r\n", late.len()).into_boxed_str());
    let mut client = TcpStream::connect(slow.addr).await.unwrap();
    client
        .write_all(b"GET /b/k HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"<Erro\r\n") {
        assert_ne!(client.read_buf(&mut response).await.unwrap(), 0);
    }
    release.send(late).await.unwrap();
    let _ = timeout(LONGEST_WAIT, client.read_to_end(&mut response)).await.unwrap();
    let response = String::from_utf8(response).unwrap();
    assert!(response.contains("<Message>no</Message>"), "{response}");
    assert!(
        !response.contains("AWSAccessKeyId") && !response.contains(TOKEN),
        "{response}"
    );
    assert!(!response.ends_with("0\r\n\r\n"), "it looks whole: {response}");
    assert_eq!(slow.record().await.outcome, Outcome::UpstreamBroke);

    let far = format!(
        "<Error><Pad>{}</Pad>{}",
        "x".repeat(100_000),
        &s3_body()["<Error>".len()..]
    );
    let (_upstream, mut far_behind) = proxy("s3", reply("403 Forbidden", "", &far), "").await;
    let response = far_behind.ask("GET /b/k HTTP/1.1", b"").await;
    assert!(response.ends_with("<Message>no</Message>"), "{}", &response[100_000..]);
    assert_eq!(far_behind.record().await.outcome, Outcome::UpstreamBroke);
    // A long one that is about something else passes.
    let other = format!(
        "<Error><Code>AccessDenied</Code><Pad>{}</Pad></Error>",
        "x".repeat(200_000)
    );
    let (_upstream, passing) = proxy("s3", reply("403 Forbidden", "", &other), "").await;
    assert_clean_of_nothing(&passing.ask("GET /b/k HTTP/1.1", b"").await, &other);
}

/// In a response of any status, in its body, its fields and its trailers: nothing else of it changes.
#[tokio::test]
async fn the_token_is_covered_in_every_response() {
    let stars = "*".repeat(TOKEN.len());
    for (status, service) in [
        ("200 OK", "execute-api"),
        ("301 Moved Permanently", "s3"),
        ("404 Not Found", "s3"),
        ("500 Internal Server Error", "s3"),
        ("403 Forbidden", "execute-api"),
        ("400 Bad Request", "s3"),
    ] {
        let body =
            format!("{{\"z\": 1e400, \"headers\": {{\"x\": \"{TOKEN}\", \"X-Amz-Security-Token\": \"{TOKEN}\"}}}}");
        let fields = format!("etag: \"a\"\r\nx-echo: {TOKEN}\r\n");
        let (_upstream, proxy) = proxy(service, reply(status, &fields, &body), "").await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        assert_clean(&response, &body.replace(TOKEN, &stars));
        assert!(
            response.contains("\r\netag: \"a\"\r\n") && !response.contains("x-echo"),
            "{response}"
        );
        let (left, right) = body.split_at(40 + TOKEN.len() / 2);
        let chunked = format!(
            "{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\nx-echo: {TOKEN}\r\n\r\n",
            left.len(),
            right.len()
        );
        let head = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}");
        let (_upstream, proxy) = super::redactions::proxy(service, Reply::Say(head), "").await;
        let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
        assert!(!response.contains(&TOKEN[TOKEN.len() / 2..]), "{response}");
        assert!(response.contains(&"*".repeat(TOKEN.len() / 2)), "{response}");
    }
}

/// Its gateway's errors are AWS's, everything else is its own.
#[tokio::test]
async fn an_applications_errors_stay_byte_for_byte() {
    let own = r#"{"z":1,"code":"InvalidToken","error":{"token-graph":[1,2],"sessionToken":"the-apps-own"},"a":12345678901234567890123}"#;
    for service in ["es", "execute-api"] {
        for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden"] {
            let fields = "etag: \"a\"\r\nx-amzn-errortype: InvalidSignatureException\r\n";
            let (_upstream, proxy) = proxy(service, reply(status, fields, own), "").await;
            let response = proxy.ask("GET /b/k HTTP/1.1", b"").await;
            assert_clean_of_nothing(&response, own);
            assert!(response.contains("\r\netag: \"a\"\r\n"), "{response}");
        }
    }
    let sentence = format!(
        "no.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:{TOKEN}'\n"
    );
    let body = serde_json::json!({ "message": sentence }).to_string();
    let (_upstream, proxy) = proxy("execute-api", reply("403 Forbidden", "", &body), "").await;
    assert_clean(&proxy.ask("GET /b/k HTTP/1.1", b"").await, r#"{"message":"no."}"#);
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
