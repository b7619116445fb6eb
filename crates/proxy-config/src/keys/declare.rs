//! How keys are declared: a table at a time, each key once.

use super::{Fallback, Key, Kind};

/// Declares tables of keys, and makes the raw type of each: what serde reads, with unknown keys denied.
///
/// ```text
/// tables! {
///     /// `[server]`.
///     RawServer {
///         /// The meaning, as the reference has it.
///         idle_timeout: Duration(1..=24 * HOUR) = "2m", note "the comment in the example";
///         threads: Count(1..=1024) as Option<NonZeroUsize>, sample 4;
///         // Tables below this one come last.
///         [browsers]: RawBrowsers, note "the comment behind its header in the example";
///     }
/// }
/// ```
///
/// | Part | Is |
/// |---|---|
/// | `///` | the meaning, Markdown on one line |
/// | `name:` | the key's name; `name.*:` for keys whose names the operator chooses |
/// | `Duration(1..=24 * HOUR)` | a [`Kind`] with its bounds: what is allowed, and how it is read |
/// | `as TYPE` | the raw type, where it is not the kind's own |
/// | `= DEFAULT` | the default as TOML; without it there is none |
/// | `, note TEXT` | the comment behind the key in the example |
/// | `, sample TOML` | its value in the example, where there is no default; `r#"'…'"#` for what Rust cannot spell |
/// | `, of METHODS` | the methods of the table that the key belongs to |
/// | `[name]: TYPE` | a table below, `= "path"` where its keys are by default what those of another table are |
macro_rules! tables {
    ($(
        $(#[$about:meta])*
        $table:ident {
            $(
                $(#[doc = $meaning:literal])+
                $(#[serde($($serde:tt)*)])?
                $name:ident $(.$star:tt)?: $kind:ident $(($($argument:expr),*))? $(as $type:ty)? $(= $default:tt)?
                    $(, note $note:literal)? $(, sample $sample:tt)? $(, of $methods:expr)?;
            )*
            $(
                $(#[serde($($sub_serde:tt)*)])?
                [$sub:ident]: $subtable:ty $(= $inherits:literal)? $(, note $heading:literal)?;
            )*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $table {
            $(
                $(#[serde($($serde)*)])?
                pub(crate) $name: $crate::keys::declare::raw_type!($kind $([$type])? $(= $default)?),
            )*
            $(
                $(#[serde($($sub_serde)*)])?
                pub(crate) $sub: $subtable,
            )*
        }

        impl $crate::keys::declare::Declared for $table {
            fn declare(place: &$crate::keys::declare::Place, declared: &mut $crate::keys::Declarations) {
                declared.tables.push(place.as_table());
                $(declared.keys.push($crate::keys::declare::Declaration {
                    name: concat!(stringify!($name) $(, ".", stringify!($star))?),
                    kind: $crate::keys::Kind::$kind $(($($argument),*))?,
                    default: [$(stringify!($default))?].first().copied(),
                    meaning: concat!($($meaning),+),
                    note: concat!($($note)?),
                    sample: concat!($(stringify!($sample))?),
                    methods: $crate::keys::declare::methods!($($methods)?),
                }.at(place));)*
                $(<$subtable as $crate::keys::declare::Declared>::declare(
                    &place.below(stringify!($sub), [$($inherits)?].first().copied(), concat!($($heading)?)),
                    declared,
                );)*
            }
        }
    )*};
}

/// What serde reads for a kind of key: itself where there is a default, since those were filled in before.
macro_rules! raw_type {
    ($kind:ident [$type:ty] $(= $default:tt)?) => { $type };
    (Asset) => { Option<$crate::keys::Written> };
    (Lease) => { Option<$crate::keys::Written> };
    (ProxyUrl) => { Option<$crate::keys::Written> };
    (Boolean) => { Option<bool> };
    (Boolean = $default:tt) => { bool };
    (List) => { Option<Vec<String>> };
    (List = $default:tt) => { Vec<String> };
    (Statuses = $default:tt) => { Vec<u16> };
    ($kind:ident) => { Option<String> };
    ($kind:ident = $default:tt) => { String };
}

macro_rules! methods {
    () => {
        &[]
    };
    ($methods:expr) => {
        $methods
    };
}

pub(crate) use {methods, raw_type, tables};

/// A table of keys, or tables of them.
pub(crate) trait Declared {
    /// Adds its keys, which are at this place.
    fn declare(place: &Place, declared: &mut super::Declarations);
}

impl<T: Declared> Declared for Option<T> {
    fn declare(place: &Place, declared: &mut super::Declarations) {
        T::declare(place, declared);
    }
}

/// Names that the operator chooses.
impl<T: Declared> Declared for std::collections::BTreeMap<String, T> {
    fn declare(place: &Place, declared: &mut super::Declarations) {
        T::declare(&place.below("*", place.inherits, place.note), declared);
    }
}

/// Where a table is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    path: String,
    /// The table whose keys are the defaults of this one's.
    inherits: Option<&'static str>,
    note: &'static str,
}

impl Place {
    /// The table of this name in this one.
    pub(crate) fn below(&self, name: &'static str, inherits: Option<&'static str>, note: &'static str) -> Self {
        Self {
            path: self.path_of(name),
            inherits,
            note,
        }
    }

    pub(crate) fn as_table(&self) -> super::DeclaredTable {
        super::DeclaredTable {
            path: self.path.clone(),
            note: self.note,
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// A key as it is declared.
pub(crate) struct Declaration {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) meaning: &'static str,
    pub(crate) note: &'static str,
    pub(crate) sample: &'static str,
    pub(crate) methods: &'static [&'static str],
}

impl Declaration {
    /// The key of a table at this place.
    pub(crate) fn at(self, place: &Place) -> Key {
        let default = match (self.default, place.inherits) {
            (_, Some(table)) => Fallback::Same(format!("{table}.{}", self.name)),
            (Some(toml), None) => Fallback::Value(toml),
            (None, None) => Fallback::Absent,
        };
        // A raw string holds what TOML spells and Rust does not.
        let is_raw = self
            .sample
            .strip_prefix("r#\"")
            .and_then(|text| text.strip_suffix("\"#"));
        Key {
            path: place.path_of(self.name),
            kind: self.kind,
            default,
            meaning: self.meaning.trim_start(),
            note: self.note,
            sample: is_raw.unwrap_or(self.sample),
            methods: self.methods,
        }
    }
}
