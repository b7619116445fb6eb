use crate::mapping::rows::Rows;
use crate::mapping::test_request::{TestRequest, test_request};
use crate::mapping::{BodyNeed, needs_body};

use super::{ROWS, WANTED};

const HOST: &str = "dynamodb.eu-west-1.amazonaws.com";

fn post(operation: &str, body: &str) -> TestRequest {
    test_request(&format!("POST {HOST}/"))
        .with("x-amz-target", &format!("DynamoDB_20120810.{operation}"))
        .with("content-type", "application/x-amz-json-1.0")
        .with_body(body)
}

/// `~T` stands for the ARN of table T.
#[track_caller]
fn check(operation: &str, body: &str, want: &[&str]) {
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/";
    let want: Vec<String> = want.iter().map(|need| need.replace('~', arn)).collect();
    let want: Vec<&str> = want.iter().map(String::as_str).collect();
    post(operation, &body.replace('~', arn)).is(&want);
}

#[test]
fn exports_and_imports_need_their_buckets() {
    check(
        "ExportTableToPointInTime",
        r#"{"TableArn":"~t","S3Bucket":"b","S3Prefix":"p/*"}"#,
        &[
            "dynamodb:ExportTableToPointInTime ~t",
            "s3:AbortMultipartUpload arn:aws:s3:::b/p/${*}*",
            "s3:PutObject arn:aws:s3:::b/p/${*}*",
            "s3:PutObjectAcl arn:aws:s3:::b/p/${*}*",
        ],
    );
    check(
        "ImportTable",
        r#"{"S3BucketSource":{"S3Bucket":"b"},"TableCreationParameters":{"TableName":"t"}}"#,
        &[
            "dynamodb:ImportTable ~t",
            "s3:GetObject arn:aws:s3:::b/*",
            "s3:ListBucket arn:aws:s3:::b",
        ],
    );
    check(
        "StartBulkPutItems",
        r#"{"TableName":"t","InputS3Configuration":{"S3Bucket":"b","S3KeyPrefix":"in/"}}"#,
        &[
            "dynamodb:StartBulkPutItems ~t",
            "s3:GetObject arn:aws:s3:::b/in/*",
            "s3:ListBucket arn:aws:s3:::b",
        ],
    );
    check(
        "ImportTable",
        "{}",
        &["dynamodb:ImportTable ?", "s3:GetObject ?", "s3:ListBucket ?"],
    );
    rejected(
        "ExportTableToPointInTime",
        r#"{"TableArn":"t","s3bucket":"b"}"#,
        "another case",
    );
}

#[track_caller]
fn rejected(operation: &str, body: &str, want: &str) {
    post(operation, body).is_rejected(want);
}

#[test]
fn tables_come_by_name_or_arn() {
    check(
        "GetItem",
        r#"{"TableName":"T","Key":{"a":{"S":"TableName"}}}"#,
        &["dynamodb:GetItem ~T"],
    );
    check("GetItem", r#"{"TableName":"~T"}"#, &["dynamodb:GetItem ~T"]);
    check(
        "GetItem",
        r#"{"TableName":"arn:aws:dynamodb:us-east-1:444455556666:table/T"}"#,
        &["dynamodb:GetItem arn:aws:dynamodb:us-east-1:444455556666:table/T"],
    );
    check("GetItem", "{}", &["dynamodb:GetItem ?"]);
    check("ListTables", "{}", &["dynamodb:ListTables *"]);
    check(
        "CreateTable",
        r#"{"TableName":"T","Tags":[{"Key":"k","Value":"v"}],"ResourcePolicy":"{}"}"#,
        &[
            "dynamodb:CreateTable ~T",
            "dynamodb:TagResource ~T",
            "dynamodb:PutResourcePolicy ~T",
        ],
    );
    check(
        "DescribeBackup",
        r#"{"BackupArn":"~T/backup/01"}"#,
        &["dynamodb:DescribeBackup ~T/backup/01"],
    );
    check(
        "TagResource",
        r#"{"ResourceArn":"~T","Tags":[]}"#,
        &["dynamodb:TagResource ~T"],
    );
    check(
        "CreateGlobalTable",
        r#"{"GlobalTableName":"G"}"#,
        &[
            "dynamodb:CreateGlobalTable arn:aws:dynamodb::111122223333:global-table/G",
            "dynamodb:CreateGlobalTable ~G",
        ],
    );
    rejected("GetItem", r#"{"TableName":"*"}"#, "TableName");
    check("GetItem", r#"{"TableName":"T/index/I"}"#, &["dynamodb:GetItem ?"]);
    check("GetItem", r#"{"TableName":"~T/index/I"}"#, &["dynamodb:GetItem ?"]);
    rejected(
        "GetItem",
        r#"{"TableName":"arn:aws:dynamodb:eu-west-1:111122223333:table/*"}"#,
        "TableName",
    );
    rejected("GetItem", r#"{"TableName":"T","TableName":"U"}"#, "once");
    rejected("GetItem", r#"{"TableName":"T","\u0054ableName":"U"}"#, "once");
    check("DescribeBackup", r#"{"BackupArn":"T"}"#, &["dynamodb:DescribeBackup ?"]);
}

#[test]
fn an_index_is_read_instead_of_its_table() {
    check("Query", r#"{"TableName":"T"}"#, &["dynamodb:Query ~T"]);
    check(
        "Query",
        r#"{"TableName":"T","IndexName":"I"}"#,
        &["dynamodb:Query ~T/index/I"],
    );
    check(
        "Scan",
        r#"{"TableName":"~T","IndexName":"I"}"#,
        &["dynamodb:Scan ~T/index/I"],
    );
    rejected("Scan", r#"{"TableName":"T","IndexName":"*"}"#, "IndexName");
    test_request("POST search-dynamodb.eu-west-1.amazonaws.com/")
        .with("x-amz-target", "DynamoDB_20120810.SearchVectors")
        .with_body(r#"{"TableName":"T","IndexName":"I"}"#)
        .is(&[
            "dynamodb:SearchVectors arn:aws:dynamodb:eu-west-1:111122223333:table/T",
            "dynamodb:SearchVectors arn:aws:dynamodb:eu-west-1:111122223333:table/T/index/I",
        ]);
}

#[test]
fn batches_and_transactions_name_every_table() {
    check(
        "BatchGetItem",
        r#"{"RequestItems":{"T":{"Keys":[]},"U":{"Keys":[]}}}"#,
        &["dynamodb:BatchGetItem ~T", "dynamodb:BatchGetItem ~U"],
    );
    check(
        "BatchWriteItem",
        r#"{"RequestItems":{"T":[{"PutRequest":{}}]}}"#,
        &["dynamodb:BatchWriteItem ~T"],
    );
    check(
        "TransactWriteItems",
        r#"{"TransactItems":[{"Put":{"TableName":"T"}},{"Delete":{"TableName":"U"}},{"ConditionCheck":{"TableName":"T"}}]}"#,
        &[
            "dynamodb:PutItem ~T",
            "dynamodb:DeleteItem ~U",
            "dynamodb:ConditionCheckItem ~T",
        ],
    );
    check(
        "TransactGetItems",
        r#"{"TransactItems":[{"Get":{"TableName":"T"}}]}"#,
        &["dynamodb:GetItem ~T"],
    );
    rejected("BatchGetItem", r#"{"RequestItems":{"T":{},"T":{}}}"#, "once");
    rejected("BatchGetItem", r#"{"RequestItems":{"*":{}}}"#, "TableName");
    check("BatchGetItem", r#"{"RequestItems":{}}"#, &["dynamodb:BatchGetItem ?"]);
    rejected("BatchGetItem", r#"{"RequestItems":["T"]}"#, "map");
    check(
        "TransactWriteItems",
        r#"{"TransactItems":[{}]}"#,
        &[
            "dynamodb:ConditionCheckItem ?",
            "dynamodb:DeleteItem ?",
            "dynamodb:PutItem ?",
            "dynamodb:UpdateItem ?",
        ],
    );
    let two = r#"{"TransactItems":[{"Put":{"TableName":"T"},"Delete":{"TableName":"U"}}]}"#;
    check(
        "TransactWriteItems",
        two,
        &["dynamodb:DeleteItem ~U", "dynamodb:PutItem ~T"],
    );
    rejected(
        "TransactWriteItems",
        r#"{"TransactItems":[{"put":{"TableName":"T"}}]}"#,
        "one of",
    );
}

#[test]
fn statements_name_their_table() {
    check(
        "ExecuteStatement",
        r#"{"Statement":"SELECT * FROM T"}"#,
        &["dynamodb:PartiQLSelect ~T"],
    );
    check(
        "BatchExecuteStatement",
        r#"{"Statements":[{"Statement":"SELECT * FROM \"T\".\"I\" WHERE a=?"},{"Statement":"DELETE FROM U WHERE a=1"}]}"#,
        &["dynamodb:PartiQLSelect ~T/index/I", "dynamodb:PartiQLDelete ~U"],
    );
    check(
        "ExecuteTransaction",
        r#"{"TransactStatements":[{"Statement":"INSERT INTO T VALUE {'a':1}"}]}"#,
        &["dynamodb:PartiQLInsert ~T"],
    );
    rejected("ExecuteStatement", r#"{"Statement":"SELECT * FROM T, U"}"#, "Statement");
    rejected("ExecuteStatement", "{}", "Statement");
}

#[test]
fn streams_have_a_host_and_a_target_of_their_own() {
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/T/stream/2026-01-01T00:00:00.000";
    let stream = |operation: &str, body: String| {
        test_request("POST streams.dynamodb.eu-west-1.amazonaws.com/")
            .with("x-amz-target", &format!("DynamoDBStreams_20120810.{operation}"))
            .with_body(body)
    };
    stream("DescribeStream", format!(r#"{{"StreamArn":"{arn}"}}"#)).is(&[&format!("dynamodb:DescribeStream {arn}")]);
    stream("GetRecords", format!(r#"{{"ShardIterator":"{arn}|1|AAA"}}"#)).is(&[&format!("dynamodb:GetRecords {arn}")]);
    stream("GetRecords", r#"{"ShardIterator":"AAA"}"#.into()).is(&["dynamodb:GetRecords ?"]);
    stream("ListStreams", String::new()).is(&["dynamodb:ListStreams *"]);
    stream("GetItem", "{}".into()).is_rejected("no known operation");
    rejected("ListStreams", "{}", "no known operation");
}

#[test]
fn the_host_may_name_the_account() {
    let at = |host: &str| {
        test_request(&format!("POST {host}/"))
            .with("x-amz-target", "DynamoDB_20120810.GetItem")
            .with_body(r#"{"TableName":"T"}"#)
    };
    let own = at("111122223333.ddb.eu-west-1.amazonaws.com");
    let want = "dynamodb:GetItem arn:aws:dynamodb:eu-west-1:111122223333:table/T";
    own.is(&[want]);
    own.without_account().is(&[want]);
    at("444455556666.ddb.eu-west-1.amazonaws.com").is_rejected("account");
    at(HOST).without_account().is(&["dynamodb:GetItem ?"]);
}

#[test]
fn cbor_and_forms_are_rejected() {
    test_request(&format!("POST {HOST}/service/DynamoDB_20120810/operation/GetItem"))
        .with("smithy-protocol", "rpc-v2-cbor")
        .is_rejected("smithy-protocol");
    post("GetItem", "{}")
        .with("x-amz-target", "DynamoDB_20120810.DeleteTable")
        .is_rejected("two headers");
}

#[test]
fn every_operation_is_mapped_or_wants_its_tables() {
    assert_eq!(ROWS.names().count(), 66);
    for name in ROWS.names() {
        let (_, rows) = ROWS.operation(name).unwrap();
        for first in Rows::first_members(rows) {
            assert!(WANTED.members.contains(&first), "{name} {first}");
        }
        let is_read = matches!(needs_body(&post(name, "").as_request()), BodyNeed::UpTo(_));
        let is_of_streams = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"].contains(&name);
        assert_eq!(is_read, !is_of_streams && Rows::reads_parameters(rows), "{name}");
    }
}
