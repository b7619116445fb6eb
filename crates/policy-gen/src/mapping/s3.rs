//! What the operations of S3 and its siblings ask of IAM.
//!
//! The operation is found by method, level (service, bucket, object), sub-resource and a few headers; see [`table`].
//! Host and path say what it is done to, headers and four kinds of bodies what it is done with. S3 Control is a
//! service of its own and not known here.

mod bodies;
mod copy;
mod extras;
mod place;
mod query;
pub(crate) mod table;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use auth_model::Partition;

use super::refusal::check_body;
use super::{BodyNeed, Condition, Mapping, Need, Refusal, Request, Resource, Unresolved};
use copy::Source;
use place::{Container, Place};
use table::{Asked, Express, Row, TABLE};

pub(crate) use query::Query;

const SESSION: &str = "s3express:CreateSession";
const SESSION_MODE: &str = "x-amz-create-session-mode";

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    // Reads, which most requests are, are told apart without a look at the table.
    if !matches!(*request.method, http::Method::PUT | http::Method::POST) {
        return BodyNeed::No;
    }
    Found::of(request).map_or(BodyNeed::No, |found| found.body_need())
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, Refusal> {
    let found = Found::of(request)?;
    if let BodyNeed::UpTo(limit) = found.body_need() {
        check_body(request.headers, body, limit)?;
    }
    found.query.check()?;
    found.check_copy(request)?;
    let mut mapping = Mapping::new(found.row.name);
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
    fn of(request: &Request<'a>) -> Result<Self, Refusal> {
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
                return Err(Refusal::unknown("a bucket of another kind than the host's"));
            }
        }
        let asked = Asked {
            method: request.method,
            level: place.level(),
            query: &query,
            headers: request.headers,
            is_express,
        };
        let row = TABLE
            .find(asked)
            .ok_or_else(|| Refusal::unknown("method, path and sub-resource together"))?;
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
    fn check_copy(&self, request: &Request<'_>) -> Result<(), Refusal> {
        if request.headers.contains_key(copy::HEADER) && !self.is_copy() {
            return Err(Refusal::ambiguous(
                "x-amz-copy-source on an operation that copies nothing",
            ));
        }
        Ok(())
    }

    fn fill(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), Refusal> {
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
    fn listed_prefix(&self, target: Target<'_>) -> Result<Option<Condition>, Refusal> {
        let is_listing = matches!(
            self.row.name,
            "ListMultipartUploads" | "ListObjectVersions" | "ListObjects" | "ListObjectsV2"
        );
        if !is_listing {
            return Ok(None);
        }
        let prefix = self.query.one("prefix")?;
        // The siblings have keys of their own.
        let prefix = prefix.filter(|_| target.container.prefix() == "s3");
        Ok(prefix.map(|prefix| Condition {
            operator: "StringLike",
            key: "s3:prefix",
            value: prefix.into_owned(),
        }))
    }

    /// What headers and bodies add, and what the answer depends on.
    fn fill_extras(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), Refusal> {
        let request = target.request;
        let headers = request.headers;
        let mut add = |actions: &[&'static str]| -> Result<(), Refusal> {
            for action in actions {
                mapping.required.push(target.need(action)?);
            }
            Ok(())
        };
        match self.row.name {
            "PutObject" | "CopyObject" => {
                add(&extras::of_object_write(headers))?;
                let key = extras::of_named_key(request, &["kms:GenerateDataKey"])?;
                mapping.required.extend(key);
            }
            "CreateMultipartUpload" => {
                add(&extras::of_object_write(headers))?;
                let key = extras::of_named_key(request, &["kms:Decrypt", "kms:GenerateDataKey"])?;
                mapping.required.extend(key);
            }
            "CreateBucket" => {
                add(&extras::of_create_bucket(headers))?;
                if bodies::creates_tags(body)? {
                    add(&["s3:TagResource"])?;
                }
            }
            "PutObjectRetention" if extras::bypasses_governance(headers) => add(&["s3:BypassGovernanceRetention"])?,
            "DeleteObject" => {
                if extras::bypasses_governance(headers) {
                    add(&["s3:BypassGovernanceRetention"])?;
                }
                if extras::matches_etag(headers) {
                    add(&["s3:GetObject"])?;
                }
            }
            "GetObject" | "HeadObject" => {
                // Without it a missing key is answered with 403, not 404.
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

    /// One check per key, and what holds for all of them.
    fn fill_deletions(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), Refusal> {
        let bypasses = extras::bypasses_governance(target.request.headers);
        for deletion in bodies::deletions(body)? {
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

    /// Directory buckets: a session for the whole bucket, or an action of their own.
    fn fill_express(&self, mapping: &mut Mapping, target: Target<'_>, body: &[u8]) -> Result<(), Refusal> {
        let bucket = target.resource(None);
        match self.row.express {
            Express::Session => {
                if self.row.name == "DeleteObjects" {
                    bodies::deletions(body)?;
                }
                let mut need = Need::new(SESSION, bucket);
                if self.row.name == "CreateSession" {
                    need.conditions.extend(session_mode(target.request)?);
                    mapping.required.push(need);
                    let key = extras::of_named_key(target.request, &["kms:Decrypt", "kms:GenerateDataKey"])?;
                    mapping.required.extend(key);
                } else {
                    mapping.required.push(need);
                }
            }
            Express::Control => {
                for action in &self.row.actions {
                    mapping.required.push(Need::new(target.action(action)?, bucket.clone()));
                }
                if self.row.name == "CreateBucket" && bodies::creates_tags(body)? {
                    mapping
                        .required
                        .push(Need::new(target.action("s3:TagResource")?, bucket));
                }
            }
        }
        Ok(())
    }

    /// The source of a copy: it is read, and what hangs on it may be copied with it.
    fn fill_source(&self, mapping: &mut Mapping, target: Target<'_>) -> Result<(), Refusal> {
        let source = Source::read(target.request)?;
        if source.is_express {
            mapping.required.push(Need::new(SESSION, source.object));
            return Ok(());
        }
        let of = |plain: &'static str, versioned: &'static str| if source.names_version { versioned } else { plain };
        let read = of("s3:GetObject", "s3:GetObjectVersion");
        if self.row.name == "CopyObject" && target.container.prefix() != "s3express" {
            let annotations = [
                Need::new(
                    of("s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation"),
                    source.object.clone(),
                ),
                target.need("s3:PutObjectAnnotation")?,
            ];
            match self.annotation_directive(target.request) {
                Directive::Copy => mapping.required.extend(annotations),
                Directive::Default => mapping.advisory.extend(annotations),
                Directive::Leave => {}
            }
            let replaces_tags = target
                .request
                .headers
                .get("x-amz-tagging-directive")
                .is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"REPLACE"));
            if !replaces_tags {
                let tags = of("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
                mapping.advisory.push(Need::new(tags, source.object.clone()));
                mapping.advisory.push(target.need("s3:PutObjectTagging")?);
            }
        }
        mapping.required.push(Need::new(read, source.object));
        Ok(())
    }

    fn annotation_directive(&self, request: &Request<'_>) -> Directive {
        let headers = request.headers.get_all(query::ANNOTATION_DIRECTIVE).iter();
        let headers = headers.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut directive = Directive::Default;
        for value in headers.chain(self.query.values_of_header(query::ANNOTATION_DIRECTIVE)) {
            directive = match value.trim_ascii() {
                "EXCLUDE" if directive != Directive::Copy => Directive::Leave,
                _ => Directive::Copy,
            };
        }
        directive
    }
}

/// Whether the annotations of an object are copied with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directive {
    /// The request says so.
    Copy,
    /// It says nothing, so they are where there are any.
    Default,
    /// It says not to.
    Leave,
}

/// What an operation is done to.
#[derive(Clone, Copy)]
struct Target<'a> {
    request: &'a Request<'a>,
    /// Of the request; looked up once.
    partition: Partition,
    container: &'a Container<'a>,
    key: Option<&'a str>,
}

impl Target<'_> {
    fn need(&self, action: &'static str) -> Result<Need, Refusal> {
        if action.starts_with("s3express:") {
            let place = Unresolved::Indirect("a host or name that is no directory bucket's");
            return Ok(Need::new(action, Resource::Unresolved(place)));
        }
        Ok(Need::new(self.action(action)?, self.resource(self.key)))
    }

    /// The container, or an object in it.
    fn resource(&self, key: Option<&str>) -> Resource {
        self.container.resource(self.request, self.partition, key)
    }

    /// The action under the prefix of the container's service.
    fn action(&self, action: &'static str) -> Result<Cow<'static, str>, Refusal> {
        match self.container.prefix() {
            "s3" => Ok(Cow::Borrowed(action)),
            prefix => TABLE
                .action_of_sibling(prefix, action)
                .map(Cow::Borrowed)
                .ok_or_else(|| Refusal::unknown(format!("{action} in {prefix}"))),
        }
    }
}

/// The mode that a `CreateSession` asks for, which policies may look at.
fn session_mode(request: &Request<'_>) -> Result<Option<Condition>, Refusal> {
    let Some(mode) = copy::one(request.headers, SESSION_MODE)? else {
        return Ok(None);
    };
    if !matches!(mode, "ReadOnly" | "ReadWrite") {
        return Err(Refusal::malformed(SESSION_MODE, "it is ReadOnly or ReadWrite"));
    }
    Ok(Some(Condition {
        operator: "StringEquals",
        key: "s3express:SessionMode",
        value: mode.to_owned(),
    }))
}
