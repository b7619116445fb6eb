use std::collections::BTreeSet;

use auth_model::{Region, ServiceId};
use aws_endpoints::{HostResource, parse_host, traits_of};
use http::{HeaderMap, HeaderName, Method};

use super::*;
use crate::mapping::Server;

/// `METHOD HOST/PATH?QUERY`, headers and a body; the actions, `body` or `unclear`.
#[track_caller]
fn check(line: &str, headers: &[(&str, &str)], body: &str, want: &[&str]) {
    let (method, target) = line.split_once(' ').unwrap();
    let (host, path) = target.split_at(target.find('/').unwrap());
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let (service, resource) = match parse_host(host) {
        Ok(host) => (host.service, host.resource),
        Err(_) => (ServiceId::parse(host).unwrap(), HostResource::None),
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let request = Request {
        service: &service,
        region: &Region::parse("eu-west-1").unwrap(),
        account: None,
        host: &resource,
        method: &method.parse::<Method>().unwrap(),
        path,
        query,
        headers: &map,
        server: Server::Aws,
        body: BodyFraming::of_length(body.len().try_into().unwrap()),
    };
    let name = traits_of(&service).signing_name;
    let found = match of_head(&request, &name) {
        Vends::InBody => of_body(&request, &name, body.as_bytes()),
        found => found,
    };
    let want = match want {
        ["unclear"] => {
            assert!(matches!(found, Vends::Unclear(_)), "{line} {body}: {found:?}");
            return;
        }
        want => Vends::Actions(
            want.iter()
                .map(|want| VendedActions::known().find(|known| known == want).unwrap())
                .collect(),
        ),
    };
    assert_eq!(found, want, "{line} {headers:?} {body}");
}

#[test]
fn a_form_names_it_wherever_it_lies() {
    const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
    let session = &["sts:GetSessionToken"];
    check("GET sts/?Action=GetSessionToken", &[], "", session);
    check("POST sts/", FORM, "Action=GetSessionToken&Version=2011-06-15", session);
    check("POST sts/", &[], "Version=2011-06-15&Action=GetSession%54oken", session);
    check(
        "POST sts/?Action=GetCallerIdentity",
        FORM,
        "Action=GetSessionToken",
        session,
    );
    check(
        "POST sts/?Action=GetSessionToken",
        FORM,
        "Action=GetCallerIdentity",
        session,
    );
    check("POST sts/", FORM, "action=getsessiontoken", session);
    check("POST sts/", &[("x-amz-target", "STS.GetSessionToken")], "{}", session);
    check("POST sts/service/STS/operation/GetSessionToken", &[], "x", session);
    check(
        "POST iam/",
        FORM,
        "Action=CreateAccessKey&UserName=a",
        &["iam:CreateAccessKey"],
    );
    check(
        "POST redshift/",
        FORM,
        "Action=GetClusterCredentials",
        &["redshift:GetClusterCredentials"],
    );
    check("POST s3/", FORM, "Action=AssumeRole", &["sts:AssumeRole"]);
    check("POST sts/", FORM, "Action=GetCallerIdentity&Version=2011-06-15", &[]);
    check("POST iam/", FORM, "Action=ListUsers", &[]);
    check("POST iam/", FORM, "Version=2010-05-08", &[]);
    check("GET sts/", &[], "", &[]);
    check(
        "POST sts/",
        FORM,
        "Action=GetCallerIdentity&Action=ListUsers",
        &["unclear"],
    );
    check("POST sts/", FORM, "Action=%zz", &["unclear"]);
    check("POST sts/", &[("content-encoding", "gzip")], "x", &["unclear"]);
    check("POST sts/x", FORM, "Action=GetCallerIdentity", &["unclear"]);
}

#[test]
fn a_header_names_it_and_a_form_instead_of_it() {
    let target = |name| [("x-amz-target", name)];
    let token = &["ecr:GetAuthorizationToken"];
    let host = "POST api.ecr.eu-west-1.amazonaws.com/";
    check(
        host,
        &target("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
        "{}",
        token,
    );
    check(host, &target("x.getauthorizationtoken , y.DescribeImages"), "{}", token);
    check(
        host,
        &target("AmazonEC2ContainerRegistry_V20150921.DescribeImages"),
        "{}",
        &[],
    );
    check("GET api.ecr/?X-Amz-Target=a.GetAuthorizationToken", &[], "", token);
    check(
        "POST api.ecr/service/X/operation/GetAuthorizationToken",
        &[("smithy-protocol", "rpc-v2-cbor")],
        "x",
        token,
    );
    let emr = &["elasticmapreduce:GetClusterSessionCredentials"];
    check(
        "POST elasticmapreduce/",
        &[],
        "Action=GetClusterSessionCredentials",
        emr,
    );
    check(
        "GET elasticmapreduce/?Action=GetClusterSessionCredentials",
        &[],
        "",
        emr,
    );
    check(
        "POST ssm/",
        &target("AmazonSSM.GetAccessToken"),
        "{}",
        &["ssm:GetAccessToken"],
    );
    check(
        "POST ssm/",
        &target("AmazonSSM.GetParameter"),
        "{\"Name\":\"Action=GetAccessToken\"}",
        &[],
    );
    let form = [
        ("x-amz-target", "AmazonSSM.GetParameter"),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    check("POST ssm/", &form, "--x", &["unclear"]);
}

#[test]
fn a_path_names_it_in_every_reading() {
    let token = &["codeartifact:GetAuthorizationToken"];
    for path in [
        "/v1/authorization-token?domain=d",
        "//v1/authorization-token/",
        "/v1/./authorization-token",
        "/v1/x/../authorization-token",
        "/v1%2Fauthorization-token",
        "/V1/%61uthorization-token",
    ] {
        check(&format!("POST codeartifact{path}"), &[], "", token);
    }
    check("POST codeartifact/v1/authorization-tokens", &[], "", &[]);
    check("GET codeartifact/v1/authorization-token", &[], "", &[]);
    check(
        "GET codeartifact/v1/authorization-token",
        &[("x-http-method-override", "POST")],
        "",
        token,
    );
    check(
        "POST eks-auth/clusters/a/assume-role-for-pod-identity",
        &[],
        "{}",
        &["eks-auth:AssumeRoleForPodIdentity"],
    );
    let connection = "/v2/domains/d/connections/c";
    check(&format!("GET datazone{connection}"), &[], "", &[]);
    check(&format!("GET datazone{connection}?withSecret=false"), &[], "", &[]);
    check(
        &format!("GET datazone{connection}?withSecret=true"),
        &[],
        "",
        &["datazone:GetConnection"],
    );
    check(
        "GET s3-control/v20180820/accessgrantsinstance/dataaccess?target=s3://b",
        &[],
        "",
        &["s3:GetDataAccess"],
    );
}

#[test]
fn a_session_of_a_directory_bucket_is_known_by_its_sub_resource() {
    let session = &["s3express:CreateSession"];
    let host = "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com";
    check(&format!("GET {host}/?session"), &[], "", session);
    check(&format!("GET {host}/?%73ession="), &[], "", session);
    check("GET s3/b--usw2-az1--x-s3?session&x-id=CreateSession", &[], "", session);
    check("GET s3/bucket/key?session", &[], "", &[]);
    check("GET s3/bucket?prefix=session", &[], "", &[]);
    check("PUT s3/bucket?session", &[], "", &[]);
}

/// What the reference does not have is in botocore's models: newer, or called without a permission.
#[test]
fn each_entry_is_in_awss_reference() {
    let reference: BTreeSet<Vec<&str>> = include_str!("../../tests/data/vending_reference.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    let mut of_models = Vec::new();
    for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (prefix, name) = columns[0].split_once(':').unwrap();
        match columns[1] {
            "model" => of_models.push(columns[0]),
            basis => assert!(reference.contains(&vec![prefix, basis, name]), "{line}"),
        }
    }
    let newer = [
        "account-access:GetRoleCredentials",
        "cloudwatch:GetSpaceCredentialsForOrganization",
        "cloudwatch:GetSpaceDataAccess",
        "lakeformation:GetTemporaryGlueFunctionCredentials",
    ];
    assert_eq!(of_models, newer);
    assert_eq!(TABLE.entries.len(), TEXT.lines().count() - 2, "every line is read");
}

/// Whether AWS takes any of these is not known.
#[test]
fn odd_spellings_of_a_name_count() {
    const ECR: &str = "POST api.ecr.eu-west-1.amazonaws.com/";
    const STS: &str = "POST sts.eu-west-1.amazonaws.com";
    let session = &["sts:GetSessionToken"];
    for body in [
        "\u{feff}Action=GetSessionToken",
        "Action\0=GetSessionToken",
        "A\0c\0t\0i\0o\0n\0=\0G\0e\0t\0S\0e\0s\0s\0i\0o\0n\0T\0o\0k\0e\0n\0",
        " Action =GetSessionToken",
        "Action=x/GetSessionToken",
    ] {
        check(&format!("{STS}/"), &[], body, session);
    }
    check(&format!("{STS}/GetSessionToken"), &[], "Version=1", session);
    let token = &["ecr:GetAuthorizationToken"];
    check(
        ECR,
        &[(
            "x-amz-target",
            "AmazonEC2ContainerRegistry_V20150921/GetAuthorizationToken",
        )],
        "{}",
        token,
    );
    let old = r#"{"Operation":"com.amazonaws.ecr#GetAuthorizationToken"}"#;
    check(ECR, &[("content-encoding", "amz-1.0")], old, token);
    check(ECR, &[("x-amz-target", "X.ListImages")], old, &[]);
}

#[test]
fn s3s_root_has_many_spellings() {
    const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
    for path in [
        "//",
        "///",
        "//x",
        "/.",
        "/./",
        "/%2e",
        "/%2E%2F",
        "/..",
        "/x/..",
        "/x/../",
        "/x/%2e%2e",
        "/x%2f..",
        "/x/..//y",
        "/%2f",
        "/%252f",
        "/x/%252e%252e",
        "/./.",
        "/;a",
        "/.;a",
        "/x\\..",
        "/%5c",
    ] {
        let post = format!("POST s3{path}");
        check(&post, FORM, "Action=GetSessionToken", &["sts:GetSessionToken"]);
        check(&post, &[], "Action=CreateAccessKey", &["iam:CreateAccessKey"]);
        check(&format!("GET s3{path}?Action=AssumeRole"), &[], "", &["sts:AssumeRole"]);
    }
    for path in [
        "/b", "/b/", "/b//", "/b/a//k", "/b/.", "/b/%2e", "/b/x/..", "/.b/..x", "/...", "/x/../b", "/b;a", "/%20",
    ] {
        check(&format!("POST s3{path}"), FORM, "Action=GetSessionToken", &[]);
    }
}

#[test]
fn the_best_known_operations_are_in_the_table() {
    for action in [
        "sts:GetSessionToken",
        "sts:AssumeRoot",
        "iam:CreateLoginProfile",
        "s3express:CreateSession",
        "s3:GetDataAccess",
        "ecr-public:GetAuthorizationToken",
        "redshift:GetClusterCredentialsWithIAM",
        "redshift-serverless:GetCredentials",
        "datazone:GetEnvironmentCredentials",
        "emr-containers:GetManagedEndpointSessionCredentials",
        "lightsail:GetBucketAccessKeys",
        "connect:GetFederationToken",
        "ssm:GetAccessToken",
    ] {
        assert!(VendedActions::known().any(|known| known == action), "{action}");
    }
}

#[test]
fn a_list_is_read_in_any_case_and_knows_its_actions() {
    let list = VendedActions::parse(["ECR:getauthorizationtoken", "s3:CreateSession"]).unwrap();
    assert!(list.allows("ecr:GetAuthorizationToken") && list.allows("s3express:CreateSession"));
    assert!(!list.allows("sts:GetSessionToken") && !VendedActions::default().allows("sts:GetSessionToken"));
    assert!(VendedActions::parse(["*"]).unwrap().allows("sts:GetSessionToken"));
    assert_eq!(VendedActions::parse(["ecr:*"]), Err(UnknownAction("ecr:*".to_owned())));
}

#[test]
fn the_documentation_lists_each_action() {
    const PAGE: &str = include_str!("../../../../docs/policies.md");
    for action in VendedActions::known() {
        let (prefix, name) = action.split_once(':').unwrap();
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{prefix}` | ")));
        assert!(row.is_some_and(|row| row.contains(&format!("`{name}`"))), "{action}");
    }
}
