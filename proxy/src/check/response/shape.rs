//! Does a response have the shape of an AWS service, or does something else listen there?
//!
//! One sign is enough, since S3-compatible servers need not send request ids: the document that the operation returns, an
//! error in the form of one of AWS's protocols, or a header field that only such services send. A page of HTML is never
//! the response of an API, whatever stands beside it.

use aws_errors::ErrorResponse;
use http::header::{CONTENT_TYPE, LOCATION, SERVER};
use proxy_config::EndpointUrl;

use super::{ProbeResponse, code_of};
use crate::check::probe::Document;

/// Fields that services and their imitations send. `x-amz-cf-id` and `x-amzn-trace-id` are not among them: any web site
/// behind `CloudFront` or a load balancer of AWS's sends those.
const FIELDS: [&str; 7] = [
    "x-amz-request-id",
    "x-amz-requestid",
    "x-amz-id-2",
    "x-amz-bucket-region",
    "x-amzn-requestid",
    "x-amzn-errortype",
    "smithy-protocol",
];

/// What API Gateway sends beside its own request id: behind it stands somebody's program.
const OF_A_GATEWAY: &str = "x-amz-apigw-id";

/// Whether the response has at least one sign of the service.
pub(super) fn is_of_the_service(response: &ProbeResponse, document: Document, error: &ErrorResponse) -> bool {
    if is_html(response) {
        return false;
    }
    let is_gateway = response.headers.contains_key(OF_A_GATEWAY);
    let has_field = || !is_gateway && FIELDS.iter().any(|name| response.headers.contains_key(*name));
    is_document(&response.body, document) || !code_of(error).is_empty() || has_field()
}

/// What is said of a response that no service sent: its kind, never its content.
pub(super) fn described(response: &ProbeResponse) -> String {
    let field = |name| {
        let value = response.headers.get(name)?.to_str().ok()?;
        Some(value.chars().take(64).collect::<String>())
    };
    let kind = if is_html(response) {
        "a page of HTML".to_owned()
    } else if response.body.is_empty() {
        "nothing in it".to_owned()
    } else {
        field(CONTENT_TYPE).unwrap_or_else(|| "a body of no type".to_owned())
    };
    let server = field(SERVER).map(|server| format!(", from {server}"));
    let target = redirected_to(response).map(|to| format!(", to {}://{}", to.scheme().as_str(), to.authority()));
    format!(
        "{} with {kind}{}{}",
        response.status,
        server.unwrap_or_default(),
        target.unwrap_or_default()
    )
}

/// Where a redirection leads, by scheme, host and port: what follows may hold the token of a session.
pub(super) fn redirected_to(response: &ProbeResponse) -> Option<EndpointUrl> {
    let location = response
        .headers
        .get(LOCATION)
        .filter(|_| response.status.is_redirection())?;
    let (scheme, rest) = location.to_str().ok()?.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    format!("{}://{authority}", scheme.to_ascii_lowercase()).parse().ok()
}

fn is_html(response: &ProbeResponse) -> bool {
    let content_type = response.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let starts = |text: &[u8], with: &str| {
        let start = text.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let body = response.body.trim_ascii_start();
    content_type.is_some_and(|text| starts(text, "text/html"))
        || starts(body, "<!doctype html")
        || starts(body, "<html")
}

fn is_document(body: &[u8], document: Document) -> bool {
    match document {
        Document::Xml(roots) => root_of(&String::from_utf8_lossy(body)).is_some_and(|root| roots.contains(&root)),
        Document::Json(field) => {
            let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
            json.is_some_and(|json| json.get(field).is_some())
        }
    }
}

/// The local name of an XML document's outermost element; comments before it are not looked through.
pub(super) fn root_of(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(declaration) = rest.strip_prefix("<?xml") {
        rest = declaration.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let name = name
        .split(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .next()?;
    let local = name.rsplit(':').next()?;
    let is_name = local.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name.then_some(local)
}
