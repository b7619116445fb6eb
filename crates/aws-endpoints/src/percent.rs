//! Percent-decoding of what is in a request's target or form, once. `+` stays as it is.
//!
//! Readers differ in what they make of text that is not properly encoded, so the choice is in the name of the function:
//! what is decided on must be read strictly, what is only searched for must be found whoever reads it.
//!
//! Source: RFC 3986, section 2.1.

use std::borrow::Cow;
use std::str::Utf8Error;

use percent_encoding::{percent_decode, percent_decode_str};

/// Text that is not properly percent-encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PercentError {
    /// A `%` without two hexadecimal digits behind it.
    #[error("'%' without two hexadecimal digits")]
    Escape,
    /// The decoded bytes are no UTF-8.
    #[error("not UTF-8 after percent-decoding")]
    Utf8,
}

/// Decodes text of which every `%` begins an escape, to UTF-8.
///
/// ```
/// use aws_endpoints::percent::{PercentError, decode_strict};
///
/// assert_eq!(decode_strict("a%2Fb+c")?, "a/b+c");
/// assert_eq!(decode_strict("100%"), Err(PercentError::Escape));
/// assert_eq!(decode_strict("%FF"), Err(PercentError::Utf8));
/// # Ok::<_, PercentError>(())
/// ```
///
/// # Errors
///
/// [`PercentError`], of an escape before that of the encoding.
pub fn decode_strict(text: &str) -> Result<Cow<'_, str>, PercentError> {
    let mut escapes = text.split('%').skip(1).map(|rest| rest.as_bytes().get(..2));
    if !escapes.all(|digits| digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))) {
        return Err(PercentError::Escape);
    }
    decode_utf8(text).map_err(|_| PercentError::Utf8)
}

/// Decodes text to UTF-8; a `%` that begins no escape stays.
///
/// # Errors
///
/// The decoded bytes are no UTF-8.
pub fn decode_utf8(text: &str) -> Result<Cow<'_, str>, Utf8Error> {
    percent_decode_str(text).decode_utf8()
}

/// Decodes any text, for comparing it with what is known: a `%` that begins no escape stays, and bytes that are no UTF-8
/// become U+FFFD, which no known name has.
#[must_use]
pub fn decode_lossy<T: AsRef<[u8]> + ?Sized>(text: &T) -> Cow<'_, str> {
    percent_decode(text.as_ref()).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_its_own_reading_of_what_is_malformed() {
        for (text, strict, utf8, lossy) in [
            ("a%2fb", Ok("a/b"), Ok("a/b"), "a/b"),
            ("%C3%A9", Ok("é"), Ok("é"), "é"),
            ("%252F", Ok("%2F"), Ok("%2F"), "%2F"),
            ("+", Ok("+"), Ok("+"), "+"),
            ("%", Err(PercentError::Escape), Ok("%"), "%"),
            ("%2", Err(PercentError::Escape), Ok("%2"), "%2"),
            ("%zz%2F", Err(PercentError::Escape), Ok("%zz/"), "%zz/"),
            ("%é", Err(PercentError::Escape), Ok("%é"), "%é"),
            ("a%FF", Err(PercentError::Utf8), Err(()), "a\u{FFFD}"),
            ("%FF%", Err(PercentError::Escape), Err(()), "\u{FFFD}%"),
        ] {
            assert_eq!(decode_strict(text).as_deref(), strict.as_ref().copied(), "{text}");
            assert_eq!(
                decode_utf8(text).map_err(|_| ()).as_deref(),
                utf8.as_ref().copied(),
                "{text}"
            );
            assert_eq!(decode_lossy(text), lossy, "{text}");
        }
        assert_eq!(decode_lossy(b"\xFF%2F".as_slice()), "\u{FFFD}/");
    }
}
