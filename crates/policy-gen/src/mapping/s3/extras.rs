//! What headers and bodies add to an operation's own actions.
//!
//! Source: S3 API reference, permissions of each operation; S3 User Guide, "Required permissions for Amazon S3 API
//! operations".

use auth_model::{AccountId, Arn, Partition};
use http::HeaderMap;

use super::copy::one;
use super::target::Target;
use super::{Found, bodies};
use crate::mapping::{Condition, Mapping, MappingError, Need, Request, Resource, Unresolved};

const BYPASS: &str = "x-amz-bypass-governance-retention";
const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";

impl Found<'_> {
    /// What headers and bodies add, and what the response depends on.
    pub(super) fn fill_extras(
        &self,
        mapping: &mut Mapping,
        target: Target<'_>,
        body: &[u8],
    ) -> Result<(), MappingError> {
        let request = target.request;
        let headers = request.headers;
        let mut add = |actions: &[&'static str]| -> Result<(), MappingError> {
            for action in actions {
                mapping.required.push(target.need(action)?);
            }
            Ok(())
        };
        match self.row.name {
            "PutObject" | "CopyObject" => {
                add(&of_object_write(headers))?;
                let key = of_named_key(request, &["kms:GenerateDataKey"])?;
                mapping.required.extend(key);
            }
            "CreateMultipartUpload" => {
                add(&of_object_write(headers))?;
                let key = of_named_key(request, &["kms:Decrypt", "kms:GenerateDataKey"])?;
                mapping.required.extend(key);
            }
            "CreateBucket" => {
                add(&of_create_bucket(headers))?;
                if bodies::creates_tags(body)? {
                    add(&["s3:TagResource"])?;
                }
            }
            "PutObjectRetention" if bypasses_governance(headers) => add(&["s3:BypassGovernanceRetention"])?,
            "DeleteObject" => {
                if bypasses_governance(headers) {
                    add(&["s3:BypassGovernanceRetention"])?;
                }
                if matches_etag(headers) {
                    add(&["s3:GetObject"])?;
                }
            }
            "GetObject" | "HeadObject" => {
                // Without it a missing key gets 403, not 404.
                let listing = target.resource(None);
                let action = target.action("s3:ListBucket")?;
                mapping.advisory.push(Need::new(action, listing));
            }
            "GetObjectTorrent" => mapping.advisory.push(target.need("s3:GetObjectTorrent")?),
            "PutBucketReplication" => mapping.required.extend(bodies::replication_role(body)?),
            "CreateBucketMetadataConfiguration" => {
                mapping
                    .required
                    .extend(bodies::annotation_role(body, "MetadataConfiguration")?);
            }
            "UpdateBucketMetadataAnnotationTableConfiguration" => {
                let role = bodies::annotation_role(body, "AnnotationTableConfiguration")?;
                mapping.required.extend(role);
            }
            "RestoreObject" => mapping.required.extend(bodies::restore_output(request, body)?),
            "UpdateObjectEncryption" => mapping.required.extend(bodies::new_key(request, body)?),
            _ => {}
        }
        Ok(())
    }
}

/// The actions that a write of an object's content needs besides `s3:PutObject`.
pub(super) fn of_object_write(headers: &HeaderMap) -> Vec<&'static str> {
    let mut actions = Vec::new();
    let mut add_if = |is_requested: bool, action| {
        if is_requested {
            actions.push(action);
        }
    };
    add_if(sets_acl(headers), "s3:PutObjectAcl");
    add_if(headers.contains_key("x-amz-tagging"), "s3:PutObjectTagging");
    // Event holds end in a retention, and have no action of their own in AWS's list of 2026-09.
    let sets_retention = headers.contains_key("x-amz-object-lock-mode")
        || headers.contains_key("x-amz-object-lock-retain-until-date")
        || any_starts_with(headers, "x-amz-object-lock-event-hold");
    add_if(sets_retention, "s3:PutObjectRetention");
    add_if(
        headers.contains_key("x-amz-object-lock-legal-hold"),
        "s3:PutObjectLegalHold",
    );
    actions
}

/// The actions that the headers of `CreateBucket` add.
pub(super) fn of_create_bucket(headers: &HeaderMap) -> Vec<&'static str> {
    let mut actions = Vec::new();
    let is_private = |value: &http::HeaderValue| value.as_bytes().trim_ascii() == b"private";
    if !headers.get_all("x-amz-acl").iter().all(is_private) || any_starts_with(headers, "x-amz-grant-") {
        actions.push("s3:PutBucketAcl");
    }
    if is_on(headers, "x-amz-bucket-object-lock-enabled") {
        actions.extend(["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]);
    }
    if headers.contains_key("x-amz-object-ownership") {
        actions.push("s3:PutBucketOwnershipControls");
    }
    actions
}

/// Whether the request wants to pass over a retention in governance mode.
pub(super) fn bypasses_governance(headers: &HeaderMap) -> bool {
    is_on(headers, BYPASS)
}

/// Whether `If-Match` names an `ETag`, not any object.
pub(super) fn matches_etag(headers: &HeaderMap) -> bool {
    let is_any = |value: &http::HeaderValue| value.as_bytes().trim_ascii() == b"*";
    !headers.get_all(http::header::IF_MATCH).iter().all(is_any)
}

/// The checks of the KMS key that the request names: none where it names none, for then the key is AWS's own.
///
/// # Errors
///
/// [`MappingError`] where two keys are named, or something that is none.
pub(super) fn of_named_key(request: &Request<'_>, actions: &'static [&'static str]) -> Result<Vec<Need>, MappingError> {
    match one(request.headers, KMS_KEY)? {
        None => Ok(Vec::new()),
        Some(key) => with_key(request, key, actions),
    }
}

/// The checks of this KMS key, made by S3 on the caller's behalf.
pub(super) fn with_key(
    request: &Request<'_>,
    key: &str,
    actions: &'static [&'static str],
) -> Result<Vec<Need>, MappingError> {
    let resource = key_resource(request, key.trim_ascii())?;
    let needs = actions.iter().map(|action| {
        Need::new(*action, resource.clone()).with_condition(Condition {
            operator: "StringEquals",
            key: "kms:ViaService",
            value: via_service(request),
        })
    });
    Ok(needs.collect())
}

/// A key's ARN from its ARN or id. Aliases are no resources of these actions, only AWS knows their keys.
fn key_resource(request: &Request<'_>, key: &str) -> Result<Resource, MappingError> {
    let malformed = || MappingError::malformed(KMS_KEY, "it is a key's ARN, id or alias");
    if key.starts_with("arn:") {
        let arn: Arn = key.parse().map_err(|_| malformed())?;
        return match arn.resource.split_once('/') {
            Some(("key", id)) if arn.service == "kms" && arn.account.is_some() && is_key_id(id) => {
                Ok(Resource::Exact(key.to_owned()))
            }
            Some(("alias", _)) if arn.service == "kms" => Ok(ALIAS),
            _ => Err(malformed()),
        };
    }
    if key.starts_with("alias/") {
        return Ok(ALIAS);
    }
    if !is_key_id(key) {
        return Err(malformed());
    }
    let Some(account) = request.account.map(AccountId::as_str) else {
        return Ok(Resource::Unresolved(Unresolved::Account));
    };
    Ok(Resource::Exact(format!(
        "arn:{}:kms:{}:{account}:key/{key}",
        request.partition(),
        request.region
    )))
}

const ALIAS: Resource = Resource::Unresolved(Unresolved::Indirect("a KMS key's alias"));

/// A UUID, or `mrk-` and 32 digits; names of test servers' keys as well.
fn is_key_id(id: &str) -> bool {
    (1..=256).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn via_service(request: &Request<'_>) -> String {
    let service = request.service.as_str();
    let suffix = if request.partition() == Partition::AwsCn {
        ".cn"
    } else {
        ""
    };
    format!("{service}.{}.amazonaws.com{suffix}", request.region)
}

fn sets_acl(headers: &HeaderMap) -> bool {
    headers.contains_key("x-amz-acl") || any_starts_with(headers, "x-amz-grant-")
}

fn any_starts_with(headers: &HeaderMap, prefix: &str) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(prefix))
}

/// Whether a switch is there and is anything but off: a server may take more for `true` than we know.
fn is_on(headers: &HeaderMap, name: &'static str) -> bool {
    let is_off = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"false");
    !headers.get_all(name).iter().all(is_off)
}
