//! Which sockets a configuration wants, and which of them are open already.
//!
//! A socket is open as long as its listener is served: here it is only known.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use http_server::{BindError, bind};
use proxy_config::Config;
use resource_limits::ListenerRole;
use tokio::net::TcpListener;

/// The open sockets of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets(Vec<OpenSocket>);

/// A socket that is open, and what for.
#[derive(Clone, Debug)]
pub(super) struct OpenSocket {
    /// What it is for.
    pub(super) role: ListenerRole,
    /// The address that the configuration has; its port may be 0.
    requested: SocketAddr,
    /// The address that was taken.
    taken: SocketAddr,
    listener: Weak<TcpListener>,
}

/// Keeps sockets open until they are served.
#[derive(Debug, Default)]
pub(super) struct HeldListeners(Vec<Arc<TcpListener>>);

impl Sockets {
    /// Opens every listener of the configuration that is not among those `before`, and writes the addresses that were
    /// taken into it: whoever compares addresses later has to know the real ports.
    ///
    /// # Errors
    ///
    /// [`BindError`] of the first that cannot be opened; those that were are closed again.
    pub(super) fn open(config: &mut Config, before: &Self) -> Result<(Self, HeldListeners), BindError> {
        let mut sockets = Self::default();
        let mut held = HeldListeners::default();
        for (role, key, addr) in wanted(config) {
            if let Some(requested) = *addr {
                let reused = before.reuse(&role, requested);
                let (socket, listener) = reused.map_or_else(|| open(role, requested, &key), Ok)?;
                *addr = Some(socket.taken);
                sockets.0.push(socket);
                held.0.push(listener);
            }
        }
        Ok((sockets, held))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenSocket> {
        self.0.iter()
    }

    /// Whether this very socket is open for the same role.
    pub(super) fn has(&self, socket: &OpenSocket) -> bool {
        self.0
            .iter()
            .any(|known| known.role == socket.role && Weak::ptr_eq(&known.listener, &socket.listener))
    }

    /// The socket of the same role and address, or of the same address: then its role changes and clients that are
    /// just connecting are not rejected.
    fn reuse(&self, role: &ListenerRole, requested: SocketAddr) -> Option<(OpenSocket, Arc<TcpListener>)> {
        let is_same =
            |socket: &&OpenSocket| socket.role == *role && (socket.requested == requested || socket.taken == requested);
        let is_there = |socket: &&OpenSocket| socket.taken == requested;
        let found = self.0.iter().find(is_same).or_else(|| self.0.iter().find(is_there))?;
        let listener = found.listener.upgrade()?;
        let socket = OpenSocket {
            role: role.clone(),
            requested,
            ..found.clone()
        };
        Some((socket, listener))
    }
}

impl OpenSocket {
    /// The socket; `None` once its listener has ended.
    pub(super) fn listener(&self) -> Option<Arc<TcpListener>> {
        self.listener.upgrade()
    }
}

/// Every listener of the configuration: what for, its key, its address.
fn wanted(config: &mut Config) -> impl Iterator<Item = (ListenerRole, String, &mut Option<SocketAddr>)> {
    let own = config.connections.iter_mut().map(|(name, connection)| {
        let key = format!("connections.{name}.listen");
        (ListenerRole::Connection(name.clone()), key, &mut connection.listen)
    });
    let server = &mut config.server;
    let others = [
        (ListenerRole::Shared, "server.listen".to_owned(), &mut server.listen),
        (ListenerRole::Admin, "server.admin".to_owned(), &mut server.admin),
    ];
    own.chain(others)
}

fn open(role: ListenerRole, requested: SocketAddr, key: &str) -> Result<(OpenSocket, Arc<TcpListener>), BindError> {
    let listener = bind(requested, key)?;
    let taken = listener.local_addr().map_err(|source| BindError {
        addr: requested,
        key: key.to_owned(),
        source,
    })?;
    let listener = Arc::new(listener);
    let socket = OpenSocket {
        role,
        requested,
        taken,
        listener: Arc::downgrade(&listener),
    };
    Ok((socket, listener))
}
