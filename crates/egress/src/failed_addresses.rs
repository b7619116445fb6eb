//! Addresses on which an exchange failed a moment ago: the next connection tries them last.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After this time an address is as good as any.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// Addresses that are remembered.
const MAX_ADDRESSES: usize = 256;

/// When an exchange last failed on an address. Clones share it.
///
/// ```
/// use std::net::SocketAddr;
///
/// let [first, second]: [SocketAddr; 2] = ["10.0.0.1:443".parse()?, "10.0.0.2:443".parse()?];
/// let failed = egress::FailedAddresses::default();
/// failed.record(first.ip());
/// assert_eq!(failed.sorted(vec![first, second]), [second, first]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FailedAddresses(Arc<Mutex<HashMap<IpAddr, Instant>>>);

/// The address that a connection goes to, where the socket knows it. Each connection carries it as an extension.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub Option<IpAddr>);

impl FailedAddresses {
    /// An exchange has failed there: for the next 30 s the address comes last.
    pub fn record(&self, address: IpAddr) {
        let now = Instant::now();
        let mut failures = self.failures();
        failures.retain(|_, since| now.saturating_duration_since(*since) < REMEMBERED_FOR);
        if failures.len() < MAX_ADDRESSES || failures.contains_key(&address) {
            failures.insert(address, now);
        }
    }

    /// The same addresses in the same order, but for those that are recorded: they come last, the longest ago first.
    #[must_use]
    pub fn sorted(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let now = Instant::now();
        let failures = self.failures();
        if !failures.is_empty() {
            addresses.sort_by_key(|address| {
                let since = failures.get(&address.ip()).copied();
                since.filter(|since| now.saturating_duration_since(*since) < REMEMBERED_FOR)
            });
        }
        addresses
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failed_address_comes_last_for_half_a_minute() {
        let failed = FailedAddresses::default();
        let addresses = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(|text| text.parse::<SocketAddr>().unwrap());
        let order = |failed: &FailedAddresses| {
            let sorted = failed.sorted(addresses.to_vec());
            sorted
                .iter()
                .map(|address| address.to_string().remove(7))
                .collect::<String>()
        };
        assert_eq!(order(&failed), "123");
        failed.record(addresses[0].ip());
        assert_eq!(order(&failed), "231");
        tokio::time::advance(Duration::from_secs(20)).await;
        failed.record(addresses[1].ip());
        assert_eq!(order(&failed), "312");
        tokio::time::advance(Duration::from_secs(1)).await;
        failed.record(addresses[0].ip());
        assert_eq!(order(&failed), "321");
        tokio::time::advance(REMEMBERED_FOR).await;
        assert_eq!(order(&failed), "123");
    }
}
