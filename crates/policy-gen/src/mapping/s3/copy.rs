//! The source of a copy: `x-amz-copy-source`.

use std::borrow::Cow;

use auth_model::Arn;
use http::HeaderMap;

use super::place::{Container, decoded};
use super::segments;
use crate::mapping::{MappingError, Request, Resource, Unresolved};

/// The header.
pub(super) const HEADER: &str = "x-amz-copy-source";

/// What is copied.
#[derive(Debug)]
pub(super) struct Source {
    /// The object, as a policy names it.
    pub(super) object: Resource,
    /// Whether it lies in a directory bucket, which is read within a session.
    pub(super) is_express: bool,
    /// Whether a version is named.
    pub(super) names_version: bool,
    /// Whether its key has an empty segment that the server may leave out.
    pub(super) has_empty_segment: bool,
}

impl Source {
    /// Reads the header: `[/]BUCKET/KEY` or an access point's object ARN, percent-encoded, and `?versionId=`.
    pub(super) fn read(request: &Request<'_>) -> Result<Self, MappingError> {
        let value = one(request.headers, HEADER)?.unwrap_or_default();
        // Before anything is decoded: a key may hold the same text, escaped.
        let (object, version) = match value.split_once('?') {
            None => (value, None),
            Some((object, query)) => {
                let version = query
                    .strip_prefix("versionId=")
                    .filter(|id| !id.is_empty() && !id.contains(['?', '&']));
                let error =
                    || MappingError::malformed(HEADER, "only ?versionId=ID may follow; write a '?' of the key as %3F");
                (object, Some(version.ok_or_else(error)?))
            }
        };
        if object.contains('+') {
            return Err(MappingError::ambiguous(
                "a '+' in x-amz-copy-source, written %2B or %20,",
            ));
        }
        let object = decoded(object, HEADER)?;
        let path = object.strip_prefix('/').unwrap_or(&object);
        let has_empty_segment = segments::check(request, path, HEADER)?;
        let (object, is_express) = if path.starts_with("arn:") {
            (by_arn(path)?, false)
        } else {
            by_path(request, path)?
        };
        Ok(Self {
            object,
            is_express,
            names_version: version.is_some(),
            has_empty_segment,
        })
    }
}

fn by_path(request: &Request<'_>, path: &str) -> Result<(Resource, bool), MappingError> {
    let (bucket, key) = path
        .split_once('/')
        .filter(|(_, key)| !key.is_empty())
        .ok_or_else(|| MappingError::malformed(HEADER, "it is BUCKET/KEY or an access point's object ARN"))?;
    let container = Container::named(Cow::Borrowed(bucket))?;
    let is_express = container.prefix() == "s3express";
    Ok((container.resource(request, request.partition(), Some(key)), is_express))
}

/// `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY`, and the same on Outposts.
fn by_arn(text: &str) -> Result<Resource, MappingError> {
    let malformed = || {
        MappingError::malformed(
            HEADER,
            "the only ARN it takes is an access point's with /object/KEY behind it",
        )
    };
    // Spaces and control characters may be in keys, which is all that the ARN type objects to.
    let mut parts = text.splitn(6, ':');
    let resource = parts.nth(5).ok_or_else(malformed)?;
    let head = text.strip_suffix(resource).ok_or_else(malformed)?;
    let arn: Arn = format!("{head}x").parse().map_err(|_| malformed())?;
    let path = match arn.service.as_str() {
        "s3" => resource,
        "s3-outposts" => {
            let rest = resource.strip_prefix("outpost/").ok_or_else(malformed)?;
            let (outpost, rest) = rest.split_once('/').ok_or_else(malformed)?;
            check_name(outpost).ok_or_else(malformed)?;
            rest
        }
        _ => return Err(malformed()),
    };
    let (name, key) = path
        .strip_prefix("accesspoint/")
        .and_then(|rest| rest.split_once("/object/"))
        .ok_or_else(malformed)?;
    check_name(name).ok_or_else(malformed)?;
    if key.is_empty() {
        return Err(malformed());
    }
    if arn.account.is_none() {
        return Ok(Resource::Unresolved(Unresolved::Account));
    }
    Ok(Resource::Exact(text.to_owned()))
}

fn check_name(name: &str) -> Option<()> {
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    is_name.then_some(())
}

/// The value of a header that may be there once.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, MappingError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(MappingError::ambiguous(format!("{name}, sent twice,")));
    }
    std::str::from_utf8(value.as_bytes())
        .map(Some)
        .map_err(|_| MappingError::malformed(name, "it is not UTF-8; percent-encode it"))
}
