//! Each auth method of the mission against the sandbox's STS, and what its services say about the result.

use std::time::Duration;

use sandbox::principals::{FOR_THE_PROXY, REPORT_READER, REPORTER};
use sandbox::{Fault, KeyKind, Outcome, Reason};

use crate::support::{World, ask};

/// One request for each service that gets 200 if its signature is right and its sender may do it.
const REQUESTS: [(&str, &str); 6] = [
    ("s3", "GET /@METHOD-s3/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (
        "ec2",
        "POST /@METHOD-ec2/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 41\r\n\r\nAction=DescribeInstances&Version=2016-11-15",
    ),
    (
        "workspaces",
        "POST /@METHOD-workspaces/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: WorkspacesService.DescribeWorkspaces\r\nContent-Length: 2\r\n\r\n{}",
    ),
    (
        "bedrock-runtime",
        "POST /@METHOD-bedrock-runtime/model/acme.words-v1%3A0/invoke HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"prompt\":\"hi\"}",
    ),
    (
        "dynamodb",
        "POST /@METHOD-dynamodb/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 2\r\n\r\n{}",
    ),
    (
        "sts",
        "POST /@METHOD-sts/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 43\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15",
    ),
];

/// Every service accepts what `method` signs, for `principal`.
async fn check(method: &str, principal: &str, key: KeyKind) {
    let mut world = World::start().await;
    for (service, request) in REQUESTS {
        let request = with_length(&request.replace("METHOD", method));
        let response = ask(world.address(), request).await;
        assert_eq!(
            response.status,
            200,
            "{method} {service}: {response:?} {}",
            response.text()
        );
        assert!(response.header("x-signing-proxy-error").is_none());
        assert!(response.header("x-signing-proxy-request-id").is_some());
        let events = world.events.drain();
        let event = events.last().expect("an event");
        assert!(event.is_accepted(), "{method} {service}: {event:#?}");
        assert_eq!((event.service, event.key), (service, Some(key)), "{method}");
        let signer = event.principal.as_deref().expect("a principal");
        assert!(
            signer.starts_with(principal),
            "{method} {service} is signed by {signer}"
        );
    }
}

/// The request with the length its body has.
fn with_length(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-Length"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    if body.is_empty() {
        request.to_owned()
    } else {
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }
}

fn session_of(role: &sandbox::principals::FakeRole) -> String {
    format!("arn:aws:sts::{}:assumed-role/{}/", role.account, role.name)
}

#[tokio::test]
async fn access_key_signs_with_the_key() {
    check("keys", REPORTER.arn, KeyKind::LongTerm).await;
}

#[tokio::test]
async fn assume_role_by_name_finds_the_account() {
    check("role-name", &session_of(&REPORT_READER), KeyKind::Temporary).await;
}

#[tokio::test]
async fn assume_role_by_arn_signs_as_the_role() {
    check("role-arn", &session_of(&REPORT_READER), KeyKind::Temporary).await;
}

#[tokio::test]
async fn managed_cross_account_signs_as_the_customers_role() {
    check("managed", &session_of(&FOR_THE_PROXY), KeyKind::Temporary).await;
}

/// Nothing goes to the service without credentials; the client learns when to come back, and nothing about accounts.
async fn check_no_credentials(method: &str) {
    let mut world = World::start().await;
    let response = ask(
        world.address(),
        format!("GET /@{method}-s3/ HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n"),
    )
    .await;
    let (status, code, hint) = response.rejection();
    assert_eq!((status, code.as_str()), (503, "no-credentials"));
    assert!(!hint.is_empty());
    let wait: u64 = response
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!(wait >= 1);
    for private in [FOR_THE_PROXY.account, REPORT_READER.account, "arn:aws", "external"] {
        assert!(!response.text().to_lowercase().contains(private), "{}", response.text());
    }
    let events = world.events.drain();
    assert!(events.iter().all(|event| event.service == "sts"), "{events:#?}");
    let refused = |reason: Reason| move |outcome: &Outcome| matches!(outcome, Outcome::Rejected { reason: r, .. } if *r == reason);
    assert!(
        events.iter().any(|event| refused(Reason::AccessDenied)(&event.outcome)),
        "{events:#?}"
    );
}

#[tokio::test]
async fn a_wrong_external_id_gives_no_credentials() {
    check_no_credentials("wrong-id").await;
}

#[tokio::test]
async fn a_missing_external_id_gives_no_credentials() {
    check_no_credentials("no-id").await;
}

#[tokio::test]
async fn a_role_that_does_not_exist_gives_no_credentials() {
    check_no_credentials("no-role").await;
}

#[tokio::test]
async fn the_services_own_rejection_passes_unchanged() {
    let mut world = World::start().await;
    let response = ask(
        world.address(),
        "GET /@wrong-secret-s3/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    assert_eq!(response.status, 403);
    assert!(response.header("x-signing-proxy-error").is_none(), "{response:?}");
    assert!(
        response.text().contains("<Code>SignatureDoesNotMatch</Code>"),
        "{}",
        response.text()
    );
    assert!(matches!(
        world.verified("s3").outcome,
        Outcome::Rejected {
            reason: Reason::SignatureMismatch,
            ..
        }
    ));
}

#[tokio::test]
async fn concurrent_first_requests_assume_the_role_once() {
    let mut world = World::start().await;
    let request = "GET /@role-arn-s3/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // All of them come while the one call is under way.
    world.sandbox.sts_fault(Fault::Slow(Duration::from_secs(2)));
    let requests: Vec<_> = (0..1_000)
        .map(|_| tokio::spawn(ask(world.address(), request)))
        .collect();
    for response in requests {
        assert_eq!(response.await.expect("the task ends").status, 200);
    }
    let assumed = world
        .events
        .drain()
        .into_iter()
        .filter(|event| event.service == "sts")
        .count();
    assert_eq!(assumed, 1, "one flight for all");
}
