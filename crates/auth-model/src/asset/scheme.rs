//! What a scheme of credential assets says of its references, before anything is read.

use std::fmt;
use std::path::PathBuf;

use super::{AssetLocation, AssetReference, InvalidAssetReference};
use crate::place::Region;

/// One scheme of credential assets, as far as a reference can be judged without reading it.
///
/// The crates that read assets have one type for each scheme; whoever reads configurations is given all of them as
/// [`AssetSchemes`] and knows none by name.
pub trait AssetScheme: fmt::Debug + Send + Sync + 'static {
    /// The name that references begin with, without its colon: also its label in metrics. Lower-case letters, digits,
    /// `-`, `_` and `.`, a letter first.
    fn name(&self) -> &'static str;

    /// A whole reference, for help texts and tests, such as `env:REPORTS_SECRET`.
    fn example(&self) -> &'static str;

    /// What its references give.
    fn value(&self) -> AssetValue;

    /// Where a location leads, and so what has to be within reach when the configuration is loaded.
    ///
    /// # Errors
    ///
    /// [`InvalidLocation`] where it leads nowhere; says what is allowed.
    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation>;

    /// The reference as it is in logs and errors. Nothing secret may be in it: what follows the first blank is left
    /// out, which may be a program's arguments, unless a scheme says that its locations hold no secret.
    fn shown(&self, location: &AssetLocation) -> String {
        match location.expose().split_once([' ', '\t']) {
            None => format!("{}:{}", self.name(), location.expose()),
            Some((first, _)) => format!("{}:{first} ...", self.name()),
        }
    }
}

/// What a reference gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AssetValue {
    /// One secret, such as a secret access key.
    Secret,
    /// A whole access key with a lease, made on request.
    LeasedKey,
}

/// Where a reference leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AssetOrigin {
    /// To what does not change while the process runs: the reference itself, or an environment variable.
    Process,
    /// To a file of this machine.
    File(PathBuf),
    /// To a program of this machine: a path, or a name that is looked for in `PATH`.
    Program(PathBuf),
    /// To a server that the operator describes.
    Server(AssetSettings),
    /// To one of AWS's secret stores, which is called with AWS credentials.
    AwsStore {
        /// Where the operator says which region and credentials are used.
        settings: AssetSettings,
        /// The secret's region, where the reference names it by ARN.
        region: Option<Region>,
    },
}

/// The keys of the configuration that a scheme cannot do without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AssetSettings {
    /// The table below `[assets]`.
    pub table: &'static str,
    /// Keys of the table of which one has to be written.
    pub one_of: &'static [&'static str],
}

/// The scheme does not take the location. The text says what it takes and never repeats what was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLocation(pub &'static str);

/// The schemes that a program reads.
#[derive(Clone, Debug, Default)]
pub struct AssetSchemes(Vec<&'static dyn AssetScheme>);

impl FromIterator<&'static dyn AssetScheme> for AssetSchemes {
    fn from_iter<I: IntoIterator<Item = &'static dyn AssetScheme>>(schemes: I) -> Self {
        Self(schemes.into_iter().collect())
    }
}

impl AssetSchemes {
    /// Each of them, in the order in which they were registered.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn AssetScheme> {
        self.0.iter().copied()
    }

    /// What may stand before the colon of a reference to one secret, `literal` last.
    pub fn names_of_secrets(&self) -> impl Iterator<Item = &'static str> {
        let of_secrets = self.iter().filter(|scheme| scheme.value() == AssetValue::Secret);
        of_secrets.map(AssetScheme::name).chain([super::LITERAL])
    }

    /// Checks a reference to one secret: the same reference, shown as its scheme says, and where it leads.
    ///
    /// # Errors
    ///
    /// [`InvalidAssetReference`] where no scheme takes it.
    pub fn check(&self, reference: AssetReference) -> Result<(AssetReference, AssetOrigin), InvalidAssetReference> {
        self.check_for(AssetValue::Secret, reference)
    }

    /// The same for a reference to a whole access key.
    ///
    /// # Errors
    ///
    /// [`InvalidAssetReference`] where no scheme takes it, or the one that does gives a single secret.
    pub fn check_key(&self, reference: AssetReference) -> Result<(AssetReference, AssetOrigin), InvalidAssetReference> {
        self.check_for(AssetValue::LeasedKey, reference)
    }

    fn check_for(
        &self,
        wanted: AssetValue,
        reference: AssetReference,
    ) -> Result<(AssetReference, AssetOrigin), InvalidAssetReference> {
        let location = match (reference, wanted) {
            (literal @ AssetReference::Literal(_), AssetValue::Secret) => return Ok((literal, AssetOrigin::Process)),
            (AssetReference::Literal(_), AssetValue::LeasedKey) => return Err(self.not_a_whole_key()),
            (AssetReference::Kept(location), _) => location,
        };
        let Some(scheme) = self.iter().find(|scheme| scheme.name() == location.scheme()) else {
            let known = self.names_of_secrets().collect();
            return Err(InvalidAssetReference::UnknownScheme { known });
        };
        match (scheme.value(), wanted) {
            (AssetValue::Secret, AssetValue::Secret) | (AssetValue::LeasedKey, AssetValue::LeasedKey) => {}
            (AssetValue::LeasedKey, AssetValue::Secret) => {
                let scheme = scheme.name();
                return Err(InvalidAssetReference::WholeKey { scheme });
            }
            (AssetValue::Secret, AssetValue::LeasedKey) => return Err(self.not_a_whole_key()),
        }
        let origin = scheme.origin(&location)?;
        let shown = scheme.shown(&location);
        Ok((AssetReference::Kept(location.shown_as(shown)), origin))
    }

    fn not_a_whole_key(&self) -> InvalidAssetReference {
        let examples = self.iter().filter(|scheme| scheme.value() == AssetValue::LeasedKey);
        let examples: Vec<_> = examples.map(AssetScheme::example).collect();
        InvalidAssetReference::NotWholeKey {
            example: examples.join(" or "),
        }
    }
}

/// Whether the text looks like the name of a scheme, be it in another case or with blanks around it.
///
/// AWS's secrets and session tokens have no colon. What has a `+`, `/` or `=` before one is more likely a secret than a
/// scheme, so those are left out although URIs allow the first.
pub(super) fn is_like_a_name(text: &str) -> bool {
    let text = text.trim();
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_inner)
}

/// `there are env:, file: and literal:, and `.
pub(super) fn listed(known: &[&'static str]) -> String {
    let Some((last, others)) = known.split_last() else {
        return String::new();
    };
    let others: Vec<_> = others.iter().map(|name| format!("{name}:")).collect();
    format!("there are {} and {last}:, and ", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Disk;

    impl AssetScheme for Disk {
        fn name(&self) -> &'static str {
            "disk"
        }

        fn example(&self) -> &'static str {
            "disk:/a"
        }

        fn value(&self) -> AssetValue {
            AssetValue::Secret
        }

        fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
            match location.expose() {
                "" => Err(InvalidLocation("disk: needs a path")),
                path => Ok(AssetOrigin::File(location.resolve(path))),
            }
        }

        fn shown(&self, location: &AssetLocation) -> String {
            format!("disk:{}", location.resolve(location.expose()).display())
        }
    }

    #[derive(Debug)]
    struct Lender;

    impl AssetScheme for Lender {
        fn name(&self) -> &'static str {
            "lend"
        }

        fn example(&self) -> &'static str {
            "lend:deploy"
        }

        fn value(&self) -> AssetValue {
            AssetValue::LeasedKey
        }

        fn origin(&self, _: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
            let one_of = &["address"];
            Ok(AssetOrigin::Server(AssetSettings { table: "lend", one_of }))
        }
    }

    fn schemes() -> AssetSchemes {
        let all: [&'static dyn AssetScheme; 2] = [&Disk, &Lender];
        all.into_iter().collect()
    }

    fn check(text: &str) -> Result<(AssetReference, AssetOrigin), InvalidAssetReference> {
        schemes().check(text.parse().unwrap())
    }

    #[test]
    fn a_scheme_says_where_its_references_lead_and_how_they_are_shown() {
        let reference: AssetReference = "disk:my key".parse().unwrap();
        let (reference, origin) = schemes().check(reference.relative_to("/etc".as_ref())).unwrap();
        assert_eq!(origin, AssetOrigin::File("/etc/my key".into()));
        assert_eq!(reference.to_string(), "disk:/etc/my key");
        assert_eq!(check("wJalr").unwrap().1, AssetOrigin::Process);
    }

    #[test]
    fn what_follows_a_blank_is_not_shown_unless_the_scheme_says_so() {
        let (reference, _) = schemes().check_key("lend:deploy --pin 1234".parse().unwrap()).unwrap();
        assert_eq!(reference.to_string(), "lend:deploy ...");
    }

    #[test]
    fn an_unknown_scheme_is_never_a_secret() {
        for text in ["gcp:wJalr", "DISK:/a", " disk:/a", "wJalr:a"] {
            let error = check(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                "begins with a scheme that does not exist; there are disk: and literal:, and a secret that begins so itself \
                 is written literal:TEXT"
            );
        }
        assert_eq!(check("disk:").unwrap_err().to_string(), "disk: needs a path");
    }

    #[test]
    fn whole_keys_and_single_secrets_do_not_stand_for_each_other() {
        assert_eq!(
            check("lend:deploy"),
            Err(InvalidAssetReference::WholeKey { scheme: "lend" })
        );
        for text in ["disk:/a", "wJalr"] {
            let error = schemes().check_key(text.parse().unwrap()).unwrap_err();
            assert_eq!(
                error.to_string(),
                "must be a reference that gives a whole key, such as lend:deploy"
            );
        }
        assert!(schemes().check_key("lend:deploy".parse().unwrap()).is_ok());
    }
}
