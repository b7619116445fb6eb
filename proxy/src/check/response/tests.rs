use auth_model::Region;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proxy_core::error::Notice;

use super::*;

fn response(status: u16, header: Option<(&'static str, &'static str)>, body: &'static str) -> ProbeResponse {
    let header = header.map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
    ProbeResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter(header),
        body: Bytes::from_static(body.as_bytes()),
        cause: None,
    }
}

#[track_caller]
fn check(response: &ProbeResponse, service: &str, are_keys_good: bool, want: Option<ResponsibleParty>) {
    let service_id = auth_model::ServiceId::parse(service).unwrap();
    let probe = Probe::of(&service_id, auth_model::Partition::Aws, None).unwrap();
    let scope = SigningScope {
        region: Region::parse("us-east-1").unwrap(),
        name: auth_model::SigningName::parse("s3").unwrap(),
    };
    let sent = SentProbe {
        probe: &probe,
        service,
        scope: &scope,
        signer: "arn:aws:iam::111122223333:user/robot",
        are_keys_good,
        has_token: false,
        has_endpoint: true,
    };
    let outcome = judge(response, &sent, false);
    let party = outcome.finding().map(|finding| finding.causes[0].party);
    assert_eq!(party, want, "{outcome:?}");
}

/// In whichever shape and by whichever code it says it: its header field is taken off in transit.
#[test]
fn another_signing_proxy_is_named_as_such() {
    use proxy_core::error::{ErrorCode, ErrorShape, ProxyError, render};

    for (code, shape, service) in [
        (ErrorCode::ConnectionAmbiguous, ErrorShape::Json, "s3"),
        (ErrorCode::NoCredentials, ErrorShape::RestXml, "s3"),
        (ErrorCode::ClientOverShare, ErrorShape::QueryXml, "sts"),
        (ErrorCode::ActionDenied, ErrorShape::Ec2Xml, "ec2"),
    ] {
        let (head, body) = render(&ProxyError::new(code), "id", shape).into_parts();
        let response = ProbeResponse {
            status: head.status,
            headers: HeaderMap::new(),
            body,
            cause: None,
        };
        check(&response, service, true, Some(ResponsibleParty::Endpoint));
    }
}

#[test]
fn every_protocols_errors_are_read() {
    let xml = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
    check(&response(403, None, xml), "s3", true, Some(ResponsibleParty::Clock));
    let ec2 =
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    check(
        &response(403, None, ec2),
        "ec2",
        true,
        Some(ResponsibleParty::RolePolicy),
    );
    let json = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
    check(
        &response(400, None, json),
        "dynamodb",
        true,
        Some(ResponsibleParty::RolePolicy),
    );
    let header = (
        "x-amzn-errortype",
        "AccessDeniedException:http://internal.amazon.com/coral/",
    );
    check(
        &response(403, Some(header), r#"{"message":"no"}"#),
        "bedrock-runtime",
        true,
        Some(ResponsibleParty::RolePolicy),
    );
    let coral = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    check(
        &response(404, None, coral),
        "bedrock",
        true,
        Some(ResponsibleParty::ServiceName),
    );
    let cbor = b"\xa2\x66__type\x78\x1dcom.amazon#ValidationExceptio\x67message\x62no";
    let mut response = response(400, Some(("smithy-protocol", "rpc-v2-cbor")), "");
    response.body = Bytes::from_static(cbor);
    let error = error_of(&response);
    assert_eq!((error.code(), error.message()), (Some("ValidationExceptio"), "no"));
}

#[test]
fn a_wrong_signature_a_wrong_region_and_a_wrong_service_are_distinguished() {
    let xml = |code: &str, message: &str| {
        let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Box::leak(text.into_boxed_str()) as &'static str
    };
    let mismatch = xml(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match",
    );
    check(
        &response(403, None, mismatch),
        "s3",
        false,
        Some(ResponsibleParty::SecretAccessKey),
    );
    check(
        &response(403, None, mismatch),
        "s3",
        true,
        Some(ResponsibleParty::Signature),
    );
    let region = xml(
        "AuthorizationHeaderMalformed",
        "the region &#39;us-east-1&#39; is wrong; expecting &#39;eu-west-1&#39;",
    );
    check(&response(400, None, region), "s3", true, Some(ResponsibleParty::Region));
    let valid = xml(
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region. ",
    );
    check(&response(403, None, valid), "ec2", true, Some(ResponsibleParty::Region));
    check(
        &response(301, Some(("x-amz-bucket-region", "eu-west-1")), ""),
        "s3",
        true,
        Some(ResponsibleParty::Region),
    );
    let service = xml(
        "SignatureDoesNotMatch",
        "Credential should be scoped to correct service: 'bedrock'.",
    );
    check(
        &response(403, None, service),
        "sts",
        true,
        Some(ResponsibleParty::ServiceName),
    );
    let denied = xml("AccessDenied", "Access Denied");
    check(
        &response(403, None, denied),
        "s3",
        true,
        Some(ResponsibleParty::RolePolicy),
    );
    let unknown = xml(
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    );
    check(
        &response(403, None, unknown),
        "sts",
        true,
        Some(ResponsibleParty::Region),
    );
    check(
        &response(403, None, unknown),
        "sts",
        false,
        Some(ResponsibleParty::AccessKey),
    );
    check(&response(503, None, ""), "s3", true, Some(ResponsibleParty::Service));
    let throttled = xml("Throttling", "Rate exceeded");
    check(
        &response(400, None, throttled),
        "sts",
        true,
        Some(ResponsibleParty::Service),
    );
    // Keys without a token cannot have expired.
    let expired = xml("RequestExpired", "Request has expired.");
    check(
        &response(400, None, expired),
        "ec2",
        true,
        Some(ResponsibleParty::Clock),
    );
}

#[test]
fn a_notice_leaves_the_response_the_services() {
    let named = |name| Some(("x-signing-proxy-error", name));
    let late = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
    for notice in Notice::ALL {
        check(
            &response(403, named(notice.name()), late),
            "s3",
            true,
            Some(ResponsibleParty::Clock),
        );
    }
    let own = response(502, named("upstream-unreachable"), "");
    check(&own, "s3", true, Some(ResponsibleParty::Tcp));
}

#[test]
fn only_the_first_line_of_a_message_is_shown() {
    let response = response(
        403,
        None,
        "<Error><Code>X</Code><Message>first\nx-amz-security-token:SECRET</Message></Error>",
    );
    assert_eq!(error_of(&response).message(), "first");
}

const BUCKETS: &str =
    "<?xml version=\"1.0\"?>\n<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>";

#[test]
fn one_sign_of_the_service_is_enough() {
    let id = |name| Some((name, "4442587FB7D0A2F9"));
    for (response, service) in [
        (response(200, None, BUCKETS), "s3"),
        (response(200, None, "<s3:ListBucketResult/>"), "s3"),
        (response(200, id("x-amz-request-id"), ""), "s3"),
        (response(200, id("x-amzn-requestid"), "{}"), "dynamodb"),
        (response(200, None, r#"{"TableNames":[]}"#), "dynamodb"),
        (response(200, None, r#"{"asyncInvokeSummaries":[]}"#), "bedrock-runtime"),
        (
            response(200, None, "<DescribeRegionsResponse><a/></DescribeRegionsResponse>"),
            "ec2",
        ),
        (response(200, None, "<GetCallerIdentityResponse>"), "sts"),
    ] {
        check(&response, service, true, None);
    }
}

#[test]
fn what_is_not_the_service_fails_with_the_endpoint() {
    let html = "<!DOCTYPE html><html><body>Welcome</body></html>";
    let of = |status, name, value, body| response(status, Some((name, value)), body);
    let kubernetes = r#"{"kind":"Status","message":"Unauthorized","code":401}"#;
    for response in [
        response(200, None, ""),
        response(204, None, ""),
        response(200, None, html),
        of(200, "content-type", "text/html", "Welcome"),
        // A web site in a bucket, and one behind CloudFront.
        of(200, "x-amz-request-id", "4442587FB7D0A2F9", html),
        of(200, "x-amz-cf-id", "4442587FB7D0A2F9", "{}"),
        // A REST API of API Gateway.
        of(200, "x-amz-apigw-id", "4442587FB7D0A2F9", "{}"),
        of(302, "location", "https://login.example/?next=1", ""),
        of(301, "location", "https://localhost/", html),
        response(307, None, ""),
        of(401, "www-authenticate", "Basic", ""),
        response(401, None, kubernetes),
        response(403, None, r#"{"code":"no_token","message":"no"}"#),
        response(404, None, r#"{"detail":"Not Found"}"#),
        response(405, None, html),
        response(400, None, "Client sent an HTTP request to an HTTPS server.\n"),
        response(403, None, "<html><Code>AccessDenied</Code></html>"),
    ] {
        check(&response, "s3", true, Some(ResponsibleParty::Endpoint));
    }
    check(
        &response(407, None, html),
        "s3",
        true,
        Some(ResponsibleParty::EgressProxy),
    );
    check(&response(502, None, html), "s3", true, Some(ResponsibleParty::Service));
    let malformed = response(502, Some(("x-signing-proxy-error", "upstream-malformed")), "");
    check(&malformed, "s3", true, Some(ResponsibleParty::Endpoint));
}

#[test]
fn a_scope_that_is_not_the_servers_is_known_in_other_words_than_aws_s() {
    for (message, region, want) in [
        (
            "unexpected scope: 20261129/us-east-1/s3/aws4_request",
            "<Region>garage</Region>",
            Some("garage is wanted"),
        ),
        (
            "The region is wrong; expecting \"garage\"",
            "",
            Some("garage is wanted"),
        ),
        ("wrong scope", "<Region>us-east-1</Region>", Some("another is wanted")),
        ("wrong scope", "", Some("signing_name")),
    ] {
        let body =
            format!("<Error><Code>AuthorizationHeaderMalformed</Code><Message>{message}</Message>{region}</Error>");
        let response = response(400, None, Box::leak(body.into_boxed_str()));
        check(&response, "s3", false, Some(ResponsibleParty::Region));
        let scope = SigningScope {
            region: Region::parse("us-east-1").unwrap(),
            name: auth_model::SigningName::parse("s3").unwrap(),
        };
        let (_, text) = scope::fault(&scope, &error_of(&response), &response).unwrap();
        assert!(want.is_none_or(|want| text.contains(want)), "{text}");
    }
    let no_id = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>a non-empty Access Key (AKID) must be \
                 provided in the credential.</Message></Error>";
    check(
        &response(400, None, no_id),
        "s3",
        false,
        Some(ResponsibleParty::AccessKey),
    );
    let service = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>incorrect service \"ec2\". This endpoint \
                   belongs to \"s3\".</Message></Error>";
    check(
        &response(400, None, service),
        "s3",
        false,
        Some(ResponsibleParty::ServiceName),
    );
}
