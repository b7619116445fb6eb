//! What the record of a request says of AWS's error, of the keys that signed it, and of its client.

use super::*;
use crate::metrics::RequestSample;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn reply(status: u16, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Say(format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))
}

/// What a service's response is called in the record and in the metrics.
async fn check(service: &str, method: &str, reply: Reply, want: Option<&str>, counted: &str) {
    let upstream = Service::start(vec![reply]).await;
    let mut proxy = Proxy::of(service, &upstream, "").await;
    proxy.ask(&format!("{method} /b/k HTTP/1.1"), b"").await;
    let record = proxy.record().await;
    assert_eq!(record.aws_error.as_deref(), want, "{record:?}");
    assert_eq!(record.error, None);
    let line = format!("signing_proxy_aws_errors_total{{connection=\"\",{counted}}} 1");
    // The tests' own observer counts nothing: what the proxy's counts is looked at by hand.
    proxy.metrics.request_ended(&RequestSample {
        connection: None,
        service: None,
        method: &record.method,
        status: record.status,
        error: None,
        aws_error: record.aws_error.as_deref(),
        upstream_head: record.timings.upstream_head,
        total: record.timings.total,
        request_bytes: record.bytes_in,
        response_bytes: record.bytes_out,
    });
    let metrics = proxy.metrics.encode().unwrap();
    assert!(metrics.contains(&line), "{line} is not in {metrics}");
}

#[tokio::test]
async fn errors_are_recorded_by_awss_code() {
    let denied = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>m</Message></Error>";
    let typed =
        "x-amzn-errortype: ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/\r\n";
    let json = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m"}"#;
    let unknown = "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code></Error></Errors></Response>";
    for (service, method, reply, want, counted) in [
        (
            "s3",
            "GET",
            reply(403, "", denied),
            Some("AccessDenied"),
            r#"class="access-denied",code="AccessDenied""#,
        ),
        (
            "s3",
            "GET",
            reply(403, "", "<Error><Code>SignatureDoesNotMatch</Code></Error>"),
            Some("SignatureDoesNotMatch"),
            r#"class="signature",code="SignatureDoesNotMatch""#,
        ),
        (
            "s3",
            "PUT",
            reply(503, "", "<Error><Code>SlowDown</Code></Error>"),
            Some("SlowDown"),
            r#"class="throttled",code="SlowDown""#,
        ),
        (
            "s3",
            "GET",
            reply(301, "", "<Error><Code>PermanentRedirect</Code></Error>"),
            Some("PermanentRedirect"),
            r#"class="redirect",code="PermanentRedirect""#,
        ),
        (
            "bedrock-runtime",
            "POST",
            reply(429, typed, "{}"),
            Some("ThrottlingException"),
            r#"class="throttled",code="ThrottlingException""#,
        ),
        (
            "dynamodb",
            "POST",
            reply(400, "", json),
            Some("ConditionalCheckFailedException"),
            r#"class="conflict",code="ConditionalCheckFailedException""#,
        ),
        (
            "ec2",
            "POST",
            reply(400, "", unknown),
            Some("InvalidInstanceID.NotFound"),
            r#"class="client",code="other""#,
        ),
        (
            "s3",
            "HEAD",
            reply(503, "", ""),
            None,
            r#"class="throttled",code="none""#,
        ),
    ] {
        check(service, method, reply, want, counted).await;
    }
}

#[tokio::test]
async fn looking_for_a_code_neither_delays_nor_changes_the_response() {
    let (sender, pieces) = mpsc::channel(1);
    let pieces = Arc::new(tokio::sync::Mutex::new(pieces));
    let head = "HTTP/1.1 503 X\r\ncontent-length: 70\r\n\r\n".to_owned();
    let service = Service::start(vec![Reply::Stream(head, pieces)]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let mut client = proxy.send(b"GET /b/k HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    // The head comes before any of the body, and each piece before the next one.
    read_until(&mut client, "\r\n\r\n").await;
    sender.send("<Error><Code>Slow").await.unwrap();
    assert_eq!(read_until(&mut client, "Slow").await, "<Error><Code>Slow");
    sender.send("Down</Code><Message>A message</Message>").await.unwrap();
    read_until(&mut client, "</Message>").await;
    sender.send("<a></a></Error>   ").await.unwrap();
    drop(sender);
    drop(client);
    assert_eq!(proxy.record().await.aws_error.as_deref(), Some("SlowDown"));
}

#[tokio::test]
async fn the_body_of_a_success_is_never_read_for_a_code() {
    let service = Service::start(vec![ok("<Error><Code>SlowDown</Code></Error>")]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    proxy.ask("GET /b/k HTTP/1.1", b"").await;
    assert_eq!(proxy.record().await.aws_error, None);
}

#[tokio::test]
async fn a_request_is_recorded_with_the_key_that_signed_it() {
    let service = Service::start(vec![ok("")]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    proxy.ask("GET /b/k HTTP/1.1", b"").await;
    let record = proxy.record().await;
    let signed_by = record.signed_by.clone().unwrap();
    assert_eq!(signed_by.access_key_id().as_str(), "AKIDEXAMPLE");
    assert_eq!(signed_by.session_name(), None);
    assert!(!format!("{record:?}").contains("wJalr"));
    // Nobody's, where none was signed.
    proxy.ask_at("a.example", "GET /b/k HTTP/1.1", b"").await;
    let record = proxy.record().await;
    assert!(record.error.is_some() && record.signed_by.is_none(), "{record:?}");
}

#[tokio::test]
async fn a_request_that_was_never_signed_is_nobodys() {
    let service = Service::start(vec![ok("")]).await;
    let mut proxy = Proxy::s3(&service, "limits = { memory_body = \"1KiB\", max_body = \"10KiB\" }").await;
    let body = vec![b'a'; 20 * 1024];
    proxy
        .ask(&format!("PUT /b/k HTTP/1.1\ncontent-length: {}", body.len()), &body)
        .await;
    let record = proxy.record().await;
    assert!(record.timings.credentials.is_some(), "{record:?}");
    assert_eq!((record.error, record.attempts), (Some(ErrorCode::BodyTooLarge), 0));
    assert!(record.signed_by.is_none(), "{record:?}");
}

#[tokio::test]
async fn the_trace_of_a_client_reaches_the_service_unsigned_and_the_record() {
    let mut service = Service::start(vec![ok("")]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    let head = format!(
        "GET /b/k HTTP/1.1\ntraceparent: {TRACE}\ntracestate: a=b\nx-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793\n\
         user-agent: aws-cli/2.9"
    );
    proxy.ask(&head, b"").await;
    let seen = service.next().await;
    assert_eq!(seen.one("traceparent"), TRACE);
    assert_eq!(seen.one("tracestate"), "a=b");
    assert_eq!(seen.one("x-amzn-trace-id"), "Root=1-5759e988-bd862e3fe1be46a994272793");
    let authorization = seen.one("authorization");
    assert!(!authorization.contains("trace"), "{authorization}");
    let record = proxy.record().await;
    assert_eq!(record.trace_id.unwrap().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(record.user_agent.as_deref(), Some("aws-cli/2.9"));
}

#[tokio::test]
async fn an_invalid_trace_passes_and_is_not_recorded() {
    let mut service = Service::start(vec![ok("")]).await;
    let mut proxy = Proxy::s3(&service, "").await;
    proxy.ask("GET /b/k HTTP/1.1\ntraceparent: 00-0-0-01", b"").await;
    assert_eq!(service.next().await.one("traceparent"), "00-0-0-01");
    assert_eq!(proxy.record().await.trace_id, None);
}
