use http::Response;

use super::*;

#[track_caller]
fn check_body(body: impl AsRef<[u8]>, want: Option<Rejection>) {
    let body = body.as_ref();
    assert_eq!(
        in_body(StatusCode::FORBIDDEN, &HeaderMap::new(), body),
        want,
        "{}",
        String::from_utf8_lossy(body)
    );
}

#[test]
fn each_class_of_errors_has_its_reaction() {
    for (code, want) in [
        ("ExpiredToken", Some(Rejection::Credentials)),
        ("ExpiredTokenException", Some(Rejection::Credentials)),
        ("InvalidAccessKeyId", Some(Rejection::Credentials)),
        ("InvalidClientTokenId", Some(Rejection::Credentials)),
        ("InvalidToken", Some(Rejection::Credentials)),
        ("TokenRefreshRequired", Some(Rejection::Credentials)),
        ("UnrecognizedClientException", Some(Rejection::Credentials)),
        ("RequestExpired", Some(Rejection::Expired)),
        ("RequestTimeTooSkewed", Some(Rejection::Time)),
        ("RequestInTheFuture", Some(Rejection::Time)),
        ("SignatureDoesNotMatch", Some(Rejection::Signature)),
        ("InvalidSignatureException", Some(Rejection::Signature)),
        ("MissingAuthenticationToken", None),
        ("AuthorizationHeaderMalformed", None),
        ("AccessDenied", None),
        ("ThrottlingException", None),
        ("InventedByAService", None),
    ] {
        check_body(format!("<Error><Code>{code}</Code><Message>no</Message></Error>"), want);
        check_body(
            format!(r#"{{"__type":"com.amazon.coral.service#{code}","Message":"no"}}"#),
            want,
        );
    }
}

#[test]
fn wrong_time_is_read_from_the_message_where_no_code_stands_for_it() {
    for message in [
        "Signature expired: 20261123T000000Z is now earlier than 20261123T005500Z (20261123T010000Z - 5 min.)",
        "Signature not yet current: 20261123T020000Z is still later than 20261123T010500Z (20261123T010000Z + 5 min.)",
    ] {
        check_body(
            format!("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>{message}</Message></Error>"),
            Some(Rejection::Time),
        );
        check_body(
            format!(r#"{{"__type":"InvalidSignatureException","message":"{message}"}}"#),
            Some(Rejection::Time),
        );
    }
}

#[test]
fn ec2_has_one_code_for_keys_signatures_and_other_peoples_images() {
    let ec2 = |message: &str| {
        format!(
            "<Response><Errors><Error><Code>AuthFailure</Code><Message>{message}</Message></Error></Errors></Response>"
        )
    };
    check_body(
        ec2("AWS was not able to validate the provided access credentials"),
        Some(Rejection::Credentials),
    );
    check_body(ec2("Not authorized for images: [ami-1]"), None);
}

#[test]
fn other_errors_and_other_texts_are_none_of_our_business() {
    for body in [
        &b"<Error><Code>AccessDenied</Code></Error>"[..],
        b"<Error><Code>ExpiredToken",
        br#"{"__type":"AccessDeniedException","message":"ExpiredToken"}"#,
        br#"{"message":"<Code>ExpiredToken</Code>"}"#,
        br#"{"__type":7}"#,
        b"{",
        b"[\"ExpiredToken\"]",
        b"ExpiredToken",
        b"<\xff<Code>ExpiredToken</Code>",
        b"\xbf\x66__type\x78\xffExpired",
        b"\xbf\x66__type",
        b"\xbf",
        b" ",
        b"",
    ] {
        check_body(body, None);
    }
}

#[track_caller]
fn check_head(method: &Method, status: u16, headers: &[(&str, &str)], want: InHead) {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let (head, ()) = response.body(()).unwrap().into_parts();
    assert_eq!(
        in_head(method, head.status, &head.headers),
        want,
        "{method} {status} {headers:?}"
    );
}

#[test]
fn a_head_that_names_the_error_spares_the_body() {
    use InHead::{All, Body, Nothing};
    let long = "ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/";
    for (header, want) in [
        (("x-amzn-errortype", long), All(Rejection::Credentials)),
        (
            ("x-amzn-errortype", "aws.protocols#ExpiredTokenException"),
            All(Rejection::Credentials),
        ),
        (
            ("x-amzn-query-error", "InvalidClientTokenId;Sender"),
            All(Rejection::Credentials),
        ),
        (("x-amzn-errortype", "AccessDeniedException"), Nothing),
        (("x-amzn-errortype", "InvalidSignatureException"), Body),
        (("x-amzn-requestid", "1"), Body),
    ] {
        check_head(&Method::POST, 400, &[header], want);
    }
}

#[test]
fn only_small_error_responses_in_a_known_form_are_read() {
    use InHead::{Body, Nothing};
    for (status, headers, want) in [
        (403, vec![], Body),
        (
            401,
            vec![("content-type", "text/xml;charset=UTF-8"), ("content-length", "65536")],
            Body,
        ),
        (400, vec![("content-type", "application/x-amz-json-1.0")], Body),
        (
            400,
            vec![("content-type", "application/cbor"), ("content-encoding", "identity")],
            Body,
        ),
        (403, vec![("content-length", "65537")], Nothing),
        (403, vec![("content-length", "99999999999999999999999")], Nothing),
        (403, vec![("content-type", "text/html")], Nothing),
        (403, vec![("content-encoding", "gzip")], Body),
        (403, vec![("content-encoding", "br")], Nothing),
        (200, vec![], Nothing),
        (404, vec![], Nothing),
        (500, vec![], Nothing),
    ] {
        check_head(&Method::GET, status, &headers, want);
    }
}

#[test]
fn response_to_head_has_its_status_alone() {
    use InHead::{All, Nothing};
    for (status, headers, want) in [
        (403, vec![], All(Rejection::PerhapsTime)),
        (400, vec![], All(Rejection::PerhapsToken)),
        (400, vec![("x-amz-bucket-region", "eu-west-1")], Nothing),
        (401, vec![], Nothing),
        (404, vec![], Nothing),
        (
            400,
            vec![("x-amzn-errortype", "ExpiredTokenException")],
            All(Rejection::Credentials),
        ),
        (400, vec![("x-amzn-errortype", "InvalidSignatureException")], Nothing),
    ] {
        check_head(&Method::HEAD, status, &headers, want);
    }
}
