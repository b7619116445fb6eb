//! The rows of each service.

use super::{FORM, all_are_rejected, row};

const JSON: &str = "Content-Type: application/x-amz-json-1.0\r\n";
const GET_ITEM: &str = "X-Amz-Target: DynamoDB_20120810.GetItem\r\n";
const STATEMENT: &str = "X-Amz-Target: DynamoDB_20120810.ExecuteStatement\r\n";
const WORKSPACES: &str = "X-Amz-Target: WorkspacesService.StartWorkspaces\r\n";
const CBOR: &str = "smithy-protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n";

#[tokio::test]
async fn operations_named_by_headers() {
    let start = r#"{"StartWorkspaceRequests":[]}"#;
    let rows = [
        row("GET /", &[GET_ITEM], "", "the method"),
        row("POST /?x=y", &[GET_ITEM, JSON], "{}", "a query"),
        row("POST /table", &[GET_ITEM, JSON], "{}", "a path that is not /"),
        row("POST /", &[JSON], "{}", "without X-Amz-Target"),
        row(
            "POST /",
            &["Connection: x-amz-target\r\n", GET_ITEM, JSON],
            "{}",
            "without X-Amz-Target",
        ),
        row(
            "POST /",
            &[GET_ITEM, "X-Amz-Target: DynamoDB_20120810.Scan\r\n", JSON],
            "{}",
            "operation's name",
        ),
        row(
            "POST /",
            &["X-Amz-Target: Other.GetItem\r\n", JSON],
            "{}",
            "X-Amz-Target",
        ),
        row(
            "POST /",
            &["X-Amz-Target: DynamoDB_20120810.Nothing\r\n", JSON],
            "{}",
            "operation's name",
        ),
        row("POST /", &[GET_ITEM, FORM], "{}", "Content-Type"),
        row(
            "POST /",
            &[GET_ITEM, "Content-Type: application/cbor\r\n"],
            "{}",
            "Content-Type",
        ),
        row(
            "POST /",
            &[GET_ITEM, JSON, "Content-Encoding: gzip\r\n"],
            "{}",
            "content encoding",
        ),
        row(
            "POST /",
            &[GET_ITEM, JSON, "smithy-protocol: rpc-v2-cbor\r\n"],
            "{}",
            "and smithy-protocol",
        ),
        row(
            "POST /",
            &[GET_ITEM, JSON],
            "{\"TableName\":\"a\",\"TableName\":\"b\"}",
            "the JSON body",
        ),
        row(
            "POST /",
            &[GET_ITEM, JSON],
            "{\"TableName\":\"a\",\"tablename\":\"b\"}",
            "in another case",
        ),
        row("POST /", &[GET_ITEM, JSON], "{\"TableName\":[1]}", "a string"),
        row("POST /", &[GET_ITEM, JSON], "[]", "object"),
        row("POST /", &[GET_ITEM, JSON], "{\"TableName\":\"a b*\"}", "TableName"),
        row(
            "POST /",
            &[STATEMENT, JSON],
            "{\"Statement\":\"SELECT * FROM a, b\"}",
            "Statement",
        ),
        row("POST /", &[STATEMENT, JSON], "{}", "Statement"),
        row(
            "POST /",
            &["X-Amz-Target: DynamoDB_20120810.BatchGetItem\r\n", JSON],
            "{\"RequestItems\":[]}",
            "RequestItems",
        ),
        row(
            "POST /",
            &["X-Amz-Target: DynamoDB_20120810.TransactWriteItems\r\n", JSON],
            "{\"TransactItems\":[1]}",
            "TransactItems",
        ),
        row(
            "POST /",
            &["X-Amz-Target: DynamoDB_20120810.TransactWriteItems\r\n", JSON],
            "{\"TransactItems\":1}",
            "a list",
        ),
        row(
            "POST /",
            &["X-Amz-Target: DynamoDB_20120810.Query\r\n", JSON],
            "{\"TableName\":\"t\",\"IndexName\":\"a/b\"}",
            "IndexName",
        ),
    ];
    all_are_rejected("dynamodb", &rows).await;
    let path = "POST /service/WorkspacesService/operation/StartWorkspaces";
    let rows = [
        row(
            "POST /",
            &[WORKSPACES, "smithy-protocol: rpc-v2-cbor\r\n"],
            start,
            "and smithy-protocol",
        ),
        row(
            path,
            &[WORKSPACES, "Content-Type: application/x-amz-json-1.1\r\n"],
            start,
            "a path that is not /",
        ),
        row(path, &["smithy-protocol: rpc-v2-json\r\n"], start, "smithy-protocol"),
        row(
            path,
            &["smithy-protocol: rpc-v2-cbor\r\n", CBOR],
            "\u{0}",
            "two headers",
        ),
        row(
            "POST /service/Other/operation/StartWorkspaces",
            &[CBOR],
            "\u{0}",
            "the path",
        ),
        row(
            path,
            &["smithy-protocol: rpc-v2-cbor\r\n", JSON],
            "\u{0}",
            "Content-Type",
        ),
        row(path, &[CBOR], "\u{1}", "CBOR"),
    ];
    all_are_rejected("workspaces", &rows).await;
}

#[tokio::test]
async fn models_that_are_not_named_plainly() {
    let json = "Content-Type: application/json\r\n";
    let rows = [
        row(
            "POST /model/amazon.nova-lite-v1%3A0/converse",
            &[json, WORKSPACES],
            "{}",
            "a header that names an operation",
        ),
        row(
            "POST /model/amazon.nova-lite-v1%3A0/unheard-of",
            &[json],
            "{}",
            "method and path",
        ),
        row("GET /model/amazon.nova-lite-v1%3A0/invoke", &[], "", "method and path"),
        row("GET /async-invoke", &[json], "{\"modelId\":\"x\"}", "has no body"),
        row("GET /async-invoke/a%20b%2F*", &[], "", "the invocation"),
        row("POST /model/*/invoke", &[json], "{}", "the model's id"),
        row(
            "POST /model/amazon.nova-lite-v1%3A0/converse",
            &[json],
            "{\"guardrailConfig\":{\"guardrailIdentifier\":\"a*\"}}",
            "the guardrail",
        ),
        row(
            "POST /model/amazon.nova-lite-v1%3A0/converse",
            &[json],
            "{\"toolConfig\":{\"tools\":[{\"systemTool\":{\"name\":\"a/*\"}}]}}",
            "systemTool",
        ),
        row(
            "POST /model/amazon.nova-lite-v1%3A0/converse",
            &[json, "Content-Encoding: gzip\r\n"],
            "{}",
            "content encoding",
        ),
        row(
            "POST /model/amazon.nova-lite-v1%3A0/invoke",
            &[
                json,
                "x-amzn-bedrock-guardrailidentifier: a\r\nx-amzn-bedrock-guardrailidentifier: b\r\n",
            ],
            "{}",
            "two headers",
        ),
    ];
    all_are_rejected("bedrock-runtime", &rows).await;
}

#[tokio::test]
async fn objects_that_servers_could_disagree_about() {
    let key = "x-amz-server-side-encryption-aws-kms-key-id: a/b\r\n";
    let delete = "POST /bucket?delete";
    let rows = [
        row("GET /bucket/key", &[], "x", "has no body"),
        row("DELETE /bucket/key", &[], "<Delete/>", "has no body"),
        row("GET /bucket/key?acl&policy", &[], "", "sub-resources"),
        row("GET /bucket/key?brandNew", &[], "", "query parameter"),
        row("GET /bucket?prefix=a&prefix=b", &[], "", "sent twice"),
        row("PATCH /bucket/key", &[], "x", "method, path and sub-resource"),
        row("GET /buck%20et/key", &[], "", "the bucket's name"),
        row("GET /bucket/%ff", &[], "", "UTF-8"),
        row("PUT /bucket/key?x-amz-acl=public-read", &[], "x", "query parameter"),
        row(
            "PUT /bucket/key?tagging",
            &["x-amz-copy-source: b/k\r\n"],
            "x",
            "copies nothing",
        ),
        row(
            "PUT /bucket/key",
            &["x-amz-copy-source: b/k?versionId=\r\n"],
            "",
            "versionId",
        ),
        row("PUT /bucket/key", &["x-amz-copy-source: b/a+b\r\n"], "", "'+'"),
        row("PUT /bucket/key", &["x-amz-copy-source: b\r\n"], "", "BUCKET/KEY"),
        row(
            "PUT /bucket/key",
            &["x-amz-copy-source: arn:aws:s3:::b/k\r\n"],
            "",
            "the only ARN",
        ),
        row("PUT /bucket/key", &["x-amz-copy-source: b/%zz\r\n"], "", "hexadecimal"),
        row("PUT /bucket/key", &[key], "x", "a key's ARN"),
        row(
            "GET /bucket--use1-az4--x-s3?session",
            &["x-amz-create-session-mode: All\r\n"],
            "",
            "ReadOnly or ReadWrite",
        ),
        row(delete, &["Content-Encoding: gzip\r\n"], "x", "content encoding"),
        row(delete, &[], "<Delete></Delete>", "1 to 1000"),
        row(delete, &[], "<Delete><Bucket/></Delete>", "Object and Quiet"),
        row(
            delete,
            &[],
            "<Delete><Object><Name>a</Name></Object></Delete>",
            "Object holds",
        ),
        row(delete, &[], "<Delete><Object><Key></Key></Object></Delete>", "one Key"),
        row(
            delete,
            &[],
            "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
            "two elements",
        ),
        row(
            delete,
            &[],
            "<Delete><Object><Key>a</Key><VersionId></VersionId></Object></Delete>",
            "VersionId",
        ),
        row(delete, &[], "<!DOCTYPE x><Delete/>", "a document type"),
        row(delete, &[], "<Delete><!-- --></Delete>", "comments"),
        row(
            delete,
            &[],
            "<Delete><Object><Key>&x;</Key></Object></Delete>",
            "entities",
        ),
        row(delete, &[], "<Remove/>", "its root"),
        row(delete, &[], "<Delete>", "ends before"),
        row(
            "PUT /bucket?replication",
            &[],
            "<ReplicationConfiguration/>",
            "holds a Role",
        ),
        row(
            "PUT /bucket?replication",
            &[],
            "<ReplicationConfiguration><Role>x</Role></ReplicationConfiguration>",
            "a role's ARN",
        ),
        row(
            "POST /bucket/key?restore",
            &[],
            "<RestoreRequest><OutputLocation/></RestoreRequest>",
            "OutputLocation",
        ),
    ];
    all_are_rejected("s3", &rows).await;
}
