//! From a name to addresses: where buckets under an endpoint of the operator's own are, and where AWS's names may lead.
//!
//! With `bucket_addressing = "virtual"` the Host is `BUCKET.ENDPOINT`, but such names often have no DNS entry
//! (`bucket.localhost` rarely has). They all lead to the endpoint, so that is what is looked up.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr as _;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_endpoints::{AddressRejected, AddressRules};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::avoid::Avoided;

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

    /// Whether no name is the operator's: all that are looked up are AWS's.
    pub(super) fn are_awss(&self) -> bool {
        self.endpoint.is_none()
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

/// Those of the addresses that the rules allow, in their order.
///
/// # Errors
///
/// [`AddressRejected`] of the first one, where none is left.
pub(crate) fn allowed(
    rules: Option<&AddressRules>,
    name: &str,
    addresses: impl IntoIterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, AddressRejected> {
    let Some(rules) = rules else {
        return Ok(addresses.into_iter().collect());
    };
    let mut left = Vec::new();
    let mut rejected = None;
    for address in addresses {
        match rules.check(name, address.ip()) {
            Ok(()) => left.push(address),
            Err(error) => {
                rejected.get_or_insert(error);
            }
        }
    }
    match rejected {
        Some(error) if left.is_empty() => Err(error),
        Some(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "one of a name's addresses is not used"
            );
            Ok(left)
        }
        None => Ok(left),
    }
}

/// A name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// The system's resolver says so.
    #[error("the lookup failed")]
    Failed(#[from] io::Error),
    /// To no address that AWS has.
    #[error("the name has no address that is used")]
    Rejected(#[from] AddressRejected),
}

/// The system's resolver, with buckets' names cut, and without the addresses that the rules reject.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    system: GaiResolver,
    names: BucketNames,
    rules: Option<Arc<AddressRules>>,
    avoided: Avoided,
}

impl Resolver {
    /// `rules`: of AWS's names; `None` where the operator has written the names himself.
    pub(super) fn new(names: BucketNames, rules: Option<Arc<AddressRules>>, avoided: Avoided) -> Self {
        Self {
            system: GaiResolver::new(),
            names,
            rules,
            avoided,
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
        let name = Name::from_str(self.names.lookup(name.as_str())).unwrap_or(name);
        let (rules, avoided) = (self.rules.clone(), self.avoided.clone());
        let looking_up = self.system.call(name.clone());
        Box::pin(async move {
            let allowed = allowed(rules.as_deref(), name.as_str(), looking_up.await?)?;
            Ok(avoided.sorted(allowed).into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_aws_does_not_have_are_left_out() {
        let rules = AddressRules::default();
        let addresses =
            ["127.0.0.1:443", "52.218.1.1:443", "[::1]:443"].map(|text| text.parse::<SocketAddr>().unwrap());
        let name = "s3.eu-west-1.amazonaws.com";
        assert_eq!(allowed(Some(&rules), name, addresses).unwrap(), [addresses[1]]);
        let error = allowed(Some(&rules), name, [addresses[2], addresses[0]]).unwrap_err();
        assert_eq!(error.address, addresses[2].ip());
        assert_eq!(allowed(None, name, addresses).unwrap(), addresses);
        assert_eq!(allowed(Some(&rules), "minio.internal", addresses).unwrap(), addresses);
    }

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
