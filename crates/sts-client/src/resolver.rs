//! The system's resolver, without the addresses at which AWS has no service.

use std::net::IpAddr;

use aws_endpoints::AddressRules;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use crate::settings::StsSettings;

/// Resolves what STS, the stores and the default chain are reached at. Names that are not AWS's (a container's, an
/// operator's own endpoint) may be anywhere, and addresses are never looked up.
#[derive(Clone, Debug)]
pub(crate) struct CheckedResolver {
    rules: AddressRules,
    /// The host of the endpoint that the operator has written himself.
    own: Option<String>,
}

impl CheckedResolver {
    pub(crate) fn new(settings: &StsSettings) -> Self {
        let own = settings.endpoint.as_ref().and_then(|uri| uri.host());
        Self {
            rules: settings.addresses.clone(),
            own: own.map(str::to_ascii_lowercase),
        }
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveDnsError> {
        // The port is of no account.
        let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
        self.allowed(name, found.map(|address| address.ip()))
    }

    /// Those that are allowed, in their order.
    fn allowed(&self, name: &str, found: impl Iterator<Item = IpAddr>) -> Result<Vec<IpAddr>, ResolveDnsError> {
        if self.own.as_deref() == Some(name) {
            return Ok(found.collect());
        }
        let mut left = Vec::new();
        let mut rejected = None;
        for ip in found {
            match self.rules.check(name, ip) {
                Ok(()) => left.push(ip),
                Err(error) => {
                    rejected.get_or_insert(error);
                }
            }
        }
        match rejected {
            Some(error) if left.is_empty() => Err(ResolveDnsError::new(error)),
            Some(_) | None => Ok(left),
        }
    }
}

impl ResolveDns for CheckedResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(self.resolve(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_response::chain_text;

    #[test]
    fn sts_is_nowhere_on_this_machine_unless_the_operator_says_so() {
        let loopback = || [IpAddr::from([127, 0, 0, 1])].into_iter();
        let sts = "sts.eu-west-1.amazonaws.com";
        let resolver = CheckedResolver::new(&StsSettings::default());
        let error = resolver.allowed(sts, loopback()).unwrap_err();
        let text = chain_text(&error);
        assert!(
            text.contains("127.0.0.1") && text.contains("upstream.allow_addresses"),
            "{text}"
        );
        assert_eq!(resolver.allowed("localhost", loopback()).unwrap().len(), 1);
        let both = loopback().chain([IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(resolver.allowed(sts, both).unwrap(), [IpAddr::from([10, 0, 0, 1])]);
        let own = CheckedResolver::new(&StsSettings {
            endpoint: Some(format!("https://{sts}:8443").parse().unwrap()),
            ..StsSettings::default()
        });
        assert_eq!(own.allowed(sts, loopback()).unwrap().len(), 1);
        let allowing = CheckedResolver::new(&StsSettings {
            addresses: AddressRules::with_allowed(vec!["127.0.0.0/8".parse().unwrap()]),
            ..StsSettings::default()
        });
        assert_eq!(allowing.allowed(sts, loopback()).unwrap().len(), 1);
    }
}
