//! `secretsmanager:NAME` or `secretsmanager:ARN`, with `#/json/pointer`: AWS Secrets Manager.

use auth_model::Secret;
use credential_assets::StoreProblem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{AwsStore, is_made_of, unreadable};

/// Source: Secrets Manager, `CreateSecret`, parameter `Name`.
const LONGEST_NAME: usize = 512;

#[derive(Debug)]
pub(super) struct SecretsManager;

#[derive(Deserialize)]
struct SecretValue {
    #[serde(rename = "SecretString")]
    text: Option<Secret>,
    #[serde(rename = "SecretBinary")]
    binary: Option<IgnoredAny>,
}

impl AwsStore for SecretsManager {
    fn name(&self) -> &'static str {
        "secretsmanager"
    }

    fn example(&self) -> &'static str {
        "secretsmanager:prod/aws#/secret"
    }

    fn usage(&self) -> &'static str {
        "secretsmanager: needs a secret's name, 1 to 512 of A-Z, a-z, 0-9 and '/_+=.@-', or its ARN, such as \
         secretsmanager:prod/aws or secretsmanager:prod/aws#/secret"
    }

    fn is_name(&self, text: &str) -> bool {
        is_name_of(text, LONGEST_NAME)
    }

    fn is_resource(&self, text: &str) -> bool {
        // The name goes on with a hyphen and six characters.
        let name = text.strip_prefix("secret:");
        name.is_some_and(|name| is_name_of(name, LONGEST_NAME + 7))
    }

    fn request(&self, id: &str) -> (&'static str, Value) {
        ("secretsmanager.GetSecretValue", json!({ "SecretId": id }))
    }

    fn secret(&self, body: &[u8]) -> Result<Secret, StoreProblem> {
        let value: SecretValue = serde_json::from_slice(body).map_err(|_| unreadable())?;
        match (value.text, value.binary) {
            (Some(text), _) => Ok(text),
            (None, Some(_)) => Err(StoreProblem::Binary),
            (None, None) => Err(unreadable()),
        }
    }
}

fn is_name_of(text: &str, longest: usize) -> bool {
    is_made_of(text, longest, |b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
}
