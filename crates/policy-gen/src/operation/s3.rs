//! Operations of S3: method, place (service, bucket or object), sub-resource and a few headers.
//!
//! Source: Amazon S3 API reference. The sub-resource's key counts after percent-decoding, whatever
//! its value; two of them in one request name nothing.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::RequestHead;

/// The rows `method, sub-resource, operation` of buckets; an empty sub-resource is none.
const BUCKET: &[(&str, &str, &str)] = &[
    ("GET", "", "ListObjects"),
    ("GET", "list-type", "ListObjectsV2"),
    ("GET", "versions", "ListObjectVersions"),
    ("GET", "uploads", "ListMultipartUploads"),
    ("GET", "location", "GetBucketLocation"),
    ("GET", "acl", "GetBucketAcl"),
    ("GET", "cors", "GetBucketCors"),
    ("GET", "encryption", "GetBucketEncryption"),
    ("GET", "lifecycle", "GetBucketLifecycleConfiguration"),
    ("GET", "logging", "GetBucketLogging"),
    ("GET", "notification", "GetBucketNotificationConfiguration"),
    ("GET", "object-lock", "GetObjectLockConfiguration"),
    ("GET", "ownershipControls", "GetBucketOwnershipControls"),
    ("GET", "policy", "GetBucketPolicy"),
    ("GET", "policyStatus", "GetBucketPolicyStatus"),
    ("GET", "publicAccessBlock", "GetPublicAccessBlock"),
    ("GET", "replication", "GetBucketReplication"),
    ("GET", "requestPayment", "GetBucketRequestPayment"),
    ("GET", "tagging", "GetBucketTagging"),
    ("GET", "versioning", "GetBucketVersioning"),
    ("GET", "website", "GetBucketWebsite"),
    ("GET", "session", "CreateSession"),
    ("HEAD", "", "HeadBucket"),
    ("PUT", "", "CreateBucket"),
    ("PUT", "acl", "PutBucketAcl"),
    ("PUT", "cors", "PutBucketCors"),
    ("PUT", "encryption", "PutBucketEncryption"),
    ("PUT", "lifecycle", "PutBucketLifecycleConfiguration"),
    ("PUT", "logging", "PutBucketLogging"),
    ("PUT", "notification", "PutBucketNotificationConfiguration"),
    ("PUT", "object-lock", "PutObjectLockConfiguration"),
    ("PUT", "ownershipControls", "PutBucketOwnershipControls"),
    ("PUT", "policy", "PutBucketPolicy"),
    ("PUT", "publicAccessBlock", "PutPublicAccessBlock"),
    ("PUT", "replication", "PutBucketReplication"),
    ("PUT", "requestPayment", "PutBucketRequestPayment"),
    ("PUT", "tagging", "PutBucketTagging"),
    ("PUT", "versioning", "PutBucketVersioning"),
    ("PUT", "website", "PutBucketWebsite"),
    ("DELETE", "", "DeleteBucket"),
    ("DELETE", "cors", "DeleteBucketCors"),
    ("DELETE", "encryption", "DeleteBucketEncryption"),
    ("DELETE", "lifecycle", "DeleteBucketLifecycle"),
    ("DELETE", "ownershipControls", "DeleteBucketOwnershipControls"),
    ("DELETE", "policy", "DeleteBucketPolicy"),
    ("DELETE", "publicAccessBlock", "DeletePublicAccessBlock"),
    ("DELETE", "replication", "DeleteBucketReplication"),
    ("DELETE", "tagging", "DeleteBucketTagging"),
    ("DELETE", "website", "DeleteBucketWebsite"),
    ("POST", "delete", "DeleteObjects"),
];

/// The rows of objects.
const OBJECT: &[(&str, &str, &str)] = &[
    ("GET", "", "GetObject"),
    ("GET", "acl", "GetObjectAcl"),
    ("GET", "attributes", "GetObjectAttributes"),
    ("GET", "legal-hold", "GetObjectLegalHold"),
    ("GET", "retention", "GetObjectRetention"),
    ("GET", "tagging", "GetObjectTagging"),
    ("GET", "torrent", "GetObjectTorrent"),
    ("GET", "uploadId", "ListParts"),
    ("HEAD", "", "HeadObject"),
    ("PUT", "", "PutObject"),
    ("PUT", "acl", "PutObjectAcl"),
    ("PUT", "legal-hold", "PutObjectLegalHold"),
    ("PUT", "retention", "PutObjectRetention"),
    ("PUT", "tagging", "PutObjectTagging"),
    ("PUT", "uploadId", "UploadPart"),
    ("PUT", "renameObject", "RenameObject"),
    ("DELETE", "", "DeleteObject"),
    ("DELETE", "tagging", "DeleteObjectTagging"),
    ("DELETE", "uploadId", "AbortMultipartUpload"),
    ("POST", "uploads", "CreateMultipartUpload"),
    ("POST", "uploadId", "CompleteMultipartUpload"),
    ("POST", "restore", "RestoreObject"),
    ("POST", "select", "SelectObjectContent"),
];

/// The operation of a head; the path is `/bucket/key`, or `/key` where the host names the bucket.
pub(super) fn operation(head: &RequestHead<'_>) -> Option<&'static str> {
    let path = head.path.strip_prefix('/').unwrap_or(head.path);
    let (has_bucket, key) = match (head.bucket_in_host, path.split_once('/')) {
        (true, _) => (true, path),
        (false, Some((bucket, key))) => (!bucket.is_empty(), key),
        (false, None) => (!path.is_empty(), ""),
    };
    if !has_bucket {
        return (head.method == Method::GET && key.is_empty()).then_some("ListBuckets");
    }
    let rows = if key.is_empty() { BUCKET } else { OBJECT };
    let name = find(rows, head.method, head.query.unwrap_or_default())?;
    Some(if is_copy(head.headers) { copied(name) } else { name })
}

/// The one row for this method whose sub-resource the query names.
fn find(rows: &[(&str, &str, &'static str)], method: &Method, query: &str) -> Option<&'static str> {
    let mut found = None;
    for pair in query.split('&') {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        let Ok(key) = percent_decode_str(key).decode_utf8() else {
            continue;
        };
        // A key counts as sub-resource where any method has a row for it: `GET ?delete` is none.
        let is_subresource = !key.is_empty() && rows.iter().any(|(_, subresource, _)| *subresource == key);
        if !is_subresource {
            continue;
        }
        if found.as_ref().is_some_and(|other| *other != key) {
            return None;
        }
        found = Some(key);
    }
    let wanted = found.as_deref().unwrap_or_default();
    rows.iter()
        .find(|(row_method, subresource, _)| *row_method == method.as_str() && *subresource == wanted)
        .map(|(_, _, name)| *name)
}

/// Whether the content comes from another object.
fn is_copy(headers: &HeaderMap) -> bool {
    headers.contains_key("x-amz-copy-source")
}

/// The copying form of an operation.
fn copied(name: &'static str) -> &'static str {
    match name {
        "PutObject" => "CopyObject",
        "UploadPart" => "UploadPartCopy",
        other => other,
    }
}
