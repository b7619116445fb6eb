//! An error in a service's answer, in whichever protocol it is worded.

use super::Answer;

/// An error as the service words it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    /// Code and message, wherever the service's protocol has them. Codes lose their namespace.
    pub(super) fn of(answer: &Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let json: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let field = |names: &[&str]| {
            let json = json.as_ref()?;
            names
                .iter()
                .find_map(|name| json.get(name)?.as_str().map(str::to_owned))
        };
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once("</").map(|(value, _)| unescaped(value))
        };
        let header = answer
            .headers
            .get("x-amzn-errortype")
            .and_then(|value| value.to_str().ok());
        let nested = || Some(json.as_ref()?.get("Output")?.get("__type")?.as_str()?.to_owned());
        let code = header
            .map(str::to_owned)
            .or_else(|| field(&["__type", "code", "Code"]))
            .or_else(nested)
            .or_else(|| element("Code"))
            .unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        let message = field(&["message", "Message"])
            .or_else(|| element("Message"))
            .unwrap_or_default();
        Self {
            code: code.chars().take(128).collect(),
            // What follows after the first line of SignatureDoesNotMatch is the canonical request, token and all.
            message: message.lines().next().unwrap_or_default().chars().take(512).collect(),
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
