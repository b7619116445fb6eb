//! STS: tells who a caller is and issues temporary keys, by a small trust table.
//!
//! Source: the STS API reference, version 2011-06-15, for names, bounds and messages.

mod assume_role;
mod session_token;

use std::sync::Arc;

use async_trait::async_trait;
use auth_model::Clock;
use http::request::Parts;
use http::{Response, StatusCode};

use crate::api::{Api, Call, Identity};
use crate::form::Form;
use crate::keys::{IssuedKey, KeyStore};
use crate::response::{Body, ok};
use crate::service_error::{STS_NAMESPACE, ServiceError, Shape};
use crate::timestamp;
use crate::xml::Xml;

const VERSION: &str = "2011-06-15";

/// The stand-in.
pub(crate) struct Sts {
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Api for Sts {
    fn identity(&self) -> Identity {
        Identity {
            service: "sts",
            signing_name: "sts",
            shape: Shape::Query,
            action_prefix: "sts",
        }
    }

    fn operation(&self, head: &Parts, body: &[u8]) -> Option<String> {
        parameters(head, body).value("Action").map(str::to_owned)
    }

    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError> {
        let form = parameters(call.head, call.body);
        let operation = call.operation.ok_or_else(|| {
            ServiceError::of_operation(
                "MissingAction",
                StatusCode::BAD_REQUEST,
                "The request must contain the parameter Action",
            )
        })?;
        let is_known = form.value("Version") == Some(VERSION);
        let response = match operation {
            "GetCallerIdentity" if is_known => caller_identity(&call),
            "AssumeRole" if is_known => self.assume_role(&call, &form)?,
            "GetSessionToken" if is_known => self.session_token(&call, &form)?,
            unknown => {
                return Err(ServiceError::of_operation(
                    "InvalidAction",
                    StatusCode::BAD_REQUEST,
                    format!(
                        "Could not find operation {unknown} for version {}",
                        form.value("Version").unwrap_or("NO_VERSION_SPECIFIED")
                    ),
                ));
            }
        };
        Ok(ok(Shape::Query.content_type(), response))
    }
}

/// The parameters of a POST are in its body, those of a GET in its query.
fn parameters(head: &Parts, body: &[u8]) -> Form {
    if head.method == http::Method::GET {
        Form::parse(head.uri.query().unwrap_or_default())
    } else {
        Form::parse(&String::from_utf8_lossy(body))
    }
}

fn caller_identity(call: &Call<'_>) -> String {
    let principal = &call.caller.principal;
    envelope("GetCallerIdentity", call.request_id, |x| {
        x.text("Arn", &principal.arn)
            .text("UserId", &principal.user_id)
            .text("Account", principal.account)
    })
}

/// `<OperationResponse><OperationResult>…</OperationResult><ResponseMetadata>…`.
fn envelope(operation: &str, request_id: &str, result: impl FnOnce(Xml) -> Xml) -> String {
    Xml::document()
        .element_in(&format!("{operation}Response"), STS_NAMESPACE, |x| {
            x.element(&format!("{operation}Result"), result)
                .element("ResponseMetadata", |x| x.text("RequestId", request_id))
        })
        .into_string()
}

fn credentials(xml: Xml, key: &IssuedKey) -> Xml {
    xml.element("Credentials", |x| {
        x.text("AccessKeyId", &key.access_key_id)
            .text("SecretAccessKey", key.secret.expose())
            .text("SessionToken", key.token.expose())
            .text("Expiration", timestamp::extended(key.expires_at))
    })
}

/// A violated constraint in the words of AWS's validation.
fn constraint(value: Option<&str>, parameter: &str, rule: &str) -> ServiceError {
    let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{value}'"));
    ServiceError::of_operation(
        "ValidationError",
        StatusCode::BAD_REQUEST,
        format!(
            "1 validation error detected: Value {value} at '{parameter}' failed to satisfy constraint: Member must {rule}"
        ),
    )
}

/// `DurationSeconds` within bounds.
fn duration(form: &Form, default: u64, longest: u64) -> Result<u64, ServiceError> {
    const SHORTEST: u64 = 900;
    let Some(text) = form.value("DurationSeconds") else {
        return Ok(default);
    };
    let seconds: u64 = text.parse().map_err(|_| {
        ServiceError::of_operation(
            "MalformedInput",
            StatusCode::BAD_REQUEST,
            "DurationSeconds must be a number",
        )
    })?;
    if seconds < SHORTEST {
        let rule = format!("have value greater than or equal to {SHORTEST}");
        return Err(constraint(Some(text), "durationSeconds", &rule));
    }
    if seconds > longest {
        let rule = format!("have value less than or equal to {longest}");
        return Err(constraint(Some(text), "durationSeconds", &rule));
    }
    Ok(seconds)
}
