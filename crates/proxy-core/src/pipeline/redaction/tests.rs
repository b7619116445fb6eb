use std::fmt::Write as _;

use super::*;

const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////wEaCXVzLWVhc3QtMSJHMEUCIQ+token==";

/// A canonical request as services show it.
const CANONICAL: &str = "GET\n/b/k\nlist-type=2\nhost:s3.eu-west-1.amazonaws.com\nx-amz-date:20261129T030000Z\n\
                         x-amz-security-token:IQoJb3JpZ2luX2VjEJr//////wEaCXVzLWVhc3QtMSJHMEUCIQ+token==\n\n\
                         host;x-amz-date;x-amz-security-token\nUNSIGNED-PAYLOAD";

const SHOWN: Shown<'static> = Shown {
    token: Some(TOKEN),
    access_key_id: "AKIDEXAMPLE",
    scope_end: "/s3/aws4_request",
    is_application: false,
};

/// The same before an application of the operator's own.
const APPLICATION: Shown<'static> = Shown {
    is_application: true,
    ..SHOWN
};

const TO_SIGN: &str = "AWS4-HMAC-SHA256\n20261129T030000Z\n20261129/eu-west-1/s3/aws4_request\nabcdef";

fn message() -> String {
    format!(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this \
         request should have been\n'{CANONICAL}'\n\nThe String-to-Sign should have been\n'{TO_SIGN}'\n"
    )
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x} ").unwrap();
        digits
    })
}

#[track_caller]
fn check(body: &str, want: &str) {
    let clean = redacted(body.as_bytes(), None, &SHOWN).unwrap_or_else(|| panic!("unchanged: {body}"));
    assert_eq!(String::from_utf8(clean).unwrap(), want);
}

#[track_caller]
fn check_unchanged(body: impl AsRef<[u8]>) {
    for shown in [SHOWN, APPLICATION] {
        let clean = redacted(body.as_ref(), None, &shown);
        assert_eq!(clean.map(|clean| String::from_utf8_lossy(&clean).into_owned()), None);
    }
}

#[test]
fn s3_loses_what_it_computed_and_keeps_the_rest() {
    let canonical = CANONICAL.replace('&', "&amp;");
    check(
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request \
             signature we calculated does not match the signature you provided. Check your key and signing \
             method.</Message><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId><StringToSign>{TO_SIGN}</StringToSign>\
             <SignatureProvided>00ff</SignatureProvided><StringToSignBytes>{}</StringToSignBytes>\
             <CanonicalRequest>{canonical}</CanonicalRequest><CanonicalRequestBytes>{}</CanonicalRequestBytes>\
             <RequestId>R</RequestId><HostId>H</HostId></Error>",
            hexadecimal(TO_SIGN),
            hexadecimal(CANONICAL)
        ),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request \
         signature we calculated does not match the signature you provided. Check your key and signing \
         method.</Message><RequestId>R</RequestId><HostId>H</HostId></Error>",
    );
    for code in ["ExpiredToken", "InvalidToken"] {
        check(
            &format!(
                "<Error><Code>{code}</Code><Message>no</Message><Token-0>{TOKEN}</Token-0><HostId>H</HostId></Error>"
            ),
            &format!("<Error><Code>{code}</Code><Message>no</Message><HostId>H</HostId></Error>"),
        );
    }
    check(
        "<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>",
        "<Error><Code>InvalidAccessKeyId</Code></Error>",
    );
    check(
        "<Error><Code>ExpiredToken</Code><CanonicalRequest a=\"b\">x</CanonicalRequest><StringToSign/></Error>",
        "<Error><Code>ExpiredToken</Code></Error>",
    );
}

#[test]
fn messages_of_query_and_json_services_end_before_it() {
    let kept = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                Access Key and signing method. Consult the service documentation for details.";
    check(
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>{}</Message></Error>\
             <RequestId>R</RequestId></ErrorResponse>",
            message().replace('\'', "&apos;").replace('\n', "&#xA;")
        ),
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>{kept}</Message></Error>\
             <RequestId>R</RequestId></ErrorResponse>"
        )
        .replace("details.<", "details.&#xA;&#xA;<"),
    );
    let body = serde_json::json!({ "__type": "InvalidSignatureException", "message": message() }).to_string();
    check(
        &body.replace('/', "\\/").replace('=', "\\u003d"),
        &serde_json::json!({ "__type": "InvalidSignatureException", "message": kept }).to_string(),
    );
    check(
        r#"{"code":"SignatureDoesNotMatch","canonicalRequest":"GET","Errors":[{"stringToSign":"x","a":1}]}"#,
        r#"{"code":"SignatureDoesNotMatch","canonicalRequest":"[redacted]","Errors":[{"stringToSign":"[redacted]","a":1}]}"#,
    );
    check(
        r#"{"message":"not a valid key=value pair in Authorization header: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x'"}"#,
        r#"{"message":"not a valid key=value pair in Authorization header: '"}"#,
    );
    check(&format!("no: x-amz-security-token:{TOKEN} is no token"), "no: ");
}

#[test]
fn what_cannot_be_taken_apart_is_replaced_in_its_shape() {
    for (body, root) in [
        (
            format!("<Error><Code>InvalidToken</Code><!-- {TOKEN} --></Error>"),
            "<Error>",
        ),
        (
            format!("<Error><Code>InvalidToken</Code><Message><![CDATA[<{TOKEN}>]]></Message></Error>"),
            "<Error>",
        ),
        (
            format!("<ErrorResponse a=\"{TOKEN}\"><Error><Code>InvalidToken</Code></Error></ErrorResponse>"),
            "<ErrorResponse><Error>",
        ),
        (
            format!("<Response><Errors b='{TOKEN}'/><Code>InvalidToken</Code></Response>"),
            "<Response><Errors><Error>",
        ),
    ] {
        check(
            &body,
            &format!(
                "{root}<Code>InvalidToken</Code><Message>{MESSAGE}</Message></Error>{}",
                closing(root)
            ),
        );
    }
    let cbor = [
        b"\xa2\x66__type\x78\x19InvalidSignatureException\x67message\x79\x03\xff",
        message().as_bytes(),
    ]
    .concat();
    let clean = redacted(&cbor, None, &SHOWN).unwrap();
    assert!(clean.starts_with(b"\xa2\x66__type\x78\x19InvalidSignatureException\x67message\x78"));
    assert!(clean.ends_with(MESSAGE.as_bytes()));
    let broken = format!("{{\"code\":\"InvalidToken\",{TOKEN}\"");
    let clean = redacted(broken.as_bytes(), None, &SHOWN).unwrap();
    assert!(String::from_utf8(clean).unwrap().contains(MESSAGE));
}

fn closing(root: &str) -> &'static str {
    match root {
        "<ErrorResponse><Error>" => "</ErrorResponse>",
        "<Response><Errors><Error>" => "</Errors></Response>",
        _ => "",
    }
}

#[test]
fn other_errors_stay_as_they_are() {
    for body in [
        "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/a is not authorized</Message></Error>",
        "<Error><Code>InvalidRequest</Code><Message>Please use AWS4-HMAC-SHA256.</Message></Error>",
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>Encoded authorization failure message: \
         abc</Message></Error></Errors></Response>",
        "<ListResult><NextToken>abc</NextToken><a>&amp;</a></ListResult>",
        r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
        r#"{ "message" : "no" }"#,
        "{\"broken",
        "<broken",
        "",
        "plain text",
    ] {
        check_unchanged(body);
    }
    check_unchanged(b"\xa1\x66__type\x61a");
    check_unchanged(b"<\xff>");
}

#[test]
fn a_beginning_is_cut_where_it_shows_it() {
    let xml = "<Error><Code>InvalidToken</Code><Token-0>IQ";
    assert_eq!(
        cut(xml.as_bytes(), None, Extent::Names),
        Some(b"<Error><Code>InvalidToken</Code>".as_slice())
    );
    assert_eq!(
        cut(b"<Error><Code>AccessDenied</Code>", Some(TOKEN), Extent::Names),
        None
    );
    for (beginning, shown, want) in [
        ("<Error><Code>SignatureDoesNotMatch</Code>", SHOWN, true),
        ("<Error><Code>SignatureDoesNotMatch</Code>", APPLICATION, false),
        ("<Error><Code>AccessDenied</Code>", SHOWN, false),
    ] {
        assert_eq!(
            must_be_replaced(beginning.as_bytes(), None, &shown),
            want,
            "{beginning}"
        );
    }
    assert!(must_be_replaced(b"{\"mess", Some("InvalidSignatureException"), &SHOWN));
}

/// An application's own names, codes, order and numbers are its own, whatever they look like.
#[test]
fn what_an_application_says_of_its_own_stays_byte_for_byte() {
    for body in [
        r#"{"z":1,"error":{"type":"parse","token-graph":[1,2],"sessionToken":"the-apps-own"},"a":12345678901234567890123}"#,
        r#"{"z":1,"code":"InvalidToken","sessionToken":"the-apps-own","a":12345678901234567890123}"#,
        "<Error><Code>InvalidToken</Code><SessionToken>the-apps-own</SessionToken></Error>",
        "<html>authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/eu-west-1/s3/aws4_request</html>",
        "The Canonical String for this request should have been\n'GET\n/'",
    ] {
        assert_eq!(redacted(body.as_bytes(), None, &APPLICATION), None, "{body}");
    }
    // Without a code of the signature's, nor with an API of AWS's.
    for body in [
        r#"{"z":1,"error":{"token-graph":[1,2],"sessionToken":"the-apps-own"},"a":12345678901234567890123}"#,
        r#"{"message":"no InvalidToken here","canonicalRequest":"x"}"#,
        "x-amz-security-token:another, of another's AWS4-HMAC-SHA256 Credential=AKIDOTHER",
    ] {
        assert_eq!(redacted(body.as_bytes(), None, &SHOWN), None, "{body}");
    }
}

/// What the gateway before an application sends of the proxy's signature goes, and nothing else.
#[test]
fn what_aws_says_before_an_application_loses_the_signature() {
    let quoted = serde_json::Value::from(message()).to_string();
    let body = format!("{{ \"n\":1e400, \"message\": {quoted} ,\"a\":{{\"sessionToken\":\"x\"}}}}");
    for body in [body.clone(), body.replace('/', "\\/").replace('=', "\\u003d")] {
        let clean = String::from_utf8(redacted(body.as_bytes(), None, &APPLICATION).unwrap()).unwrap();
        assert!(
            clean.starts_with("{ \"n\":1e400, \"message\": \"The request signature"),
            "{clean}"
        );
        assert!(
            clean.ends_with("details.\" ,\"a\":{\"sessionToken\":\"x\"}}"),
            "{clean}"
        );
    }
}

#[test]
fn the_first_line_that_differs_is_named_without_its_value() {
    let query = format!(
        "<ErrorResponse><Error><Message>{}</Message></Error></ErrorResponse>",
        message().replace('\'', "&#39;")
    );
    let json = serde_json::json!({ "message": message() }).to_string();
    let s3 = format!("<Error><CanonicalRequest>{CANONICAL}</CanonicalRequest></Error>");
    for body in [query, json, s3] {
        assert_eq!(
            canonical_request_in(body.as_bytes()).as_deref().map(String::as_str),
            Some(CANONICAL),
            "{body}"
        );
    }
    assert!(canonical_request_in(b"<Error><Code>SignatureDoesNotMatch</Code></Error>").is_none());
    assert_eq!(first_difference(CANONICAL, CANONICAL), None);
    for (from, to, line, field) in [
        ("GET", "PUT", 1, "method"),
        ("/b/k", "/b/K", 2, "path"),
        ("list-type=2", "list-type=3", 3, "query"),
        ("T03", "T04", 5, "x-amz-date"),
        ("token==\n", "token=\n", 6, "x-amz-security-token"),
        ("x-amz-date:", "x-amz-acl:a\nx-amz-date:", 5, "x-amz-date"),
        ("host;x", "x", 8, "signed headers"),
        ("UNSIGNED-PAYLOAD", "abc", 9, "payload hash"),
    ] {
        let theirs = CANONICAL.replace(from, to);
        let field = field.to_owned();
        assert_eq!(
            first_difference(CANONICAL, &theirs),
            Some(Difference { line, field }),
            "{from}"
        );
    }
}
