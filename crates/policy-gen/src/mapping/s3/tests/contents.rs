//! Copies and bodies: what it is done with.

use super::{B, K, owned, shown};
use crate::mapping::Resource;
use crate::mapping::test_request::{TestRequest, test_request};

#[test]
fn a_copy_reads_its_source() {
    let copy = |source: &str| test_request("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-copy-source", source);
    let is = |source: &str, action: &str, object: &str| {
        copy(source).does("CopyObject", &[("s3:PutObject", K), (action, object)]);
    };
    is("/s/j", "s3:GetObject", "arn:aws:s3:::s/j");
    is(
        "s/j%20%2B%3FversionId=1",
        "s3:GetObject",
        "arn:aws:s3:::s/j +${?}versionId=1",
    );
    is("s%2Fj?versionId=1", "s3:GetObjectVersion", "arn:aws:s3:::s/j");
    is("s/%2541", "s3:GetObject", "arn:aws:s3:::s/%41");
    let point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap/object/a/object/b";
    is(point, "s3:GetObject", point);
    is("ap-s3alias/j", "s3:GetObject", "?");
    is(
        "d--euw1-az1--x-s3/j",
        "s3express:CreateSession",
        "arn:aws:s3express:eu-west-1:111122223333:bucket/d--euw1-az1--x-s3",
    );
    for bad in [
        "",
        "s",
        "s/",
        "/s/j?x=1",
        "s/j?versionId=1?versionId=2",
        "s/j?versionId=",
        "s/%zz",
        "a+b/k",
        "*/k",
    ] {
        assert!(copy(bad).map().is_err(), "{bad}");
    }
    for bad in [
        "arn:aws:s3:::s/j",
        "arn:aws:s3:eu-west-1:1:accesspoint/a/object/k",
        "arn:aws:iam::111122223333:role/r",
    ] {
        copy(bad).is_rejected("ARN");
    }
    copy("/s/j").with("x-amz-copy-source", "/s/i").is_rejected("twice");
    test_request("PUT b.s3.eu-west-1.amazonaws.com/k?acl")
        .with("x-amz-copy-source", "/s/j")
        .is_rejected("copies nothing");
    test_request("PUT b.s3.eu-west-1.amazonaws.com/k?partNumber=1&uploadId=u")
        .with("x-amz-copy-source", "/s/j")
        .does(
            "UploadPartCopy",
            &[("s3:PutObject", K), ("s3:GetObject", "arn:aws:s3:::s/j")],
        );
}

#[test]
fn what_a_copy_takes_along_is_advisory_unless_it_is_requested() {
    let copy = || test_request("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-copy-source", "/s/j");
    let advised = |copy: TestRequest| shown(&copy.map().unwrap().advisory);
    let annotations = [
        ("s3:GetObjectAnnotation", "arn:aws:s3:::s/j"),
        ("s3:PutObjectAnnotation", K),
    ];
    let tags = [("s3:GetObjectTagging", "arn:aws:s3:::s/j"), ("s3:PutObjectTagging", K)];
    assert_eq!(advised(copy()), owned(&[annotations, tags].concat()));
    let bare = copy()
        .with("x-amz-tagging-directive", "REPLACE")
        .with("x-amz-object-annotation-directive", "EXCLUDE");
    assert_eq!(advised(bare), owned(&[]));
    let mut by_query = copy();
    by_query.query = Some("X-Amz-Object-Annotation-Directive=COPY".to_owned());
    assert!(shown(&by_query.map().unwrap().required).contains(&owned(&annotations)[0]));
}

#[test]
fn a_multi_delete_is_checked_key_by_key() {
    let delete = |body: &str| test_request("POST b.s3.eu-west-1.amazonaws.com/?delete").with_body(body);
    delete(
        "<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>k</Key></Object>\
         <Object><Key>a&amp;*</Key><VersionId>null</VersionId></Object><Object><Key>k</Key></Object>\
         <Quiet>true</Quiet></Delete>",
    )
    .does(
        "DeleteObjects",
        &[
            ("s3:DeleteObjectVersion", "arn:aws:s3:::b/a&${*}"),
            ("s3:DeleteObject", K),
        ],
    );
    delete("<Delete><Object><Key>k</Key><ETag>x</ETag></Object></Delete>")
        .with("x-amz-bypass-governance-retention", "true")
        .does(
            "DeleteObjects",
            &[
                ("s3:DeleteObject", K),
                ("s3:BypassGovernanceRetention", K),
                ("s3:GetObject", K),
            ],
        );
    for body in [
        "",
        "<Delete/>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key/></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><VersionId/></Object></Delete>",
        "<Delete><Object><Key>a</Key><key>b</key></Object></Delete>",
        "<Delete><Objects><Key>a</Key></Objects></Delete>",
        "<!DOCTYPE x><Delete><Object><Key>a</Key></Object></Delete>",
    ] {
        assert!(delete(body).map().is_err(), "{body}");
    }
    let many = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(1001));
    delete(&many).is_rejected("1 to 1000");
}

#[test]
fn roles_and_keys_in_bodies_are_checked() {
    let role = "arn:aws:iam::111122223333:role/team/r";
    let replicate = |role: &str| {
        let body = format!("<ReplicationConfiguration><Role>{role}</Role></ReplicationConfiguration>");
        test_request("PUT b.s3.eu-west-1.amazonaws.com/?replication").with_body(body)
    };
    replicate(role).does(
        "PutBucketReplication",
        &[("s3:PutReplicationConfiguration", B), ("iam:PassRole", role)],
    );
    let mapping = replicate(role).map().unwrap();
    assert_eq!(mapping.required[1].conditions[0].key, "iam:PassedToService");
    replicate("arn:aws:iam::111122223333:role/*").is_rejected("Role");
    replicate("").is_rejected("Role");
    test_request("PUT b.s3.eu-west-1.amazonaws.com/?metadataAnnotationTable")
        .with_body(format!(
            "<AnnotationTableConfiguration><Role>{role}</Role></AnnotationTableConfiguration>"
        ))
        .does(
            "UpdateBucketMetadataAnnotationTableConfiguration",
            &[
                ("s3:UpdateBucketMetadataAnnotationTableConfiguration", B),
                ("iam:PassRole", role),
            ],
        );
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1234";
    let mapping = test_request("PUT b.s3.eu-west-1.amazonaws.com/k?encryption")
        .with_body(format!(
            "<ObjectEncryption><SSE-KMS><KMSKeyArn>{key}</KMSKeyArn></SSE-KMS></ObjectEncryption>"
        ))
        .map()
        .unwrap();
    assert_eq!(mapping.required[0].resource, Resource::Exact(K.to_owned()));
    assert!(
        mapping.required[1..]
            .iter()
            .all(|need| need.resource == Resource::Exact(key.to_owned()))
    );
    test_request("POST b.s3.eu-west-1.amazonaws.com/k?restore")
        .with_body(
            "<RestoreRequest><OutputLocation><S3><BucketName>o</BucketName><Prefix>p*/</Prefix></S3>\
             </OutputLocation></RestoreRequest>",
        )
        .does(
            "RestoreObject",
            &[("s3:RestoreObject", K), ("s3:PutObject", "arn:aws:s3:::o/p${*}/*")],
        );
}
