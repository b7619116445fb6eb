//! What a service does as the caller, and what a server makes of a path, is never wider than the policy.

use crate::support::world::{methods, sandbox};
use crate::support::{RawResponse, World, ask};

fn policy(statements: &[&str]) -> String {
    let statements = statements.join(", ");
    format!("account = \"123456789012\"\nallow = '{{\"Version\": \"2012-10-17\", \"Statement\": [{statements}]}}'\n")
}

fn post(target: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[track_caller]
fn is_rejected(world: &mut World, response: &RawResponse, code: &str, hint: &str, what: &str) {
    let (status, found, given) = response.rejection();
    assert_eq!((status, found.as_str()), (403, code), "{what}: {given}");
    assert!(given.contains(hint), "{what}: {given}");
    let seen = world.events.drain();
    assert!(seen.is_empty(), "{what}: {seen:#?}");
}

#[track_caller]
fn passes(response: &RawResponse, what: &str) {
    let code = response.header("x-signing-proxy-error");
    assert_eq!(code, None, "{what}: {}", response.text());
}

/// Servers that keep objects in files read `pub/../secret` as `secret`.
#[tokio::test]
async fn dot_segments_lead_out_of_no_prefix() {
    let allow = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::sandbox-bucket/pub/*", "arn:aws:s3:::sandbox-bucket"]}"#;
    let mut world = World::with_one("only", "s3", &policy(&[allow])).await;
    let head = |line: &str, more: &str| {
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{more}Content-Length: 0\r\n\r\n")
    };
    let delete = "<Delete><Object><Key>pub/x</Key></Object><Object><Key>pub/../secret</Key></Object></Delete>";
    for request in [
        head("GET /sandbox-bucket/pub/../secret", ""),
        head("GET /sandbox-bucket/pub/%2e%2E/secret", ""),
        head("GET /sandbox-bucket/pub%2F..%2Fsecret", ""),
        head("PUT /sandbox-bucket/pub/./x", ""),
        head("DELETE /sandbox-bucket/pub/..", ""),
        head(
            "PUT /sandbox-bucket/pub/x",
            "x-amz-copy-source: sandbox-bucket/pub/../secret\r\n",
        ),
        head("GET /sandbox-bucket?prefix=pub%2F..%2Fsecret", ""),
        post("/sandbox-bucket?delete", "", delete),
    ] {
        let response = ask(world.address(), &request).await;
        is_rejected(
            &mut world,
            &response,
            "action-unknown",
            "a segment '.' or '..'",
            &request,
        );
    }
    passes(
        &ask(world.address(), head("PUT /sandbox-bucket/pub/a..b", "")).await,
        "dots in a name",
    );
}

#[tokio::test]
async fn empty_segments_pass_no_statement_that_denies() {
    let allow = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
    let deny = r#"{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::sandbox-bucket/secret/*"}"#;
    let mut world = World::with_one("only", "s3", &policy(&[allow, deny])).await;
    let put = |key: &str| {
        format!(
            "PUT /sandbox-bucket/{key} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n"
        )
    };
    for key in ["/secret/x", "secret//x", "pub//x", "secret%5Cx"] {
        let response = ask(world.address(), put(key)).await;
        is_rejected(&mut world, &response, "action-denied", "s3:PutObject", key);
    }
    passes(&ask(world.address(), put("pub/x")).await, "a plain key");
}

/// Behind CGI and the like `x_amz_copy_source` and `x-amz-copy-source` are one variable.
#[tokio::test]
async fn fields_are_decided_on_by_every_name_that_a_server_reads() {
    let allow = r#"{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::sandbox-bucket/pub/*"}"#;
    for more in [policy(&[allow]), String::new()] {
        let mut world = World::with_one("only", "s3", &more).await;
        let put = |field: &str| {
            format!(
                "PUT /sandbox-bucket/pub/x HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
                 Content-Length: 0\r\n{field}\r\n\r\n"
            )
        };
        for field in [
            "x_amz_copy_source: /sandbox-bucket/secret",
            "X-Amz-Copy_Source: /sandbox-bucket/secret",
            "x.amz.copy.source: /sandbox-bucket/secret",
            "x_amz_acl: public-read",
            "X_AMZ_GRANT_READ: uri=x",
            "x-amz-bypass_governance_retention: true",
            "x_amz_security_token: t",
            "Content_Length: 5",
            "Transfer_Encoding: chunked",
            "Content_Type: text/html",
            "Proxy_Authorization: Basic YTpi",
            "X_Forwarded_Host: elsewhere",
            "If_Match: \"x\"",
        ] {
            let response = ask(world.address(), put(field)).await;
            let (status, code, hint) = response.rejection();
            assert_eq!((status, code.as_str()), (400, "head-ambiguous"), "{field}: {hint}");
            assert_eq!(response.header("connection"), Some("close"), "{field}");
            let seen = world.events.drain();
            assert!(seen.is_empty(), "{field}: {seen:#?}");
        }
        for field in ["x-amz-meta-my_key.a: v", "api_key: v", "X_Request_Id: v"] {
            passes(&ask(world.address(), put(field)).await, field);
        }
    }
}

#[tokio::test]
async fn objects_that_a_model_reads_and_writes_must_be_allowed() {
    let model = r#"{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:us-east-1::foundation-model/acme.words-v1:0"}"#;
    let s3 = r#"{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::mine/*"}"#;
    let json = "Content-Type: application/json\r\n";
    let read = |bucket: &str| {
        format!(
            r#"{{"prompt":"x","messages":[{{"content":[{{"video":{{"source":{{"s3Location":{{"uri":"s3://{bucket}/v"}}}}}}}}]}}]}}"#
        )
    };
    let write = |bucket: &str| {
        format!(
            r#"{{"modelId":"acme.words-v1:0","modelInput":{{}},"outputDataConfig":{{"s3OutputDataConfig":{{"s3Uri":"s3://{bucket}/p"}}}}}}"#
        )
    };
    let mut world = World::with_one("only", "bedrock-runtime", &policy(&[model, s3])).await;
    for (target, body, lacking) in [
        (
            "/model/acme.words-v1%3A0/converse",
            read("payroll"),
            "s3:GetObject on arn:aws:s3:::payroll/v",
        ),
        (
            "/model/acme.words-v1%3A0/invoke",
            read("payroll"),
            "s3:GetObject on arn:aws:s3:::payroll/v",
        ),
        (
            "/async-invoke",
            write("attacker"),
            "s3:PutObject on arn:aws:s3:::attacker/p/*",
        ),
    ] {
        let response = ask(world.address(), post(target, json, &body)).await;
        is_rejected(&mut world, &response, "action-denied", lacking, target);
    }
    for (target, body) in [
        ("/model/acme.words-v1%3A0/invoke", read("mine")),
        ("/model/acme.words-v1%3A0/invoke", "{\"prompt\":\"x\"}".to_owned()),
        ("/async-invoke", write("mine")),
    ] {
        passes(&ask(world.address(), post(target, json, &body)).await, target);
    }
}

/// `s3://` in the midst of a text counts, and in encodings that readers of JSON detect by themselves.
#[tokio::test]
async fn objects_that_a_model_reads_are_found_in_any_string_and_encoding() {
    let allow = r#"{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/*"}"#;
    let mut world = World::with_one("only", "bedrock-runtime", &policy(&[allow])).await;
    let invoke = |kind: &str, body: &[u8]| {
        let head = format!(
            "POST /model/acme.words-v1%3A0/invoke HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
             {kind}Content-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let json = r#"{"prompt":{"s3Location":{"uri":"s3://payroll/x"}}}"#;
    let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
    for body in [
        json.encode_utf16().flat_map(little).collect::<Vec<u8>>(),
        json.encode_utf16().flat_map(big).collect(),
        ["\u{feff}", json].concat().encode_utf16().flat_map(little).collect(),
        json.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        json.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
    ] {
        for kind in ["", "Content-Type: application/json\r\n", "Content-Type: image/png\r\n"] {
            let response = ask(world.address(), invoke(kind, &body)).await;
            is_rejected(&mut world, &response, "action-unknown", "the body", kind);
        }
    }
    for text in ["see s3://payroll/x", r#"{\"uri\":\"s3://payroll/x\"}"#] {
        let body = format!(r#"{{"prompt":"{text}"}}"#);
        let response = ask(world.address(), invoke("", body.as_bytes())).await;
        let lacking = "s3:GetObject on arn:aws:s3:::payroll/x*";
        is_rejected(&mut world, &response, "action-denied", lacking, text);
    }
    let body = r#"{"prompt":"see s3://mine/x, please"}"#;
    passes(&ask(world.address(), invoke("", body.as_bytes())).await, body);
}

#[tokio::test]
async fn exports_and_imports_of_tables_must_be_allowed_their_buckets() {
    let table = r#"{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}"#;
    let mut world = World::with_one("only", "dynamodb", &policy(&[table])).await;
    for (operation, body, lacking) in [
        (
            "ExportTableToPointInTime",
            r#"{"TableArn":"t","S3Bucket":"attacker"}"#,
            "s3:AbortMultipartUpload on arn:aws:s3:::attacker/*",
        ),
        (
            "ImportTable",
            r#"{"S3BucketSource":{"S3Bucket":"payroll"},"TableCreationParameters":{"TableName":"t"}}"#,
            "s3:GetObject on arn:aws:s3:::payroll/*",
        ),
    ] {
        let headers =
            format!("X-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Type: application/x-amz-json-1.0\r\n");
        let response = ask(world.address(), post("/", &headers, body)).await;
        is_rejected(&mut world, &response, "action-denied", lacking, operation);
    }
}

#[tokio::test]
async fn buckets_and_logs_that_ec2_uses_as_the_caller_must_be_allowed() {
    let ec2 = r#"{"Effect": "Allow", "Action": ["ec2:*", "iam:PassRole"], "Resource": "*"}"#;
    let mut world = World::with_one("only", "ec2", &policy(&[ec2])).await;
    for (form, lacking) in [
        (
            "CreateFlowLogs&ResourceType=VPC&ResourceId.1=vpc-1&LogDestinationType=s3&LogDestination=arn:aws:s3:::attacker",
            "logs:CreateLogDelivery",
        ),
        (
            "CreateSpotDatafeedSubscription&Bucket=attacker",
            "s3:GetBucketAcl on arn:aws:s3:::attacker",
        ),
        (
            "CreateFpgaImage&InputStorageLocation.Bucket=payroll&InputStorageLocation.Key=k",
            "s3:GetObject on arn:aws:s3:::payroll/k",
        ),
        (
            "ExportTransitGatewayRoutes&TransitGatewayRouteTableId=tgw-rtb-1&S3Bucket=attacker",
            "s3:PutObject on arn:aws:s3:::attacker/*",
        ),
        (
            "RegisterImage&Name=a&ImageLocation=payroll/f/image.manifest.xml",
            "s3:GetObject on arn:aws:s3:::payroll/f/*",
        ),
        (
            "CreateInstanceExportTask&InstanceId=i-1&ExportToS3.S3Bucket=attacker",
            "s3:PutObject on arn:aws:s3:::attacker/*",
        ),
        (
            "ImportSnapshot&DiskContainer.UserBucket.S3Bucket=payroll&DiskContainer.UserBucket.S3Key=k",
            "s3:GetObject on arn:aws:s3:::payroll/k",
        ),
        (
            "ExportImage&ImageId=ami-1&DiskImageFormat=RAW&S3ExportLocation.S3Bucket=attacker",
            "s3:PutObject on arn:aws:s3:::attacker/*",
        ),
    ] {
        let body = format!("Action={form}&Version=2016-11-15");
        let request = post("/", "Content-Type: application/x-www-form-urlencoded\r\n", &body);
        let response = ask(world.address(), &request).await;
        is_rejected(&mut world, &response, "action-denied", lacking, form);
    }
}

#[tokio::test]
async fn a_launch_template_needs_a_statement_that_passes_roles() {
    let ec2 = r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#;
    let pass = r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/app", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}"#;
    let form = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId=lt-0123";
    let request = post("/", "Content-Type: application/x-www-form-urlencoded\r\n", form);
    let mut world = World::with_one("only", "ec2", &policy(&[ec2])).await;
    let response = ask(world.address(), &request).await;
    is_rejected(&mut world, &response, "action-denied", "iam:PassRole", "no statement");
    let world = World::with_one("only", "ec2", &policy(&[ec2, pass])).await;
    passes(&ask(world.address(), &request).await, "a statement for one role");
}

/// Where AWS holds the session to the policy too, it sees the profile and decides on its very role.
#[tokio::test]
async fn aws_decides_on_a_launch_template_where_it_holds_the_session_to_the_policy() {
    let ec2 = r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#;
    let form = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateId=lt-0123";
    let request = post("/", "Content-Type: application/x-www-form-urlencoded\r\n", form);
    let (_, auth) = methods()
        .into_iter()
        .find(|(name, _)| *name == "role-arn")
        .expect("a method");
    for (session_policy, code) in [("session_policy = \"allow\"\n", None), ("", Some("action-denied"))] {
        let sandbox = sandbox().await;
        let endpoint = sandbox.service("ec2").expect("a service of the sandbox");
        let connection = format!(
            "[connections.only]\nservice = \"ec2\"\nregion = \"us-east-1\"\nendpoint = \"http://{endpoint}\"\n{}\
             [connections.only.auth]\n{auth}{session_policy}",
            policy(&[ec2])
        );
        let world = World::with(sandbox, &connection).await;
        let response = ask(world.address(), &request).await;
        assert_eq!(response.header("x-signing-proxy-error"), code, "{}", response.text());
    }
}

/// A policy made from a record says that the role behind a launch template is not known.
#[tokio::test]
async fn a_record_says_that_a_launch_template_may_pass_a_role() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record.json");
    let world = World::with_one(
        "only",
        "ec2",
        &format!("account = \"123456789012\"\nrecord = {record:?}\n"),
    )
    .await;
    let form = "Action=RunInstances&Version=2016-11-15&LaunchTemplate.LaunchTemplateId=lt-0123";
    ask(
        world.address(),
        post("/", "Content-Type: application/x-www-form-urlencoded\r\n", form),
    )
    .await;
    world.proxy.shutdown().await;
    let text = std::fs::read_to_string(&record).expect("a record");
    let record = policy_gen::RecordSet::parse(&text).expect("a record of ours");
    let report = policy_gen::least_privilege(&record, policy_gen::least_privilege::Options::default()).report;
    let listed = format!("{:?}", report.unresolved);
    assert!(
        listed.contains("iam:PassRole") && listed.contains("a launch template"),
        "{listed}"
    );
}

/// DynamoDB's own bound: what is longer is not even divided into words.
#[tokio::test]
async fn a_statement_of_many_megabytes_is_rejected_unread() {
    let table = r#"{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}"#;
    let mut world = World::with_one("only", "dynamodb", &policy(&[table])).await;
    let body = format!("{{\"Statement\":\"{}\"}}", "( ".repeat(5 << 20));
    let headers = "X-Amz-Target: DynamoDB_20120810.ExecuteStatement\r\nContent-Type: application/x-amz-json-1.0\r\n";
    let response = ask(world.address(), post("/", headers, &body)).await;
    is_rejected(
        &mut world,
        &response,
        "action-unknown",
        "8192 characters",
        "a long statement",
    );
}

/// AWS adds parameters every month: what one does is not known, so the action must be allowed on everything.
#[tokio::test]
async fn a_parameter_that_is_new_passes_by_a_statement_on_everything_alone() {
    let form = "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-0123&BrandNew.1.Id=i-0456";
    let request = post("/", "Content-Type: application/x-www-form-urlencoded\r\n", form);
    let statement = |resource: &str| {
        format!(r#"{{"Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "{resource}"}}"#)
    };
    let one = statement("arn:aws:ec2:us-east-1:123456789012:instance/i-0123");
    let mut world = World::with_one("only", "ec2", &policy(&[&one])).await;
    let response = ask(world.address(), &request).await;
    is_rejected(
        &mut world,
        &response,
        "action-denied",
        "a parameter that is not known here",
        "one instance",
    );
    let world = World::with_one("only", "ec2", &policy(&[&statement("*")])).await;
    passes(&ask(world.address(), &request).await, "every instance");
}
