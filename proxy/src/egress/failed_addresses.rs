//! Which of a name's addresses comes last: the one that broke an exchange off a moment ago, so that the next attempt goes to
//! another one.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After this time an address is as good as any.
const AVOIDED_FOR: Duration = Duration::from_secs(30);

/// Addresses that are remembered.
const MAX_ADDRESSES: usize = 256;

/// When addresses last broke an exchange off. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Avoided(Arc<Mutex<HashMap<IpAddr, Instant>>>);

/// The address that a connection goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerAddress(pub(super) Option<IpAddr>);

impl Avoided {
    /// From now on it comes last.
    pub(super) fn note(&self, address: IpAddr) {
        let now = Instant::now();
        let mut known = self.known();
        known.retain(|_, since| now.saturating_duration_since(*since) < AVOIDED_FOR);
        if known.len() < MAX_ADDRESSES || known.contains_key(&address) {
            known.insert(address, now);
        }
    }

    /// The same addresses in the same order, but for those that are avoided: they come last, the longest ago first.
    pub(super) fn sorted(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let now = Instant::now();
        let known = self.known();
        if !known.is_empty() {
            addresses.sort_by_key(|address| {
                let since = known.get(&address.ip()).copied();
                since.filter(|since| now.saturating_duration_since(*since) < AVOIDED_FOR)
            });
        }
        addresses
    }

    fn known(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::body::{Content, Progress};
    use crate::config::{Config, Environment};
    use crate::metrics::Metrics;
    use crate::process::DescriptorLimit;
    use crate::retry::Fault;
    use crate::sign::Signed;
    use crate::upstream::{Attempt, BucketNames, Network, Protocols, Purpose, Upstream};

    #[tokio::test(start_paused = true)]
    async fn what_broke_off_comes_last_for_half_a_minute() {
        let avoided = Avoided::default();
        let addresses = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(|text| text.parse::<SocketAddr>().unwrap());
        let order = |avoided: &Avoided| {
            let sorted = avoided.sorted(addresses.to_vec());
            sorted
                .iter()
                .map(|address| address.to_string().remove(7))
                .collect::<String>()
        };
        assert_eq!(order(&avoided), "123");
        avoided.note(addresses[0].ip());
        assert_eq!(order(&avoided), "231");
        tokio::time::advance(Duration::from_secs(20)).await;
        avoided.note(addresses[1].ip());
        assert_eq!(order(&avoided), "312");
        tokio::time::advance(Duration::from_secs(1)).await;
        avoided.note(addresses[0].ip());
        assert_eq!(order(&avoided), "321");
        tokio::time::advance(AVOIDED_FOR).await;
        assert_eq!(order(&avoided), "123");
    }

    /// The next connection goes to another address of the name, where there is one.
    #[tokio::test]
    async fn address_that_breaks_an_exchange_off_comes_last() {
        for response in ["", "no HTTP\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                socket.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
                socket.write_all(response.as_bytes()).await.unwrap();
            });
            let upstream = upstream();
            let (head, ()) = Request::get(format!("http://{address}/"))
                .body(())
                .unwrap()
                .into_parts();
            let progress = Progress::new();
            let body = Content::Empty.body(None, progress.clone());
            let sent = upstream
                .send(Signed::for_test(head, body, progress), Attempt::First)
                .await;
            let fault = sent.map(drop).unwrap_err().fault;
            assert!(
                matches!(fault, Fault::Closed | Fault::Malformed),
                "{response}: {fault:?}"
            );
            let other = "127.0.0.2:1".parse().unwrap();
            assert_eq!(upstream.avoided.sorted(vec![address, other]), [other, address]);
        }
    }

    fn upstream() -> Upstream {
        let config = Config::from_toml(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = { method = \"default-chain\" }",
            &Environment::empty(),
        );
        let config = config.unwrap();
        let (name, connection) = config.connections.first_key_value().unwrap();
        let purpose = Purpose {
            protocols: Protocols::Http1,
            names: BucketNames::default(),
            timeouts: connection.timeouts,
        };
        let network = Network::new(&config.upstream, config.server.threads, &DescriptorLimit::none(), None).unwrap();
        Upstream::new(&network, purpose, &Metrics::new().upstream_connections(name))
    }
}
