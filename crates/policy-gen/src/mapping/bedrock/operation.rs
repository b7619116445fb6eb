//! Operations of the Bedrock runtime.
//!
//! Source: Amazon Bedrock API reference, "Amazon Bedrock Runtime".

use http::Method;

/// The operation of a method and a percent-encoded path; a model id is one segment.
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let name = match (method.as_str(), segments.as_slice()) {
        ("POST", ["model", _, "invoke"]) => "InvokeModel",
        ("POST", ["model", _, "invoke-with-response-stream"]) => "InvokeModelWithResponseStream",
        ("POST", ["model", _, "invoke-with-bidirectional-stream"]) => "InvokeModelWithBidirectionalStream",
        ("POST", ["model", _, "converse"]) => "Converse",
        ("POST", ["model", _, "converse-stream"]) => "ConverseStream",
        ("POST", ["model", _, "count-tokens"]) => "CountTokens",
        ("POST", ["guardrail-checks", "invoke"]) => "InvokeGuardrailChecks",
        ("POST", ["guardrail", _, "version", _, "apply"]) => "ApplyGuardrail",
        ("POST", ["async-invoke"]) => "StartAsyncInvoke",
        ("GET", ["async-invoke"]) => "ListAsyncInvokes",
        ("GET", ["async-invoke", _]) => "GetAsyncInvoke",
        _ => return None,
    };
    Some(name)
}
