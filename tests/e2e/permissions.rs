//! What a connection's policy allows, and what its record keeps: shown by what reaches the service.

use std::fs;
use std::path::Path;

use policy_gen::least_privilege::Options;
use policy_gen::{RecordSet, least_privilege};

use crate::support::{RawResponse, World, ask};

/// A proxy whose one connection to the service has these further settings.
async fn world(service: &str, more: &str) -> World {
    World::with_one("only", service, more).await
}

fn allow(statements: &str) -> String {
    format!("allow = '{{\"Version\": \"2012-10-17\", \"Statement\": [{statements}]}}'\n")
}

fn put(key: &str, headers: &str) -> String {
    format!("PUT /sandbox-bucket/{key} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 2\r\n\r\nhi")
}

fn without_body(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn multi_delete(keys: &[&str]) -> String {
    let objects: String = keys
        .iter()
        .map(|key| format!("<Object><Key>{key}</Key></Object>"))
        .collect();
    let body = format!("<Delete>{objects}</Delete>");
    format!(
        "POST /sandbox-bucket?delete HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[track_caller]
fn passed(response: &RawResponse, what: &str) {
    assert!(
        response.header("x-signing-proxy-error").is_none() && response.status < 300,
        "{what}: {} {}",
        response.status,
        response.text()
    );
}

/// Refused by the proxy with this code, and the service saw nothing.
#[track_caller]
fn refused(world: &mut World, response: &RawResponse, code: &str, what: &str) {
    assert_eq!(
        (response.status, response.header("x-signing-proxy-error")),
        (403, Some(code)),
        "{what}: {}",
        response.text()
    );
    let seen = world.events.drain();
    assert!(seen.is_empty(), "{what}: {seen:#?}");
}

/// Ordinary traffic: each request, as it is sent.
fn traffic() -> Vec<String> {
    vec![
        put("a/one.txt", ""),
        put("a/two%20%2A.txt", "x-amz-tagging: team=blue\r\n"),
        without_body("GET", "/sandbox-bucket/a/one.txt"),
        without_body("HEAD", "/sandbox-bucket/a/one.txt"),
        without_body("GET", "/sandbox-bucket?list-type=2&prefix=a/"),
        multi_delete(&["a/one.txt", "a/two *.txt"]),
    ]
}

async fn send_traffic(world: &World) {
    for request in traffic() {
        passed(&ask(world.address(), &request).await, &request);
    }
}

/// The least policy for what the file holds, as its JSON.
fn policy_of(record: &Path) -> String {
    let record = RecordSet::parse(&fs::read_to_string(record).expect("a record")).expect("a record of ours");
    let policy = least_privilege(&record, Options::default()).policy;
    policy.expect("something was recorded").to_json()
}

#[tokio::test]
async fn what_was_recorded_passes_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record.json");
    let recording = world("s3", &format!("record = {record:?}\n")).await;
    send_traffic(&recording).await;
    recording.proxy.shutdown().await;

    let policy = folder.path().join("policy.json");
    fs::write(&policy, policy_of(&record)).expect("written");
    let mut enforcing = world("s3", &format!("allow = {policy:?}\n")).await;
    send_traffic(&enforcing).await;
    enforcing.events.drain();

    for (request, code) in [
        (without_body("GET", "/sandbox-bucket/a/three.txt"), "action-denied"),
        (without_body("GET", "/sandbox-bucket/a/two%20x.txt"), "action-denied"),
        (without_body("GET", "/other-bucket/a/one.txt"), "action-denied"),
        (without_body("DELETE", "/sandbox-bucket/a/three.txt"), "action-denied"),
        (
            without_body("GET", "/sandbox-bucket/a/one.txt?versionId=null"),
            "action-denied",
        ),
        (without_body("GET", "/sandbox-bucket/a/one.txt?%61cl"), "action-denied"),
        (without_body("GET", "/sandbox-bucket//a/one.txt"), "action-denied"),
        (without_body("GET", "/sandbox-bucket/a/./one.txt"), "action-unknown"),
        (without_body("GET", "/sandbox-bucket/b/../a/one.txt"), "action-unknown"),
        (
            without_body("GET", "/sandbox-bucket/a/one.txt?acl&tagging"),
            "action-unknown",
        ),
        (without_body("GET", "/sandbox-bucket?policy"), "action-denied"),
        (without_body("PATCH", "/sandbox-bucket/a/one.txt"), "action-unknown"),
        (put("a/one.txt", "x-amz-acl: public-read\r\n"), "action-denied"),
        (
            put("a/one.txt", "x-amz-copy-source: /other-bucket/secret\r\n"),
            "action-denied",
        ),
        (multi_delete(&["a/one.txt", "a/three.txt"]), "action-denied"),
        (multi_delete(&["a/one.txt</Key><Key>a/three.txt"]), "action-unknown"),
    ] {
        let response = ask(enforcing.address(), &request).await;
        refused(&mut enforcing, &response, code, &request);
    }
    // The same spelled otherwise, which S3 reads as the same key.
    let same = without_body("GET", "/sandbox-bucket/%61%2Fone.txt");
    let response = ask(enforcing.address(), same).await;
    assert!(
        response.header("x-signing-proxy-error").is_none(),
        "{}",
        response.text()
    );
}

#[tokio::test]
async fn a_rejection_has_the_form_of_the_service() {
    let statement = r#"{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}"#;
    let form = "Action=DescribeInstances&Version=2016-11-15";
    let ec2 = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let json = r#"{"TableName":"orders"}"#;
    let dynamodb = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.Scan\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    );
    for (service, request, want) in [
        (
            "s3",
            without_body("GET", "/sandbox-bucket/k"),
            "<Error><Code>AccessDenied</Code>",
        ),
        (
            "ec2",
            ec2,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code>",
        ),
        ("dynamodb", dynamodb, r#""__type":"AccessDeniedException""#),
    ] {
        let mut world = world(service, &format!("account = \"123456789012\"\n{}", allow(statement))).await;
        let response = ask(world.address(), request).await;
        let text = response.text();
        assert!(text.contains(want), "{text}");
        assert!(text.contains("must allow "), "it says what is lacking: {text}");
        refused(&mut world, &response, "action-denied", service);
    }
}

#[tokio::test]
async fn the_account_of_the_keys_is_looked_up_where_it_counts() {
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": "arn:aws:dynamodb:us-east-1:{}:table/orders"}}"#,
        sandbox::principals::REPORTER.account
    );
    let mut world = world("dynamodb", &allow(&statement)).await;
    for (table, is_allowed) in [("orders", true), ("customers", false)] {
        let json = format!(r#"{{"TableName":"{table}"}}"#);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.DescribeTable\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        let response = ask(world.address(), request).await;
        if is_allowed {
            assert_eq!(response.header("x-signing-proxy-error"), None, "{}", response.text());
            assert_eq!(
                world
                    .events
                    .drain()
                    .iter()
                    .filter(|event| event.service == "sts")
                    .count(),
                1
            );
        } else {
            refused(&mut world, &response, "action-denied", table);
        }
    }
}

#[tokio::test]
async fn a_policy_can_be_tried_out_first() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}"#;
    let mut world = world("s3", &format!("allow_mode = \"log\"\n{}", allow(statement))).await;
    passed(&ask(world.address(), put("tried", "")).await, "put");
    world.accepted("s3");
    let exposed = world.proxy.metrics().encode().expect("metrics");
    let line = r#"signing_proxy_permission_checks_total{connection="only",operation="PutObject",action="s3:PutObject",decision="would-deny"} 1"#;
    assert!(exposed.contains(line), "{exposed}");
}

#[tokio::test]
async fn an_upload_is_refused_before_its_body_is_read() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::sandbox-bucket/*"}"#;
    let mut world = world("s3", &allow(statement)).await;
    // The body never comes.
    let request =
        "PUT /sandbox-bucket/k HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    let response = ask(world.address(), request).await;
    refused(&mut world, &response, "action-denied", "an upload");
}
