//! Which of the addresses that a name resolves to may be connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use aws_endpoints::{AddressRejected, AddressRules};

/// Which addresses a name may have: DNS that lies about a name of AWS's must not lead to this machine or its metadata
/// service. Addresses that are written in a URL are not resolved, and not looked at. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct AddressFilter {
    rules: Option<Arc<AddressRules>>,
    exempt_host: Option<Arc<str>>,
}

impl AddressFilter {
    /// Any address will do: for names that the operator has written.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// The addresses that the rules allow.
    #[must_use]
    pub fn new(rules: AddressRules) -> Self {
        Self {
            rules: Some(Arc::new(rules)),
            exempt_host: None,
        }
    }

    /// This host, which the operator has written, may have any address.
    #[must_use]
    pub fn with_exempt_host(self, host: &str) -> Self {
        Self {
            exempt_host: Some(host.to_ascii_lowercase().into()),
            ..self
        }
    }

    /// Those of the addresses that are allowed, in their order.
    ///
    /// # Errors
    ///
    /// [`AddressRejected`] of the first one, where none is left.
    ///
    /// ```
    /// let filter = egress::AddressFilter::new(aws_endpoints::AddressRules::default());
    /// let found = ["127.0.0.1:443".parse()?, "10.0.0.7:443".parse()?];
    /// assert_eq!(filter.allowed("s3.eu-west-1.amazonaws.com", found)?, [found[1]]);
    /// assert_eq!(filter.allowed("minio.internal", found)?, found);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allowed(
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
            Some(rules) if !self.is_exempt(name) => rules.check(name, address),
            _ => Ok(()),
        }
    }

    fn is_exempt(&self, name: &str) -> bool {
        self.exempt_host
            .as_deref()
            .is_some_and(|host| host.eq_ignore_ascii_case(name))
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

    #[test]
    fn a_host_that_the_operator_has_written_may_be_anywhere() {
        let filter = AddressFilter::new(AddressRules::default()).with_exempt_host("S3.eu-west-1.amazonaws.com");
        let loopback: SocketAddr = "127.0.0.1:443".parse().unwrap();
        assert_eq!(filter.allowed(S3, [loopback]).unwrap(), [loopback]);
        assert!(filter.allowed("sts.eu-west-1.amazonaws.com", [loopback]).is_err());
    }
}
