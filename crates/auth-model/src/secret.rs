//! A secret text: wiped on drop, shown by nothing but [`Secret::expose`].

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A secret text. `Debug` shows nothing of it; the memory is wiped on drop.
///
/// There is no `Display`, `Serialize` or `Deref`: a search for `expose` is the audit. Comparing two takes as long
/// wherever they differ, so that its time tells their lengths at most. A clone is the same memory: there is one copy to find,
/// which is wiped with the last clone.
///
/// ```
/// use auth_model::Secret;
///
/// let secret = Secret::new("correct horse battery staple");
/// assert!(!format!("{secret:?}").contains("horse"));
/// assert_eq!(secret.expose().len(), 28);
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let difference = a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b));
        // Kept from the optimiser, which could leave the loop at the first difference.
        a.len() == b.len() && std::hint::black_box(difference) == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_no_copy() {
        let secret = Secret::new("wJalrXUtnFEMI".to_owned());
        assert!(std::ptr::eq(secret.expose(), secret.clone().expose()));
    }

    #[test]
    fn secrets_are_the_same_where_every_byte_is() {
        let secret = Secret::new("wJalrXUtnFEMI");
        assert_eq!(secret, Secret::new("wJalrXUtnFEMI"));
        for other in ["wJalrXUtnFEMi", "xJalrXUtnFEMI", "wJalrXUtnFEM", "wJalrXUtnFEMII", ""] {
            assert_ne!(secret, Secret::new(other));
        }
    }
}
