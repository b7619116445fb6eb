//! What the operations of the Bedrock runtime ask of IAM.
//!
//! Models stand in the path, as one percent-encoded segment, or in the body of `StartAsyncInvoke`. Converse names its
//! guardrail and its tools in the body; `InvokeModel`, whose bodies are the model's own, names the guardrail in a header
//! and streams.
//!
//! Source: Amazon Bedrock User Guide, "Prerequisites for inference profiles" and "Use Guardrails".

mod model;
pub(crate) mod operation;
mod places;

use super::rows::push;
use super::rpc::one;
use super::s3::of_uri;
use super::value::{Value, Wanted, from_json};
use super::{BodyFraming, BodyNeed, Mapping, MappingError, Need, Request, Resource, Unresolved};
use crate::escape::literal;
use model::{Model, arn_of, decoded};
use places::Place;

/// The largest payload of an inference request is 25 MB. Source: Amazon Bedrock quotas.
const MAX_BODY: usize = 25_000_000;

const WANTED: Wanted = Wanted {
    members: &["guardrailConfig", "modelId", "outputDataConfig", "tags", "toolConfig"],
    depth: 5,
};

const GUARDRAIL_HEADER: &str = "x-amzn-bedrock-guardrailidentifier";

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    match operation::operation(request.method, request.path) {
        Some("Converse" | "ConverseStream" | "StartAsyncInvoke") => BodyNeed::UpTo(MAX_BODY),
        // Bodies of the model's own, which may name objects that are read as the caller.
        Some("InvokeModel" | "InvokeModelWithResponseStream" | "CountTokens") if request.body != BodyFraming::Empty => {
            BodyNeed::UpTo(MAX_BODY)
        }
        _ => BodyNeed::No,
    }
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    if request.headers.contains_key("x-amz-target") || request.headers.contains_key("smithy-protocol") {
        return Err(MappingError::ambiguous("the path and a header that names an operation"));
    }
    let operation =
        operation::operation(request.method, request.path).ok_or_else(|| MappingError::unknown("method and path"))?;
    let whole = match needs_body(request) {
        BodyNeed::UpTo(_) => body.ok_or(MappingError::BodyMissing)?,
        BodyNeed::No | BodyNeed::Empty => &[],
    };
    let is_bedrocks_own = matches!(operation, "Converse" | "ConverseStream" | "StartAsyncInvoke");
    let body = if is_bedrocks_own {
        from_json(whole, WANTED)?
    } else {
        Value::Null
    };
    let segments: Vec<&str> = request.path.split('/').skip(1).collect();
    let mut mapping = Mapping::new(operation);
    let needs = &mut mapping.required;
    match (operation, segments.as_slice()) {
        ("ListAsyncInvokes", _) => needs.push(Need::new("bedrock:ListAsyncInvokes", Resource::Any)),
        ("InvokeGuardrailChecks", _) => needs.push(Need::new("bedrock:InvokeGuardrailChecks", Resource::Any)),
        ("GetAsyncInvoke", [_, invocation]) => {
            let invocation = decoded(invocation, "the invocation")?;
            let resource = match arn_of(&invocation, &["async-invoke"]) {
                Some(arn) => arn,
                None if model::is_plain(&invocation) => Resource::Unresolved(Unresolved::Indirect("an id")),
                None => {
                    return Err(MappingError::malformed(
                        "the invocation",
                        "it is the ARN of an async-invoke",
                    ));
                }
            };
            needs.push(Need::new("bedrock:GetAsyncInvoke", resource));
        }
        ("ApplyGuardrail", [_, id, ..]) => needs.push(guardrail(request, &decoded(id, "the guardrail")?)?),
        ("StartAsyncInvoke", _) => {
            let ids = body.texts("modelId")?;
            match ids.first() {
                Some(id) => Model::parse(id)?.add("bedrock:InvokeModel", request, needs),
                None => needs.push(Need::new(
                    "bedrock:InvokeModel",
                    Resource::Unresolved(Unresolved::Unnamed("modelId")),
                )),
            }
            if body.has("tags")? {
                needs.push(Need::new("bedrock:TagResource", invocations(request)));
            }
            needs.extend(output(&body, request)?);
        }
        (_, [_, id, _]) => {
            let action = match operation {
                "InvokeModelWithResponseStream" | "ConverseStream" => "bedrock:InvokeModelWithResponseStream",
                "CountTokens" => "bedrock:CountTokens",
                _ => "bedrock:InvokeModel",
            };
            Model::parse(&decoded(id, "the model's id")?)?.add(action, request, needs);
            if let Some(id) = one(request.headers, GUARDRAIL_HEADER)?.filter(|id| !id.is_empty()) {
                needs.push(guardrail(request, id)?);
            }
            add_parts(&body, request, needs)?;
        }
        _ => return Err(MappingError::unknown("the path")),
    }
    let written = body.texts("outputDataConfig.s3OutputDataConfig.s3Uri")?;
    for place in places::in_body(request.headers, whole)? {
        // What is written is a need already.
        let is_written = matches!(&place, Place::Whole(uri) if written.contains(&uri.as_str()));
        if !is_written {
            push(needs, Need::new("s3:GetObject", place.resource(request)?))?;
        }
    }
    Ok(mapping)
}

/// The guardrail and the system tools that the body of a Converse names.
fn add_parts(body: &Value, request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    if body.has("guardrailConfig")? {
        let ids = body.texts("guardrailConfig.guardrailIdentifier")?;
        let need = match ids.first() {
            Some(id) if !id.is_empty() => guardrail(request, id)?,
            _ => Need::new(
                "bedrock:ApplyGuardrail",
                Resource::Unresolved(Unresolved::Unnamed("guardrailIdentifier")),
            ),
        };
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    for name in body.texts("toolConfig.tools.systemTool.name")? {
        if !model::is_plain(name) {
            return Err(MappingError::malformed(
                "systemTool.name",
                "it is a name of A-Z, a-z, 0-9 and '-_.:'",
            ));
        }
        let tool = match request.account {
            Some(account) => Resource::Exact(format!(
                "arn:{}:bedrock::{account}:system-tool/{name}",
                request.partition()
            )),
            None => Resource::Unresolved(Unresolved::Account),
        };
        needs.push(Need::new("bedrock:InvokeTool", tool));
    }
    Ok(())
}

fn guardrail(request: &Request<'_>, id: &str) -> Result<Need, MappingError> {
    let resource = if id.starts_with("arn:") {
        arn_of(id, &["guardrail"])
    } else {
        let is_good = (1..=2048).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_good.then(|| in_account(request, &["guardrail/", id].concat()))
    };
    let resource = resource
        .ok_or_else(|| MappingError::malformed("the guardrail", "it is an id of letters, digits and '-', or an ARN"))?;
    Ok(Need::new("bedrock:ApplyGuardrail", resource))
}

/// Every invocation of the account: the id of the one that is started is AWS's to choose.
fn invocations(request: &Request<'_>) -> Resource {
    match in_account(request, "async-invoke/") {
        Resource::Exact(arn) => Resource::Pattern(literal(&arn) + "*"),
        other => other,
    }
}

fn in_account(request: &Request<'_>, resource: &str) -> Resource {
    let Some(account) = request.account else {
        return Resource::Unresolved(Unresolved::Account);
    };
    let (partition, region) = (request.partition(), request.region);
    Resource::Exact(format!("arn:{partition}:bedrock:{region}:{account}:{resource}"))
}

/// Where AWS writes what comes out, as the caller: all below the URI.
fn output(body: &Value, request: &Request<'_>) -> Result<Option<Need>, MappingError> {
    let places = body.texts("outputDataConfig.s3OutputDataConfig.s3Uri")?;
    let Some(place) = places.first() else {
        return Ok(None);
    };
    let malformed = || MappingError::malformed("s3Uri", "it is s3://BUCKET/PREFIX");
    if !places::is_uri(place) {
        return Err(malformed());
    }
    let folder = of_uri(request, &[place.trim_end_matches('/'), "/"].concat())?;
    Ok(Some(Need::new("s3:PutObject", folder)))
}

#[cfg(test)]
mod tests;
