//! Where the canonical request that a service computed differs from the one that was signed.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::pipeline::multipart::{element_text, unescape};

/// The first line that differs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::pipeline) struct Difference {
    /// From 1.
    pub(in crate::pipeline) line: usize,
    /// What stands in that line of ours: a part of the request or the name of a header, never a value.
    pub(in crate::pipeline) field: String,
}

/// The canonical request in an error response, if it has one.
pub(in crate::pipeline) fn canonical_request_in(body: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(body).ok()?;
    if let Some(found) = element_text(text, "CanonicalRequest") {
        return Some(Zeroizing::new(found));
    }
    let message = if text.trim_start().starts_with('<') {
        let (_, rest) = text.split_once("<Message>")?;
        unescape(rest.split_once("</Message>")?.0)
    } else {
        let value: Value = serde_json::from_str(text).ok()?;
        let message = ["message", "Message"]
            .iter()
            .find_map(|name| value.get(name)?.as_str())?;
        message.to_owned()
    };
    let message = Zeroizing::new(message);
    let (_, rest) = message.split_once("The Canonical String for this request should have been")?;
    let (_, quoted) = rest.split_once('\'')?;
    let end = quoted
        .find("The String-to-Sign should have been")
        .unwrap_or(quoted.len());
    let quoted = quoted.get(..end)?;
    let end = quoted.rfind('\'')?;
    Some(Zeroizing::new(quoted.get(..end)?.to_owned()))
}

/// The first line of `ours` that is another one in `theirs`; `None` where they are the same.
pub(in crate::pipeline) fn first_difference(ours: &str, theirs: &str) -> Option<Difference> {
    const PARTS: [&str; 3] = ["method", "path", "query"];
    let (mut our_lines, mut their_lines) = (ours.split('\n'), theirs.trim_end_matches('\n').split('\n'));
    let mut is_in_headers = true;
    let mut parts_behind = ["signed headers", "payload hash"].into_iter();
    for line in 1.. {
        let (our_line, their_line) = (our_lines.next(), their_lines.next());
        if our_line.is_none() && their_line.is_none() {
            return None;
        }
        let text = our_line.unwrap_or_default();
        let field = match PARTS.get(line - 1) {
            Some(part) => (*part).to_owned(),
            None if !is_in_headers => parts_behind.next().unwrap_or("end").to_owned(),
            None => {
                let name = text.split_once(':').map(|(name, _)| name);
                is_in_headers = name.is_some();
                name.unwrap_or("end of headers").to_owned()
            }
        };
        if our_line != their_line {
            return Some(Difference { line, field });
        }
    }
    None
}
