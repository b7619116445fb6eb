//! Who a unit of a pool is counted for.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use super::listener::ListenerRole;

/// Bits of an IPv6 address that name a client's network: one host has all of a /64 to choose addresses from.
const IPV6_NETWORK_BITS: u32 = 64;

/// One client: a listener, and an address of it. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ClientKey(Arc<ClientAddress>);

#[derive(Debug, Eq, Hash, PartialEq)]
struct ClientAddress {
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
        Self(Arc::new(ClientAddress { listener, address }))
    }

    /// Where it connected.
    #[must_use]
    pub fn listener(&self) -> &ListenerRole {
        &self.0.listener
    }
}
