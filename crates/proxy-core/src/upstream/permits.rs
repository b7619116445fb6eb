//! Upstream permits: how many requests a connection has under way, and whose.

use std::time::Duration;

use resource_limits::{ClientKey, Grant, Pool, PoolSize};
use tokio::time::Instant;

use super::Upstream;
use crate::error::{ErrorCode, ProxyError};

/// Requests under way at a time, for each of the proxy's connections. A pool without an end would let a burst
/// of clients exhaust the proxy's ports. A client's connection never has more than an eighth of them: HTTP/2 has no more
/// streams.
const MAX_CONCURRENT: u64 = 1024;

impl Upstream {
    /// From now on so much of the permits is kept from a client alone.
    pub(crate) fn reserve(&self, reserve_percent: u8) {
        self.permits.resize(size(reserve_percent));
    }

    /// The permits, for the metrics.
    pub(crate) fn permits(&self) -> &Pool {
        &self.permits
    }

    /// How long a request waits for what all clients share.
    pub(crate) fn connect_timeout(&self) -> Duration {
        self.timeouts.connect
    }

    /// Waits for a permit to send a request; held until the response has been passed on.
    ///
    /// To be called when nothing more is to be waited for from the client.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ClientOverShare`] or [`ErrorCode::UpstreamBusy`] where there was none for the client within the time
    /// for connecting.
    pub(crate) async fn permit(&self, client: &ClientKey) -> Result<Grant, ProxyError> {
        let deadline = Instant::now() + self.timeouts.connect;
        let permit = self.permits.acquire(client, 1, deadline).await;
        permit.map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::UpstreamBusy))
    }
}

/// How many permits there are, and how many of them one client alone does not get.
pub(super) fn size(reserve_percent: u8) -> PoolSize {
    PoolSize {
        total: MAX_CONCURRENT,
        reserve_percent,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use egress::Protocols;

    use super::*;
    use crate::metrics::Metrics;
    use crate::upstream::{Network, Purpose};
    use proxy_config::{Config, Environment};
    use resource_limits::DescriptorLimit;
    use resource_limits::ListenerRole;

    #[tokio::test(start_paused = true)]
    async fn beyond_all_permits_a_request_waits_and_is_then_rejected() {
        let config = Config::from_toml(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = { method = \"default-chain\" }",
            &Environment::empty(),
        );
        let config = config.unwrap();
        let (name, connection) = config.connections.first_key_value().unwrap();
        let connect = connection.timeouts.connect;
        let purpose = Purpose {
            protocols: Protocols::Http1,
            own_host: None,
            timeouts: connection.timeouts,
        };
        let network = Network::new(&config.upstream, config.server.threads, &DescriptorLimit::none(), None).unwrap();
        let upstream = Upstream::new(&network, purpose, &Metrics::new().upstream_connections(name));
        upstream.reserve(10);
        let client = |address| ClientKey::new(ListenerRole::Shared, IpAddr::from([127, 0, 0, address]));
        let mut held = Vec::new();
        for _ in 0..MAX_CONCURRENT - 103 {
            held.push(upstream.permit(&client(1)).await.unwrap());
        }
        let before = Instant::now();
        let rejected = upstream.permit(&client(1)).await.unwrap_err();
        assert_eq!(
            (rejected.code(), before.elapsed()),
            (ErrorCode::ClientOverShare, connect)
        );
        let other = upstream.permit(&client(2)).await;
        assert_eq!((other.is_ok(), before.elapsed()), (true, connect));
        drop(other);
        upstream.reserve(0);
        for _ in 0..103 {
            held.push(upstream.permit(&client(1)).await.unwrap());
        }
        let rejected = upstream.permit(&client(2)).await.unwrap_err();
        assert_eq!(rejected.code(), ErrorCode::UpstreamBusy);
        assert_eq!(
            (rejected.code().status().as_u16(), rejected.retry_after_seconds()),
            (503, Some(1))
        );
        held.pop();
        assert!(upstream.permit(&client(2)).await.is_ok());
    }
}
