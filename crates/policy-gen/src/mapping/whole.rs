//! What holds of the mapping of any request whatever.
//!
//! Requests of every service and kind of host are changed at random in every part, so that many of them still have a
//! mapping.

use aws_endpoints::HostResource;
use http::{HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::test_request::{TestRequest, test_request};
use super::{BodyNeed, Mapping, Need, Request, Resource, map, needs_body};
use crate::pattern::{Pattern, Wildcards};

const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const SOURCE: &str = "x-amz-copy-source";
const TARGET: &str = "x-amz-target";

/// Requests that have a mapping.
fn plain() -> Vec<TestRequest> {
    let s3 = |line: &str| test_request(&line.replacen(" /", " reports.s3.eu-west-1.amazonaws.com/", 1));
    let json = |host: &str, target: &str, body: &str| {
        test_request(&format!("POST {host}.eu-west-1.amazonaws.com/"))
            .with(TARGET, target)
            .with("content-type", "application/x-amz-json-1.0")
            .with_body(body)
    };
    let mut multi_region = test_request("GET s3.eu-west-1.amazonaws.com/a/key");
    multi_region.host = HostResource::MultiRegionAccessPoint {
        alias: "mfz".to_owned(),
    };
    let statement = r#"{"Statement":"SELECT * FROM \"t\".\"i\" WHERE a = 'b'"}"#;
    let batch = r#"{"RequestItems":{"t":{"Keys":[{"k":{"S":"v"}}]},"u":{"Keys":[]}}}"#;
    let delete = "<Delete><Object><Key>a*</Key></Object><Object><Key>b</Key><VersionId>1</VersionId></Object></Delete>";
    vec![
        multi_region,
        s3("GET /a/%2A%20key?versionId=1&x-id=GetObject"),
        s3("GET /?list-type=2&prefix=a%2F&delimiter=/"),
        s3("PUT /a/key").with("x-amz-tagging", "a=b").with(KMS_KEY, "1234"),
        s3("PUT /a/key").with(SOURCE, "/other/a%20key?versionId=1"),
        s3("DELETE /a/key").with("x-amz-bypass-governance-retention", "true"),
        s3("POST /?delete").with_body(delete),
        s3("PUT /"),
        test_request("GET s3.eu-west-1.amazonaws.com/reports/key?tagging"),
        test_request("GET s3.eu-west-1.amazonaws.com/"),
        test_request("GET ap-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k"),
        test_request("GET ol-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/k"),
        test_request("POST io-x.s3-object-lambda.eu-west-1.amazonaws.com/WriteGetObjectResponse"),
        test_request("PUT ap-111122223333.op-0a1b.s3-outposts.eu-west-1.amazonaws.com/k"),
        json(
            "dynamodb",
            "DynamoDB_20120810.Query",
            r#"{"TableName":"t","IndexName":"i"}"#,
        ),
        json("dynamodb", "DynamoDB_20120810.BatchGetItem", batch),
        json("dynamodb", "DynamoDB_20120810.ExecuteStatement", statement),
        json("dynamodb", "DynamoDB_20120810.ListTables", "{}"),
        json(
            "workspaces",
            "WorkspacesService.StartWorkspacesPool",
            r#"{"PoolId":"wspool-1"}"#,
        ),
        test_request("POST workspaces.eu-west-1.amazonaws.com/service/WorkspacesService/operation/StartWorkspacesPool")
            .with("smithy-protocol", "rpc-v2-cbor")
            .with("content-type", "application/cbor")
            .with_body(b"\xa1\x66PoolId\x63p-1"),
        test_request("POST ec2.eu-west-1.amazonaws.com/")
            .with_body("Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2"),
        test_request("GET ec2.eu-west-1.amazonaws.com/?Action=DescribeVpcs&Version=2016-11-15"),
        test_request("POST sts.eu-west-1.amazonaws.com/")
            .with_body("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fr"),
        test_request("POST bedrock-runtime.eu-west-1.amazonaws.com/model/eu.amazon.nova-lite-v1%3A0/invoke"),
        test_request("POST bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-lite-v1:0/converse")
            .with_body("{}"),
    ]
}

/// What a request becomes another by.
#[derive(Clone, Debug)]
enum Change {
    Method(String),
    /// A text goes in somewhere.
    Path(Index, String),
    Query(Index, String),
    Header(String, Vec<u8>),
    /// Bytes go in somewhere.
    Body(Index, Vec<u8>),
    /// The body ends somewhere.
    Cut(Index),
    /// The host, or the service alone, of another request.
    Host(Index),
    Service(Index),
}

/// What means something somewhere.
const PIECES: &[&str] = &[
    "%",
    "%2F",
    "%2e%2e",
    "%ff",
    "/",
    "//",
    "..",
    "*",
    "${*}",
    "?",
    "&",
    "=",
    "+",
    ":",
    "\"",
    "{",
    "<",
    "]]>",
    ".1",
    "acl",
    "&acl",
    "&versionId=",
    "&uploads",
    "&prefix=b",
    "&id=1",
    "&Action=RunInstances",
    "null",
    "invoke",
    "arn:aws:s3:::reports/*",
    "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
    "\u{e9}",
];

const HEADERS: &[&str] = &[
    "content-encoding",
    "content-type",
    "if-match",
    "smithy-protocol",
    SOURCE,
    TARGET,
    KMS_KEY,
    "x-amz-acl",
    "x-amz-grant-read",
    "x-amz-object-lock-mode",
    "x-amz-tagging",
    "x-amzn-bedrock-guardrailidentifier",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(PIECES).prop_map(str::to_owned), 1 => ".{0,6}"]
}

fn change() -> impl Strategy<Value = Change> {
    let method = prop_oneof![
        select(vec!["GET", "HEAD", "PUT", "POST", "DELETE"]).prop_map(str::to_owned),
        "[A-Za-z]{1,6}"
    ];
    let name = prop_oneof![4 => select(HEADERS).prop_map(str::to_owned), 1 => "[a-z-]{1,12}"];
    let bytes = || prop_oneof![piece().prop_map(String::into_bytes), vec(any::<u8>(), 0..6)];
    prop_oneof![
        method.prop_map(Change::Method),
        (any::<Index>(), piece()).prop_map(|(at, text)| Change::Path(at, text)),
        (any::<Index>(), piece()).prop_map(|(at, text)| Change::Query(at, text)),
        (name, bytes()).prop_map(|(name, value)| Change::Header(name, value)),
        (any::<Index>(), bytes()).prop_map(|(at, bytes)| Change::Body(at, bytes)),
        any::<Index>().prop_map(Change::Cut),
        any::<Index>().prop_map(Change::Host),
        any::<Index>().prop_map(Change::Service),
    ]
}

fn insert(text: &mut String, at: Index, piece: &str) {
    let at = text.floor_char_boundary(at.index(text.len() + 1));
    text.insert_str(at, piece);
}

impl Change {
    fn apply(self, request: &mut TestRequest, others: &[TestRequest]) {
        match self {
            Self::Method(method) => request.method = method.parse().unwrap(),
            Self::Path(at, piece) => insert(&mut request.path, at, &piece),
            Self::Query(at, piece) => insert(request.query.get_or_insert_default(), at, &piece),
            Self::Header(name, value) => {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) {
                    request.headers.append(name, value);
                }
            }
            Self::Body(at, bytes) => {
                let at = at.index(request.body.len() + 1);
                request.body.splice(at..at, bytes);
            }
            Self::Cut(at) => request.body.truncate(at.index(request.body.len() + 1)),
            Self::Host(other) => request.host = other.get(others).host.clone(),
            Self::Service(other) => request.service = other.get(others).service.clone(),
        }
    }
}

fn needs(mapping: &Mapping) -> impl Iterator<Item = &Need> {
    mapping.required.iter().chain(&mapping.advisory)
}

/// What comes out as `*` has no resource; what came in the request's own text is a literal.
fn check(need: &Need) -> Result<(), TestCaseError> {
    let shown = need.resource.to_iam();
    match &need.resource {
        Resource::Any => prop_assert_eq!(shown.as_deref(), Some("*")),
        Resource::Unresolved(_) => prop_assert_eq!(shown, None),
        Resource::Exact(arn) => {
            let pattern = Pattern::parse(&shown.unwrap_or_default(), Wildcards::Any).unwrap();
            prop_assert_eq!(pattern.as_literal(), Some(arn.as_str()));
            prop_assert!(arn.starts_with("arn:"), "{:?}", need);
        }
        Resource::Pattern(text) => {
            prop_assert!(Pattern::parse(text, Wildcards::Any).is_ok(), "{:?}", need);
            prop_assert!(text.starts_with("arn:"), "{:?}", need);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn any_request_is_rejected_or_mapped_one_way(start in any::<Index>(), changes in vec(change(), 0..4)) {
        let all = plain();
        let mut request = start.get(&all).clone();
        for change in changes {
            change.apply(&mut request, &all);
        }
        let (request, body) = (request.as_request(), Some(request.body.as_slice()));

        let found = map(&request, body);
        prop_assert_eq!(&map(&request, body), &found);
        if needs_body(&request) == BodyNeed::No {
            prop_assert_eq!(&map(&request, None), &found, "the body counts, and was not required");
        }
        let Ok(found) = found else { return Ok(()) };
        needs(&found).try_for_each(check)?;

        // What only the account would tell is unresolved without it, never every resource.
        let Ok(unknown) = map(&Request { account: None, ..request }, body) else { return Ok(()) };
        prop_assert_eq!(&unknown.operation, &found.operation);
        prop_assert_eq!(unknown.required.is_empty(), found.required.is_empty());
        for need in needs(&unknown) {
            check(need)?;
            let is_same = |other: &Need| other.action == need.action && other.resource == need.resource;
            prop_assert!(matches!(need.resource, Resource::Unresolved(_)) || needs(&found).any(is_same), "{:?}", need);
        }
    }
}

#[test]
fn the_requests_that_are_changed_have_a_mapping() {
    for request in plain() {
        assert!(
            request.map().is_ok(),
            "{} {} {:?}",
            request.method,
            request.path,
            request.map()
        );
    }
}
