//! Hosts and paths: what an operation is done to.

use super::K;
use crate::mapping::test_request::test_request;

#[test]
fn the_key_is_the_path_decoded_once() {
    let get = |path: &str, key: &str| {
        let want = format!("arn:aws:s3:::b/{key}");
        test_request(&format!("GET s3.eu-west-1.amazonaws.com/b/{path}")).does("GetObject", &[("s3:GetObject", &want)]);
        test_request(&format!("GET b.s3.eu-west-1.amazonaws.com/{path}")).does("GetObject", &[("s3:GetObject", &want)]);
    };
    get("k", "k");
    get("a/../b/.//", "a/../b/.//");
    get("/k", "/k");
    get("%2541", "%41");
    get("a%2Fb", "a/b");
    get("%2A%3F%24", "${*}${?}${$}");
    get("*", "${*}");
    get("a+b%20c", "a+b c");
    get("%E2%82%AC", "€");
}

#[test]
fn paths_that_name_no_bucket_or_key_are_rejected() {
    for path in ["//k", "/%2e%2e/k", "/b*/k", "/b%2Fk", "/arn:aws:s3:::b/k", "/b c/k"] {
        test_request(&format!("GET s3.eu-west-1.amazonaws.com{path}")).is_rejected("the bucket's name");
    }
    for path in ["%", "%4", "%zz", "%ff"] {
        test_request(&format!("GET b.s3.eu-west-1.amazonaws.com/{path}")).is_rejected("the key");
    }
    test_request("GET s3.eu-west-1.amazonaws.com/?acl").is_rejected("sub-resource");
    test_request("PATCH s3.eu-west-1.amazonaws.com/b/k").is_rejected("method");
    test_request("OPTIONS s3.eu-west-1.amazonaws.com/b/k").is_rejected("method");
    test_request("POST s3.eu-west-1.amazonaws.com/b").is_rejected("method");
    test_request("GET s3.eu-west-1.amazonaws.com/b/k?versions").is_rejected("sub-resource");
    test_request("GET s3.eu-west-1.amazonaws.com/b/k?brandNew").is_rejected("brandNew");
}

#[test]
fn hosts_name_what_policies_name() {
    let get =
        |host: &str, want: &str| test_request(&format!("GET {host}/k")).does("GetObject", &[("s3:GetObject", want)]);
    get("b.s3.amazonaws.com", K);
    get("b.s3-eu-west-1.amazonaws.com", K);
    get("b.s3.dualstack.eu-west-1.amazonaws.com", K);
    get("b.s3-fips.us-gov-west-1.amazonaws.com", "arn:aws-us-gov:s3:::b/k");
    get("b.s3-accelerate.amazonaws.com", K);
    get("b.bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com", K);
    get(
        "my.dotted.b.s3.cn-north-1.amazonaws.com.cn",
        "arn:aws-cn:s3:::my.dotted.b/k",
    );
    get(
        "ap-111122223333.s3-accesspoint.eu-west-1.amazonaws.com",
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap/object/k",
    );
    get(
        "mfz.mrap.accesspoint.s3-global.amazonaws.com",
        "arn:aws:s3::111122223333:accesspoint/mfz.mrap/object/k",
    );
    get("ap-abc-s3alias.s3.eu-west-1.amazonaws.com", "?");
    test_request("GET mfz.mrap.accesspoint.s3-global.amazonaws.com/k")
        .without_account()
        .does("GetObject", &[("s3:GetObject", "?")]);
    test_request("GET ap-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/?list-type=2").does(
        "ListObjectsV2",
        &[("s3:ListBucket", "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap")],
    );
    test_request("GET bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com/b/k")
        .does("GetObject", &[("s3:GetObject", K)]);
    test_request("GET localhost/b/k").does("GetObject", &[("s3:GetObject", K)]);
    test_request("GET s3.eu-west-1.amazonaws.com/").does("ListBuckets", &[("s3:ListAllMyBuckets", "*")]);
}

#[test]
fn siblings_have_actions_of_their_own() {
    let lambda = "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/ol";
    test_request("GET ol-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/k")
        .does("GetObject", &[("s3-object-lambda:GetObject", lambda)]);
    test_request("GET ol-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/?policy")
        .is_rejected("s3:GetBucketPolicy in");
    test_request("POST io-x.s3-object-lambda.eu-west-1.amazonaws.com/WriteGetObjectResponse").does(
        "WriteGetObjectResponse",
        &[("s3-object-lambda:WriteGetObjectResponse", "?")],
    );
    test_request("PUT ap-111122223333.op-0a1b.s3-outposts.eu-west-1.amazonaws.com/k").does(
        "PutObject",
        &[(
            "s3-outposts:PutObject",
            "arn:aws:s3-outposts:eu-west-1:111122223333:outpost/op-0a1b/accesspoint/ap/object/k",
        )],
    );
}

#[test]
fn directory_buckets_want_a_session() {
    let host = "b--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com";
    let bucket = "arn:aws:s3express:eu-west-1:111122223333:bucket/b--euw1-az1--x-s3";
    for (line, operation) in [
        ("GET /?session", "CreateSession"),
        ("GET /k", "GetObject"),
        ("PUT /k?renameObject", "RenameObject"),
        ("DELETE /k?versionId=null", "DeleteObject"),
    ] {
        let line = line.replacen(' ', &format!(" {host}"), 1);
        test_request(&line).does(operation, &[("s3express:CreateSession", bucket)]);
    }
    let control = "s3express-control.eu-west-1.amazonaws.com";
    test_request(&format!("GET {control}/b--euw1-az1--x-s3?policy"))
        .does("GetBucketPolicy", &[("s3express:GetBucketPolicy", bucket)]);
    test_request(&format!("GET {control}/"))
        .does("ListDirectoryBuckets", &[("s3express:ListAllMyDirectoryBuckets", "*")]);
    test_request(&format!("GET {control}/b?policy")).is_rejected("another kind");
    test_request(&format!("PUT {control}/b--euw1-az1--x-s3?acl")).is_rejected("s3:PutBucketAcl in s3express");
    test_request("PUT b.s3.eu-west-1.amazonaws.com/k?renameObject")
        .does("RenameObject", &[("s3express:CreateSession", "?")]);
    let mapping = test_request(&format!("GET {host}/?session"))
        .with("x-amz-create-session-mode", "ReadOnly")
        .map()
        .unwrap();
    assert_eq!(mapping.required[0].conditions[0].value, "ReadOnly");
}
