//! One way to make a checked text type: private field, `parse`, `as_str`, serde by string.

/// Defines a text type that can only be made by parsing, with its error.
macro_rules! text_type {
    (
        $(#[$meta:meta])*
        $name:ident, $error:ident, $message:literal, $check:expr
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
        pub struct $name(String);

        #[doc = concat!("The text is not a valid [`", stringify!($name), "`].")]
        #[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
        #[error($message)]
        pub struct $error;

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            ///
            /// The error's message says what is allowed; it never repeats the text.
            pub fn parse(text: impl Into<String>) -> Result<Self, $error> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err($error) }
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Whether the text has `min..=max` bytes and each of them is allowed.
pub(crate) fn is_made_of(text: &str, min: usize, max: usize, allowed: fn(u8) -> bool) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(allowed)
}

/// The characters IAM allows in role names and session names: `[\w+=,.@-]`.
pub(crate) fn is_iam_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// Whether the text can name a connection or an identity.
pub(crate) fn is_name(text: &str) -> bool {
    is_made_of(text, 1, 63, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}
