//! What the stand-ins response once a signature is right.

use sandbox::principals::{ACME_PROXY, REPORT_READER, ROBOT, TABLE};
use sandbox::{Sandbox, SandboxSettings};
use serde_json::json;

use crate::sts::assume;
use crate::support::{Draft, TestResponse, send};

async fn start() -> Sandbox {
    Sandbox::start(SandboxSettings::default()).await.unwrap()
}

async fn ask(sandbox: &Sandbox, prefix: &str, draft: Draft) -> TestResponse {
    let address = sandbox.service(prefix).unwrap();
    send(address, draft.sign(address)).await
}

fn json_draft(service: &'static str, target: &str, body: &serde_json::Value) -> Draft {
    Draft::new(service, "POST", "/")
        .with_header("content-type", "application/x-amz-json-1.0")
        .with_header("x-amz-target", target)
        .with_body(&body.to_string())
}

#[tokio::test]
async fn ec2_describes_and_gives_empty_responses_to_the_rest() {
    let sandbox = start().await;
    let regions = ask(
        &sandbox,
        "ec2",
        Draft::query("ec2", "Action=DescribeRegions&Version=2016-11-15"),
    )
    .await;
    assert_eq!(regions.element("regionEndpoint"), "ec2.us-east-1.amazonaws.com");
    let by_get = Draft::new("ec2", "GET", "/?Action=DescribeInstances&Version=2016-11-15");
    assert_eq!(
        ask(&sandbox, "ec2", by_get).await.element("availabilityZone"),
        "us-east-1a"
    );
    let other = ask(&sandbox, "ec2", Draft::query("ec2", "Action=DescribeVolumes")).await;
    assert_eq!(other.status, 200);
    assert!(
        other
            .body
            .contains("<DescribeVolumesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>")
    );
    for form in ["Version=2016-11-15", "Action=%3Cscript%3E"] {
        let bad = ask(&sandbox, "ec2", Draft::query("ec2", form)).await;
        assert_eq!((bad.status.as_u16(), bad.code()), (400, "InvalidAction"));
    }
}

#[tokio::test]
async fn dynamodb_keeps_items() {
    let sandbox = start().await;
    let call = async |operation: &str, body| {
        ask(
            &sandbox,
            "dynamodb",
            json_draft("dynamodb", &format!("DynamoDB_20120810.{operation}"), &body),
        )
        .await
    };
    assert_eq!(
        call("ListTables", json!({})).await.json(),
        json!({ "TableNames": [TABLE] })
    );
    let item = json!({ "id": { "S": "1" }, "note": { "S": "hello" } });
    let put = call("PutItem", json!({ "TableName": TABLE, "Item": item })).await;
    assert_eq!((put.status.as_u16(), put.body.as_str()), (200, "{}"));
    let key = |id: &str| json!({ "TableName": TABLE, "Key": { "id": { "S": id } } });
    let got = call("GetItem", key("1")).await;
    assert_eq!(got.json(), json!({ "Item": item }));
    let checksum: u32 = got.headers["x-amz-crc32"].to_str().unwrap().parse().unwrap();
    assert_eq!(checksum, crc32fast::hash(got.body.as_bytes()));
    assert_eq!(call("GetItem", key("2")).await.json(), json!({}));
    for (operation, body, code) in [
        (
            "GetItem",
            json!({ "TableName": "other", "Key": {} }),
            "ResourceNotFoundException",
        ),
        (
            "PutItem",
            json!({ "TableName": TABLE, "Item": {} }),
            "ValidationException",
        ),
        ("Scan", json!({}), "UnknownOperationException"),
    ] {
        let rejected = call(operation, body).await;
        assert_eq!((rejected.status.as_u16(), rejected.code()), (400, code));
        assert_eq!(rejected.json()["__type"], code);
    }
}

#[tokio::test]
async fn workspaces_are_described() {
    let sandbox = start().await;
    let draft = json_draft("workspaces", "WorkspacesService.DescribeWorkspaces", &json!({}));
    let response = ask(&sandbox, "workspaces", draft).await;
    assert_eq!(response.json()["Workspaces"][0]["State"], "AVAILABLE");
    let draft = json_draft("workspaces", "WorkspacesService.Other", &json!({}));
    assert_eq!(
        ask(&sandbox, "workspaces", draft).await.code(),
        "UnknownOperationException"
    );
}

#[tokio::test]
async fn workspaces_speak_cbor_to_the_newest_sdks() {
    let sandbox = start().await;
    let draft = |operation: &str| {
        Draft::new(
            "workspaces",
            "POST",
            &format!("/service/WorkspacesService/operation/{operation}"),
        )
        .with_header("smithy-protocol", "rpc-v2-cbor")
        .with_header("content-type", "application/cbor")
        .with_body("\u{0}")
    };
    let response = ask(&sandbox, "workspaces", draft("DescribeWorkspaces")).await;
    assert_eq!(
        (response.status.as_u16(), &response.headers["content-type"]),
        (200, &"application/cbor".parse().unwrap())
    );
    assert_eq!(response.headers["smithy-protocol"], "rpc-v2-cbor");
    assert!(
        response.body.contains("jWorkspaces"),
        "a text of ten bytes: {response:?}"
    );
    let unknown = ask(&sandbox, "workspaces", draft("Other")).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.code()),
        (400, "UnknownOperationException")
    );
    assert_eq!(unknown.headers["smithy-protocol"], "rpc-v2-cbor");
    let mut unknown_key = draft("DescribeWorkspaces");
    unknown_key.keys.id.push('X');
    assert_eq!(
        ask(&sandbox, "workspaces", unknown_key).await.code(),
        "UnrecognizedClientException"
    );
}

#[tokio::test]
async fn bedrock_responds_under_every_spelling_of_a_model() {
    let sandbox = start().await;
    let arn = "arn:aws:bedrock:us-east-1::foundation-model/acme.echo-v1:0";
    for (path, model) in [
        ("acme.echo-v1:0", "acme.echo-v1:0"),
        ("acme.echo-v1%3A0", "acme.echo-v1:0"),
        (
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Facme.echo-v1%3A0",
            arn,
        ),
    ] {
        let body = json!({ "messages": [{ "role": "user", "content": "hello there" }] });
        let draft = Draft::new("bedrock", "POST", &format!("/model/{path}/invoke")).with_body(&body.to_string());
        let response = ask(&sandbox, "bedrock-runtime", draft).await.json();
        assert_eq!(
            response["content"][0]["text"],
            format!("The sandbox's {model} heard: hello there")
        );
    }
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] }).to_string();
    let draft = Draft::new("bedrock", "POST", "/model/m/converse").with_body(&body);
    let response = ask(&sandbox, "bedrock-runtime", draft).await.json();
    assert_eq!(
        response["output"]["message"]["content"][0]["text"],
        "The sandbox's m heard: hi"
    );
    // An ARN's bare slash makes another path: signed well, routed nowhere.
    let draft = Draft::new("bedrock", "GET", "/async-invoke?maxResults=1");
    let listed = ask(&sandbox, "bedrock-runtime", draft).await.json();
    assert_eq!(listed, serde_json::json!({ "asyncInvokeSummaries": [] }));

    let draft = Draft::new("bedrock", "POST", "/model/arn:x/m/converse").with_body(&body);
    let lost = ask(&sandbox, "bedrock-runtime", draft).await;
    assert_eq!((lost.status.as_u16(), lost.code()), (404, "UnknownOperationException"));
}

#[tokio::test]
async fn a_payload_may_not_go_unsigned_outside_s3() {
    let sandbox = start().await;
    let mut draft = Draft::query("ec2", "Action=DescribeRegions");
    draft.payload = Some("UNSIGNED-PAYLOAD");
    assert_eq!(ask(&sandbox, "ec2", draft).await.code(), "AuthFailure");
}

#[tokio::test]
async fn only_the_assumed_role_may_use_a_service() {
    let sandbox = start().await;
    let draft = json_draft("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    for user in [ROBOT, ACME_PROXY] {
        let rejected = ask(&sandbox, "dynamodb", draft.clone().with_keys(user)).await;
        assert_eq!(
            (rejected.status.as_u16(), rejected.code()),
            (400, "AccessDeniedException")
        );
        let message = format!("User: {} is not authorized to perform: dynamodb:ListTables", user.arn);
        assert_eq!(rejected.json()["message"], message);
    }
    let rejected = ask(
        &sandbox,
        "ec2",
        Draft::query("ec2", "Action=DescribeRegions").with_keys(ROBOT),
    )
    .await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.code()),
        (403, "UnauthorizedOperation")
    );
    let keys = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    assert_eq!(ask(&sandbox, "dynamodb", draft.with_keys(keys)).await.status, 200);
}

#[tokio::test]
async fn bodies_are_bounded() {
    let sandbox = start().await;
    let body = "x".repeat(16 * 1024 * 1024 + 1);
    let rejected = ask(&sandbox, "ec2", Draft::query("ec2", &body)).await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.code()),
        (413, "RequestEntityTooLarge")
    );
}
