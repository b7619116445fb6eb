//! One row per request: the request line and what comes of it.

use auth_model::{AccountId, Partition, Region, ServiceId};
use aws_endpoints::{HostResource, parse_host};
use http::{HeaderMap, HeaderName, Method};

use crate::mapping::{BodyNeed, Mapping, Need, Refusal, Request, Resource, map, needs_body};
use crate::record::Needed;
use crate::template::{BucketName, KeyPrefix, s3_read_only};
use crate::{AllowPolicy, Decision};

const ACCOUNT: &str = "111122223333";

/// A request in the making: `METHOD host/path?query`, headers, body.
struct Sent {
    service: ServiceId,
    region: Region,
    account: Option<AccountId>,
    host: HostResource,
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: String,
}

fn sent(line: &str) -> Sent {
    let (method, target) = line.split_once(' ').unwrap();
    let (host, path) = target.split_at(target.find('/').unwrap());
    let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
    let parsed = parse_host(host).ok();
    let (service, region, host) = match parsed {
        Some(host) => (host.service, host.region, host.resource),
        None => (ServiceId::parse("s3").unwrap(), None, HostResource::None),
    };
    Sent {
        service,
        region: region.unwrap_or_else(|| Region::parse("eu-west-1").unwrap()),
        account: Some(AccountId::parse(ACCOUNT).unwrap()),
        host,
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers: HeaderMap::new(),
        body: String::new(),
    }
}

impl Sent {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers
            .append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    fn with_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    fn without_account(mut self) -> Self {
        self.account = None;
        self
    }

    fn request(&self) -> Request<'_> {
        Request {
            service: &self.service,
            region: &self.region,
            account: self.account.as_ref(),
            host: &self.host,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
        }
    }

    fn map(&self) -> Result<Mapping, Refusal> {
        map(&self.request(), Some(self.body.as_bytes()))
    }

    /// `OPERATION`, then a line for each need: action and resource, `?` where it is unresolved.
    #[track_caller]
    fn is(&self, operation: &str, needs: &[(&str, &str)]) {
        let mapping = self.map().unwrap();
        assert_eq!(mapping.operation, operation);
        assert_eq!(shown(&mapping.required), owned(needs), "{} {}", self.method, self.path);
    }

    #[track_caller]
    fn is_refused(&self, want: &str) {
        let refusal = self.map().unwrap_err().to_string();
        assert!(refusal.contains(want), "{refusal}");
    }
}

fn shown(needs: &[Need]) -> Vec<(String, String)> {
    let resource = |need: &Need| need.resource.to_iam().map_or_else(|| "?".to_owned(), Into::into);
    needs
        .iter()
        .map(|need| (need.action.to_string(), resource(need)))
        .collect()
}

fn owned(needs: &[(&str, &str)]) -> Vec<(String, String)> {
    needs.iter().map(|(a, r)| ((*a).to_owned(), (*r).to_owned())).collect()
}

const B: &str = "arn:aws:s3:::b";
const K: &str = "arn:aws:s3:::b/k";

#[test]
fn the_key_is_the_path_decoded_once() {
    let get = |path: &str, key: &str| {
        let want = format!("arn:aws:s3:::b/{key}");
        sent(&format!("GET s3.eu-west-1.amazonaws.com/b/{path}")).is("GetObject", &[("s3:GetObject", &want)]);
        sent(&format!("GET b.s3.eu-west-1.amazonaws.com/{path}")).is("GetObject", &[("s3:GetObject", &want)]);
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
fn paths_that_name_no_bucket_or_key_are_refused() {
    for path in ["//k", "/%2e%2e/k", "/b*/k", "/b%2Fk", "/arn:aws:s3:::b/k", "/b c/k"] {
        sent(&format!("GET s3.eu-west-1.amazonaws.com{path}")).is_refused("the bucket's name");
    }
    for path in ["%", "%4", "%zz", "%ff"] {
        sent(&format!("GET b.s3.eu-west-1.amazonaws.com/{path}")).is_refused("the key");
    }
    sent("GET s3.eu-west-1.amazonaws.com/?acl").is_refused("sub-resource");
    sent("PATCH s3.eu-west-1.amazonaws.com/b/k").is_refused("method");
    sent("OPTIONS s3.eu-west-1.amazonaws.com/b/k").is_refused("method");
    sent("POST s3.eu-west-1.amazonaws.com/b").is_refused("method");
    sent("GET s3.eu-west-1.amazonaws.com/b/k?versions").is_refused("sub-resource");
    sent("GET s3.eu-west-1.amazonaws.com/b/k?brandNew").is_refused("brandNew");
}

#[test]
fn hosts_name_what_policies_name() {
    let get = |host: &str, want: &str| sent(&format!("GET {host}/k")).is("GetObject", &[("s3:GetObject", want)]);
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
    sent("GET mfz.mrap.accesspoint.s3-global.amazonaws.com/k")
        .without_account()
        .is("GetObject", &[("s3:GetObject", "?")]);
    sent("GET ap-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/?list-type=2").is(
        "ListObjectsV2",
        &[("s3:ListBucket", "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap")],
    );
    sent("GET bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com/b/k").is("GetObject", &[("s3:GetObject", K)]);
    sent("GET localhost/b/k").is("GetObject", &[("s3:GetObject", K)]);
    sent("GET s3.eu-west-1.amazonaws.com/").is("ListBuckets", &[("s3:ListAllMyBuckets", "*")]);
}

#[test]
fn siblings_have_actions_of_their_own() {
    let lambda = "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/ol";
    sent("GET ol-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/k")
        .is("GetObject", &[("s3-object-lambda:GetObject", lambda)]);
    sent("GET ol-111122223333.s3-object-lambda.eu-west-1.amazonaws.com/?policy").is_refused("s3:GetBucketPolicy in");
    sent("POST io-x.s3-object-lambda.eu-west-1.amazonaws.com/WriteGetObjectResponse").is(
        "WriteGetObjectResponse",
        &[("s3-object-lambda:WriteGetObjectResponse", "?")],
    );
    sent("PUT ap-111122223333.op-0a1b.s3-outposts.eu-west-1.amazonaws.com/k").is(
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
        sent(&line).is(operation, &[("s3express:CreateSession", bucket)]);
    }
    let control = "s3express-control.eu-west-1.amazonaws.com";
    sent(&format!("GET {control}/b--euw1-az1--x-s3?policy"))
        .is("GetBucketPolicy", &[("s3express:GetBucketPolicy", bucket)]);
    sent(&format!("GET {control}/")).is("ListDirectoryBuckets", &[("s3express:ListAllMyDirectoryBuckets", "*")]);
    sent(&format!("GET {control}/b?policy")).is_refused("another kind");
    sent(&format!("PUT {control}/b--euw1-az1--x-s3?acl")).is_refused("s3:PutBucketAcl in s3express");
    sent("PUT b.s3.eu-west-1.amazonaws.com/k?renameObject").is("RenameObject", &[("s3express:CreateSession", "?")]);
    let mapping = sent(&format!("GET {host}/?session"))
        .with("x-amz-create-session-mode", "ReadOnly")
        .map()
        .unwrap();
    assert_eq!(mapping.required[0].conditions[0].value, "ReadOnly");
}

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
        sent(&line.replacen(' ', &format!(" {base}"), 1)).is(operation, &needs);
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
        sent(&line.replacen(' ', &format!(" {base}"), 1)).is(operation, &[need]);
    }
}

#[test]
fn headers_add_actions() {
    let put = || sent("PUT b.s3.eu-west-1.amazonaws.com/k");
    put()
        .with("x-amz-acl", "private")
        .is("PutObject", &[("s3:PutObject", K), ("s3:PutObjectAcl", K)]);
    put()
        .with("x-amz-grant-read", "id=1")
        .with("x-amz-tagging", "a=b")
        .with("x-amz-object-lock-retain-until-date", "2030-01-01")
        .with("x-amz-object-lock-legal-hold", "OFF")
        .is(
            "PutObject",
            &[
                ("s3:PutObject", K),
                ("s3:PutObjectAcl", K),
                ("s3:PutObjectTagging", K),
                ("s3:PutObjectRetention", K),
                ("s3:PutObjectLegalHold", K),
            ],
        );
    let delete = || sent("DELETE b.s3.eu-west-1.amazonaws.com/k");
    delete()
        .with("x-amz-bypass-governance-retention", "TRUE")
        .with("if-match", "\"etag\"")
        .is(
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
        .is("DeleteObject", &[("s3:DeleteObject", K)]);
    let create = || sent("PUT b.s3.eu-west-1.amazonaws.com/");
    create()
        .with("x-amz-acl", "private")
        .is("CreateBucket", &[("s3:CreateBucket", B)]);
    create()
        .with("x-amz-acl", "public-read")
        .with("x-amz-bucket-object-lock-enabled", "true")
        .with("x-amz-object-ownership", "ObjectWriter")
        .with_body("<CreateBucketConfiguration><Tags><Tag/></Tags></CreateBucketConfiguration>")
        .is(
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
    let put =
        |key: &str| sent("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-server-side-encryption-aws-kms-key-id", key);
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234";
    for key in [arn, "1234"] {
        put(key).is("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", arn)]);
    }
    for alias in ["alias/a", "arn:aws:kms:eu-west-1:111122223333:alias/a"] {
        put(alias).is("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", "?")]);
    }
    let mapping = put(arn).map().unwrap();
    assert_eq!(mapping.required[1].conditions[0].value, "s3.eu-west-1.amazonaws.com");
    put("1234")
        .without_account()
        .is("PutObject", &[("s3:PutObject", K), ("kms:GenerateDataKey", "?")]);
    put("*").is_refused("key's ARN");
    put("arn:aws:kms:eu-west-1:111122223333:key/*").is_refused("key's ARN");
    put(arn)
        .with("x-amz-server-side-encryption-aws-kms-key-id", arn)
        .is_refused("sent twice");
}

#[test]
fn a_copy_reads_its_source() {
    let copy = |source: &str| sent("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-copy-source", source);
    let is = |source: &str, action: &str, object: &str| {
        copy(source).is("CopyObject", &[("s3:PutObject", K), (action, object)]);
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
        copy(bad).is_refused("ARN");
    }
    copy("/s/j").with("x-amz-copy-source", "/s/i").is_refused("twice");
    sent("PUT b.s3.eu-west-1.amazonaws.com/k?acl")
        .with("x-amz-copy-source", "/s/j")
        .is_refused("copies nothing");
    sent("PUT b.s3.eu-west-1.amazonaws.com/k?partNumber=1&uploadId=u")
        .with("x-amz-copy-source", "/s/j")
        .is(
            "UploadPartCopy",
            &[("s3:PutObject", K), ("s3:GetObject", "arn:aws:s3:::s/j")],
        );
}

#[test]
fn what_a_copy_takes_along_is_advisory_unless_it_is_asked_for() {
    let copy = || sent("PUT b.s3.eu-west-1.amazonaws.com/k").with("x-amz-copy-source", "/s/j");
    let advised = |sent: Sent| shown(&sent.map().unwrap().advisory);
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
    let delete = |body: &str| sent("POST b.s3.eu-west-1.amazonaws.com/?delete").with_body(body);
    delete(
        "<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>k</Key></Object>\
         <Object><Key>a&amp;*</Key><VersionId>null</VersionId></Object><Object><Key>k</Key></Object>\
         <Quiet>true</Quiet></Delete>",
    )
    .is(
        "DeleteObjects",
        &[
            ("s3:DeleteObjectVersion", "arn:aws:s3:::b/a&${*}"),
            ("s3:DeleteObject", K),
        ],
    );
    delete("<Delete><Object><Key>k</Key><ETag>x</ETag></Object></Delete>")
        .with("x-amz-bypass-governance-retention", "true")
        .is(
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
    delete(&many).is_refused("1 to 1000");
}

#[test]
fn roles_and_keys_in_bodies_are_checked() {
    let role = "arn:aws:iam::111122223333:role/team/r";
    let replicate = |role: &str| {
        let body = format!("<ReplicationConfiguration><Role>{role}</Role></ReplicationConfiguration>");
        sent("PUT b.s3.eu-west-1.amazonaws.com/?replication").with_body(&body)
    };
    replicate(role).is(
        "PutBucketReplication",
        &[("s3:PutReplicationConfiguration", B), ("iam:PassRole", role)],
    );
    let mapping = replicate(role).map().unwrap();
    assert_eq!(mapping.required[1].conditions[0].key, "iam:PassedToService");
    replicate("arn:aws:iam::111122223333:role/*").is_refused("Role");
    replicate("").is_refused("Role");
    sent("PUT b.s3.eu-west-1.amazonaws.com/?metadataAnnotationTable")
        .with_body(&format!(
            "<AnnotationTableConfiguration><Role>{role}</Role></AnnotationTableConfiguration>"
        ))
        .is(
            "UpdateBucketMetadataAnnotationTableConfiguration",
            &[
                ("s3:UpdateBucketMetadataAnnotationTableConfiguration", B),
                ("iam:PassRole", role),
            ],
        );
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1234";
    let mapping = sent("PUT b.s3.eu-west-1.amazonaws.com/k?encryption")
        .with_body(&format!(
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
    sent("POST b.s3.eu-west-1.amazonaws.com/k?restore")
        .with_body(
            "<RestoreRequest><OutputLocation><S3><BucketName>o</BucketName><Prefix>p*/</Prefix></S3>\
             </OutputLocation></RestoreRequest>",
        )
        .is(
            "RestoreObject",
            &[("s3:RestoreObject", K), ("s3:PutObject", "arn:aws:s3:::o/p${*}/*")],
        );
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
        assert_eq!(needs_body(&sent(line).request()), want, "{line}");
    }
}

/// Whether the policy of the `s3-read-only` template for `reports/2026/` allows the request.
fn reads_below_2026(line: &str) -> bool {
    let (bucket, prefix) = (
        BucketName::parse("reports").unwrap(),
        KeyPrefix::parse("2026/").unwrap(),
    );
    let policy = s3_read_only(Partition::Aws, &bucket, Some(&prefix));
    let policy = AllowPolicy::new(&policy).unwrap();
    let mapping = sent(line).map().unwrap();
    policy.decide(&mapping) == Decision::Allow
}

#[test]
fn a_listing_is_allowed_by_its_prefix() {
    for inside in [
        "prefix=2026/",
        "list-type=2&prefix=2026/11&delimiter=/",
        "list-type=2&pre%66ix=2026%2F11",
        // No prefix is a path: this lists nothing but keys that begin so.
        "prefix=2026/../2025/",
    ] {
        assert!(
            reads_below_2026(&format!("GET reports.s3.eu-west-1.amazonaws.com/?{inside}")),
            "{inside}"
        );
    }
    for outside in [
        "list-type=2",
        "prefix=",
        "prefix",
        "prefix=2025/",
        "prefix=2026",
        "prefix=x/../2026/",
        "prefix=/2026/",
        "prefix=%252026/",
        "prefix=2026%252F",
        // A space or a plus.
        "prefix=2026/a+b",
        "delimiter=2026/",
        "&&=2026/",
    ] {
        assert!(
            !reads_below_2026(&format!("GET reports.s3.eu-west-1.amazonaws.com/?{outside}")),
            "{outside}"
        );
    }
    assert!(!reads_below_2026(
        "HEAD reports.s3.eu-west-1.amazonaws.com/?prefix=2026/"
    ));
    assert!(!reads_below_2026("GET other.s3.eu-west-1.amazonaws.com/?prefix=2026/"));
    let both = sent("GET reports.s3.eu-west-1.amazonaws.com/?prefix=2026/&%70refix=2026/");
    both.is_refused("query parameter prefix, sent twice");
    sent("GET reports.s3.eu-west-1.amazonaws.com/?prefix=%zz").is_refused("prefix: a '%'");
}

#[test]
fn a_denied_prefix_is_denied_and_so_is_a_listing_without_one() {
    let policy = AllowPolicy::parse(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"s3:List*","Resource":"arn:aws:s3:::b"},
            {"Effect":"Deny","Action":"s3:List*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"secret/*"}}}]}"#,
    )
    .unwrap();
    for kind in ["", "list-type=2", "versions", "uploads"] {
        for (prefix, is_allowed) in [
            ("&prefix=open/", true),
            ("&prefix=secret/a", false),
            ("&prefix=secret%2Fa", false),
            ("", false),
        ] {
            let line = format!("GET b.s3.eu-west-1.amazonaws.com/?{kind}{prefix}");
            let mapping = sent(&line).map().unwrap();
            assert_eq!(policy.decide(&mapping) == Decision::Allow, is_allowed, "{line}");
        }
    }
}

#[test]
fn what_is_listed_is_not_recorded() {
    let needs = |line: &str| {
        sent(line)
            .map()
            .unwrap()
            .required
            .iter()
            .map(Needed::of)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        needs("GET b.s3.eu-west-1.amazonaws.com/?prefix=2026/"),
        needs("GET b.s3.eu-west-1.amazonaws.com/"),
    );
}
