//! What the AWS JSON protocols have in common.

use http::StatusCode;
use http::request::Parts;

use crate::service_error::ServiceError;

/// The operation in `x-amz-target: SERVICE.Operation`, where the service is that one.
pub(crate) fn json_operation(head: &Parts, service: &str) -> Option<String> {
    let target = head.headers.get("x-amz-target")?.to_str().ok()?;
    let (given, operation) = target.rsplit_once('.')?;
    (given == service && !operation.is_empty()).then(|| operation.to_owned())
}

pub(crate) fn unknown_operation() -> ServiceError {
    ServiceError::of_operation(
        "UnknownOperationException",
        StatusCode::BAD_REQUEST,
        "The sandbox does not know this operation",
    )
}
