//! What the documents in bodies add to an operation's own actions.

use auth_model::RoleArn;

use super::extras;
use super::place::Container;
use super::segments;
use crate::escape::literal;
use crate::mapping::xml::{Element, malformed};
use crate::mapping::{Condition, MappingError, Need, Request, Resource};

/// The most keys of one `DeleteObjects`. Source: S3 API reference.
const MAX_KEYS: usize = 1000;

/// 1,000 keys of 1,024 bytes, half of them escaped.
pub(super) const MAX_DELETE: usize = 2 * 1024 * 1024;

/// As long as AWS takes a replication configuration, the longest of the others.
pub(super) const MAX_DOCUMENT: usize = 2 * 1024 * 1024;

/// What is asked for on each key of a `DeleteObjects`.
#[derive(Debug)]
pub(super) struct Deletion {
    /// The object's key.
    pub(super) key: String,
    /// Whether one version is meant.
    pub(super) names_version: bool,
    /// Whether the object must have an `ETag`.
    pub(super) matches_etag: bool,
}

/// The keys of a `DeleteObjects`, each once.
pub(super) fn deletions(body: &[u8]) -> Result<Vec<Deletion>, MappingError> {
    let root = Element::parse(body, "Delete")?;
    let mut deletions = Vec::new();
    for child in &root.children {
        match child.name.as_str() {
            "Object" => deletions.push(deletion(child)?),
            "Quiet" => {}
            _ => return Err(malformed("Delete holds elements Object and Quiet")),
        }
    }
    if !(1..=MAX_KEYS).contains(&deletions.len()) {
        return Err(malformed("Delete holds 1 to 1000 elements Object"));
    }
    deletions.sort_by(|a, b| (&a.key, a.names_version, a.matches_etag).cmp(&(&b.key, b.names_version, b.matches_etag)));
    deletions.dedup_by(|a, b| (&a.key, a.names_version, a.matches_etag) == (&b.key, b.names_version, b.matches_etag));
    Ok(deletions)
}

fn deletion(object: &Element) -> Result<Deletion, MappingError> {
    const KNOWN: [&str; 5] = ["Key", "VersionId", "ETag", "LastModifiedTime", "Size"];
    if object
        .children
        .iter()
        .any(|child| !KNOWN.contains(&child.name.as_str()))
    {
        return Err(malformed(
            "Object holds Key, VersionId, ETag, LastModifiedTime and Size",
        ));
    }
    let text = |name| object.one(name)?.map(Element::leaf).transpose();
    let key = text("Key")?.filter(|key| !key.is_empty());
    let version = text("VersionId")?;
    if version.is_some_and(str::is_empty) {
        return Err(malformed("VersionId is not empty; leave it out for the newest version"));
    }
    Ok(Deletion {
        key: key.ok_or_else(|| malformed("Object holds one Key"))?.to_owned(),
        names_version: version.is_some(),
        matches_etag: text("ETag")?.is_some_and(|etag| etag != "*"),
    })
}

/// The role of a `PutBucketReplication`.
pub(super) fn replication_role(body: &[u8]) -> Result<Vec<Need>, MappingError> {
    let root = Element::parse(body, "ReplicationConfiguration")?;
    let role = root
        .one("Role")?
        .ok_or_else(|| malformed("ReplicationConfiguration holds a Role"))?;
    Ok(vec![pass_role(role)?])
}

/// The role of a metadata configuration's annotation table, wherever in the document it stands.
pub(super) fn annotation_role(body: &[u8], root: &str) -> Result<Vec<Need>, MappingError> {
    let root = Element::parse(body, root)?;
    let table = root.one("AnnotationTableConfiguration")?.unwrap_or(&root);
    table.one("Role")?.map(pass_role).into_iter().collect()
}

fn pass_role(role: &Element) -> Result<Need, MappingError> {
    let arn = role.leaf()?.trim_ascii();
    arn.parse::<RoleArn>().map_err(|_| malformed("Role is a role's ARN"))?;
    Ok(
        Need::new("iam:PassRole", Resource::Exact(arn.to_owned())).with_condition(Condition {
            operator: "StringEquals",
            key: "iam:PassedToService",
            value: "s3.amazonaws.com".to_owned(),
        }),
    )
}

/// Whether a `CreateBucket` tags what it creates.
pub(super) fn creates_tags(body: &[u8]) -> Result<bool, MappingError> {
    if body.is_empty() {
        return Ok(false);
    }
    let root = Element::parse(body, "CreateBucketConfiguration")?;
    Ok(root.one("Tags")?.is_some_and(|tags| !tags.children.is_empty()))
}

/// Where a `RestoreObject` writes what it selects: everything below a prefix.
pub(super) fn restore_output(request: &Request<'_>, body: &[u8]) -> Result<Vec<Need>, MappingError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let root = Element::parse(body, "RestoreRequest")?;
    let Some(output) = root.one("OutputLocation")? else {
        return Ok(Vec::new());
    };
    let place = output.one("S3")?.ok_or_else(|| malformed("OutputLocation holds S3"))?;
    let bucket = place
        .one("BucketName")?
        .ok_or_else(|| malformed("S3 holds BucketName"))?;
    let prefix = place.one("Prefix")?.map(Element::leaf).transpose()?.unwrap_or_default();
    let container = Container::named(bucket.leaf()?.into())?;
    segments::check(request, prefix, "Prefix")?;
    let below = match container.resource(request, request.partition(), Some(prefix)) {
        Resource::Exact(arn) => Resource::Pattern(literal(&arn) + "*"),
        other => other,
    };
    let mut needs = vec![Need::new("s3:PutObject", below.clone())];
    if place.one("CannedACL")?.is_some() || place.one("AccessControlList")?.is_some() {
        needs.push(Need::new("s3:PutObjectAcl", below.clone()));
    }
    if place.one("Tagging")?.is_some() {
        needs.push(Need::new("s3:PutObjectTagging", below));
    }
    Ok(needs)
}

/// The key that an `UpdateObjectEncryption` changes to.
pub(super) fn new_key(request: &Request<'_>, body: &[u8]) -> Result<Vec<Need>, MappingError> {
    // Source: S3 API reference, permissions of UpdateObjectEncryption.
    const ACTIONS: &[&str] = &[
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ];
    let root = Element::parse(body, "ObjectEncryption")?;
    let Some(kms) = root
        .one("SSE-KMS")?
        .map_or_else(|| root.one("SSEKMS"), |kms| Ok(Some(kms)))?
    else {
        return Ok(Vec::new());
    };
    match kms.one("KMSKeyArn")? {
        None => Ok(Vec::new()),
        Some(key) => extras::with_key(request, key.leaf()?, ACTIONS),
    }
}
