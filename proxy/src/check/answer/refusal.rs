//! An error in a service's answer, in whichever protocol it is worded.

use super::Answer;
use super::shape::root_of;

/// An error as the service words it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Refusal {
    /// Empty where the response has no error in the form of one of AWS's protocols.
    pub(super) code: String,
    pub(super) message: String,
    /// The region that the service signs for, where S3 and its imitations name it beside the error.
    pub(super) region: Option<String>,
}

impl Refusal {
    /// Code and message, wherever the service's protocol has them. Codes lose their namespace.
    pub(super) fn of(answer: &Answer) -> Self {
        let header = answer
            .headers
            .get("x-amzn-errortype")
            .and_then(|value| value.to_str().ok());
        let (code, message, region) = of_xml(&answer.body)
            .or_else(|| of_json(&answer.body))
            .or_else(|| of_cbor(&answer.body))
            .unwrap_or_default();
        let code = header.map_or(code, str::to_owned);
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        Self {
            code: code.chars().take(128).collect(),
            // What follows after the first line of SignatureDoesNotMatch is the canonical request, token and all.
            message: message.lines().next().unwrap_or_default().chars().take(512).collect(),
            region,
        }
    }
}

/// Code, message and region.
type Parts = (String, String, Option<String>);

/// `Error` of S3, `ErrorResponse` of the query protocol, `Response` of EC2.
fn of_xml(body: &[u8]) -> Option<Parts> {
    let text = String::from_utf8_lossy(body);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(value, _)| unescaped(value))
    };
    let is_error = matches!(root_of(&text), Some("Error" | "ErrorResponse" | "Response"));
    let code = element("Code").filter(|_| is_error)?;
    Some((code, element("Message").unwrap_or_default(), element("Region")))
}

/// `__type` of the JSON protocols, `code` of some REST services; what any other program calls so is seldom written as AWS
/// writes it.
fn of_json(body: &[u8]) -> Option<Parts> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let field = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    let nested = || Some(json.get("Output")?.get("__type")?.as_str()?.to_owned());
    let message = field("message").or_else(|| field("Message"));
    let named = || {
        let code = field("code").or_else(|| field("Code"))?;
        (message.is_some() && is_camel_case(&code)).then_some(code)
    };
    let code = field("__type").or_else(nested).or_else(named);
    // The code may stand in a header field, and only the message here.
    (code.is_some() || message.is_some()).then(|| (code.unwrap_or_default(), message.unwrap_or_default(), None))
}

fn is_camel_case(code: &str) -> bool {
    let name = code.rsplit('#').next().unwrap_or_default();
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    is_word && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
}

/// A map with a text `__type`, which Smithy RPC v2 has. Texts of indefinite length are left out: no server sends them there.
fn of_cbor(body: &[u8]) -> Option<Parts> {
    // Major type 5 is a map (RFC 8949, section 3.1).
    let is_map = body.first().is_some_and(|byte| byte >> 5 == 5);
    let text_after = |name: &str| {
        let mut key = vec![0x60 | u8::try_from(name.len()).ok()?];
        key.extend_from_slice(name.as_bytes());
        let at = body.windows(key.len()).position(|window| window == key)?;
        text_of(body.get(at + key.len()..)?)
    };
    let code = text_after("__type").filter(|_| is_map)?;
    let message = text_after("message").or_else(|| text_after("Message"));
    Some((code, message.unwrap_or_default(), None))
}

/// The text item that the bytes begin with.
fn text_of(bytes: &[u8]) -> Option<String> {
    let (&first, rest) = bytes.split_first()?;
    let (length, rest) = match first {
        0x60..=0x77 => (usize::from(first & 0x1f), rest),
        0x78 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x79 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    Some(String::from_utf8_lossy(rest.get(..length)?).into_owned())
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
