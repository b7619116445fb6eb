use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::*;
use crate::error::Notice;

fn answer(status: u16, header: Option<(&'static str, &'static str)>, body: &'static str) -> Answer {
    let header = header.map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter(header),
        body: Bytes::from_static(body.as_bytes()),
        cause: None,
    }
}

#[track_caller]
fn check(answer: &Answer, service: &str, are_keys_good: bool, want: Option<Culprit>) {
    let service_id = auth_model::ServiceId::parse(service).unwrap();
    let probe = Probe::of(&service_id, auth_model::Partition::Aws, None).unwrap();
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: auth_model::SigningName::parse("s3").unwrap(),
    };
    let asked = Asked {
        probe: &probe,
        service,
        scope: &scope,
        signer: "arn:aws:iam::111122223333:user/robot",
        are_keys_good,
        has_token: false,
    };
    let outcome = judge(answer, &asked);
    let culprit = outcome.finding().map(|finding| finding.causes[0].culprit);
    assert_eq!(culprit, want, "{outcome:?}");
}

#[test]
fn every_protocols_errors_are_read() {
    let xml = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
    check(&answer(403, None, xml), "s3", true, Some(Culprit::Clock));
    let ec2 =
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    check(&answer(403, None, ec2), "ec2", true, Some(Culprit::RolePolicy));
    let json = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
    check(&answer(400, None, json), "dynamodb", true, Some(Culprit::RolePolicy));
    let header = (
        "x-amzn-errortype",
        "AccessDeniedException:http://internal.amazon.com/coral/",
    );
    check(
        &answer(403, Some(header), r#"{"message":"no"}"#),
        "bedrock-runtime",
        true,
        Some(Culprit::RolePolicy),
    );
    let coral = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    check(&answer(404, None, coral), "bedrock", true, Some(Culprit::ServiceName));
    check(&answer(200, None, ""), "s3", true, None);
}

#[test]
fn a_wrong_signature_a_wrong_region_and_a_wrong_service_are_told_apart() {
    let xml = |code: &str, message: &str| {
        let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Box::leak(text.into_boxed_str()) as &'static str
    };
    let mismatch = xml(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match",
    );
    check(
        &answer(403, None, mismatch),
        "s3",
        false,
        Some(Culprit::SecretAccessKey),
    );
    check(&answer(403, None, mismatch), "s3", true, Some(Culprit::Signature));
    let region = xml(
        "AuthorizationHeaderMalformed",
        "the region &#39;us-east-1&#39; is wrong; expecting &#39;eu-west-1&#39;",
    );
    check(&answer(400, None, region), "s3", true, Some(Culprit::Region));
    let valid = xml(
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region. ",
    );
    check(&answer(403, None, valid), "ec2", true, Some(Culprit::Region));
    check(
        &answer(301, Some(("x-amz-bucket-region", "eu-west-1")), ""),
        "s3",
        true,
        Some(Culprit::Region),
    );
    let service = xml(
        "SignatureDoesNotMatch",
        "Credential should be scoped to correct service: 'bedrock'.",
    );
    check(&answer(403, None, service), "sts", true, Some(Culprit::ServiceName));
    let denied = xml("AccessDenied", "Access Denied");
    check(&answer(403, None, denied), "s3", true, Some(Culprit::RolePolicy));
    let unknown = xml(
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    );
    check(&answer(403, None, unknown), "sts", true, Some(Culprit::Region));
    check(&answer(403, None, unknown), "sts", false, Some(Culprit::AccessKey));
    check(&answer(503, None, ""), "s3", true, Some(Culprit::Service));
}

#[test]
fn a_notice_leaves_the_answer_the_services() {
    let named = |name| Some(("x-signing-proxy-error", name));
    let late = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
    for notice in Notice::ALL {
        check(
            &answer(403, named(notice.name()), late),
            "s3",
            true,
            Some(Culprit::Clock),
        );
    }
    let own = answer(502, named("upstream-unreachable"), "");
    check(&own, "s3", true, Some(Culprit::Tcp));
}

#[test]
fn only_the_first_line_of_a_message_is_shown() {
    let answer = answer(
        403,
        None,
        "<Code>X</Code><Message>first\nx-amz-security-token:SECRET</Message>",
    );
    assert_eq!(Refusal::of(&answer).message, "first");
}
