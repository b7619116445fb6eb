//! Error documents in XML, which are flat: elements of text, in whatever order.

use super::replacement;
use super::text::{Extent, first_marker, is_secret_name, redacted as redacted_text};
use crate::pipeline::multipart::unescape;

/// The document without its secret elements and texts; `None` where it has none.
pub(super) fn redacted(document: &str, token: Option<&str>, extent: Extent) -> Option<String> {
    let mut clean = String::with_capacity(document.len());
    let mut rest = document;
    while let Some((text, tag)) = rest.split_once('<') {
        push_text(&mut clean, text, token, extent);
        let name = tag.split(['>', '/', ' ', '\t', '\r', '\n']).next().unwrap_or_default();
        if extent == Extent::Names && is_secret_name(name) {
            // What has no end goes to the end: the document is broken.
            rest = behind(tag, name);
            continue;
        }
        clean.push('<');
        let (inner, behind) = tag.split_at(tag.find('>').map_or(tag.len(), |at| at + 1));
        clean.push_str(inner);
        rest = behind;
    }
    push_text(&mut clean, rest, token, extent);
    if document.contains("<![CDATA[") && clean != document {
        return Some(String::from_utf8(replacement(document.as_bytes())).unwrap_or_default());
    }
    (clean != document).then_some(clean)
}

/// What follows the element that the tag begins.
fn behind<'a>(tag: &'a str, name: &str) -> &'a str {
    let (inner, behind) = tag.split_once('>').unwrap_or((tag, ""));
    if inner.ends_with('/') {
        return behind;
    }
    behind
        .split_once(&format!("</{name}>"))
        .map_or("", |(_, behind)| behind)
}

/// A text, which may escape what it must not show.
fn push_text(clean: &mut String, text: &str, token: Option<&str>, extent: Extent) {
    match redacted_text(text, token, extent) {
        Some(text) => clean.push_str(&text),
        None if text.contains('&') => {
            let plain = unescape(text);
            if first_marker(&plain, extent).is_none() && token.is_none_or(|token| !plain.contains(token)) {
                clean.push_str(text);
            }
        }
        None => clean.push_str(text),
    }
}

/// A document with this code and message, in the shape of the other one.
pub(super) fn error(like: &[u8], code: &str, message: &str) -> String {
    let like = String::from_utf8_lossy(like);
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    if like.contains("<ErrorResponse") {
        format!("<ErrorResponse>{error}</ErrorResponse>")
    } else if like.contains("<Response") {
        format!("<Response><Errors>{error}</Errors></Response>")
    } else {
        error
    }
}
