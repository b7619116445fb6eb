//! What a request's host and path name: a bucket or what stands for one, and a key.

use std::borrow::Cow;

use auth_model::{AccountId, Partition};
use aws_endpoints::HostResource;
use aws_endpoints::percent::{PercentError, decode_strict};

use super::table::Level;
use crate::mapping::{MappingError, Request, Resource, Unresolved};

/// Where an Object Lambda function sends what it made of an object.
const ROUTE_PATH: &str = "/WriteGetObjectResponse";

/// A bucket, or what stands for one.
#[derive(Clone, Debug)]
pub(super) enum Container<'a> {
    /// A bucket.
    Bucket(Cow<'a, str>),
    /// A directory bucket.
    Directory(Cow<'a, str>),
    /// An access point of a directory bucket.
    DirectoryAccessPoint(Cow<'a, str>),
    /// An access point.
    AccessPoint { name: &'a str, account: &'a AccountId },
    /// An Object Lambda access point.
    ObjectLambda { name: &'a str, account: &'a AccountId },
    /// A multi-region access point, by its alias without `.mrap`.
    MultiRegion { alias: &'a str },
    /// An access point on an Outpost.
    Outpost {
        outpost: &'a str,
        name: &'a str,
        account: &'a AccountId,
    },
    /// An access point's alias, which no policy may name.
    Alias,
}

impl<'a> Container<'a> {
    /// What a bucket's name stands for: some endings are AWS's own.
    ///
    /// Source: S3 User Guide, "General purpose bucket naming rules", reserved suffixes.
    pub(super) fn named(bucket: Cow<'a, str>) -> Result<Self, MappingError> {
        // Before 2018 us-east-1 had names of up to 255 letters in any case, with underscores.
        let is_name = (1..=255).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !matches!(bucket.as_ref(), "." | "..");
        if !is_name {
            return Err(MappingError::malformed(
                "the bucket's name",
                "it is 1 to 255 of letters, digits, '.', '-' and '_'",
            ));
        }
        if bucket.ends_with("--x-s3") {
            return Ok(Self::Directory(bucket));
        }
        if bucket.ends_with("--xa-s3") {
            return Ok(Self::DirectoryAccessPoint(bucket));
        }
        let is_alias = ["-s3alias", "--ol-s3", "--op-s3", ".mrap"]
            .iter()
            .any(|ending| bucket.ends_with(ending));
        Ok(if is_alias { Self::Alias } else { Self::Bucket(bucket) })
    }

    /// The prefix of its actions.
    pub(super) fn prefix(&self) -> &'static str {
        match self {
            Self::Bucket(_) | Self::AccessPoint { .. } | Self::MultiRegion { .. } | Self::Alias => "s3",
            Self::Directory(_) | Self::DirectoryAccessPoint(_) => "s3express",
            Self::ObjectLambda { .. } => "s3-object-lambda",
            Self::Outpost { .. } => "s3-outposts",
        }
    }

    /// Itself, or an object in it, as a policy names it.
    ///
    /// Source: Service Authorization Reference, resource types of S3 and its siblings.
    pub(super) fn resource(&self, request: &Request<'_>, partition: Partition, key: Option<&str>) -> Resource {
        let partition = partition.as_str();
        let region = request.region.as_str();
        // Access points have their objects behind a word; buckets behind a slash.
        let object = |separator: &'static str| key.map_or(["", ""], |key| [separator, key]);
        let text = match self {
            Self::Bucket(bucket) => {
                let [separator, key] = object("/");
                ["arn:", partition, ":s3:::", bucket, separator, key].concat()
            }
            Self::AccessPoint { name, account } => {
                let [separator, key] = object("/object/");
                let account = account.as_str();
                let parts = [
                    "arn:",
                    partition,
                    ":s3:",
                    region,
                    ":",
                    account,
                    ":accesspoint/",
                    name,
                    separator,
                    key,
                ];
                parts.concat()
            }
            Self::MultiRegion { alias } => {
                let Some(account) = request.account else {
                    return Resource::Unresolved(Unresolved::Account);
                };
                let [separator, key] = object("/object/");
                let account = account.as_str();
                [
                    "arn:",
                    partition,
                    ":s3::",
                    account,
                    ":accesspoint/",
                    alias,
                    ".mrap",
                    separator,
                    key,
                ]
                .concat()
            }
            // The function sees every key: policies name the access point only.
            Self::ObjectLambda { name, account } => {
                format!("arn:{partition}:s3-object-lambda:{region}:{account}:accesspoint/{name}")
            }
            Self::Outpost { outpost, name, account } => {
                let [separator, key] = object("/object/");
                format!(
                    "arn:{partition}:s3-outposts:{region}:{account}:outpost/{outpost}/accesspoint/{name}{separator}{key}"
                )
            }
            // Sessions are for the whole bucket.
            Self::Directory(name) | Self::DirectoryAccessPoint(name) => {
                let Some(account) = request.account else {
                    return Resource::Unresolved(Unresolved::Account);
                };
                let kind = if matches!(self, Self::Directory(_)) {
                    "bucket"
                } else {
                    "accesspoint"
                };
                format!("arn:{partition}:s3express:{region}:{account}:{kind}/{name}")
            }
            Self::Alias => return Resource::Unresolved(Unresolved::Alias),
        };
        Resource::Exact(text)
    }
}

/// What a request is about.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// All buckets.
    Service,
    /// A function's response.
    Route,
    /// A bucket, or an object in it.
    In {
        container: Container<'a>,
        key: Option<Cow<'a, str>>,
    },
}

impl<'a> Place<'a> {
    /// Reads host and path; nothing is normalised: `//`, `.` and `..` are parts of a key.
    pub(super) fn of(request: &Request<'a>) -> Result<Self, MappingError> {
        let whole_path = |container| {
            let key = request.path.strip_prefix('/').unwrap_or(request.path);
            Ok(Self::In {
                container,
                key: object_key(key)?,
            })
        };
        let is_lambda = request.service.as_str() == "s3-object-lambda";
        match request.host {
            HostResource::None | HostResource::Instance(_) if is_lambda => match request.path {
                ROUTE_PATH => Ok(Self::Route),
                _ => Err(MappingError::unknown(
                    "a path without an Object Lambda access point in the host",
                )),
            },
            HostResource::None | HostResource::DirectoryBucket { bucket: None, .. } => Self::in_path(request.path),
            HostResource::Bucket(bucket)
            | HostResource::DirectoryBucket {
                bucket: Some(bucket), ..
            } => whole_path(Container::named(Cow::Borrowed(bucket))?),
            HostResource::AccessPoint { name, account } => whole_path(Container::AccessPoint { name, account }),
            HostResource::ObjectLambda { name, account } => whole_path(Container::ObjectLambda { name, account }),
            HostResource::MultiRegionAccessPoint { alias } => whole_path(Container::MultiRegion { alias }),
            HostResource::Outpost { name, account, outpost } => {
                whole_path(Container::Outpost { outpost, name, account })
            }
            _ => Err(MappingError::unknown(
                "a host that names neither a bucket nor an access point",
            )),
        }
    }

    /// `/BUCKET/KEY`.
    fn in_path(path: &'a str) -> Result<Self, MappingError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Ok(Self::Service);
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Ok(Self::In {
            container: Container::named(decoded(bucket, "the bucket's name")?)?,
            key: object_key(key)?,
        })
    }

    /// Where in the table its operations are.
    pub(super) fn level(&self) -> Level {
        match self {
            Self::Service => Level::Service,
            Self::Route => Level::Route,
            Self::In { key: None, .. } => Level::Bucket,
            Self::In { key: Some(_), .. } => Level::Object,
        }
    }
}

fn object_key(raw: &str) -> Result<Option<Cow<'_, str>>, MappingError> {
    if raw.is_empty() {
        return Ok(None);
    }
    decoded(raw, "the key").map(Some)
}

/// Percent-decoded exactly once.
pub(super) fn decoded<'a>(raw: &'a str, what: &'static str) -> Result<Cow<'a, str>, MappingError> {
    decode_strict(raw).map_err(|error| {
        let reason = match error {
            PercentError::Escape => "a '%' is followed by two hexadecimal digits; write a plain one as %25",
            PercentError::Utf8 => "it is not UTF-8 after percent-decoding",
        };
        MappingError::malformed(what, reason)
    })
}
