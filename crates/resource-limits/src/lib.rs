//! What one client may take of what all clients share: connections, upstream permits, bytes of requests; and how many file
//! descriptors the process may have open.
//!
//! A [`Pool`] has a total and keeps a part of it in reserve. Outside the reserve everybody takes what is free: a sidecar
//! has one client, and behind a load balancer or NAT all clients have one address. The reserve goes only to those below
//! an equal share, so that a client that takes all it can get never shuts out the next one.
//!
//! Clients are told apart by listener *and* address: on loopback all tenants have one address, but listeners of their
//! own. One half of the reserve goes to any client below its share. The other half goes only to clients of listeners
//! below their share, because whoever can use many addresses (any process can, on loopback) still uses one listener.

mod descriptors;
mod listener;
mod pool;
mod state;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

pub use descriptors::{DescriptorLimit, DescriptorPermit, Descriptors};
pub use listener::ListenerRole;
pub use pool::{Grant, Pool};

/// When a client whose request found no room may try again. What it holds itself, or others, is back within moments or
/// not for minutes; SDKs wait longer with each retry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Bits of an IPv6 address that name a client's network: one host has all of a /64 to choose addresses from.
const IPV6_NETWORK_BITS: u32 = 64;

/// One client: a listener, and an address of it. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ClientKey(Arc<Client>);

#[derive(Debug, Eq, Hash, PartialEq)]
struct Client {
    listener: ListenerRole,
    address: IpAddr,
}

impl ClientKey {
    /// The client at `address` of this listener. An IPv6 client stands for its /64, an IPv4-mapped one for its IPv4
    /// address.
    #[must_use]
    pub fn new(listener: ListenerRole, address: IpAddr) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::MAX << (Ipv6Addr::BITS - IPV6_NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
            }
            IpAddr::V4(address) => IpAddr::V4(address),
        };
        Self(Arc::new(Client { listener, address }))
    }

    /// Where it connected.
    #[must_use]
    pub fn listener(&self) -> &ListenerRole {
        &self.0.listener
    }
}

/// How many units a pool has, and how many of them are in reserve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolSize {
    /// Units in all.
    pub total: u64,
    /// Per cent of them that only clients below an equal share may take: 0 to 50.
    pub reserve_percent: u8,
}

impl PoolSize {
    /// Nothing at all.
    pub const NONE: Self = Self {
        total: 0,
        reserve_percent: 0,
    };

    /// Below so many units there is no reserve: it would be a quarter or more.
    const LEAST_WITH_RESERVE: u64 = 4;

    /// Units in reserve: the percentage, rounded up, and two at least, one for each half.
    fn reserve(self) -> u64 {
        if self.reserve_percent == 0 || self.total < Self::LEAST_WITH_RESERVE {
            return 0;
        }
        let percent = u128::from(self.reserve_percent.min(50));
        let part = (u128::from(self.total) * percent).div_ceil(100);
        u64::try_from(part).unwrap_or(self.total).max(2)
    }

    /// Units that anybody may take.
    #[must_use]
    pub fn open(self) -> u64 {
        self.total - self.reserve()
    }

    /// Units that any client below its share may take: all but the half of the reserve that is for other listeners.
    fn open_to_small_clients(self) -> u64 {
        self.total - self.reserve().div_ceil(2)
    }
}

/// A client gets no more units now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Exhausted {
    /// The rest is for clients or listeners that have less than an equal share.
    #[error("the client is beyond its share")]
    OverShare,
    /// Everything is taken, and the client has no more than its share, or there is no other one.
    #[error("all is taken")]
    Full,
}

impl Exhausted {
    /// When the client may try again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::OverShare | Self::Full => RETRY_AFTER,
        }
    }
}

#[cfg(test)]
mod tests;
