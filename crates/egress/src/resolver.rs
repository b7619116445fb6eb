//! From a name to addresses: by the system's resolver, without the addresses that are not allowed.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr as _;
use std::task::{Context, Poll};

use aws_endpoints::AddressRejected;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use crate::addresses::AddressFilter;
use crate::failed_addresses::FailedAddresses;

/// A host that all names below it are looked up as: an endpoint whose buckets are names below it
/// (`BUCKET.minio.internal`) often has no DNS entries for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WildcardHost(String);

impl WildcardHost {
    /// `host` is a name without a port.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        Self(host.into())
    }

    /// The name to look up.
    fn lookup<'a>(&'a self, name: &'a str) -> &'a str {
        let is_below = name.strip_suffix(&self.0).is_some_and(|rest| rest.ends_with('.'));
        if is_below { &self.0 } else { name }
    }
}

/// A name has no address that may be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The system's resolver reports it.
    #[error("the lookup failed")]
    Failed(#[from] io::Error),
    /// None that AWS has.
    #[error("the name has no address that is used")]
    Rejected(#[from] AddressRejected),
}

/// The system's resolver, with what is changed about its results.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    system: GaiResolver,
    wildcard_host: Option<WildcardHost>,
    filter: AddressFilter,
    failed: FailedAddresses,
}

impl Resolver {
    pub(crate) fn new(wildcard_host: Option<WildcardHost>, filter: AddressFilter, failed: FailedAddresses) -> Self {
        Self {
            system: GaiResolver::new(),
            wildcard_host,
            filter,
            failed,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        self.system.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookup = self.wildcard_host.as_ref().map(|host| host.lookup(name.as_str()));
        let name = lookup.and_then(|lookup| Name::from_str(lookup).ok()).unwrap_or(name);
        let (filter, failed) = (self.filter.clone(), self.failed.clone());
        let looking_up = self.system.call(name.clone());
        Box::pin(async move {
            let allowed = filter.allowed(name.as_str(), looking_up.await?)?;
            Ok(failed.sorted(allowed).into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_the_wildcard_host_are_looked_up_as_it() {
        let host = WildcardHost::new("minio.internal");
        assert_eq!(host.lookup("bucket.minio.internal"), "minio.internal");
        assert_eq!(host.lookup("a.b.minio.internal"), "minio.internal");
        for other in ["minio.internal", "xminio.internal", "minio.internal.example"] {
            assert_eq!(host.lookup(other), other);
        }
    }
}
