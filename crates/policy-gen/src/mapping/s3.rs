//! What the operations of S3 and its siblings ask of IAM.
//!
//! The operation is found by method, level (service, bucket, object), sub-resource and a few headers; see [`table`].
//! Host and path say what it is done to, headers and four kinds of bodies what it is done with. S3 Control is a
//! service of its own and not known here.

mod bodies;
mod copied;
mod copy;
mod express;
mod extras;
mod place;
mod query;
mod segments;
pub(crate) mod table;
mod target;

#[cfg(test)]
mod tests;

use super::error::check_body;
use super::{BodyNeed, Condition, Mapping, MappingError, Need, Request, Resource, Unresolved};
use crate::escape::literal;
use place::{Container, Place};
use table::{RequestKey, Row, TABLE};
use target::Target;

pub(crate) use query::Query;

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    // Reads, which most requests are, are told apart without a look at the table.
    if !matches!(*request.method, http::Method::PUT | http::Method::POST) {
        return BodyNeed::No;
    }
    Found::of(request).map_or(BodyNeed::No, |found| found.body_need())
}

/// What is read or written of a bucket that a parameter of another service names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Objects<'a> {
    /// The object of this key.
    Of(&'a str),
    /// Every object whose key begins so.
    Below(&'a str),
}

/// Objects of a bucket, as a policy names them.
pub(super) fn objects(request: &Request<'_>, bucket: &str, objects: Objects<'_>) -> Result<Resource, MappingError> {
    let container = Container::named(bucket.into())?;
    let (Objects::Of(key) | Objects::Below(key)) = objects;
    segments::check(request, key, "the key")?;
    Ok(
        match (container.resource(request, request.partition(), Some(key)), objects) {
            (Resource::Exact(arn), Objects::Below(_)) => Resource::Pattern(literal(&arn) + "*"),
            (resource, _) => resource,
        },
    )
}

/// The bucket itself.
pub(super) fn bucket(request: &Request<'_>, bucket: &str) -> Result<Resource, MappingError> {
    Ok(Container::named(bucket.into())?.resource(request, request.partition(), None))
}

/// What `s3://BUCKET/KEY` names: a key that ends with a slash, or none, stands for all below it.
pub(super) fn of_uri(request: &Request<'_>, uri: &str) -> Result<Resource, MappingError> {
    let malformed = || MappingError::malformed("an s3:// URI", "it is s3://BUCKET/KEY");
    let place = uri.get(5..).ok_or_else(malformed)?;
    let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
    let named = if key.is_empty() || key.ends_with('/') {
        Objects::Below(key)
    } else {
        Objects::Of(key)
    };
    objects(request, bucket, named)
}

/// Whether the path is certain to name an object.
pub(crate) fn is_object(request: &Request<'_>) -> bool {
    Place::of(request).is_ok_and(|place| matches!(place.level(), table::Level::Object))
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let found = Found::of(request)?;
    if let BodyNeed::UpTo(limit) = found.body_need() {
        check_body(request.headers, body, limit)?;
    }
    found.query.check()?;
    found.check_copy(request)?;
    let mut mapping = Mapping::new(found.row.name);
    if let Place::In { key: Some(key), .. } = &found.place {
        mapping.has_empty_segment |= segments::check(request, key, "the key")?;
    }
    match &found.place {
        Place::Service => mapping
            .required
            .extend(found.row.actions.iter().map(|action| Need::new(*action, Resource::Any))),
        Place::Route => mapping.required.extend(found.row.actions.iter().map(|action| {
            let route = Unresolved::Indirect("a route, not by the access point's name");
            Need::new(*action, Resource::Unresolved(route))
        })),
        Place::In { container, key } => {
            let target = Target {
                request,
                partition: request.partition(),
                container,
                key: key.as_deref(),
            };
            found.fill(&mut mapping, target, body.unwrap_or_default())?;
        }
    }
    Ok(mapping)
}

/// A request whose operation is known.
struct Found<'a> {
    row: &'static Row,
    place: Place<'a>,
    query: Query<'a>,
}

impl<'a> Found<'a> {
    fn of(request: &Request<'a>) -> Result<Self, MappingError> {
        let query = Query::read(request.query)?;
        let place = Place::of(request)?;
        let is_express = request.service.as_str() == "s3express";
        if let Place::In { container, .. } = &place {
            // The endpoints of S3's siblings know no other buckets than their own.
            let is_own = match request.service.as_str() {
                "s3" => true,
                "s3-outposts" => matches!(container, Container::Outpost { .. } | Container::Alias),
                sibling => container.prefix() == sibling,
            };
            if !is_own {
                return Err(MappingError::unknown("a bucket of another kind than the host's"));
            }
        }
        let key = RequestKey {
            method: request.method,
            level: place.level(),
            query: &query,
            headers: request.headers,
            is_express,
        };
        let row = TABLE
            .find(key)
            .ok_or_else(|| MappingError::unknown("method, path and sub-resource together"))?;
        Ok(Self { row, place, query })
    }

    fn body_need(&self) -> BodyNeed {
        match self.row.name {
            "DeleteObjects" => BodyNeed::UpTo(bodies::MAX_DELETE),
            "CreateBucket"
            | "CreateBucketMetadataConfiguration"
            | "PutBucketReplication"
            | "RestoreObject"
            | "UpdateBucketMetadataAnnotationTableConfiguration"
            | "UpdateObjectEncryption" => BodyNeed::UpTo(bodies::MAX_DOCUMENT),
            _ => BodyNeed::No,
        }
    }

    fn is_copy(&self) -> bool {
        matches!(self.row.name, "CopyObject" | "UploadPartCopy")
    }

    /// A copy source on anything but a copy is read by some servers and ignored by others.
    fn check_copy(&self, request: &Request<'_>) -> Result<(), MappingError> {
        if request.headers.contains_key(copy::HEADER) && !self.is_copy() {
            return Err(MappingError::ambiguous(
                "x-amz-copy-source on an operation that copies nothing",
            ));
        }
        Ok(())
    }

    fn fill(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), MappingError> {
        if target.container.prefix() == "s3express" {
            self.fill_express(mapping, target, body)?;
        } else if self.row.name == "DeleteObjects" {
            self.fill_deletions(mapping, target, body)?;
        } else {
            let prefix = self.listed_prefix(target)?;
            for action in self.row.actions(self.query.names_version) {
                let mut need = target.need(action)?;
                need.context.extend(prefix.clone());
                mapping.required.push(need);
            }
            self.fill_extras(mapping, target, body)?;
        }
        if self.is_copy() {
            self.fill_source(mapping, target)?;
        }
        Ok(())
    }

    /// What the keys that are listed begin with, which policies may look at.
    ///
    /// Source: Service Authorization Reference, condition keys of Amazon S3.
    fn listed_prefix(&self, target: Target<'_>) -> Result<Option<Condition>, MappingError> {
        let is_listing = matches!(
            self.row.name,
            "ListMultipartUploads" | "ListObjectVersions" | "ListObjects" | "ListObjectsV2"
        );
        if !is_listing {
            return Ok(None);
        }
        let prefix = self.query.one("prefix")?;
        if let Some(prefix) = &prefix {
            segments::check(target.request, prefix, "prefix")?;
        }
        // The siblings have keys of their own.
        let prefix = prefix.filter(|_| target.container.prefix() == "s3");
        Ok(prefix.map(|prefix| Condition {
            operator: "StringLike",
            key: "s3:prefix",
            value: prefix.into_owned(),
        }))
    }

    /// One check per key, and what holds for all of them.
    fn fill_deletions(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), MappingError> {
        let bypasses = extras::bypasses_governance(target.request.headers);
        for deletion in bodies::deletions(body)? {
            mapping.has_empty_segment |= segments::check(target.request, &deletion.key, "a Key")?;
            let object = Target {
                key: Some(&deletion.key),
                ..target
            };
            for action in self.row.actions(deletion.names_version) {
                mapping.required.push(object.need(action)?);
            }
            if bypasses {
                mapping.required.push(object.need("s3:BypassGovernanceRetention")?);
            }
            if deletion.matches_etag {
                mapping.required.push(object.need("s3:GetObject")?);
            }
        }
        Ok(())
    }
}
