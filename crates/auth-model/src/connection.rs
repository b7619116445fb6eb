//! Connections: a named pairing of an auth method with a service and a region.

use crate::method::AuthMethod;
use crate::place::{Region, ServiceId, SigningName};
use crate::text::is_name;

text_type!(
    /// The name of a connection, as it is in configuration, paths (`/@NAME/`), logs and metrics.
    ConnectionName,
    InvalidConnectionName,
    "a connection's name is 1 to 63 of A-Z, a-z, 0-9, '-' and '_', beginning with a letter or digit",
    is_name
);

/// Who signs for what: the auth method, the service and the region.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// The service, by endpoint prefix.
    pub service: ServiceId,
    /// The region requests go to and are signed for.
    pub region: Region,
    /// The name in the signing scope where the endpoint table's is not wanted.
    pub signing_name: Option<SigningName>,
    /// Where the credentials come from.
    pub auth: AuthMethod,
}
