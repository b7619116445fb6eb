//! Each way to tamper with a signed request, in each protocol: rejected with the code that AWS has for it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use sandbox::principals::BUCKET;
use sandbox::{Outcome, Reason, Sandbox, SandboxSettings};

use crate::support::{Draft, send};

/// One request for each protocol.
fn drafts() -> [Draft; 6] {
    [
        Draft::new("s3", "GET", &format!("/{BUCKET}?list-type=2")),
        Draft::query("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
        Draft::query("ec2", "Action=DescribeRegions&Version=2016-11-15"),
        Draft::new("workspaces", "POST", "/")
            .with_header("content-type", "application/x-amz-json-1.1")
            .with_header("x-amz-target", "WorkspacesService.DescribeWorkspaces")
            .with_body("{}"),
        Draft::new("bedrock", "POST", "/model/arn%3Aaws%3Abedrock%3A%3A%3Ax%2Fy/converse")
            .with_header("content-type", "application/json")
            .with_body(r#"{"messages":[]}"#),
        Draft::new("dynamodb", "POST", "/")
            .with_header("content-type", "application/x-amz-json-1.0")
            .with_header("x-amz-target", "DynamoDB_20120810.ListTables")
            .with_body("{}"),
    ]
}

/// Sends each draft, changed before and tampered with after signing.
async fn check(
    change: impl Fn(&mut Draft),
    tamper: impl Fn(&mut Request<Full<Bytes>>),
    reason: Reason,
    codes: [(u16, &str); 6],
) {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let mut events = sandbox.events();
    for (mut draft, expected) in drafts().into_iter().zip(codes) {
        let prefix = if draft.service == "bedrock" {
            "bedrock-runtime"
        } else {
            draft.service
        };
        let address = sandbox.service(prefix).unwrap();
        change(&mut draft);
        let mut request = draft.sign(address);
        tamper(&mut request);
        let response = send(address, request).await;
        assert_eq!(
            (response.status.as_u16(), response.code()),
            expected,
            "{prefix}: {response:?}"
        );
        let event = events.try_next().unwrap();
        assert_eq!(event.service, prefix);
        match event.outcome {
            Outcome::Rejected {
                reason: found, code, ..
            } => assert_eq!((found, code.as_str()), (reason, expected.1)),
            Outcome::Accepted => panic!("accepted: {event:?}"),
        }
    }
}

const MISMATCH: [(u16, &str); 6] = [
    (403, "SignatureDoesNotMatch"),
    (403, "SignatureDoesNotMatch"),
    (401, "AuthFailure"),
    (400, "InvalidSignatureException"),
    (403, "InvalidSignatureException"),
    (400, "InvalidSignatureException"),
];
/// As [`MISMATCH`], with S3's own word for a bad scope.
const SCOPE: [(u16, &str); 6] = [
    (400, "AuthorizationHeaderMalformed"),
    MISMATCH[1],
    MISMATCH[2],
    MISMATCH[3],
    MISMATCH[4],
    MISMATCH[5],
];
const UNKNOWN: [(u16, &str); 6] = [
    (403, "InvalidAccessKeyId"),
    (403, "InvalidClientTokenId"),
    (401, "AuthFailure"),
    (400, "UnrecognizedClientException"),
    (403, "UnrecognizedClientException"),
    (400, "UnrecognizedClientException"),
];

fn set(request: &mut Request<Full<Bytes>>, name: &'static str, value: &str) {
    request
        .headers_mut()
        .insert(name, HeaderValue::from_str(value).unwrap());
}

#[tokio::test]
async fn untouched_requests_are_accepted() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let mut events = sandbox.events();
    for draft in drafts() {
        let prefix = if draft.service == "bedrock" {
            "bedrock-runtime"
        } else {
            draft.service
        };
        let address = sandbox.service(prefix).unwrap();
        let response = send(address, draft.sign(address)).await;
        assert_eq!(response.status, 200, "{prefix}: {response:?}");
        let id = if prefix == "s3" {
            "x-amz-request-id"
        } else {
            "x-amzn-requestid"
        };
        assert!(response.headers.contains_key(id), "{prefix}");
        assert!(events.try_next().unwrap().is_accepted());
    }
}

#[tokio::test]
async fn a_tampered_signature_is_refused() {
    let tamper = |request: &mut Request<Full<Bytes>>| {
        let mut text = request.headers()["authorization"].to_str().unwrap().to_owned();
        let last = if text.pop() == Some('0') { '1' } else { '0' };
        text.push(last);
        set(request, "authorization", &text);
    };
    check(|_| {}, tamper, Reason::SignatureMismatch, MISMATCH).await;
}

#[tokio::test]
async fn a_tampered_header_is_refused() {
    let change = |draft: &mut Draft| draft.headers.push(("x-amz-meta-note", "one".to_owned()));
    let tamper = |request: &mut Request<Full<Bytes>>| set(request, "x-amz-meta-note", "two");
    check(change, tamper, Reason::SignatureMismatch, MISMATCH).await;
}

#[tokio::test]
async fn a_tampered_host_is_refused() {
    let tamper = |request: &mut Request<Full<Bytes>>| set(request, "host", "example.com");
    check(|_| {}, tamper, Reason::SignatureMismatch, MISMATCH).await;
}

#[tokio::test]
async fn a_tampered_body_is_refused() {
    let mut codes = MISMATCH;
    codes[0] = (400, "XAmzContentSHA256Mismatch");
    let tamper = |request: &mut Request<Full<Bytes>>| *request.body_mut() = Full::from("{ }");
    check(|_| {}, tamper, Reason::BodyHashMismatch, codes).await;
}

#[tokio::test]
async fn a_tampered_path_is_refused() {
    let tamper = |request: &mut Request<Full<Bytes>>| {
        let uri = format!("/x{}", request.uri());
        *request.uri_mut() = uri.parse().unwrap();
    };
    check(|_| {}, tamper, Reason::SignatureMismatch, MISMATCH).await;
}

#[tokio::test]
async fn a_tampered_query_is_refused() {
    let tamper = |request: &mut Request<Full<Bytes>>| {
        let separator = if request.uri().query().is_some() { '&' } else { '?' };
        let uri = format!("{}{separator}x=y", request.uri());
        *request.uri_mut() = uri.parse().unwrap();
    };
    check(|_| {}, tamper, Reason::SignatureMismatch, MISMATCH).await;
}

#[tokio::test]
async fn a_stale_or_early_date_is_refused() {
    let codes = [
        (403, "RequestTimeTooSkewed"),
        MISMATCH[1],
        (400, "RequestExpired"),
        MISMATCH[3],
        MISMATCH[4],
        MISMATCH[5],
    ];
    let minutes = |draft: &Draft| if draft.service == "s3" { 16 } else { 6 };
    let stale = |draft: &mut Draft| draft.time -= Duration::from_secs(60 * minutes(draft));
    check(stale, |_| {}, Reason::RequestExpired, codes).await;
    let early = |draft: &mut Draft| draft.time += Duration::from_secs(60 * minutes(draft));
    check(early, |_| {}, Reason::RequestExpired, codes).await;
}

#[tokio::test]
async fn another_region_is_refused() {
    check(|draft| draft.region = "ap-south-1", |_| {}, Reason::WrongRegion, SCOPE).await;
}

#[tokio::test]
async fn another_service_is_refused() {
    // S3 signs its path otherwise, but the scope is looked at first.
    check(|draft| draft.service = "lambda", |_| {}, Reason::WrongService, SCOPE).await;
}

#[tokio::test]
async fn a_scope_of_another_day_is_refused() {
    let tamper = |request: &mut Request<Full<Bytes>>| {
        let text = request.headers()["authorization"].to_str().unwrap().to_owned();
        let day = request.headers()["x-amz-date"].to_str().unwrap()[..8].to_owned();
        set(
            request,
            "authorization",
            &text.replace(&format!("/{day}/"), "/20150830/"),
        );
    };
    check(|_| {}, tamper, Reason::WrongScope, SCOPE).await;
}

#[tokio::test]
async fn an_unknown_key_is_refused() {
    check(
        |draft| draft.keys.id = "AKIASANDBOXNOBODY000".to_owned(),
        |_| {},
        Reason::UnknownKey,
        UNKNOWN,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    check(
        |draft| draft.keys.secret.push('x'),
        |_| {},
        Reason::SignatureMismatch,
        MISMATCH,
    )
    .await;
}

#[tokio::test]
async fn a_token_with_a_long_term_key_is_refused() {
    let mut codes = UNKNOWN;
    codes[0] = (400, "InvalidToken");
    check(
        |draft| draft.keys.token = Some("token".to_owned()),
        |_| {},
        Reason::InvalidToken,
        codes,
    )
    .await;
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let codes = [
        (403, "AccessDenied"),
        (403, "MissingAuthenticationToken"),
        (403, "MissingAuthenticationToken"),
        (400, "MissingAuthenticationTokenException"),
        (403, "MissingAuthenticationTokenException"),
        (400, "MissingAuthenticationTokenException"),
    ];
    let tamper = |request: &mut Request<Full<Bytes>>| {
        request.headers_mut().remove("authorization");
    };
    check(|_| {}, tamper, Reason::MissingAuthentication, codes).await;
}

#[tokio::test]
async fn an_unreadable_authorization_is_refused() {
    let codes = [
        (400, "AuthorizationHeaderMalformed"),
        (400, "IncompleteSignature"),
        (401, "AuthFailure"),
        (400, "IncompleteSignatureException"),
        (403, "IncompleteSignatureException"),
        (400, "IncompleteSignatureException"),
    ];
    let tamper = |request: &mut Request<Full<Bytes>>| set(request, "authorization", "AWS4-HMAC-SHA256 Credential=x");
    check(|_| {}, tamper, Reason::MalformedAuthorization, codes).await;
}

#[tokio::test]
async fn an_unsigned_amz_header_is_refused() {
    let mut codes = MISMATCH;
    codes[0] = (403, "AccessDenied");
    let tamper = |request: &mut Request<Full<Bytes>>| set(request, "x-amz-meta-extra", "1");
    check(|_| {}, tamper, Reason::UnsignedHeader, codes).await;
}
