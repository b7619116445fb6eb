//! Where a request goes: scheme, authority and target, before the target is put into wire form.

use std::sync::Arc;

use aws_endpoints::{AwsHost, HostResource};
use proxy_config::Scheme;

use super::Route;
use crate::admit::Admitted;
use crate::error::{ErrorCode, ProxyError};

/// Which version of the signature is put on a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureVersion {
    /// Good for one region.
    V4,
    /// Good for every region: what hosts that stand for several want.
    V4a,
}

impl SignatureVersion {
    fn of(needs_sigv4a: bool) -> Self {
        if needs_sigv4a { Self::V4a } else { Self::V4 }
    }
}

/// Where a request goes.
#[derive(Debug)]
pub struct Target {
    /// Its connection.
    pub route: Arc<Route>,
    /// How the upstream is spoken to.
    pub scheme: Scheme,
    /// The host, lower case, with its port unless that is the scheme's own: what is signed and sent as `Host`.
    pub authority: String,
    /// Path and query, spelled by the client.
    pub path_and_query: String,
    /// What the host names: a bucket, say, so that the whole path is the key.
    pub resource: HostResource,
    /// How it is signed.
    pub signature: SignatureVersion,
}

impl Target {
    /// A request for one of AWS's hosts: sent there, or to the connection's endpoint.
    pub(super) fn for_aws_host(route: &Arc<Route>, host: AwsHost, request: &Admitted) -> Result<Self, ProxyError> {
        if route.endpoint().is_none() {
            let requested = request.host().map(|host| host.host().to_owned());
            return Ok(Self {
                route: Arc::clone(route),
                scheme: route.scheme,
                authority: requested.unwrap_or_else(|| route.authority.clone()),
                path_and_query: request.target().to_owned(),
                signature: SignatureVersion::of(host.needs_sigv4a()),
                resource: host.resource,
            });
        }
        let bucket = match host.resource {
            HostResource::Bucket(bucket)
            | HostResource::DirectoryBucket {
                bucket: Some(bucket), ..
            } => Some(bucket),
            HostResource::None
            | HostResource::DirectoryBucket { bucket: None, .. }
            | HostResource::Account(_)
            | HostResource::Instance(_) => None,
            _ => {
                return Err(ProxyError::new(ErrorCode::HostUnsupported).with_hint(
                    "The connection's endpoint has no such access points; use a bucket's or the service's host name.",
                ));
            }
        };
        Ok(Self::for_gateway(route, bucket.as_deref(), request.target()))
    }

    /// A request for the connection's upstream, with the bucket that the host's name held.
    pub(super) fn for_gateway(route: &Arc<Route>, bucket: Option<&str>, target: &str) -> Self {
        let bucket = bucket.filter(|_| route.traits.is_s3_family);
        let (bucket_host, path_and_query) = match bucket {
            Some(bucket) if route.addresses_buckets_by_host() => (Some(bucket.to_owned()), target.to_owned()),
            Some(bucket) => (None, format!("/{bucket}{target}")),
            None if route.addresses_buckets_by_host() => match split_bucket(target) {
                Some((bucket, rest)) => (Some(bucket.to_owned()), rest),
                None => (None, target.to_owned()),
            },
            None => (None, target.to_owned()),
        };
        let authority = match &bucket_host {
            Some(bucket) => format!("{bucket}.{}", route.authority),
            None => route.authority.clone(),
        };
        Self {
            route: Arc::clone(route),
            scheme: route.scheme,
            authority,
            path_and_query,
            resource: bucket_host.map_or(HostResource::None, HostResource::Bucket),
            signature: SignatureVersion::of(route.traits.needs_sigv4a),
        }
    }
}

/// Whether the bucket, or what stands for one, is in the host.
#[must_use]
pub fn names_bucket(resource: &HostResource) -> bool {
    !matches!(
        resource,
        HostResource::None
            | HostResource::DirectoryBucket { bucket: None, .. }
            | HostResource::Account(_)
            | HostResource::Instance(_)
    )
}

/// Takes a path's bucket off, where the name can stand in a host: one label, as AWS's certificates need it.
fn split_bucket(target: &str) -> Option<(&str, String)> {
    let rest = target.strip_prefix('/')?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (bucket, rest) = rest.split_at(end);
    let is_label = (3..=63).contains(&bucket.len())
        && bucket
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !bucket.starts_with('-')
        && !bucket.ends_with('-');
    if !is_label {
        return None;
    }
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    Some((bucket, rest))
}
