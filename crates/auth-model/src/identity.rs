//! Managed identities: the operator's IAM users, one for each customer organisation.

use crate::key_assets::KeyAssets;
use crate::text::is_name;

text_type!(
    /// The name of a managed identity in the configuration.
    IdentityName,
    InvalidIdentityName,
    "an identity's name is 1 to 63 of A-Z, a-z, 0-9, '-' and '_', beginning with a letter or digit",
    is_name
);

text_type!(
    /// The customer organisation a managed identity serves: 1 to 256 printable characters.
    Organisation,
    InvalidOrganisation,
    "an organisation is 1 to 256 printable characters",
    |text| (1..=256).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !text.trim().is_empty()
);

/// The IAM user that the operator owns for one customer organisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManagedIdentity {
    /// Its name in the configuration.
    pub name: IdentityName,
    /// The one organisation it serves.
    pub organisation: Organisation,
    /// Its keys.
    pub keys: KeyAssets,
}
