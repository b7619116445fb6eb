//! What a client reports of itself and of the trace that its request belongs to, for the record.

use std::fmt;

use http::HeaderMap;
use http::header::USER_AGENT;

/// Bytes that are kept of a `User-Agent`. AWS's own have up to 300 and the program's name at the beginning.
const LONGEST_USER_AGENT: usize = 256;

/// The id of a trace, as W3C Trace Context has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceId(u128);

impl From<u128> for TraceId {
    fn from(id: u128) -> Self {
        Self(id)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Which trace a request belongs to, by its `traceparent`; `None` where there is none, are several, or it is invalid.
///
/// Source: W3C Trace Context, section 3.2: `00-TRACE-PARENT-FLAGS`, lower case; later versions may have more behind it.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<TraceId> {
    let mut values = headers.get_all("traceparent").into_iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let mut fields = value.to_str().ok()?.split('-');
    let version = number(fields.next()?, 2)?;
    let trace = number(fields.next()?, 32)?;
    let parent = number(fields.next()?, 16)?;
    number(fields.next()?, 2)?;
    let is_known = version < 0xff && (version > 0 || fields.next().is_none());
    (is_known && trace != 0 && parent != 0).then_some(TraceId(trace))
}

/// So many hexadecimal digits in lower case.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = text.len() == digits && text.bytes().all(is_lower_hex);
    u128::from_str_radix(text, 16).ok().filter(|_| is_number)
}

/// The client's program, as it names itself; its beginning where it is long.
pub(super) fn user_agent(headers: &HeaderMap) -> Option<Box<str>> {
    let value = headers.get(USER_AGENT)?.as_bytes();
    let beginning = value.get(..LONGEST_USER_AGENT).unwrap_or(value);
    (!value.is_empty()).then(|| String::from_utf8_lossy(beginning).into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap());
        values
            .map(|value| (http::HeaderName::from_static(name), value))
            .collect()
    }

    #[track_caller]
    fn check(values: &[&str], want: Option<&str>) {
        let found = trace_id(&headers("traceparent", values)).map(|id| id.to_string());
        assert_eq!(found.as_deref(), want, "{values:?}");
    }

    #[test]
    fn a_valid_traceparent_names_its_trace() {
        check(&[&format!("00-{TRACE}-b7ad6b7169203331-01")], Some(TRACE));
        check(
            &[&format!("cc-{TRACE}-b7ad6b7169203331-00-what-comes-later")],
            Some(TRACE),
        );
        let short = "00000000000000000000000000000001";
        check(&[&format!("00-{short}-b7ad6b7169203331-01")], Some(short));
    }

    #[test]
    fn an_invalid_traceparent_names_none() {
        let valid = format!("00-{TRACE}-b7ad6b7169203331-01");
        check(&[], None);
        check(&[&valid, &valid], None);
        for invalid in [
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-+{}-b7ad6b7169203331-01", &TRACE[1..]),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-1"),
            "\u{e9}".to_owned(),
            String::new(),
        ] {
            check(&[&invalid], None);
        }
    }

    #[test]
    fn a_user_agent_is_kept_up_to_a_bound() {
        let kept = |value: &str| user_agent(&headers("user-agent", &[value]));
        assert_eq!(kept("aws-cli/2.9").as_deref(), Some("aws-cli/2.9"));
        assert_eq!(kept(""), None);
        assert_eq!(kept(&"x".repeat(300)).map(|text| text.len()), Some(LONGEST_USER_AGENT));
        assert_eq!(user_agent(&HeaderMap::new()), None);
        let raw = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_bytes(b"a\xff").unwrap())]);
        assert_eq!(user_agent(&raw).as_deref(), Some("a\u{fffd}"));
    }
}
