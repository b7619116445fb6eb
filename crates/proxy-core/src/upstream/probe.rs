//! The path to a service, one stage at a time: for diagnostics that report where it fails. No pool, no request.

use std::time::Duration;

use egress::{AddressFilter, ConnectError, Connection, Connector, DialSettings, FirstHop, Protocols};
use http::Uri;
use proxy_config::EndpointUrl;

use super::Network;

impl Network {
    /// What is dialled for this URL.
    #[must_use]
    pub fn first_hop(&self, url: &EndpointUrl) -> FirstHop {
        let direct = FirstHop {
            host: url.host().trim_matches(['[', ']']).to_owned(),
            port: url.port_or_default(),
            is_proxy: false,
        };
        uri(url).map_or(direct, |uri| self.0.proxies.first_hop(&uri))
    }

    /// A connection to the service, through the proxy where there is one, at addresses that the filter allows.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] with the stage that failed.
    pub async fn connect(
        &self,
        url: &EndpointUrl,
        protocols: Protocols,
        filter: AddressFilter,
        limit: Duration,
    ) -> Result<Connection, ConnectError> {
        let uri = uri(url).ok_or_else(|| ConnectError::Unreachable("the endpoint is no URL".into()))?;
        let settings = DialSettings::new(limit)
            .with_proxies(self.0.proxies.clone())
            .with_address_filter(filter);
        Connector::new(&self.0.tls, protocols, settings).connect(uri).await
    }
}

fn uri(url: &EndpointUrl) -> Option<Uri> {
    // With its port, which tunnels need.
    let port = url.port_or_default();
    format!("{}://{}:{port}/", url.scheme().as_str(), url.host())
        .parse()
        .ok()
}
