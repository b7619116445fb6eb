//! Text that means itself in a policy document.

use std::fmt::Write as _;

/// A literal in IAM's pattern language: `*`, `?` and `$` lose their meaning.
///
/// Source: IAM User Guide, "IAM policy elements: Variables and tags", special characters.
#[must_use]
pub fn literal(text: &str) -> String {
    escape(text, &['*', '?', '$'])
}

/// A literal where only variables have a meaning, as in `StringEquals`.
pub(crate) fn literal_variable(text: &str) -> String {
    escape(text, &['$'])
}

fn escape(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            escaped.extend(['$', '{', c, '}']);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// IAM takes U+0009, U+000A, U+000D and U+0020 to U+00FF; the rest goes as `\uXXXX`.
pub(crate) fn escape_beyond_latin1(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c <= '\u{ff}' && c != '\u{7f}' {
            escaped.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}
