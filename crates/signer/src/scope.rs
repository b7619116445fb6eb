//! What a signature is good for.

use auth_model::{Region, SigningName};

/// The region and the service's name that a signature is good for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SigningScope {
    /// The region that the endpoint verifies for.
    pub region: Region,
    /// The service's name in signatures.
    pub name: SigningName,
}
