//! What hands out credentials is rejected on every connection that does not list it, whatever its policy allows.

use crate::support::world::{connection, sandbox};
use crate::support::{RawResponse, World, ask};

const EVERYTHING: &str =
    r#"allow = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'"#;

/// A service, a request without its framing, its body, and the action that it is rejected for.
const ROWS: &[(&str, &str, &str, &str)] = &[
    (
        "sts",
        "GET /?Action=GetSessionToken&Version=2011-06-15",
        "",
        "sts:GetSessionToken",
    ),
    (
        "sts",
        "POST /",
        "Action=GetSessionToken&DurationSeconds=129600&Version=2011-06-15",
        "sts:GetSessionToken",
    ),
    (
        "sts",
        "POST /?Version=2011-06-15",
        "Action=GetFederationToken&Name=bob",
        "sts:GetFederationToken",
    ),
    (
        "sts",
        "POST /",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&Action=AssumeRol%65",
        "sts:AssumeRole",
    ),
    (
        "sts",
        "POST /?Action=GetCallerIdentity",
        "Action=GetSessionToken",
        "sts:GetSessionToken",
    ),
    (
        "iam",
        "POST /",
        "Action=CreateAccessKey&Version=2010-05-08",
        "iam:CreateAccessKey",
    ),
    (
        "iam",
        "POST /",
        "Action=UpdateLoginProfile&UserName=a&Password=b",
        "iam:UpdateLoginProfile",
    ),
    (
        "redshift",
        "POST /",
        "Action=GetClusterCredentials&DbUser=a",
        "redshift:GetClusterCredentials",
    ),
    ("s3", "GET /b--use1-az4--x-s3?session", "", "s3express:CreateSession"),
    ("s3", "POST /", "Action=AssumeRole&Version=2011-06-15", "sts:AssumeRole"),
    // Spellings that a lenient reader could take.
    ("sts", "POST /", "\u{feff}Action=GetSessionToken", "sts:GetSessionToken"),
    ("sts", "POST /", "Action\0=GetSessionToken", "sts:GetSessionToken"),
    (
        "ecr",
        "POST / AmazonEC2ContainerRegistry_V20150921/GetAuthorizationToken",
        "{}",
        "ecr:GetAuthorizationToken",
    ),
    (
        "ecr",
        "POST /",
        r#"{"Operation":"com.amazonaws.ecr#GetAuthorizationToken"}"#,
        "ecr:GetAuthorizationToken",
    ),
    // The same root to servers that join slashes, resolve dots, or take an empty segment for no bucket.
    (
        "s3",
        "POST //",
        "Action=GetSessionToken&Version=2011-06-15",
        "sts:GetSessionToken",
    ),
    ("s3", "GET //?Action=GetSessionToken", "", "sts:GetSessionToken"),
    ("s3", "POST /.", "Action=CreateAccessKey", "iam:CreateAccessKey"),
    ("s3", "POST /%2e", "Action=AssumeRole", "sts:AssumeRole"),
    ("s3", "POST /x/..", "Action=AssumeRole", "sts:AssumeRole"),
    ("s3", "POST //x/y", "Action=AssumeRole", "sts:AssumeRole"),
    (
        "s3-control",
        "GET /v20180820/accessgrantsinstance/dataaccess?target=s3%3A%2F%2Fb%2F%2A",
        "",
        "s3:GetDataAccess",
    ),
    (
        "codeartifact",
        "POST /v1/authorization-token?domain=d",
        "",
        "codeartifact:GetAuthorizationToken",
    ),
    (
        "lakeformation",
        "POST /GetTemporaryGlueTableCredentials",
        "{}",
        "lakeformation:GetTemporaryGlueTableCredentials",
    ),
    (
        "eks-auth",
        "POST /clusters/c/assume-role-for-pod-identity",
        "{}",
        "eks-auth:AssumeRoleForPodIdentity",
    ),
    (
        "datazone",
        "GET /v2/domains/d/environments/e/credentials",
        "",
        "datazone:GetEnvironmentCredentials",
    ),
    (
        "emr-containers",
        "POST /virtualclusters/v/endpoints/e/credentials",
        "{}",
        "emr-containers:GetManagedEndpointSessionCredentials",
    ),
    ("connect", "GET /user/federate/i", "", "connect:GetFederationToken"),
    (
        "ecr",
        "POST / AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        "{}",
        "ecr:GetAuthorizationToken",
    ),
    (
        "ecr-public",
        "POST / SpencerFrontendService.GetAuthorizationToken",
        "{}",
        "ecr-public:GetAuthorizationToken",
    ),
    (
        "redshift-serverless",
        "POST / RedshiftServerless.GetCredentials",
        "{}",
        "redshift-serverless:GetCredentials",
    ),
    (
        "elasticmapreduce",
        "POST / ElasticMapReduce.GetClusterSessionCredentials",
        "{}",
        "elasticmapreduce:GetClusterSessionCredentials",
    ),
    (
        "lightsail",
        "POST / Lightsail_20161128.CreateBucketAccessKey",
        "{}",
        "lightsail:CreateBucketAccessKey",
    ),
    ("ssm", "POST / AmazonSSM.GetAccessToken", "{}", "ssm:GetAccessToken"),
    ("ssm", "POST /", "Action=GetAccessToken", "ssm:GetAccessToken"),
];

fn request(line: &str, body: &str) -> String {
    let mut parts = line.split(' ');
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let kind = if body.starts_with('{') {
        "application/x-amz-json-1.1"
    } else {
        "application/x-www-form-urlencoded"
    };
    let operation = parts
        .next()
        .map(|name| format!("X-Amz-Target: {name}\r\n"))
        .unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: {kind}\r\n\
         {operation}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A proxy with one connection for the service, which may be one that the sandbox does not have.
async fn world(service: &str, more: &str) -> World {
    let sandbox = sandbox().await;
    let served = sandbox.service(service).or_else(|| sandbox.service("s3"));
    let endpoint = format!("http://{}", served.expect("a service of the sandbox"));
    let connection = connection("only", service, &endpoint, more);
    World::with(sandbox, &connection).await
}

#[track_caller]
fn is_rejected(world: &mut World, response: &RawResponse, what: &str) -> String {
    let (status, code, hint) = response.rejection();
    assert_eq!(
        (status, code.as_str()),
        (403, "credentials-not-vended"),
        "{what}: {hint}"
    );
    let seen = world.events.drain();
    assert!(seen.is_empty(), "{what}: {seen:#?}");
    hint
}

#[tokio::test]
async fn credentials_are_handed_out_by_no_connection_that_does_not_list_them() {
    for (service, line, body, action) in ROWS {
        for more in ["", EVERYTHING] {
            let mut world = world(service, more).await;
            let response = ask(world.address(), request(line, body)).await;
            if !more.is_empty() && response.header("x-signing-proxy-error") == Some("action-unknown") {
                // A service without a table of actions is denied by any policy before its body is read.
                assert!(*service != "sts" && world.events.drain().is_empty(), "{line}");
                continue;
            }
            let hint = is_rejected(&mut world, &response, line);
            let key = format!("add \"{action}\" to connections.only.vend_credentials");
            assert!(hint.contains(&key), "{line}: {hint}");
        }
    }
}

#[tokio::test]
async fn what_is_listed_passes_and_nothing_else_of_the_service() {
    for (service, line, body, action) in ROWS {
        for list in [*action, "*"] {
            let world = world(service, &format!("vend_credentials = [{list:?}]")).await;
            let response = ask(world.address(), request(line, body)).await;
            let code = response.header("x-signing-proxy-error");
            assert!(code.is_none(), "{line}: {code:?} {}", response.text());
        }
    }
    let mut sts = world("sts", "vend_credentials = [\"sts:AssumeRole\"]").await;
    let response = ask(
        sts.address(),
        request("POST /", "Action=GetSessionToken&Version=2011-06-15"),
    )
    .await;
    is_rejected(&mut sts, &response, "another action");
}

/// Wildcards count, as in IAM, but a statement there must be.
#[tokio::test]
async fn a_policy_must_allow_what_is_listed_besides() {
    let session = request("POST /", "Action=GetSessionToken&Version=2011-06-15");
    for (action, is_allowed) in [("sts:Get*", true), ("sts:AssumeRole", false)] {
        let allow = format!(
            r#"allow = '{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}]}}'"#
        );
        let world = world("sts", &format!("vend_credentials = [\"*\"]\n{allow}")).await;
        let response = ask(world.address(), &session).await;
        let code = response.header("x-signing-proxy-error");
        assert_eq!(
            code,
            if is_allowed { None } else { Some("action-denied") },
            "{}",
            response.text()
        );
    }
}

#[tokio::test]
async fn a_form_that_could_be_read_in_two_ways_is_taken_for_the_worse() {
    let mut world = world("sts", "").await;
    for body in [
        "Action=GetCallerIdentity&Action=ListUsers",
        "Action=%zz",
        "Action=GetCallerIdentity&Action.1=x",
    ] {
        let response = ask(world.address(), request("POST /", body)).await;
        let hint = is_rejected(&mut world, &response, body);
        assert!(hint.contains("cannot be determined for certain"), "{hint}");
    }
    let plain = ask(
        world.address(),
        request("POST /", "Action=GetCallerIdentity&Version=2011-06-15"),
    )
    .await;
    assert_eq!(plain.header("x-signing-proxy-error"), None, "{}", plain.text());
}

/// SDKs that do not ask for JSON get the service's own words for what is denied.
#[tokio::test]
async fn the_error_has_the_form_of_the_service() {
    for (service, line, body, want) in [
        (
            "sts",
            "POST /",
            "Action=GetSessionToken",
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>",
        ),
        (
            "ecr",
            "POST / x.GetAuthorizationToken",
            "{}",
            r#""__type":"AccessDeniedException""#,
        ),
        (
            "s3",
            "GET /b--use1-az4--x-s3?session",
            "",
            "<Error><Code>AccessDenied</Code>",
        ),
    ] {
        let world = world(service, "").await;
        let request = request(line, body).replace("Accept: application/json\r\n", "");
        let text = ask(world.address(), request).await.text();
        assert!(text.contains(want), "{text}");
    }
}
