//! Encodes the names in a listing: s3s-fs says `EncodingType` `url` when requested, and leaves the names as they are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// As S3 encodes names: all but the unreserved characters and the slash.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The elements that hold names.
const ELEMENTS: [&str; 6] = ["Key", "Prefix", "Delimiter", "StartAfter", "Marker", "NextMarker"];
const ESCAPES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&#13;", "\r"),
    // Last, so that what it leaves is not taken for an escape.
    ("&amp;", "&"),
];

/// Whether the query asks for encoded names.
pub(super) fn is_encoded_listing(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "encoding-type=url"))
}

/// The listing with its names encoded.
pub(super) fn encode_names(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((before, tagged)) = rest.split_once('<') {
        out.push_str(before);
        out.push('<');
        rest = tagged;
        let Some((tag, content)) = tagged.split_once('>') else {
            break;
        };
        if ELEMENTS.contains(&tag)
            && let Some((name, after)) = content.split_once('<')
        {
            out.push_str(tag);
            out.push('>');
            let plain = ESCAPES
                .iter()
                .fold(name.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
            out.extend(utf8_percent_encode(&plain, NAME));
            out.push('<');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_nothing_else() {
        let xml = "<?xml version=\"1.0\"?><L><Name>b</Name><Prefix></Prefix><Contents><Key>a b+&amp;lt;é/c</Key><ETag>&quot;x&quot;</ETag></Contents></L>";
        let encoded = "<?xml version=\"1.0\"?><L><Name>b</Name><Prefix></Prefix><Contents><Key>a%20b%2B%26lt%3B%C3%A9/c</Key><ETag>&quot;x&quot;</ETag></Contents></L>";
        assert_eq!(encode_names(xml), encoded);
        for odd in ["", "<", "<Key>", "<Key>x", "a<b"] {
            assert_eq!(encode_names(odd), odd);
        }
    }
}
