use crate::mapping::rows::Rows;
use crate::mapping::test_request::{TestRequest, test_request};
use crate::mapping::{BodyNeed, needs_body};

use super::{ROWS, WANTED};

const HOST: &str = "workspaces.eu-west-1.amazonaws.com";

fn json(operation: &str, body: &str) -> TestRequest {
    test_request(&format!("POST {HOST}/"))
        .with("x-amz-target", &format!("WorkspacesService.{operation}"))
        .with("content-type", "application/x-amz-json-1.1")
        .with_body(body)
}

fn cbor(operation: &str, body: &[u8]) -> TestRequest {
    test_request(&format!("POST {HOST}/service/WorkspacesService/operation/{operation}"))
        .with("smithy-protocol", "rpc-v2-cbor")
        .with("content-type", "application/cbor")
        .with_body(body)
}

fn arns(want: &[&str]) -> Vec<String> {
    let arn = "arn:aws:workspaces:eu-west-1:111122223333:";
    want.iter().map(|need| need.replace('~', arn)).collect()
}

#[track_caller]
fn check(operation: &str, body: &str, want: &[&str]) {
    let want = arns(want);
    json(operation, body).is(&want.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn ids_name_resources() {
    check("DescribeWorkspaces", "{}", &["workspaces:DescribeWorkspaces *"]);
    check(
        "TerminateWorkspaces",
        r#"{"TerminateWorkspaceRequests":[{"WorkspaceId":"ws-1"},{"WorkspaceId":"ws-2"}]}"#,
        &[
            "workspaces:TerminateWorkspaces ~workspace/ws-1",
            "workspaces:TerminateWorkspaces ~workspace/ws-2",
        ],
    );
    check(
        "CreateWorkspaces",
        r#"{"Workspaces":[{"DirectoryId":"d-1","BundleId":"wsb-1","UserName":"u","Tags":[{"Key":"k"}]}]}"#,
        &[
            "workspaces:CreateWorkspaces ~directory/d-1",
            "workspaces:CreateWorkspaces ~workspacebundle/wsb-1",
            "workspaces:CreateWorkspaces ~workspace/*",
            "workspaces:CreateTags *",
        ],
    );
    check("StartWorkspacesPool", "{}", &["workspaces:StartWorkspacesPool ?"]);
    check(
        "StartWorkspacesPool",
        r#"{"PoolId":null}"#,
        &["workspaces:StartWorkspacesPool ?"],
    );
    check(
        "ModifyWorkspaceCreationProperties",
        r#"{"ResourceId":"d-1","WorkspaceCreationProperties":{"InstanceIamRoleArn":"arn:aws:iam::111122223333:role/r"}}"#,
        &[
            "workspaces:ModifyWorkspaceCreationProperties ~directory/d-1",
            "iam:PassRole arn:aws:iam::111122223333:role/r if iam:PassedToService=workspaces.amazonaws.com",
        ],
    );
    check("CreateIpGroup", r#"{"Tags":[]}"#, &["workspaces:CreateIpGroup *"]);
    json("StartWorkspacesPool", r#"{"PoolId":"p"}"#)
        .without_account()
        .is(&["workspaces:StartWorkspacesPool ?"]);
}

#[test]
fn cbor_is_read_like_json() {
    // {"PoolId": "p-1"}
    let body = [b"\xa1\x66PoolId\x63p-1".as_slice()].concat();
    let want = arns(&["workspaces:StartWorkspacesPool ~workspacespool/p-1"]);
    cbor("StartWorkspacesPool", &body).is(&[&want[0]]);
    cbor("StartWorkspacesPool", b"").is(&["workspaces:StartWorkspacesPool ?"]);
    cbor("DescribeWorkspaces", b"").is(&["workspaces:DescribeWorkspaces *"]);
    cbor("StartWorkspacesPool", b"\xa2\x66PoolId\x63p-1\x66PoolId\x63p-2").is_rejected("CBOR");
    cbor("StartWorkspacesPool", b"{\"PoolId\":\"p\"}").is_rejected("CBOR");
}

#[test]
fn two_protocols_at_once_are_rejected() {
    let both = json("DescribeWorkspaces", "{}").with("smithy-protocol", "rpc-v2-cbor");
    both.is_rejected("smithy-protocol");
    cbor("DescribeWorkspaces", b"")
        .with("x-amz-target", "WorkspacesService.DescribeWorkspaces")
        .is_rejected("smithy-protocol");
    json("DescribeWorkspaces", "{}")
        .with("x-amz-target", "WorkspacesService.TerminateWorkspaces")
        .is_rejected("two headers");
    test_request(&format!(
        "POST {HOST}/service/WorkspacesService/operation/DescribeWorkspaces"
    ))
    .with("x-amz-target", "WorkspacesService.DescribeWorkspaces")
    .is_rejected("path");
    test_request(&format!(
        "POST {HOST}/service/WorkspacesService/operation/DescribeWorkspaces"
    ))
    .is_rejected("X-Amz-Target");
    test_request(&format!(
        "POST {HOST}/x/../service/WorkspacesService/operation/DescribeWorkspaces"
    ))
    .with("smithy-protocol", "rpc-v2-cbor")
    .is_rejected("path");
    test_request(&format!("POST {HOST}/?Action=TerminateWorkspaces"))
        .with("x-amz-target", "WorkspacesService.DescribeWorkspaces")
        .is_rejected("query");
    json("DescribeWorkspaces", "{}")
        .with("content-type", "application/cbor")
        .is_rejected("content-type");
    test_request(&format!("POST {HOST}/"))
        .with("x-amz-target", "WorkspacesService.DescribeWorkspaces")
        .with("content-type", "application/x-www-form-urlencoded")
        .is_rejected("Content-Type");
}

#[test]
fn what_is_no_known_operation_or_body_is_rejected() {
    json("describeWorkspaces", "{}").is_rejected("no known operation");
    json("DescribeSecrets", "{}").is_rejected("no known operation");
    test_request(&format!("POST {HOST}/"))
        .with("x-amz-target", "Other.DescribeWorkspaces")
        .is_rejected("no known operation");
    test_request(&format!("GET {HOST}/"))
        .with("x-amz-target", "WorkspacesService.DescribeWorkspaces")
        .is_rejected("no known operation");
    json("StartWorkspacesPool", r#"{"PoolId":"p","PoolId":"q"}"#).is_rejected("once");
    json("StartWorkspacesPool", r#"{"PoolId":"p","poolId":"q"}"#).is_rejected("another case");
    json("StartWorkspacesPool", r#"{"PoolId":"*"}"#).is_rejected("PoolId");
    json("StartWorkspacesPool", r#"{"PoolId":["p"]}"#).is(&["workspaces:StartWorkspacesPool \
        arn:aws:workspaces:eu-west-1:111122223333:workspacespool/p"]);
    json("StartWorkspacesPool", r#"{"PoolId":7}"#).is_rejected("string");
    json("StartWorkspacesPool", "").is_rejected("JSON");
}

#[test]
fn every_operation_has_a_need() {
    for name in ROWS.names() {
        let mapping = json(name, "{}").map().unwrap();
        assert!(
            mapping
                .required
                .iter()
                .any(|need| need.action == format!("workspaces:{name}")),
            "{name}"
        );
    }
    assert_eq!(ROWS.names().count(), 91);
}

#[test]
fn a_body_is_required_where_it_names_something() {
    assert_eq!(needs_body(&json("DescribeWorkspaces", "").as_request()), BodyNeed::No);
    assert!(matches!(
        needs_body(&json("RebootWorkspaces", "").as_request()),
        BodyNeed::UpTo(_)
    ));
}

#[test]
fn every_path_begins_with_a_wanted_member() {
    for name in ROWS.names() {
        let (_, rows) = ROWS.operation(name).unwrap();
        for first in Rows::first_members(rows) {
            assert!(WANTED.members.contains(&first), "{name} {first}");
        }
    }
}
