//! Sub-resources and headers: what is done.

use super::{B, K};
use crate::mapping::test_request::test_request;
use crate::mapping::{BodyNeed, needs_body};

#[test]
fn a_version_changes_the_action() {
    let base = "s3.eu-west-1.amazonaws.com/b/k?";
    for (line, operation, actions) in [
        ("GET versionId=null", "GetObject", &["s3:GetObjectVersion"][..]),
        ("HEAD versionId", "HeadObject", &["s3:GetObjectVersion"]),
        ("DELETE version%49d=1", "DeleteObject", &["s3:DeleteObjectVersion"]),
        ("GET acl&versionId=1", "GetObjectAcl", &["s3:GetObjectVersionAcl"]),
        (
            "GET attributes&versionId=1",
            "GetObjectAttributes",
            &["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
        ),
        (
            "GET annotation&annotationName=a&versionId=1",
            "GetObjectAnnotation",
            &["s3:GetObjectVersionAnnotation"],
        ),
        (
            "GET annotation&versionId=1",
            "ListObjectAnnotations",
            &["s3:ListObjectVersionAnnotations"],
        ),
        (
            "GET retention&versionId=1",
            "GetObjectRetention",
            &["s3:GetObjectRetention"],
        ),
        ("GET torrent&versionId=1", "GetObjectTorrent", &["s3:GetObject"]),
        ("PUT versionId=1", "PutObject", &["s3:PutObject"]),
    ] {
        let needs: Vec<_> = actions.iter().map(|action| (*action, K)).collect();
        test_request(&line.replacen(' ', &format!(" {base}"), 1)).does(operation, &needs);
    }
}

#[test]
fn uploads_in_parts() {
    let base = "s3.eu-west-1.amazonaws.com/b";
    for (line, operation, need) in [
        ("POST /k?uploads", "CreateMultipartUpload", ("s3:PutObject", K)),
        ("PUT /k?partNumber=1&uploadId=x", "UploadPart", ("s3:PutObject", K)),
        ("POST /k?uploadId=x", "CompleteMultipartUpload", ("s3:PutObject", K)),
        ("GET /k?uploadId=x", "ListParts", ("s3:ListMultipartUploadParts", K)),
        (
            "DELETE /k?uploadId=x",
            "AbortMultipartUpload",
            ("s3:AbortMultipartUpload", K),
        ),
        (
            "GET ?uploads",
            "ListMultipartUploads",
            ("s3:ListBucketMultipartUploads", B),
        ),
        ("GET /k?partNumber=1", "GetObject", ("s3:GetObject", K)),
    ] {
        test_request(&line.replacen(' ', &format!(" {base}"), 1)).does(operation, &[need]);
    }
}

#[test]
fn headers_add_actions() {
    let put = || test_request("PUT b.s3.eu-west-1.amazonaws.com/k");
    put()
        .with("x-amz-acl", "private")
        .does("PutObject", &[("s3:PutObject", K), ("s3:PutObjectAcl", K)]);
    put()
        .with("x-amz-grant-read", "id=1")
        .with("x-amz-tagging", "a=b")
        .with("x-amz-object-lock-retain-until-date", "2030-01-01")
        .with("x-amz-object-lock-legal-hold", "OFF")
        .does(
            "PutObject",
            &[
                ("s3:PutObject", K),
                ("s3:PutObjectAcl", K),
                ("s3:PutObjectTagging", K),
                ("s3:PutObjectRetention", K),
                ("s3:PutObjectLegalHold", K),
            ],
        );
    let delete = || test_request("DELETE b.s3.eu-west-1.amazonaws.com/k");
    delete()
        .with("x-amz-bypass-governance-retention", "TRUE")
        .with("if-match", "\"etag\"")
        .does(
            "DeleteObject",
            &[
                ("s3:DeleteObject", K),
                ("s3:BypassGovernanceRetention", K),
                ("s3:GetObject", K),
            ],
        );
    delete()
        .with("x-amz-bypass-governance-retention", "false")
        .with("if-match", "*")
        .does("DeleteObject", &[("s3:DeleteObject", K)]);
    let create = || test_request("PUT b.s3.eu-west-1.amazonaws.com/");
    create()
        .with("x-amz-acl", "private")
        .does("CreateBucket", &[("s3:CreateBucket", B)]);
    create()
        .with("x-amz-acl", "public-read")
        .with("x-amz-bucket-object-lock-enabled", "true")
        .with("x-amz-object-ownership", "ObjectWriter")
        .with_body("<CreateBucketConfiguration><Tags><Tag/></Tags></CreateBucketConfiguration>")
        .does(
            "CreateBucket",
            &[
                ("s3:CreateBucket", B),
                ("s3:PutBucketAcl", B),
                ("s3:PutBucketObjectLockConfiguration", B),
                ("s3:PutBucketVersioning", B),
                ("s3:PutBucketOwnershipControls", B),
                ("s3:TagResource", B),
            ],
        );
}

#[test]
fn a_key_named_by_the_request_is_checked() {
    let put = |key: &str| {
        test_request("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-server-side-encryption-aws-kms-key-id", key)
    };
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234";
    for key in [arn, "1234"] {
        put(key).does("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", arn)]);
    }
    for alias in ["alias/a", "arn:aws:kms:eu-west-1:111122223333:alias/a"] {
        put(alias).does("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", "?")]);
    }
    let mapping = put(arn).map().unwrap();
    assert_eq!(mapping.required[1].conditions[0].value, "s3.eu-west-1.amazonaws.com");
    put("1234")
        .without_account()
        .does("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", "?")]);
    put("*").is_rejected("key's ARN");
    put("arn:aws:kms:eu-west-1:111122223333:key/*").is_rejected("key's ARN");
    put(arn)
        .with("x-amz-server-side-encryption-aws-kms-key-id", arn)
        .is_rejected("sent twice");
}

#[test]
fn only_what_needs_a_body_is_buffered() {
    for (line, want) in [
        ("PUT b.s3.amazonaws.com/k", BodyNeed::No),
        ("PUT b.s3.amazonaws.com/k?partNumber=1&uploadId=x", BodyNeed::No),
        ("POST b.s3.amazonaws.com/k?uploadId=x", BodyNeed::No),
        ("GET b.s3.amazonaws.com/k", BodyNeed::No),
        ("GET b.s3.amazonaws.com/k?x-id=GetObject", BodyNeed::No),
        ("DELETE b.s3.amazonaws.com/k?delete", BodyNeed::No),
        ("PUT b.s3.amazonaws.com/?policy", BodyNeed::No),
        ("POST b.s3.amazonaws.com/?delete", BodyNeed::UpTo(2 * 1024 * 1024)),
        ("PUT b.s3.amazonaws.com/", BodyNeed::UpTo(2 * 1024 * 1024)),
        ("PUT b.s3.amazonaws.com/?replication", BodyNeed::UpTo(2 * 1024 * 1024)),
    ] {
        assert_eq!(needs_body(&test_request(line).as_request()), want, "{line}");
    }
}
