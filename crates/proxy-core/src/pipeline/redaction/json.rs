//! Error documents in JSON: their strings change, everything else stays byte for byte.

use serde_json::Value;

use super::REDACTED;
use super::text::{Extent, is_secret_name, redacted as redacted_text};

/// The document without secret texts; `None` where it has none.
pub(super) fn redacted(document: &str, token: Option<&str>, extent: Extent) -> Option<String> {
    let mut clean = String::with_capacity(document.len());
    let mut rest = document;
    // Of the value that comes next.
    let mut has_secret_name = false;
    while let Some((before, quoted)) = rest.split_once('"') {
        clean.push_str(before);
        let (literal, behind) = split_string(quoted);
        let text: String = serde_json::from_str(&format!("\"{literal}\"")).unwrap_or_else(|_| literal.to_owned());
        let is_name = behind.trim_start().starts_with(':');
        let replaced = match (is_name, has_secret_name) {
            (true, _) => None,
            (false, true) => Some(REDACTED.to_owned()),
            (false, false) => redacted_text(&text, token, extent),
        };
        has_secret_name = is_name && extent == Extent::Names && is_secret_name(&text);
        if let Some(text) = replaced {
            clean.push_str(&Value::from(text).to_string());
        } else {
            clean.push('"');
            clean.push_str(literal);
            // A broken document may end in the string.
            clean.push_str(if literal.len() < quoted.len() { "\"" } else { "" });
        }
        rest = behind;
    }
    clean.push_str(rest);
    (clean != document).then_some(clean)
}

/// A string's text as it is written, and what follows its end.
fn split_string(quoted: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            '"' if !is_escaped => {
                return (
                    quoted.get(..at).unwrap_or_default(),
                    quoted.get(at + 1..).unwrap_or_default(),
                );
            }
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    (quoted, "")
}
