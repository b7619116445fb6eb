//! S3: objects go in and out, and what s3s does not check is checked.

use sandbox::principals::{BUCKET, REPORT_READER, REPORTER, ROBOT};
use sandbox::{KeyKind, Outcome, Reason, Sandbox, SandboxSettings};

use crate::sts::assume;
use crate::support::{Draft, Keys, send};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn start() -> Sandbox {
    Sandbox::start(SandboxSettings::default()).await.unwrap()
}

#[tokio::test]
async fn objects_are_put_got_listed_and_deleted() {
    let sandbox = start().await;
    let mut events = sandbox.events();
    let call = async |method, target: &str, body: &str| {
        let draft = Draft::new("s3", method, target).with_body(body);
        send(sandbox.s3(), draft.sign(sandbox.s3())).await
    };
    let key = format!("/{BUCKET}/reports/a%20b%2Bc.txt");
    assert_eq!(call("PUT", &key, "hello").await.status, 200);
    let got = call("GET", &key, "").await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (200, "hello"));
    assert!(got.headers.contains_key("x-amz-request-id"));
    let listed = call("GET", &format!("/{BUCKET}?list-type=2&prefix=reports%2F"), "").await;
    assert_eq!(listed.element("Key"), "reports/a b+c.txt");
    assert_eq!(call("DELETE", &key, "").await.status, 204);
    let gone = call("GET", &key, "").await;
    assert_eq!((gone.status.as_u16(), gone.code()), (404, "NoSuchKey"));
    assert_eq!(call("PUT", "/another-bucket", "").await.status, 200);
    assert_eq!(call("PUT", "/another-bucket/k", "").await.status, 200);

    let seen = events.drain();
    let put = &seen[0];
    assert_eq!((put.service, put.operation.as_deref()), ("s3", Some("PutObject")));
    assert_eq!(put.principal.as_deref(), Some(REPORTER.arn));
    assert_eq!(
        (put.key, put.region.as_deref()),
        (Some(KeyKind::LongTerm), Some("us-east-1"))
    );
    assert!(put.is_accepted());
    assert!(matches!(&seen[4].outcome, Outcome::Rejected { code, .. } if code == "NoSuchKey"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_listing_encodes_names_when_requested() {
    let sandbox = start().await;
    let put = Draft::new("s3", "PUT", &format!("/{BUCKET}/a%20b%2Bc%26d")).with_body("x");
    assert_eq!(send(sandbox.s3(), put.sign(sandbox.s3())).await.status, 200);
    for (query, key) in [
        ("list-type=2", "a b+c&amp;d"),
        ("encoding-type=url&list-type=2", "a%20b%2Bc%26d"),
        ("encoding-type=url", "a%20b%2Bc%26d"),
    ] {
        let list = Draft::new("s3", "GET", &format!("/{BUCKET}?{query}"));
        assert_eq!(
            send(sandbox.s3(), list.sign(sandbox.s3())).await.element("Key"),
            key,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_key_that_no_file_can_have_is_rejected_with_its_reason() {
    let sandbox = start().await;
    let put = Draft::new("s3", "PUT", &format!("/{BUCKET}/..//.")).with_body("x");
    let response = send(sandbox.s3(), put.sign(sandbox.s3())).await;
    assert_eq!((response.status.as_u16(), response.code()), (400, "InvalidRequest"));
    assert!(response.body.contains("objects as files"), "{}", response.body);
}

#[tokio::test]
async fn a_path_is_signed_decoded_and_encoded_strictly_however_it_was_sent() {
    let sandbox = start().await;
    let put = |signed: &str, sent: &str| {
        let mut request = Draft::new("s3", "PUT", &format!("/{BUCKET}/{signed}")).sign(sandbox.s3());
        *request.uri_mut() = format!("/{BUCKET}/{sent}").parse().unwrap();
        send(sandbox.s3(), request)
    };
    assert_eq!(put("a%40b%2Bc", "a@b+c").await.status, 200);
    assert_eq!(put("a%40b%2Bc", "a%40b%2bc").await.status, 200);
    // s3s alone would take this one.
    assert_eq!(put("a@b", "a@b").await.code(), "SignatureDoesNotMatch");
    assert_eq!(put("a%2bb", "a%2bb").await.code(), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn the_body_must_be_spoken_for() {
    let sandbox = start().await;
    let mut request = Draft::new("s3", "GET", &format!("/{BUCKET}")).sign(sandbox.s3());
    request.headers_mut().remove("x-amz-content-sha256");
    let rejected = send(sandbox.s3(), request).await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (400, "InvalidRequest"));
    let mut odd = Draft::new("s3", "GET", &format!("/{BUCKET}"));
    odd.payload = Some("SOMETHING");
    let rejected = send(sandbox.s3(), odd.sign(sandbox.s3())).await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (400, "InvalidArgument"));
}

#[tokio::test]
async fn a_bucket_may_be_in_the_host() {
    let sandbox = start().await;
    for host in [
        format!("{BUCKET}.s3.us-east-1.amazonaws.com"),
        format!("{BUCKET}.localhost:{}", sandbox.s3().port()),
    ] {
        let put = Draft::new("s3", "PUT", "/key").with_body(&host);
        assert_eq!(send(sandbox.s3(), put.sign(&host)).await.status, 200, "{host}");
        let get = Draft::new("s3", "GET", &format!("/{BUCKET}/key"));
        let path_style = send(sandbox.s3(), get.sign("s3.us-east-1.amazonaws.com")).await;
        assert_eq!(path_style.body, host);
    }
}

#[tokio::test]
async fn a_body_other_than_the_declared_one_is_rejected_and_not_kept() {
    let sandbox = start().await;
    let target = format!("/{BUCKET}/key");
    for (body, payload) in [
        ("hello", EMPTY),
        ("", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    ] {
        let mut put = Draft::new("s3", "PUT", &target).with_body(body);
        put.payload = Some(payload);
        let rejected = send(sandbox.s3(), put.sign(sandbox.s3())).await;
        assert_eq!(
            (rejected.status.as_u16(), rejected.code()),
            (400, "XAmzContentSHA256Mismatch"),
            "{body}"
        );
        let get = send(sandbox.s3(), Draft::new("s3", "GET", &target).sign(sandbox.s3())).await;
        assert_eq!(get.code(), "NoSuchKey");
    }
    let mut get = Draft::new("s3", "GET", &target).with_body("stray");
    get.payload = Some(EMPTY);
    assert_eq!(
        send(sandbox.s3(), get.sign(sandbox.s3())).await.code(),
        "XAmzContentSHA256Mismatch"
    );
}

#[tokio::test]
async fn an_unsigned_payload_and_a_whole_chunked_one_are_taken() {
    let sandbox = start().await;
    let target = format!("/{BUCKET}/key");
    let mut put = Draft::new("s3", "PUT", &target).with_body("anything");
    put.payload = Some("UNSIGNED-PAYLOAD");
    assert_eq!(send(sandbox.s3(), put.sign(sandbox.s3())).await.status, 200);

    let chunked = |body: &str| {
        let mut put = Draft::new("s3", "PUT", &target)
            .with_header("content-encoding", "aws-chunked")
            .with_header("x-amz-decoded-content-length", "5")
            .with_header("x-amz-trailer", "x-amz-checksum-crc32")
            .with_body(body);
        put.payload = Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
        put.sign(sandbox.s3())
    };
    let whole = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    assert_eq!(send(sandbox.s3(), chunked(whole)).await.status, 200);
    let got = send(sandbox.s3(), Draft::new("s3", "GET", &target).sign(sandbox.s3())).await;
    assert_eq!(got.body, "hello");
    let truncated = send(sandbox.s3(), chunked("5\r\nhello\r\n")).await;
    assert_eq!((truncated.status.as_u16(), truncated.code()), (400, "IncompleteBody"));
}

#[tokio::test]
async fn keys_of_sts_need_their_own_token() {
    let sandbox = start().await;
    let keys = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    let other = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    let check = async |token: Option<String>, status: u16, code: Option<&str>| {
        let keys = Keys { token, ..keys.clone() };
        let draft = Draft::new("s3", "GET", &format!("/{BUCKET}?list-type=2")).with_keys(keys);
        let response = send(sandbox.s3(), draft.sign(sandbox.s3())).await;
        assert_eq!(response.status.as_u16(), status, "{response:?}");
        assert_eq!(code.is_some().then(|| response.code()), code);
    };
    check(keys.token.clone(), 200, None).await;
    check(None, 400, Some("InvalidToken")).await;
    check(other.token, 400, Some("InvalidToken")).await;
}

#[tokio::test]
async fn base_keys_that_exist_to_assume_a_role_open_nothing() {
    let sandbox = start().await;
    let mut events = sandbox.events();
    let draft = Draft::new("s3", "GET", &format!("/{BUCKET}?list-type=2")).with_keys(ROBOT);
    let rejected = send(sandbox.s3(), draft.sign(sandbox.s3())).await;
    assert_eq!((rejected.status.as_u16(), rejected.code()), (403, "AccessDenied"));
    let event = events.try_next().unwrap();
    assert!(matches!(
        event.outcome,
        Outcome::Rejected {
            reason: Reason::AccessDenied,
            ..
        }
    ));
    assert_eq!(event.principal.as_deref(), Some(ROBOT.arn));
}

#[tokio::test]
async fn version_2_signatures_are_refused() {
    let sandbox = start().await;
    let mut request = Draft::new("s3", "GET", &format!("/{BUCKET}")).sign(sandbox.s3());
    let old = format!("AWS {}:c2lnbmF0dXJl", REPORTER.access_key_id);
    request.headers_mut().insert("authorization", old.parse().unwrap());
    let rejected = send(sandbox.s3(), request).await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.code()),
        (400, "AuthorizationHeaderMalformed")
    );
}
