//! The place of a secret in one of AWS's stores.

use std::fmt;

use super::pointer_of;
use crate::arn::Arn;
use crate::place::Region;
use crate::text::is_made_of;

/// Source: Secrets Manager, `CreateSecret`, parameter `Name`.
const LONGEST_SECRET_NAME: usize = 512;

/// One of AWS's stores of secrets.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum StoreKind {
    /// AWS Secrets Manager.
    SecretsManager,
    /// Parameter Store of AWS Systems Manager.
    Ssm,
}

impl StoreKind {
    /// Every store.
    pub const ALL: [Self; 2] = [Self::SecretsManager, Self::Ssm];

    /// The scheme of its references: also its endpoint prefix, its signing name and its namespace in ARNs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret of Secrets Manager or a parameter of Parameter Store, by name or ARN.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StoredSecret {
    kind: StoreKind,
    id: String,
}

impl StoredSecret {
    /// Reads what follows the scheme: `ID[#POINTER]`; `None` where it is no place.
    pub(super) fn parse(kind: StoreKind, text: &str) -> Option<(Self, Option<String>)> {
        let (id, pointer) = pointer_of(text)?;
        let is_place = match kind {
            _ if id.starts_with("arn:") => region_of(kind, id).is_some(),
            StoreKind::SecretsManager => is_secret_name(id, LONGEST_SECRET_NAME),
            StoreKind::Ssm => is_parameter(id),
        };
        let secret = Self {
            kind,
            id: id.to_owned(),
        };
        is_place.then_some((secret, pointer))
    }

    /// Where it is kept.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The name or ARN, as the store's own interface takes it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The region, where the id is an ARN.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        region_of(self.kind, &self.id)
    }
}

impl fmt::Display for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// The region of an ARN of this store; `None` where it is another one's.
fn region_of(kind: StoreKind, id: &str) -> Option<Region> {
    // Secrets Manager, `GetSecretValue`, and Systems Manager, `GetParameter`: ids have at most 2,048 characters.
    let arn: Arn = id.parse().ok().filter(|_| id.len() <= 2_048)?;
    let is_resource = match kind {
        // Its name goes on with a hyphen and six characters.
        StoreKind::SecretsManager => arn
            .resource
            .strip_prefix("secret:")
            .is_some_and(|name| is_secret_name(name, LONGEST_SECRET_NAME + 7)),
        StoreKind::Ssm => arn.resource.strip_prefix("parameter/").is_some_and(is_parameter),
    };
    let is_whole = arn.service == kind.as_str() && arn.account.is_some() && is_resource;
    Region::parse(arn.region).ok().filter(|_| is_whole)
}

fn is_secret_name(text: &str, longest: usize) -> bool {
    is_made_of(text, 1, longest, |b| {
        b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b)
    })
}

/// A name, or `NAME:VERSION` or `NAME:LABEL`.
///
/// Source: Systems Manager, "Understanding parameter name requirements and constraints", and
/// `LabelParameterVersion`: names have 1 to 1,011 characters in at most 15 levels, labels 1 to 100.
fn is_parameter(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    let (name, selector) = match text.split_once(':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (text, None),
    };
    let levels = name.strip_prefix('/').unwrap_or(name).split('/');
    name.len() <= 1_011
        && levels.clone().count() <= 15
        && levels.into_iter().all(|level| is_made_of(level, 1, 1_011, is_plain))
        && selector.is_none_or(|selector| is_made_of(selector, 1, 100, is_plain))
}

#[cfg(test)]
mod tests {
    use StoreKind::{SecretsManager, Ssm};

    use super::*;

    #[track_caller]
    fn check(kind: StoreKind, text: &str, id: &str, region: Option<&str>, pointer: Option<&str>) {
        let (secret, found) = StoredSecret::parse(kind, text).unwrap();
        assert_eq!(
            (
                secret.id(),
                secret.region().as_ref().map(Region::as_str),
                found.as_deref()
            ),
            (id, region, pointer)
        );
        assert_eq!(secret.to_string(), format!("{kind}:{id}"));
    }

    #[test]
    fn names_and_arns_are_read() {
        check(
            SecretsManager,
            "prod/aws+x=1@a_b.c-d",
            "prod/aws+x=1@a_b.c-d",
            None,
            None,
        );
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/aws-AbCdEf";
        check(SecretsManager, arn, arn, Some("eu-west-1"), None);
        check(
            SecretsManager,
            &format!("{arn}#/a/0"),
            arn,
            Some("eu-west-1"),
            Some("/a/0"),
        );
        check(Ssm, "/prod/aws#/secret", "/prod/aws", None, Some("/secret"));
        check(Ssm, "plain", "plain", None, None);
        check(Ssm, "/prod/aws:3", "/prod/aws:3", None, None);
        check(Ssm, "/prod/aws:blue_1.x", "/prod/aws:blue_1.x", None, None);
        let arn = "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/prod/aws";
        check(Ssm, arn, arn, Some("cn-north-1"), None);
    }

    #[test]
    fn both_sides_of_each_border() {
        let is_good = |kind, text: &str| StoredSecret::parse(kind, text).is_some();
        let levels = |count: usize| "/a".repeat(count);
        let arn = |rest: usize| {
            format!(
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:{}",
                "a".repeat(rest)
            )
        };
        for (kind, good, bad) in [
            (SecretsManager, "a".repeat(512), "a".repeat(513)),
            (SecretsManager, arn(519), arn(520)),
            (Ssm, "a".repeat(1_011), "a".repeat(1_012)),
            (
                Ssm,
                format!("/{}", "a".repeat(1_010)),
                format!("/{}", "a".repeat(1_011)),
            ),
            (Ssm, levels(15), levels(16)),
            (Ssm, format!("a:{}", "b".repeat(100)), format!("a:{}", "b".repeat(101))),
        ] {
            assert!(is_good(kind, &good), "{} bytes: {good}", good.len());
            assert!(!is_good(kind, &bad), "{} bytes: {bad}", bad.len());
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "",
            "#/a",
            "a b",
            "a:b",
            "ä",
            "a#",
            "a#b",
            "arn:aws:ssm:eu-west-1:111122223333:secret:a",
            "arn:aws:secretsmanager:eu-west-1::secret:a",
            "arn:aws:secretsmanager::111122223333:secret:a",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:",
            "arn:aws:secretsmanager:eu-west-1:111122223333:a",
            "arn:aws:secretsmanager:EU:111122223333:secret:a",
            "arn:aws",
        ] {
            assert!(StoredSecret::parse(SecretsManager, text).is_none(), "{text:?}");
        }
        for text in [
            "",
            "/",
            "//a",
            "/a/",
            "a b",
            "a@b",
            "a:",
            "a:b:c",
            "/a#b",
            "arn:aws:ssm:eu-west-1:111122223333:document/a",
            "arn:aws:secretsmanager:eu-west-1:111122223333:parameter/a",
        ] {
            assert!(StoredSecret::parse(Ssm, text).is_none(), "{text:?}");
        }
    }
}
