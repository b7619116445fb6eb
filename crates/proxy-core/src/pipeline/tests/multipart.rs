//! Uploads of unknown length in parts, against a store that responds as the test wants.

use super::*;

const KEYS: &str = "multipart = true\nlimits = { max_body = \"20MiB\" }";

const CREATED: &str = "<InitiateMultipartUploadResult><UploadId>a/b=</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str =
    "<CompleteMultipartUploadResult><ETag>&quot;whole-2&quot;</ETag></CompleteMultipartUploadResult>";
const LATE_ERROR: &str = "<Error><Code>InternalError</Code><Message>We failed.</Message></Error>";

fn stored(tag: &str) -> Reply {
    Reply::Say(format!(
        "HTTP/1.1 200 OK\r\netag: \"{tag}\"\r\ncontent-length: 0\r\n\r\n"
    ))
}

fn refused() -> Reply {
    let body = "<Error><Code>AccessDenied</Code></Error>";
    Reply::Say(format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// In chunks of a mebibyte.
fn chunked(length: usize) -> Vec<u8> {
    let body = vec![b'x'; length];
    let mut framed = Vec::new();
    for piece in body.chunks(1 << 20) {
        framed.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        framed.extend_from_slice(piece);
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    framed
}

const HEAD: &str = "PUT /b/k%20k HTTP/1.1\ntransfer-encoding: chunked\ncontent-type: text/plain\nif-none-match: *";

#[tokio::test]
async fn a_body_of_several_parts_becomes_an_upload_of_parts() {
    let mut service = Service::start(vec![ok(CREATED), stored("one"), stored("two"), ok(COMPLETED)]).await;
    let mut proxy = Proxy::s3(&service, KEYS).await;
    let response = proxy.ask(HEAD, &chunked(6 << 20)).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\netag: \"whole-2\"\r\n"), "{response}");
    assert!(response.contains("\r\ncontent-length: 0\r\n"), "{response}");
    let create = service.next().await;
    assert!(create.line.starts_with("POST /b/k%20k?uploads= "), "{}", create.line);
    assert_eq!(create.one("content-type"), "text/plain");
    assert!(!create.has("if-none-match"));
    let mut parts = [service.next().await, service.next().await];
    parts.sort_by_key(|part| std::cmp::Reverse(part.body.len()));
    for (part, (number, length)) in parts.iter().zip([(1, 5 << 20), (2, 1 << 20)]) {
        let line = format!("PUT /b/k%20k?partNumber={number}&uploadId=a%2Fb%3D ");
        assert!(part.line.starts_with(&line), "{}", part.line);
        assert_eq!(part.body.len(), length);
        assert_eq!(part.one("x-amz-content-sha256").len(), 64);
        assert!(!part.has("content-type"));
    }
    let complete = service.next().await;
    assert!(complete.line.starts_with("POST /b/k%20k?uploadId=a%2Fb%3D "));
    assert_eq!(complete.one("if-none-match"), "*");
    let document = String::from_utf8(complete.body).unwrap();
    let first = document.find("<PartNumber>1</PartNumber>").unwrap();
    assert!(first < document.find("<PartNumber>2</PartNumber>").unwrap());
    service.saw_nothing();
    let record = proxy.record().await;
    assert_eq!((record.attempts, record.bytes_in), (4, 6 << 20));
}

#[tokio::test]
async fn a_body_of_one_part_stays_a_put() {
    for length in [1, 5 << 20] {
        let mut service = Service::start(vec![]).await;
        let proxy = Proxy::s3(&service, KEYS).await;
        let response = proxy.ask(HEAD, &chunked(length)).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        let seen = service.next().await;
        assert!(seen.line.starts_with("PUT /b/k%20k HTTP"), "{}", seen.line);
        assert_eq!(seen.body.len(), length);
    }
}

#[track_caller]
fn assert_aborts(seen: &Seen) {
    assert!(
        seen.line.starts_with("DELETE /b/k%20k?uploadId=a%2Fb%3D "),
        "{}",
        seen.line
    );
}

#[tokio::test]
async fn whatever_fails_the_upload_is_aborted() {
    for (replies, status, requests) in [
        (vec![ok(CREATED), refused(), stored("two")], "403 Forbidden", 2..=3),
        (
            vec![ok(CREATED), stored("one"), stored("two"), refused()],
            "403 Forbidden",
            4..=4,
        ),
        (
            vec![ok(CREATED), stored("one"), stored("two"), ok(LATE_ERROR)],
            "500 Internal Server Error",
            4..=4,
        ),
    ] {
        let mut service = Service::start(replies).await;
        let proxy = Proxy::s3(&service, KEYS).await;
        let response = proxy.ask(HEAD, &chunked(6 << 20)).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{response}");
        assert!(response.contains("<Code>"), "{response}");
        let mut seen = service.next().await;
        let mut count = 0;
        while !seen.line.starts_with("DELETE") {
            count += 1;
            seen = service.next().await;
        }
        assert_aborts(&seen);
        assert!(requests.contains(&count), "{status}: {count} requests");
    }
}

#[tokio::test]
async fn an_upload_that_is_refused_at_once_is_not_aborted() {
    let mut service = Service::start(vec![refused()]).await;
    let proxy = Proxy::s3(&service, KEYS).await;
    let response = proxy.ask(HEAD, &chunked(6 << 20)).await;
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    service.next().await;
    service.saw_nothing();
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused_and_forgotten() {
    let mut service = Service::start(vec![ok(CREATED), stored("1"), stored("2"), stored("3"), stored("4")]).await;
    let proxy = Proxy::s3(&service, KEYS).await;
    let response = proxy.ask(HEAD, &chunked(21 << 20)).await;
    assert_refused(&response, 413, "body-too-large");
    let mut seen = service.next().await;
    while !seen.line.starts_with("DELETE") {
        assert!(!seen.line.starts_with("POST /b/k%20k?uploadId"), "{}", seen.line);
        seen = service.next().await;
    }
    assert_aborts(&seen);
}

#[tokio::test]
async fn a_client_that_leaves_has_its_parts_forgotten() {
    let mut service = Service::start(vec![ok(CREATED), stored("one")]).await;
    let proxy = Proxy::s3(&service, KEYS).await;
    let head = format!("{}\r\nhost: localhost\r\n\r\n", HEAD.replace('\n', "\r\n"));
    let mut stream = proxy.send(head.as_bytes()).await;
    let body = chunked(6 << 20);
    stream.write_all(&body[..body.len() - 5]).await.unwrap();
    for want in ["POST", "PUT"] {
        let seen = service.next().await;
        assert!(seen.line.starts_with(want), "{}", seen.line);
    }
    drop(stream);
    assert_aborts(&service.next().await);
}
