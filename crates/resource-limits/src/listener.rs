//! The role of a listener.

use std::fmt;

use auth_model::ConnectionName;

/// What a listener is for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListenerRole {
    /// `server.listen`: forward and gateway mode, for all connections.
    Shared,
    /// `connections.NAME.listen`: that connection only.
    Connection(ConnectionName),
    /// `server.admin`: probes and metrics.
    Admin,
}

impl fmt::Display for ListenerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared"),
            Self::Connection(name) => write!(f, "@{name}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}
