//! What one client may take of what all clients share: connections, upstream permits, bytes of requests; and how many file
//! descriptors the process may have open.
//!
//! A [`Pool`] has a total and keeps a part of it in reserve. Outside the reserve everybody takes what is free: a sidecar
//! has one client, and behind a load balancer or NAT all clients have one address. The reserve goes only to those below
//! an equal share, so that a client that takes all it can get never shuts out the next one.
//!
//! Clients are distinguished by listener *and* address: on loopback all tenants have one address, but listeners of their
//! own. One half of the reserve goes to any client below its share. The other half goes only to clients of listeners
//! below their share, because whoever can use many addresses (any process can, on loopback) still uses one listener.
//!
//! ```
//! use resource_limits::{ClientKey, Exhausted, ListenerRole, Pool, PoolSize};
//!
//! let pool = Pool::new(PoolSize { total: 100, reserve_percent: 10 });
//! let first = ClientKey::new(ListenerRole::Shared, [192, 0, 2, 1].into());
//! let other = ClientKey::new(ListenerRole::Shared, [192, 0, 2, 2].into());
//! // One client gets everything but the reserve, of which the next client gets its part.
//! let held = pool.try_take(&first, 90)?;
//! assert!(matches!(pool.try_take(&first, 1), Err(Exhausted::OverShare)));
//! assert!(pool.try_take(&other, 5).is_ok());
//! // What is dropped is given back.
//! drop(held);
//! assert_eq!(pool.taken(), 0);
//! # Ok::<_, Exhausted>(())
//! ```

mod client;
mod descriptors;
mod exhausted;
mod listener;
mod pool;
mod pool_size;

pub use client::ClientKey;
pub use descriptors::{DescriptorLimit, DescriptorPermit, Descriptors};
pub use exhausted::Exhausted;
pub use listener::ListenerRole;
pub use pool::{Grant, Pool};
pub use pool_size::PoolSize;

#[cfg(test)]
mod tests;
