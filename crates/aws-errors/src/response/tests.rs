use http::HeaderName;
use proptest::prelude::*;

use super::*;
use crate::code::{MAX_CODE, is_code};
use crate::codes::known_codes;

/// The same error in each of AWS's forms. Code and message must not need to be escaped.
fn forms(code: &str, message: &str) -> Vec<Vec<u8>> {
    let long = format!("com.amazon.coral.service#{code}");
    let text = |text: &str| {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&[0x79][..], &length, text.as_bytes()].concat()
    };
    let cbor = [
        &b"\xbf\x66__type"[..],
        &text(&long),
        b"\x67message",
        &text(message),
        b"\xff",
    ]
    .concat();
    let written = [
        format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        format!(
            "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        ),
        format!(
            "<e:ErrorResponse xmlns:e=\"x\"><e:Error><e:Code>{code}</e:Code><e:Message>{message}</e:Message></e:Error></e:ErrorResponse>"
        ),
        format!("<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"),
        // What moto sends for STS.
        format!(
            "<ErrorResponse><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></ErrorResponse>"
        ),
        format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
        format!(r#" {{"__type":"{long}","Message":"{message}"}}"#),
        format!(r#"{{"message":"{message}","code":"{code}"}}"#),
        format!(r#"{{"Code":"{code}:http://internal.amazon.com/","errorMessage":"{message}"}}"#),
        format!(r#"{{"Error":{{"Type":"Sender","Code":"{code}","Message":"{message}"}},"RequestId":"1"}}"#),
        format!(r#"{{"Output":{{"__type":"{long}","message":"{message}"}},"Version":"1.0"}}"#),
    ];
    written.into_iter().map(String::into_bytes).chain([cbor]).collect()
}

fn read(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> ErrorResponse {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    ErrorResponse::read(
        StatusCode::from_u16(status).unwrap(),
        &headers.collect::<HeaderMap>(),
        body,
    )
}

#[track_caller]
fn check(body: impl AsRef<[u8]>, code: Option<&str>, message: &str) {
    let error = read(400, &[], body.as_ref());
    assert_eq!(
        (error.code(), error.message()),
        (code, message),
        "{}",
        String::from_utf8_lossy(body.as_ref())
    );
}

#[test]
fn every_known_code_is_read_in_every_form() {
    for (code, class) in known_codes() {
        for body in forms(code, "no") {
            check(&body, Some(code), "no");
            let error = read(400, &[], &body);
            assert!(error.is_aws_form(), "{}", String::from_utf8_lossy(&body));
            if code != "AuthFailure" {
                assert_eq!(error.class(), Some(class), "{code}");
            }
        }
    }
}

#[test]
fn a_header_field_precedes_the_body() {
    let header = [(
        "x-amzn-errortype",
        "AccessDeniedException:http://internal.amazon.com/coral/",
    )];
    let error = read(403, &header, br#"{"message":"no","code":"Other"}"#);
    assert_eq!((error.code(), error.message()), (Some("AccessDeniedException"), "no"));
    let page = read(
        404,
        &[("x-amz-error-code", "NoSuchKey")],
        b"<html><body>404</body></html>",
    );
    assert_eq!((page.code(), page.message()), (Some("NoSuchKey"), ""));
    let odd = read(400, &[("x-amzn-errortype", "a b")], br#"{"__type":"Other"}"#);
    assert_eq!(odd.code(), Some("Other"));
}

#[test]
fn escaped_texts_are_read_as_they_are_meant() {
    let xml = "<Error><Code>A</Code><Message>region &#39;us&#x2d;east&apos; &lt;&amp;&gt;&quot; <![CDATA[<b>]]>&odd;</Message></Error>";
    check(xml, Some("A"), "region 'us-east' <&>\" <b>");
    check(r#"{"__type":"A","message":"\u0022a\/b\u0022"}"#, Some("A"), "\"a/b\"");
    check("\u{feff}<Error><Code> A\n</Code></Error>", Some("A"), "");
    let region = read(400, &[], b"<Error><Code>A</Code><Region>eu-west-1</Region></Error>");
    assert_eq!(region.region(), Some("eu-west-1"));
}

#[test]
fn what_is_no_error_of_aws_has_no_code() {
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"[\"ExpiredToken\"]",
        b"ExpiredToken",
        b"<html><code>x</code></html>",
        b"<html><Code>ExpiredToken</Code></html>",
        b"<Error><Code>a b</Code></Error>",
        b"<Error><Code></Code></Error>",
        b"<Error><Code>\x1b[2J</Code></Error>",
        b"<Error><Code>ExpiredToken",
        b"<Error><Code>Expired</Other>",
        b"<Error><!-- <Code>ExpiredToken</Code> --></Error>",
        b"<\xff<Code>ExpiredToken</Code>",
        br#"{"__type":12,"code":["x"]}"#,
        b"\xbf\x66__type",
    ] {
        check(body, None, "");
    }
    check(
        format!("<Error><Code>{}</Code></Error>", "x".repeat(MAX_CODE + 1)),
        None,
        "",
    );
    check(
        r#"{"message":"<Code>ExpiredToken</Code>"}"#,
        None,
        "<Code>ExpiredToken</Code>",
    );
    check(
        "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>",
        None,
        "",
    );
    check(
        r#"{"__type":"AccessDeniedException","message":"ExpiredToken"}"#,
        Some("AccessDeniedException"),
        "ExpiredToken",
    );
}

#[test]
fn a_code_of_another_program_is_not_in_the_form_of_aws() {
    for (body, is_aws_form) in [
        (r#"{"message":"m","code":"ThrottlingException"}"#, true),
        (r#"{"code":"ThrottlingException"}"#, false),
        (r#"{"message":"m","code":"not_found"}"#, false),
        (
            r#"{"error":{"message":"m","type":"rate_limit_error","code":null}}"#,
            false,
        ),
        (r#"{"__type":"anything"}"#, true),
        (r#"{"message":"Forbidden"}"#, false),
    ] {
        assert_eq!(read(403, &[], body.as_bytes()).is_aws_form(), is_aws_form, "{body}");
    }
    check(
        r#"{"error":{"message":"m","type":"rate_limit_error","code":null}}"#,
        Some("rate_limit_error"),
        "m",
    );
}

#[test]
fn a_success_is_an_error_only_in_the_form_that_s3_gives_errors_after_it_has_sent_the_status_200() {
    for (body, code) in [
        ("<Error><Code>InternalError</Code></Error>", Some("InternalError")),
        (
            r#"{"Output":{"__type":"c#UnknownOperationException"}}"#,
            Some("UnknownOperationException"),
        ),
        (r#"{"code":"Fine","message":"m"}"#, None),
        ("<ListResult><Error><Code>Fine</Code></Error></ListResult>", None),
    ] {
        assert_eq!(
            read(200, &[("x-amzn-errortype", "Odd")], body.as_bytes()).code(),
            code,
            "{body}"
        );
    }
}

#[test]
fn a_message_is_one_bounded_line_without_the_parts_of_a_signature() {
    let message = |text: &str| ErrorResponse::new("A", text).message().to_owned();
    assert_eq!(
        message("\nDoes not match.\r\n\nThe Canonical String\ntoken"),
        "Does not match."
    );
    assert_eq!(message("a\u{1b}[31mb"), "a\u{fffd}[31mb");
    assert_eq!(message(&"ä".repeat(600)).chars().count(), 513);
    assert_eq!(message(""), "");
    let quoted = "no key in 'AWS4-HMAC-SHA256 Credential=x, Signature=abcd'";
    assert_eq!(message(quoted), "no key in 'AWS4-HMAC-SHA256 Credential=x, …");
}

#[test]
fn a_long_message_does_not_hide_the_code_before_it() {
    let long = "x".repeat(8192);
    let beginning = |body: String| body.as_bytes()[..4096].to_vec();
    check(
        beginning(format!("{{\"code\":\"Early\",\"message\":\"{long}\"}}")),
        Some("Early"),
        "",
    );
    check(
        beginning(format!("{{\"message\":\"{long}\",\"code\":\"Late\"}}")),
        None,
        "",
    );
    check(
        beginning(format!("<Error><Code>Early</Code><Message>{long}</Message></Error>")),
        Some("Early"),
        "",
    );
}

proptest! {
    #[test]
    fn bytes_that_are_no_error_response_are_read_as_nothing_without_a_panic(
        first in proptest::sample::select(&b"<{\xa1\xbf "[..]),
        rest in proptest::collection::vec(any::<u8>(), 0..256),
    ) {
        let body = [&[first][..], &rest].concat();
        let error = read(400, &[], &body);
        prop_assert!(error.code().is_none_or(is_code));
        prop_assert!(error.message().chars().count() <= MAX_MESSAGE + 1);
        prop_assert!(!error.message().contains(char::is_control));
    }

    #[test]
    fn a_code_is_read_from_the_beginning_of_a_body_or_not_at_all_never_a_part_of_it(
        code in "[A-Z][A-Za-z.]{0,40}",
        message in "[a-z ]{0,40}[a-z]",
        cut in 0_usize..400,
    ) {
        for body in forms(&code, &message) {
            let error = read(400, &[], &body[..cut.min(body.len())]);
            prop_assert!(error.code().is_none_or(|found| found == code), "{error:?}");
            prop_assert!(error.message().is_empty() || error.message() == message.trim(), "{error:?}");
        }
    }

    #[test]
    fn any_code_and_message_is_read_in_every_form(code in "[A-Za-z._-]{1,40}", message in "[ -!#-%'-;=?-\\[\\]-~]{0,80}") {
        for body in forms(&code, &message) {
            let error = read(400, &[], &body);
            prop_assert_eq!(error.code(), Some(code.as_str()));
            prop_assert_eq!(error.message(), one_line(message.trim()));
        }
    }
}
