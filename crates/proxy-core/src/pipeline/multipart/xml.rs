//! The little XML of a multipart upload.

use std::fmt::Write as _;

/// The text of the first element of this name that has nothing but text; `None` where there is none.
pub(in crate::pipeline) fn text(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, rest) = rest.split_once('<')?;
    rest.starts_with(&format!("/{name}>")).then(|| unescape(text))
}

/// The request that puts the parts together.
pub(super) fn completion(tags: &[(u16, String)]) -> String {
    let mut document = String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (number, tag) in tags {
        let tag = tag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Writing to a String cannot fail.
        let _ = write!(
            document,
            "<Part><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>"
        );
    }
    document.push_str("</CompleteMultipartUpload>");
    document
}

/// A text whose escaped characters are plain ones. What was escaped twice is unescaped once.
pub(in crate::pipeline) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once('&') {
        plain.push_str(before);
        let named = escaped
            .split_once(';')
            .and_then(|(name, behind)| Some((character(name)?, behind)));
        rest = if let Some((character, behind)) = named {
            plain.push(character);
            behind
        } else {
            plain.push('&');
            escaped
        };
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "quot" => Some('"'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_and_unescaped() {
        let document =
            "<?xml version=\"1.0\"?>\n<R xmlns=\"u\"><Bucket>b</Bucket><ETag>&quot;a&amp;lt;b-2&quot;</ETag><E/></R>";
        assert_eq!(text(document, "Bucket").as_deref(), Some("b"));
        assert_eq!(text(document, "ETag").as_deref(), Some("\"a&lt;b-2\""));
        for none in ["R", "E", "Key", "Buck"] {
            assert_eq!(text(document, none), None, "{none}");
        }
        assert_eq!(text("<A>cut", "A"), None);
        assert_eq!(text("<A>x</B>", "A"), None);
    }

    #[test]
    fn a_completion_names_every_part() {
        let tags = [(1, "\"a\"".to_owned()), (2, "\"<&>\"".to_owned())];
        let document = completion(&tags);
        assert!(document.contains("<Part><ETag>\"a\"</ETag><PartNumber>1</PartNumber></Part>"));
        assert!(document.contains("<ETag>\"&lt;&amp;&gt;\"</ETag><PartNumber>2</PartNumber>"));
    }
}
