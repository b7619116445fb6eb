//! Where `env:` assets come from.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;

use zeroize::Zeroizing;

/// A set of environment variables.
pub trait Environment: fmt::Debug + Send + Sync + 'static {
    /// The variable's value; `None` where it is not set.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// The names of all variables; those that are no UTF-8 are left out.
    fn names(&self) -> Vec<String>;
}

/// The environment of this process, read at each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect()
    }
}

/// An environment that is given, not read: for tests and for programs that embed this crate.
///
/// `Debug` shows the names, never the values.
#[derive(Clone, Default)]
pub struct FixedEnvironment(HashMap<String, Zeroizing<String>>);

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for FixedEnvironment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let pairs = variables.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), Zeroizing::new(value.into())))
                .collect(),
        )
    }
}

impl Environment for FixedEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.get(name).map(|value| OsString::from(value.as_str()))
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl fmt::Debug for FixedEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
