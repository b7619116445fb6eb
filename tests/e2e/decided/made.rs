//! Random requests: what clients send, and what somebody would send who wants to be read in two ways.

use std::fmt;

use super::dice::Dice;
use super::twisted::twist;

/// The account of the connections.
pub(super) const ACCOUNT: &str = "111122223333";

/// The services whose requests are mapped.
pub(super) const SERVICES: [&str; 6] = ["s3", "ec2", "sts", "dynamodb", "bedrock-runtime", "workspaces"];

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
const KEYS: [&str; 14] = [
    "pub/a",
    "pub/b%20c",
    "pub/d+e",
    "pub/%C3%BC",
    "pub/x/y",
    "pub/%2541",
    "pub//z",
    "pub/no",
    "secret",
    "pub",
    "pub/*",
    "pub/../secret",
    "pub/.h",
    "pub/a%2Fb",
];
const WORDS: [&str; 22] = [
    "acl",
    "tagging",
    "versionId=1",
    "versionId=null",
    "uploads",
    "uploadId=u&partNumber=1",
    "uploadId=u",
    "attributes",
    "list-type=2&prefix=pub/",
    "prefix=pub%2F&max-keys=3",
    "delete",
    "location",
    "policy",
    "session",
    "torrent",
    "retention",
    "legal-hold",
    "restore",
    "x-id=GetObject",
    "response-content-type=text/html",
    "versions",
    "append=1",
];
pub(super) const S3_FIELDS: [(&str, &str); 12] = [
    ("X-Amz-Copy-Source", "/one/pub/a"),
    ("X-Amz-Copy-Source", "two/secret?versionId=1"),
    ("X-Amz-Acl", "public-read"),
    ("X-Amz-Grant-Read", "id=1"),
    ("X-Amz-Tagging", "a=b"),
    ("X-Amz-Tagging-Directive", "REPLACE"),
    ("X-Amz-Bypass-Governance-Retention", "true"),
    ("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "1234"),
    ("X-Amz-Object-Lock-Mode", "GOVERNANCE"),
    ("If-None-Match", "*"),
    ("Range", "bytes=0-1"),
    ("X-Amz-Meta-A", "b"),
];
/// A request as the client means it.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} {:?} {body:?}", self.method, self.target, self.headers)
    }
}

impl Made {
    fn new(method: &str, target: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn replace(&mut self, what: &str, by: &str) {
        if let Ok(text) = std::str::from_utf8(&self.body) {
            self.body = text.replacen(what, by, 1).into_bytes();
        }
    }
}

/// A request to the service.
pub(super) fn request(dice: &mut Dice, service: &str) -> Made {
    let mut request = match service {
        "s3" => s3(dice),
        "ec2" => ec2(dice),
        "sts" => sts(dice),
        "dynamodb" => dynamodb(dice),
        "bedrock-runtime" => bedrock(dice),
        _ => workspaces(dice),
    };
    for _ in 0..dice.pick(&[0, 0, 0, 1, 1, 2]) {
        twist(dice, &mut request);
    }
    for (name, _) in &mut request.headers {
        match dice.below(3) {
            0 => name.make_ascii_lowercase(),
            1 => name.make_ascii_uppercase(),
            _ => {}
        }
    }
    request
}

fn s3(dice: &mut Dice) -> Made {
    let bucket = dice.pick(&["one", "one", "one", "two"]);
    let path = if dice.one_in(4) {
        format!("/{bucket}")
    } else {
        format!("/{bucket}/{}", dice.pick(&KEYS))
    };
    let method = dice.pick(&["GET", "GET", "HEAD", "PUT", "PUT", "DELETE", "POST"]);
    let mut request = Made::new(method, path);
    if dice.one_in(3) {
        request.target = format!("{}?{}", request.target, dice.pick(&WORDS));
    }
    if dice.one_in(3) {
        let (name, value) = dice.pick(&S3_FIELDS);
        request.add(name, value);
    }
    match method {
        "PUT" => request.body = vec![b'a'; dice.below(300)],
        "POST" if dice.one_in(2) => {
            let keys: String = (0..=dice.below(3))
                .map(|_| format!("<Object><Key>{}</Key></Object>", dice.pick(&KEYS)))
                .collect();
            request.target = format!("/{bucket}?delete");
            request.body = format!("<Delete>{keys}</Delete>").into_bytes();
        }
        _ => {}
    }
    request
}

/// A Query request in one of the forms that clients use.
fn query(dice: &mut Dice, version: &str, pairs: &str) -> Made {
    let version = format!("Version={version}");
    let mut pairs: Vec<_> = pairs.split('&').chain([&*version]).collect();
    dice.shuffle(&mut pairs);
    let text = pairs.join("&");
    if dice.below(5) < 2 {
        return Made::new("GET", format!("/?{text}"));
    }
    let content = dice.pick(&[FORM, FORM, "application/x-www-form-urlencoded; charset=utf-8"]);
    Made::new("POST", "/").with("Content-Type", content).with_body(text)
}

fn ec2(dice: &mut Dice) -> Made {
    let id = |dice: &mut Dice| dice.pick(&["i-0a1", "i-0a2", "i-0b1"]);
    let action = dice.pick(&[
        "DescribeInstances",
        "StartInstances",
        "TerminateInstances",
        "StopInstances",
        "RebootInstances",
    ]);
    let text = match dice.below(8) {
        0 => "Action=DescribeVpcs".to_owned(),
        1 => "Action=CreateVpc&CidrBlock=10.0.0.0%2F16".to_owned(),
        2 => format!("Action=CreateTags&ResourceId.1={}&Tag.1.Key=a&Tag.1.Value=b", id(dice)),
        3 => "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&IamInstanceProfile.Name=p".to_owned(),
        4 => "Action=RunInstances&LaunchTemplate.LaunchTemplateId=lt-1&MinCount=1&MaxCount=1".to_owned(),
        5 => format!("Action={action}&InstanceId.1={}&InstanceId.2={}", id(dice), id(dice)),
        _ => format!("Action={action}&InstanceId.1={}", id(dice)),
    };
    query(dice, "2016-11-15", &text)
}

fn sts(dice: &mut Dice) -> Made {
    let role = format!(
        "arn%3Aaws%3Aiam%3A%3A{ACCOUNT}%3Arole%2F{}",
        dice.pick(&["pub-a", "pub-b", "admin"])
    );
    let text = match dice.below(8) {
        0 | 1 => "Action=GetCallerIdentity".to_owned(),
        2 => "Action=GetSessionToken".to_owned(),
        3 => "Action=GetAccessKeyInfo&AccessKeyId=AKIAIOSFODNN7EXAMPLE".to_owned(),
        4 => format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=x&Tags.member.1.Key=a&Tags.member.1.Value=b"),
        _ => format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=x"),
    };
    query(dice, "2011-06-15", &text)
}

fn json(target: &str, body: String) -> Made {
    let version = if target.starts_with("Dynamo") { "1.0" } else { "1.1" };
    Made::new("POST", "/")
        .with("X-Amz-Target", target)
        .with("Content-Type", &format!("application/x-amz-json-{version}"))
        .with_body(body)
}

fn dynamodb(dice: &mut Dice) -> Made {
    let tables = [
        "pub-orders",
        "pub-users",
        "private",
        "arn:aws:dynamodb:us-east-1:111122223333:table/pub-orders",
    ];
    let (table, other) = (dice.pick(&tables), dice.pick(&tables));
    let (operation, body) = match dice.below(9) {
        0 => ("ListTables", "{}".to_owned()),
        1 => (
            "Query",
            format!(r#"{{"TableName":"{table}","IndexName":"i","KeyConditionExpression":"a = :b"}}"#),
        ),
        2 => (
            "BatchGetItem",
            format!(r#"{{"RequestItems":{{"{table}":{{"Keys":[]}},"{other}":{{"Keys":[]}}}}}}"#),
        ),
        3 => (
            "TransactWriteItems",
            format!(
                r#"{{"TransactItems":[{{"Put":{{"TableName":"{table}","Item":{{}}}}}},{{"Delete":{{"TableName":"{other}","Key":{{}}}}}}]}}"#
            ),
        ),
        4 => (
            "ExecuteStatement",
            format!(r#"{{"Statement":"SELECT * FROM \"{table}\" WHERE a = 'b'"}}"#),
        ),
        5 => (
            "ExecuteStatement",
            format!(r#"{{"Statement":"DELETE FROM \"{table}\" WHERE a = 'b'"}}"#),
        ),
        6 => (
            "UpdateItem",
            format!(r#"{{"TableName":"{table}","Key":{{"Id":{{"S":"a"}}}},"ReturnValues":"ALL_OLD"}}"#),
        ),
        _ => (
            dice.pick(&["GetItem", "PutItem", "Scan", "DescribeTable"]),
            format!(r#"{{"TableName":"{table}"}}"#),
        ),
    };
    json(&format!("DynamoDB_20120810.{operation}"), body)
}

fn bedrock(dice: &mut Dice) -> Made {
    let model = dice.pick(&["pub.words-v1%3A0", "pub.words-v1:0", "other.words", "us.pub.words-v1:0"]);
    let operation = dice.pick(&[
        "invoke",
        "invoke-with-response-stream",
        "converse",
        "converse-stream",
        "count-tokens",
    ]);
    let body = match dice.below(3) {
        0 => r#"{"messages":[{"content":[{"document":{"source":{"s3Location":{"uri":"s3://one/pub/a"}}}}]}]}"#,
        1 => r#"{"messages":[{"content":[{"document":{"source":{"s3Location":{"uri":"s3://two/secret"}}}}]}]}"#,
        _ => r#"{"prompt":"one"}"#,
    };
    Made::new("POST", format!("/model/{model}/{operation}"))
        .with("Content-Type", "application/json")
        .with_body(body)
}

fn workspaces(dice: &mut Dice) -> Made {
    let (one, two) = (dice.pick(&["ws-0a1", "ws-0b1"]), dice.pick(&["ws-0a2", "ws-0b2"]));
    let (operation, body) = match dice.below(4) {
        0 => ("DescribeWorkspaces", "{}".to_owned()),
        1 => (
            "ModifyWorkspaceState",
            format!(r#"{{"WorkspaceId":"{one}","WorkspaceState":"AVAILABLE"}}"#),
        ),
        _ => (
            dice.pick(&["TerminateWorkspaces", "StartWorkspaces"]),
            format!(
                r#"{{"{}":[{{"WorkspaceId":"{one}"}},{{"WorkspaceId":"{two}"}}]}}"#,
                dice.pick(&["TerminateWorkspaceRequests", "StartWorkspaceRequests"])
            ),
        ),
    };
    json(&format!("WorkspacesService.{operation}"), body)
}
