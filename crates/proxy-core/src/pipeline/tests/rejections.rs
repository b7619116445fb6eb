//! Signatures that a service rejects: keys and clocks that are renewed, one retry, and what is said where there is none.

use std::time::SystemTime;

use auth_model::Clock;
use tempfile::TempDir;

use super::*;

/// A proxy whose keys are kept in files, and its service.
struct Stage {
    service: Service,
    proxy: Proxy,
    folder: TempDir,
}

const OLD: [&str; 2] = ["AKIAOLD", "old-token"];
const NEW: [&str; 2] = ["AKIANEW", "new-token"];

impl Stage {
    /// `more` are keys of the connection besides its service and endpoint.
    async fn new(service_name: &str, more: &str, replies: Vec<Reply>) -> Self {
        let service = Service::start(replies).await;
        let folder = TempDir::new().unwrap();
        let (addr, path) = (service.addr, folder.path().display());
        rotate(&folder, OLD);
        let config = format!(
            "[connections.c]\nservice = \"{service_name}\"\nregion = \"eu-west-1\"\nendpoint = \"http://{addr}\"\n{more}\n\
             [connections.c.auth]\nmethod = \"access-key\"\naccess_key_id = \"file:{path}/id\"\n\
             secret_access_key = \"literal:wJalrXUtnFEMI\"\nsession_token = \"file:{path}/token\"\n"
        );
        let proxy = Proxy::start(&config).await;
        Self { service, proxy, folder }
    }

    /// With a set that has been obtained, before its files have new keys in them.
    async fn rotated(service_name: &str, more: &str, replies: Vec<Reply>) -> Self {
        let replies = [vec![ok("warm")], replies].concat();
        let mut stage = Self::new(service_name, more, replies).await;
        assert!(stage.ask("GET /b/k HTTP/1.1").await.ends_with("warm"));
        stage.service.next().await;
        stage.proxy.record().await;
        rotate(&stage.folder, NEW);
        stage
    }

    async fn ask(&self, head: &str) -> String {
        self.proxy.ask(head, b"").await
    }

    async fn attempts(&mut self) -> u8 {
        self.proxy.record().await.attempts
    }

    fn retries(&self, reason: &str) -> u64 {
        let text = self.proxy.metrics.encode().unwrap();
        let line = format!("signing_proxy_retries_total{{connection=\"c\",reason=\"{reason}\"}} ");
        let count = text.lines().find_map(|found| found.strip_prefix(&line));
        count.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
    }

    fn skew(&self) -> i64 {
        let text = self.proxy.metrics.encode().unwrap();
        let line = "signing_proxy_clock_skew_seconds{connection=\"c\"} ";
        text.lines()
            .find_map(|found| found.strip_prefix(line))
            .unwrap()
            .parse()
            .unwrap()
    }
}

fn rotate(folder: &TempDir, [id, token]: [&str; 2]) {
    std::fs::write(folder.path().join("id"), id).unwrap();
    std::fs::write(folder.path().join("token"), token).unwrap();
}

#[track_caller]
fn assert_signed_by(seen: &Seen, [id, token]: [&str; 2]) {
    assert!(
        seen.one("authorization").contains(&format!("Credential={id}/")),
        "{seen:?}"
    );
    assert_eq!(seen.one("x-amz-security-token"), token);
}

/// An error response with a length.
fn error(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Say(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn s3_error(status: &str, code: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    error(status, "content-type: application/xml\r\n", &body)
}

fn expired() -> Reply {
    s3_error("400 Bad Request", "ExpiredToken")
}

/// The time so many seconds from now, as an HTTP date.
fn date(seconds: i64) -> String {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now: SystemTime = SystemClock.now();
    httpdate::fmt_http_date(if seconds < 0 { now - distance } else { now + distance })
}

fn skewed(code: &str, seconds: i64) -> Reply {
    let date = date(seconds);
    let body = format!("<Error><Code>{code}</Code><Message>The difference is too large.</Message></Error>");
    error("403 Forbidden", &format!("date: {date}\r\n"), &body)
}

/// Seconds from now to the time of the signature.
#[track_caller]
fn signed_ahead_by(seen: &Seen) -> i64 {
    let text = seen.one("x-amz-date");
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &text[..4],
        &text[4..6],
        &text[6..8],
        &text[9..11],
        &text[11..13],
        &text[13..15]
    );
    let signed = humantime::parse_rfc3339(&iso).unwrap();
    match signed.duration_since(SystemClock.now()) {
        Ok(ahead) => ahead.as_secs().try_into().unwrap(),
        Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap(),
    }
}

#[tokio::test]
async fn rotated_keys_are_read_again_and_the_request_signed_anew() {
    let json = |code: &str| {
        error(
            "400 Bad Request",
            "content-type: application/x-amz-json-1.0\r\n",
            &format!("{{\"__type\":\"x#{code}\"}}"),
        )
    };
    let ec2 = "<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error></Errors></Response>";
    let auth = "<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access credentials</Message></Error></Errors></Response>";
    let query = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code></Error></ErrorResponse>";
    for (service, rejection) in [
        ("s3", expired()),
        ("s3", s3_error("403 Forbidden", "InvalidAccessKeyId")),
        ("s3", s3_error("400 Bad Request", "InvalidToken")),
        ("s3", s3_error("403 Forbidden", "SignatureDoesNotMatch")),
        ("dynamodb", json("ExpiredTokenException")),
        ("dynamodb", json("UnrecognizedClientException")),
        ("dynamodb", json("InvalidSignatureException")),
        (
            "bedrock-runtime",
            error(
                "403 Forbidden",
                "x-amzn-errortype: ExpiredTokenException:http://x/\r\n",
                "{\"message\":\"no\"}",
            ),
        ),
        ("ec2", error("400 Bad Request", "", ec2)),
        ("ec2", error("401 Unauthorized", "", auth)),
        ("rds", error("403 Forbidden", "", query)),
    ] {
        let mut stage = Stage::rotated(service, "", vec![rejection.clone(), ok("second")]).await;
        let response = stage.proxy.ask("POST /b/k HTTP/1.1\ncontent-length: 4", b"body").await;
        assert!(
            response.starts_with("HTTP/1.1 200") && response.ends_with("second"),
            "{rejection:?}: {response}"
        );
        assert!(!response.contains("x-signing-proxy-error"), "{response}");
        for keys in [OLD, NEW] {
            let seen = stage.service.next().await;
            assert_signed_by(&seen, keys);
            assert_eq!(seen.body, b"body");
        }
        assert_eq!((stage.attempts().await, stage.retries("credentials")), (2, 1));
    }
}

#[tokio::test]
async fn keys_that_are_the_same_get_no_retry_and_the_response_a_notice() {
    let mut stage = Stage::new("s3", "", vec![expired(), expired()]).await;
    for _ in 0..2 {
        let response = stage.ask("GET /b/k HTTP/1.1").await;
        assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{response}");
        assert!(
            response.contains("\r\nx-signing-proxy-error: credentials-rejected\r\n"),
            "{response}"
        );
        assert!(
            response.ends_with("<Error><Code>ExpiredToken</Code><Message>no</Message></Error>"),
            "{response}"
        );
        let record = stage.proxy.record().await;
        assert_eq!(
            (record.attempts, record.error, record.notice),
            (1, None, Some(crate::error::Notice::CredentialsRejected))
        );
    }
    let mut stage = Stage::new("s3", "", vec![s3_error("403 Forbidden", "SignatureDoesNotMatch")]).await;
    let response = stage.ask("GET /b/k HTTP/1.1").await;
    assert!(
        !response.contains("x-signing-proxy-error"),
        "the request may be at fault: {response}"
    );
    assert_eq!(stage.attempts().await, 1);
}

#[tokio::test]
async fn keys_that_cannot_be_read_again_are_reported() {
    let mut stage = Stage::rotated("s3", "", vec![expired()]).await;
    std::fs::remove_file(stage.folder.path().join("token")).unwrap();
    let response = stage.ask("GET /b/k HTTP/1.1").await;
    assert!(
        response.contains("\r\nx-signing-proxy-error: credentials-not-renewed\r\n"),
        "{response}"
    );
    assert_eq!(stage.attempts().await, 1);
}

#[tokio::test]
async fn a_second_rejection_passes_as_it_is() {
    let mut stage = Stage::rotated("s3", "", vec![expired(), s3_error("400 Bad Request", "InvalidToken")]).await;
    let response = stage.ask("GET /b/k HTTP/1.1").await;
    assert!(
        response.contains("<Code>InvalidToken</Code>") && !response.contains("x-signing-proxy-error"),
        "{response}"
    );
    assert_eq!(stage.attempts().await, 2);
}

#[tokio::test]
async fn rejection_is_recovered_besides_the_retries_for_faults() {
    let mut stage = Stage::rotated("s3", "", vec![Reply::Close, expired(), ok("third")]).await;
    assert!(stage.ask("GET /b/k HTTP/1.1").await.ends_with("third"));
    assert_eq!((stage.attempts().await, stage.retries("stale-connection")), (3, 1));

    // The third connection that breaks off is one too many.
    for (faults, ends, attempts) in [(1, "fourth", 4), (2, "", 4)] {
        let mut replies = vec![Reply::Close, expired()];
        replies.extend(vec![Reply::Close; faults]);
        replies.push(ok("fourth"));
        let mut stage = Stage::rotated("s3", "", replies).await;
        let response = stage.ask("GET /b/k HTTP/1.1").await;
        if ends.is_empty() {
            assert_refused(&response, 502, "upstream-failed");
        } else {
            assert!(response.ends_with(ends), "{response}");
        }
        assert_eq!(stage.attempts().await, attempts);
        assert_eq!(stage.retries("connection-closed"), 1);
    }
}

#[tokio::test]
async fn a_body_that_is_gone_is_not_sent_again_and_the_next_request_is_signed_rightly() {
    let streamed = "payload = \"streaming\"";
    let head = "PUT /b/k HTTP/1.1\ncontent-length: 100000";
    let body = vec![b'x'; 100_000];
    let mut stage = Stage::rotated("s3", streamed, vec![expired()]).await;
    let response = stage.proxy.ask(head, &body).await;
    assert!(
        response.contains("\r\nx-signing-proxy-error: credentials-renewed-retry-not-possible\r\n"),
        "{response}"
    );
    assert!(
        response.ends_with("<Code>ExpiredToken</Code><Message>no</Message></Error>"),
        "{response}"
    );
    assert_eq!((stage.attempts().await, stage.retries("credentials")), (1, 0));
    stage.service.next().await;
    stage.proxy.ask(head, &body).await;
    assert_signed_by(&stage.service.next().await, NEW);

    let mut stage = Stage::new("s3", streamed, vec![skewed("RequestTimeTooSkewed", 3_600)]).await;
    let response = stage.proxy.ask(head, &body).await;
    assert!(
        response.contains("\r\nx-signing-proxy-error: clock-corrected-retry-not-possible\r\n"),
        "{response}"
    );
    stage.service.next().await;
    stage.proxy.ask(head, &body).await;
    assert!((3_590..=3_600).contains(&signed_ahead_by(&stage.service.next().await)));
}

#[tokio::test]
async fn the_services_time_is_learnt_and_signed_by() {
    let reported = "Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z";
    let by_message = |seconds| {
        let body = format!("{{\"__type\":\"InvalidSignatureException\",\"message\":\"{reported}\"}}");
        error("400 Bad Request", &format!("date: {}\r\n", date(seconds)), &body)
    };
    for (rejection, seconds) in [
        (skewed("RequestTimeTooSkewed", 3_600), 3_600),
        (skewed("RequestTimeTooSkewed", -7_200), -7_200),
        (skewed("RequestInTheFuture", -50_000), -50_000),
        (skewed("RequestExpired", 600), 600),
        (skewed("SignatureDoesNotMatch", 600), 600),
        (by_message(900), 900),
    ] {
        let mut stage = Stage::new("s3", "", vec![rejection.clone(), ok("second"), ok("third")]).await;
        assert!(
            stage.ask("GET /b/k HTTP/1.1").await.ends_with("second"),
            "{rejection:?}"
        );
        assert!(signed_ahead_by(&stage.service.next().await).abs() < 10);
        assert_eq!((stage.attempts().await, stage.retries("clock")), (2, 1));
        // The next one needs no retry.
        assert!(stage.ask("GET /b/k HTTP/1.1").await.ends_with("third"));
        for _ in 0..2 {
            let ahead = signed_ahead_by(&stage.service.next().await);
            assert!((ahead - seconds).abs() < 10, "{rejection:?}: {ahead}");
        }
        assert_eq!(stage.attempts().await, 1);
        assert!((stage.skew() - seconds).abs() < 10);
    }
}

#[tokio::test]
async fn a_clock_that_was_set_right_is_learnt_as_well() {
    let replies = vec![
        skewed("RequestTimeTooSkewed", 3_600),
        ok("a"),
        skewed("RequestTimeTooSkewed", 0),
        ok("b"),
    ];
    let mut stage = Stage::new("s3", "", replies).await;
    for (text, skew) in [("a", 3_600), ("b", 0)] {
        assert!(stage.ask("GET /b/k HTTP/1.1").await.ends_with(text));
        assert_eq!(stage.attempts().await, 2);
        assert!((stage.skew() - skew).abs() < 10);
    }
}

#[tokio::test]
async fn a_time_that_explains_nothing_is_not_followed() {
    let body = "<Error><Code>RequestTimeTooSkewed</Code></Error>";
    let cached = format!("date: {}\r\nage: 1\r\n", date(3_600));
    for rejection in [
        error("403 Forbidden", "", body),
        error("403 Forbidden", "date: yesterday\r\n", body),
        error("403 Forbidden", &cached, body),
        skewed("RequestTimeTooSkewed", 0),
        skewed("RequestTimeTooSkewed", 90_000),
        skewed("RequestTimeTooSkewed", -900_000),
    ] {
        let mut stage = Stage::new("s3", "", vec![rejection.clone()]).await;
        let response = stage.ask("GET /b/k HTTP/1.1").await;
        assert!(response.starts_with("HTTP/1.1 403"), "{response}");
        assert!(
            response.contains("\r\nx-signing-proxy-error: clock-not-corrected\r\n"),
            "{rejection:?}: {response}"
        );
        assert_eq!((stage.attempts().await, stage.skew()), (1, 0));
    }
}

#[tokio::test]
async fn a_rejected_head_request_is_judged_by_its_status() {
    let head = |status: &str, headers: String| Reply::Say(format!("HTTP/1.1 {status}\r\n{headers}\r\n"));
    let found = || head("200 OK", "x-amz-meta-a: 1\r\n".to_owned());
    let late = head("403 Forbidden", format!("date: {}\r\n", date(3_600)));
    let mut stage = Stage::new("s3", "", vec![late, found()]).await;
    assert!(stage.ask("HEAD /b/k HTTP/1.1").await.starts_with("HTTP/1.1 200"));
    assert_eq!((stage.attempts().await, stage.retries("clock")), (2, 1));

    for status in ["400 Bad Request", "403 Forbidden"] {
        let mut stage = Stage::rotated("s3", "", vec![head(status, String::new()), found()]).await;
        assert!(stage.ask("HEAD /b/k HTTP/1.1").await.starts_with("HTTP/1.1 200"));
        assert_eq!((stage.attempts().await, stage.retries("credentials")), (2, 1));
    }

    for (status, headers) in [
        ("400 Bad Request", "x-amz-bucket-region: us-east-1\r\n"),
        ("404 Not Found", ""),
    ] {
        let mut stage = Stage::rotated("s3", "", vec![head(status, headers.to_owned())]).await;
        let response = stage.ask("HEAD /b/k HTTP/1.1").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
        assert!(!response.contains("x-signing-proxy-error"), "{response}");
        assert_eq!(stage.attempts().await, 1);
    }
}

#[tokio::test]
async fn a_response_that_was_looked_into_passes_unchanged() {
    let long = format!(
        "<Error><Code>AccessDenied</Code><Message>{}</Message></Error>",
        "x".repeat(9_000)
    );
    let chunked = "10\r\n<Error><Code>Acc\r\n10\r\nessDenied</Code>\r\n8\r\n</Error>\r\n";
    let long_chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let in_chunks = |body: &str| {
        Reply::Say(format!(
            "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n{body}"
        ))
    };
    let packed = "content-encoding: br\r\n";
    for (rejection, want) in [
        (
            error("403 Forbidden", "", "<Error><Code>AccessDenied</Code></Error>"),
            "<Error><Code>AccessDenied</Code></Error>",
        ),
        (error("403 Forbidden", "", &long), long.as_str()),
        (
            error("403 Forbidden", packed, "<Error><Code>ExpiredToken</Code></Error>"),
            "<Error><Code>ExpiredToken</Code></Error>",
        ),
        (
            error("404 Not Found", "", "<Error><Code>ExpiredToken</Code></Error>"),
            "<Error><Code>ExpiredToken</Code></Error>",
        ),
        (
            error(
                "403 Forbidden",
                "content-type: text/html\r\n",
                "<Code>ExpiredToken</Code>",
            ),
            "<Code>ExpiredToken</Code>",
        ),
        (error("403 Forbidden", "", ""), ""),
    ] {
        let mut stage = Stage::rotated("s3", "", vec![rejection]).await;
        let response = stage.ask("GET /b/k HTTP/1.1").await;
        assert_eq!(response.split_once("\r\n\r\n").unwrap().1, want);
        assert!(
            response.contains(&format!("content-length: {}\r\n", want.len()))
                && !response.contains("x-signing-proxy-error")
        );
        let record = stage.proxy.record().await;
        assert_eq!((record.attempts, record.bytes_out), (1, want.len() as u64));
    }
    for (body, want) in [
        (
            format!("{chunked}0\r\n\r\n"),
            "<Error><Code>AccessDenied</Code></Error>",
        ),
        (long_chunk, long.as_str()),
    ] {
        let mut stage = Stage::rotated("s3", "", vec![in_chunks(&body)]).await;
        let response = stage.ask("GET /b/k HTTP/1.0").await;
        assert_eq!(response.split_once("\r\n\r\n").unwrap().1, want);
        assert_eq!(
            (stage.attempts().await, stage.proxy.metrics.encode().is_ok()),
            (1, true)
        );
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_breaks_off_for_the_client_too() {
    let cut = "HTTP/1.1 403 Forbidden\r\ncontent-length: 500\r\n\r\n<Error><Code>ExpiredToken</Code>";
    let mut stage = Stage::rotated("s3", "", vec![Reply::SayAndClose(cut.to_owned())]).await;
    let response = stage.ask("GET /b/k HTTP/1.1").await;
    assert!(response.ends_with("<Error><Code>ExpiredToken</Code>"), "{response}");
    let record = stage.proxy.record().await;
    assert_eq!((record.attempts, record.outcome), (1, Outcome::UpstreamBroke));
}

#[tokio::test]
async fn a_request_that_the_client_signed_is_none_of_our_business() {
    let mut stage = Stage::rotated("s3", "presigned = \"pass\"", vec![expired(), ok("second")]).await;
    let response = stage
        .ask("GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00 HTTP/1.1")
        .await;
    assert!(
        response.contains("<Code>ExpiredToken</Code>") && !response.contains("x-signing-proxy-error"),
        "{response}"
    );
    assert_eq!(stage.attempts().await, 1);
}

#[tokio::test]
async fn a_storm_of_rejections_sends_each_request_once() {
    let mut stage = Stage::new("s3", "", vec![expired(); 50]).await;
    for _ in 0..50 {
        let response = stage.ask("GET /b/k HTTP/1.1").await;
        assert!(response.contains("credentials-rejected"), "{response}");
        assert_eq!(stage.attempts().await, 1);
    }
}
