//! What the operations of Bedrock runtime ask of IAM.

use super::{BodyNeed, Mapping, Refusal, Request};

pub(super) fn needs_body(_request: &Request<'_>) -> BodyNeed {
    BodyNeed::No
}

pub(super) fn map(request: &Request<'_>, _body: Option<&[u8]>) -> Result<Mapping, Refusal> {
    Err(Refusal::UnknownService(request.service.clone()))
}
