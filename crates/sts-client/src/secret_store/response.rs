//! What a secret store responds with: a text, or why there is none.

use auth_model::Secret;
use aws_errors::{ErrorClass, ErrorResponse};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use credential_assets::StoreProblem;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use super::stores::AwsStore;
use crate::error::CredentialFailure;
use crate::error_response::failure;

/// The largest response, in bytes: a secret of 64 KiB, the most there is, with every character escaped by six.
const MAX_RESPONSE_BYTES: usize = 448 * 1024;

/// The text in a response.
pub(super) async fn read(store: &dyn AwsStore, response: HttpResponse) -> Result<Secret, StoreProblem> {
    let status = response.status().as_u16();
    let unreadable = || StoreProblem::UnreadableResponse { status };
    let headers = headers(&response);
    let body = bytes(response.into_body()).await.ok_or_else(unreadable)?;
    if status != 200 {
        let status = StatusCode::from_u16(status).map_err(|_| unreadable())?;
        return Err(problem(status, &ErrorResponse::read(status, &headers, &body)));
    }
    store.secret(&body)
}

/// The header fields in the type that the rest of the workspace has.
fn headers(response: &HttpResponse) -> HeaderMap {
    let fields = response.headers().iter();
    fields
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)))
        .collect()
}

/// The body, wiped on drop; `None` where it breaks off or is too large.
async fn bytes(mut body: SdkBody) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.ok()?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MAX_RESPONSE_BYTES {
                return None;
            }
            bytes.extend_from_slice(data);
        }
    }
    Some(bytes)
}

fn problem(status: StatusCode, error: &ErrorResponse) -> StoreProblem {
    if error.class() == Some(ErrorClass::NotFound) {
        return StoreProblem::Missing;
    }
    let status = status.as_u16();
    match failure(status, error, "reading it") {
        CredentialFailure::KeysRejected { code, message } => StoreProblem::CredentialsRejected { code, message },
        CredentialFailure::AccessDenied { code, message, .. } => StoreProblem::Denied { code, message },
        CredentialFailure::RequestRejected { code, message } => StoreProblem::Rejected { code, message },
        CredentialFailure::ClockSkew { message } => StoreProblem::ClockSkew { message },
        CredentialFailure::Throttled { code } => StoreProblem::Throttled { code },
        CredentialFailure::UnreadableResponse { .. } => StoreProblem::UnreadableResponse { status },
        _ => StoreProblem::Status { status },
    }
}
