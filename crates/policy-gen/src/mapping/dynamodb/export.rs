//! What DynamoDB reads and writes of S3 as the caller: exports, imports and bulk writes.
//!
//! Source: DynamoDB Developer Guide, "Requesting a table export in DynamoDB" and "Requesting a table import in DynamoDB".

use super::super::s3::{Objects, bucket, objects};
use super::super::value::Value;
use super::super::{MappingError, Need, Request, Resource, Unresolved};
use super::push;

const WRITES: [&str; 3] = ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"];

/// Adds what the operation needs in S3 besides.
pub(super) fn add(name: &str, body: &Value, request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    match name {
        "ExportTableToPointInTime" => writes(body, request, "S3Bucket", "S3Prefix", needs),
        "ImportTable" => reads(body, request, "S3BucketSource", needs),
        "StartBulkPutItems" => {
            reads(body, request, "InputS3Configuration", needs)?;
            let (to, prefix) = ("OutputS3Configuration.S3Bucket", "OutputS3Configuration.S3KeyPrefix");
            // Without one there is no output.
            if body.has("OutputS3Configuration")? {
                writes(body, request, to, prefix, needs)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn writes(
    body: &Value,
    request: &Request<'_>,
    to: &'static str,
    prefix: &'static str,
    needs: &mut Vec<Need>,
) -> Result<(), MappingError> {
    let resource = match one(body, to)? {
        Some(name) => objects(request, name, Objects::Below(one(body, prefix)?.unwrap_or_default()))?,
        None => Resource::Unresolved(Unresolved::Unnamed("S3Bucket")),
    };
    for action in WRITES {
        push(needs, Need::new(action, resource.clone()))?;
    }
    Ok(())
}

fn reads(body: &Value, request: &Request<'_>, from: &'static str, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    let (name, prefix) = ([from, ".S3Bucket"].concat(), [from, ".S3KeyPrefix"].concat());
    let Some(name) = one(body, &name)? else {
        let unnamed = || Resource::Unresolved(Unresolved::Unnamed("S3Bucket"));
        push(needs, Need::new("s3:GetObject", unnamed()))?;
        return push(needs, Need::new("s3:ListBucket", unnamed()));
    };
    let below = Objects::Below(one(body, &prefix)?.unwrap_or_default());
    push(needs, Need::new("s3:GetObject", objects(request, name, below)?))?;
    push(needs, Need::new("s3:ListBucket", bucket(request, name)?))
}

fn one<'v>(body: &'v Value, path: &str) -> Result<Option<&'v str>, MappingError> {
    Ok(body.texts(path)?.first().copied())
}
