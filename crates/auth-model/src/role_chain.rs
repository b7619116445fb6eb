//! Role chaining: each role is assumed with the session of the one before.

use std::fmt;

use crate::role::RoleReference;

/// The roles that lead to a connection's credentials, at least one; the last one signs.
///
/// A name stands for a role in the account of the role before; that of the first, in the account of the keys.
/// Source: IAM user guide, "Role chaining".
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RoleChain {
    first: RoleReference,
    rest: Vec<RoleReference>,
}

/// A chain without a role.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a role is needed at the least")]
pub struct InvalidRoleChain;

impl RoleChain {
    /// A chain of these roles, in the order in which they are assumed.
    ///
    /// # Errors
    ///
    /// [`InvalidRoleChain`] where there is none.
    pub fn new(roles: impl IntoIterator<Item = RoleReference>) -> Result<Self, InvalidRoleChain> {
        let mut roles = roles.into_iter();
        Ok(Self {
            first: roles.next().ok_or(InvalidRoleChain)?,
            rest: roles.collect(),
        })
    }

    /// The role that the keys assume, or that the instance has.
    #[must_use]
    pub fn first(&self) -> &RoleReference {
        &self.first
    }

    /// The roles after the first, each assumed with the session of the one before.
    #[must_use]
    pub fn rest(&self) -> &[RoleReference] {
        &self.rest
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &RoleReference> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Whether a role is assumed with another's session: then the session lives for an hour at most.
    #[must_use]
    pub fn is_chained(&self) -> bool {
        !self.rest.is_empty()
    }
}

impl From<RoleReference> for RoleChain {
    fn from(first: RoleReference) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }
}

impl fmt::Display for RoleChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|role| write!(f, " > {role}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_a_role_and_keeps_their_order() {
        assert_eq!(RoleChain::new([]), Err(InvalidRoleChain));
        let role = |text: &str| text.parse::<RoleReference>().unwrap();
        let one = RoleChain::new([role("a")]).unwrap();
        assert!(one == RoleChain::from(role("a")) && !one.is_chained());
        let three = RoleChain::new([role("a"), role("team/b"), role("c")]).unwrap();
        assert!(three.is_chained());
        assert_eq!(three.to_string(), "a > team/b > c");
        assert_eq!(three.iter().count(), 3);
    }
}
