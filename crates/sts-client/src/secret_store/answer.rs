//! What a store answers: a text, or why there is none.

use auth_model::{Secret, StoreKind};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use credential_assets::StoreProblem;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::error::CredentialFailure;
use crate::refusal::refusal;

/// The largest answer, in bytes: a secret of 64 KiB, the most there is, with every character escaped by six.
const MAX_ANSWER_BYTES: usize = 448 * 1024;

/// Source: Secrets Manager and Systems Manager API references, errors of `GetSecretValue` and `GetParameter`.
const MISSING: [&str; 3] = [
    "ResourceNotFoundException",
    "ParameterNotFound",
    "ParameterVersionNotFound",
];

#[derive(Deserialize)]
struct SecretValue {
    #[serde(rename = "SecretString")]
    text: Option<Secret>,
    #[serde(rename = "SecretBinary")]
    binary: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ParameterAnswer {
    #[serde(rename = "Parameter")]
    parameter: Parameter,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Value")]
    value: Secret,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// The text in an answer.
pub(super) async fn read(kind: StoreKind, response: HttpResponse) -> Result<Secret, StoreProblem> {
    let status = response.status().as_u16();
    let unreadable = || StoreProblem::UnreadableAnswer { status };
    let named = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let body = bytes(response.into_body()).await.ok_or_else(unreadable)?;
    if status != 200 {
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        return Err(problem(status, named, refusal));
    }
    match kind {
        StoreKind::SecretsManager => {
            let value: SecretValue = serde_json::from_slice(&body).map_err(|_| unreadable())?;
            match (value.text, value.binary) {
                (Some(text), _) => Ok(text),
                (None, Some(_)) => Err(StoreProblem::Binary),
                (None, None) => Err(unreadable()),
            }
        }
        StoreKind::Ssm => {
            let answer: ParameterAnswer = serde_json::from_slice(&body).map_err(|_| unreadable())?;
            Ok(answer.parameter.value)
        }
    }
}

/// The body, wiped on drop; `None` where it breaks off or is too large.
async fn bytes(mut body: SdkBody) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.ok()?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MAX_ANSWER_BYTES {
                return None;
            }
            bytes.extend_from_slice(data);
        }
    }
    Some(bytes)
}

fn problem(status: u16, named: Option<String>, refusal_text: Refusal) -> StoreProblem {
    let code = refusal_text.kind.or(named).unwrap_or_default();
    // `com.amazonaws.secretsmanager#ResourceNotFoundException`, and in the header `ResourceNotFoundException:http://...`.
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    if MISSING.contains(&code) {
        return StoreProblem::Missing;
    }
    if code.is_empty() {
        return match status {
            429 => StoreProblem::Throttled { code: String::new() },
            500.. => StoreProblem::Status { status },
            _ => StoreProblem::UnreadableAnswer { status },
        };
    }
    match refusal(status, code, &refusal_text.message.unwrap_or_default(), "reading it") {
        CredentialFailure::KeysRefused { code, message } => StoreProblem::CredentialsRefused { code, message },
        CredentialFailure::AccessDenied { code, message, .. } => StoreProblem::Denied { code, message },
        CredentialFailure::RequestRefused { code, message } => StoreProblem::Refused { code, message },
        CredentialFailure::ClockSkew { message } => StoreProblem::ClockSkew { message },
        CredentialFailure::Throttled { code } => StoreProblem::Throttled { code },
        _ => StoreProblem::Status { status },
    }
}
