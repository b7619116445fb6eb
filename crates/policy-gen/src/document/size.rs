//! How large a policy may be, and the cutting up of those that are larger.

use std::collections::BTreeSet;

use super::{Policy, Statement};

/// What a policy is for, which bounds its size.
///
/// Source: IAM User Guide, "IAM and AWS STS quotas"; white space between elements counts for sessions only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PolicyKind {
    /// A managed policy: 6,144 characters. A principal has 10 of them at most by default.
    Managed,
    /// All inline policies of a user together: 2,048.
    InlineUser,
    /// All inline policies of a role together: 10,240.
    InlineRole,
    /// All inline policies of a group together: 5,120.
    InlineGroup,
    /// The trust policy of a role: 2,048 by default.
    Trust,
    /// A session policy: 2,048, all of a session's together.
    Session,
    /// The proxy's own `allow`: no bound of IAM's.
    Allow,
}

/// A policy that cannot be made to fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{size} characters where IAM takes {limit}: generalise it, or name fewer resources")]
pub struct TooLarge {
    /// How many characters the policy, or its smallest part, has.
    pub size: usize,
    /// How many it may have.
    pub limit: usize,
}

impl PolicyKind {
    /// The most characters; `None` where there is no bound.
    #[must_use]
    pub fn limit(self) -> Option<usize> {
        match self {
            Self::Managed => Some(6_144),
            Self::InlineUser | Self::Trust | Self::Session => Some(2_048),
            Self::InlineRole => Some(10_240),
            Self::InlineGroup => Some(5_120),
            Self::Allow => None,
        }
    }

    /// Whether several documents can do what one is too small for. Inline quotas are totals, and a role has one trust
    /// policy.
    fn is_splittable(self) -> bool {
        matches!(self, Self::Managed)
    }
}

impl Policy {
    /// How many characters IAM and STS count, with white space inside of texts: an upper bound for IAM.
    #[must_use]
    pub fn size(&self) -> usize {
        self.to_json().chars().count()
    }

    /// The policy in as few documents of this kind as it takes in order, cut between statements and, where one of them
    /// is too large alone, between its resources. Together they say exactly what this one says.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] where this kind has one document only, or where one action on one resource does not fit.
    pub fn split(&self, kind: PolicyKind) -> Result<Vec<Self>, TooLarge> {
        let size = self.size();
        let Some(limit) = kind.limit().filter(|limit| size > *limit) else {
            return Ok(vec![self.clone()]);
        };
        if !kind.is_splittable() {
            return Err(TooLarge { size, limit });
        }
        let mut pieces = Vec::new();
        for statement in &self.statements {
            cut(statement, limit, &mut pieces)?;
        }
        let mut documents = Vec::new();
        let mut current: Vec<Statement> = Vec::new();
        let mut size = empty();
        for piece in pieces {
            // The comma between two statements.
            let more = one(&piece) - empty() + 1;
            if !current.is_empty() && size + more > limit {
                documents.push(Self::new(std::mem::take(&mut current)));
                size = empty();
            }
            // Pieces of one statement that meet again are one statement again: a name is unique in its document.
            match current.pop_if(|last| is_sibling(last, &piece)) {
                Some(last) => current.push(joined(last, piece)),
                None => current.push(piece),
            }
            size += more;
        }
        documents.push(Self::new(current));
        Ok(documents)
    }
}

/// The characters of a document without a statement.
fn empty() -> usize {
    Policy::new([]).size()
}

/// The characters of a document of this statement alone.
fn one(statement: &Statement) -> usize {
    Policy::new([statement.clone()]).size()
}

/// Cuts a statement into halves until each fits alone. A list that excludes cannot be cut.
fn cut(statement: &Statement, limit: usize, pieces: &mut Vec<Statement>) -> Result<(), TooLarge> {
    let size = one(statement);
    if size <= limit {
        pieces.push(statement.clone());
        return Ok(());
    }
    let by_resource = halves(&statement.resources).map(|halves| {
        halves.map(|resources| Statement {
            resources,
            ..statement.clone()
        })
    });
    let by_action = || {
        halves(&statement.actions).map(|halves| {
            halves.map(|actions| Statement {
                actions,
                ..statement.clone()
            })
        })
    };
    let halves = by_resource.or_else(by_action).ok_or(TooLarge { size, limit })?;
    halves.iter().try_for_each(|half| cut(half, limit, pieces))
}

/// Whether the two were one statement.
fn is_sibling(one: &Statement, other: &Statement) -> bool {
    one.sid.is_some() && one.sid == other.sid && (one.actions == other.actions || one.resources == other.resources)
}

fn joined(mut one: Statement, other: Statement) -> Statement {
    one.actions.extend(other.actions);
    one.resources.extend(other.resources);
    one
}

fn halves(list: &BTreeSet<String>) -> Option<[BTreeSet<String>; 2]> {
    let middle = list.iter().nth(list.len() / 2).filter(|_| list.len() > 1)?;
    let mut first = list.clone();
    let second = first.split_off(middle);
    Some([first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(resources: usize) -> Policy {
        let resource = |n| format!("arn:aws:s3:::bucket/{n:04}");
        let all = (0..resources).fold(Statement::allow(["s3:GetObject"]).with_sid("Read"), |statement, n| {
            statement.with_resource(resource(n))
        });
        Policy::new([
            all,
            Statement::allow(["s3:ListBucket"]).with_resource("arn:aws:s3:::bucket"),
        ])
    }

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(large(10).split(PolicyKind::Managed), Ok(vec![large(10)]));
        assert_eq!(large(10_000).split(PolicyKind::Allow).unwrap().len(), 1);
    }

    #[test]
    fn what_is_too_large_becomes_several_that_say_the_same() {
        let documents = large(1_000).split(PolicyKind::Managed).unwrap();
        assert!(documents.len() > 5 && documents.iter().all(|document| document.size() <= 6_144));
        let resources = documents.iter().flat_map(Policy::statements).flat_map(|s| &s.resources);
        assert_eq!(resources.collect::<BTreeSet<_>>().len(), 1_001);
        // Names are unique within a document.
        for document in &documents {
            let sids: Vec<_> = document.statements().filter_map(|s| s.sid.as_ref()).collect();
            assert_eq!(sids.len(), sids.iter().collect::<BTreeSet<_>>().len());
        }
    }

    #[test]
    fn nothing_is_ever_cut_off() {
        let size = large(100).size();
        assert_eq!(
            large(100).split(PolicyKind::Session),
            Err(TooLarge { size, limit: 2_048 })
        );
        let long = Statement::allow(["s3:GetObject"]).with_resource("x".repeat(7_000));
        assert!(Policy::new([long]).split(PolicyKind::Managed).is_err());
    }

    #[test]
    fn characters_are_counted_as_they_are_written() {
        let of = |text: &str| Policy::new([Statement::allow(["a:B"]).with_resource(text)]).size();
        assert_eq!(of("é") - of(""), 1);
        assert_eq!(of("€") - of("é"), 5);
    }
}
