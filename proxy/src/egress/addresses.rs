//! Which of the addresses that a name resolves to may be connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use aws_endpoints::{AddressRejected, AddressRules};

/// Which addresses a name may have: DNS that lies about a name of AWS's must not lead to this machine or its metadata
/// service. Addresses that are written in a URL are not resolved, and not looked at. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressFilter {
    rules: Option<Arc<AddressRules>>,
}

impl AddressFilter {
    /// Any address will do: for names that the operator has written.
    pub(crate) fn any() -> Self {
        Self::default()
    }

    /// The addresses that the rules allow.
    pub(crate) fn new(rules: AddressRules) -> Self {
        Self {
            rules: Some(Arc::new(rules)),
        }
    }

    /// Those of the addresses that are allowed, in their order.
    ///
    /// # Errors
    ///
    /// [`AddressRejected`] of the first one, where none is left.
    pub(crate) fn allowed(
        &self,
        name: &str,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, AddressRejected> {
        let mut left = Vec::new();
        let mut rejected = None;
        for address in addresses {
            match self.check(name, address.ip()) {
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

    fn check(&self, name: &str, address: IpAddr) -> Result<(), AddressRejected> {
        match &self.rules {
            Some(rules) => rules.check(name, address),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: &str = "s3.eu-west-1.amazonaws.com";

    #[test]
    fn addresses_that_aws_does_not_have_are_left_out() {
        let filter = AddressFilter::new(AddressRules::default());
        let addresses =
            ["127.0.0.1:443", "52.218.1.1:443", "[::1]:443"].map(|text| text.parse::<SocketAddr>().unwrap());
        assert_eq!(filter.allowed(S3, addresses).unwrap(), [addresses[1]]);
        let error = filter.allowed(S3, [addresses[2], addresses[0]]).unwrap_err();
        assert_eq!(error.address, addresses[2].ip());
        assert_eq!(AddressFilter::any().allowed(S3, addresses).unwrap(), addresses);
        assert_eq!(filter.allowed("minio.internal", addresses).unwrap(), addresses);
    }
}
