//! Names of buckets under an endpoint of the operator's own.
//!
//! With `bucket_addressing = "virtual"` the Host is `BUCKET.ENDPOINT`, but such names often have no DNS entry
//! (`bucket.localhost` rarely has). They all lead to the endpoint, so that is what is looked up.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::str::FromStr as _;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower_service::Service;

/// The endpoint below which names are buckets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct BucketNames {
    endpoint: Option<String>,
}

impl BucketNames {
    /// Names below `endpoint` (a host, no port) are looked up as the endpoint itself.
    pub(crate) fn below(endpoint: &str) -> Self {
        Self {
            endpoint: Some(endpoint.to_owned()),
        }
    }

    /// The name to look up.
    fn lookup<'a>(&'a self, name: &'a str) -> &'a str {
        match &self.endpoint {
            Some(endpoint) if is_below(name, endpoint) => endpoint,
            _ => name,
        }
    }
}

fn is_below(name: &str, endpoint: &str) -> bool {
    name.strip_suffix(endpoint).is_some_and(|bucket| bucket.ends_with('.'))
}

/// The system's resolver, with buckets' names cut.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    system: GaiResolver,
    names: BucketNames,
}

impl Resolver {
    pub(super) fn new(names: BucketNames) -> Self {
        Self {
            system: GaiResolver::new(),
            names,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<GaiAddrs>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let name = Name::from_str(self.names.lookup(name.as_str())).unwrap_or(name);
        Box::pin(self.system.call(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_the_endpoint_are_cut() {
        let names = BucketNames::below("minio.internal");
        assert_eq!(names.lookup("bucket.minio.internal"), "minio.internal");
        assert_eq!(names.lookup("a.b.minio.internal"), "minio.internal");
        for other in ["minio.internal", "xminio.internal", "minio.internal.example"] {
            assert_eq!(names.lookup(other), other);
        }
        assert_eq!(BucketNames::default().lookup("a.b"), "a.b");
    }
}
