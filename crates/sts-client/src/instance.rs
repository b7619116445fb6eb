//! What the metadata service says of the EC2 instance that this runs on. Version 2 only: the client has no other.

use std::error::Error;

use auth_model::{RoleName, RoleReference};
use aws_config::imds::client::Client;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;
use aws_errors::one_line;

use crate::error::CredentialFailure;
use crate::error_response::chain_text;
use crate::quiet::quietly;

/// Names the role that is attached; without its path, which no two roles of an account differ in alone.
const ROLE: &str = "/latest/meta-data/iam/security-credentials/";

/// Signed facts about the instance; a JSON object with its account.
const IDENTITY: &str = "/latest/dynamic/instance-identity/document";

/// Checks that the instance has the role; returns its name.
pub(crate) async fn attached_role(
    config: &ProviderConfig,
    wanted: &RoleReference,
) -> Result<String, CredentialFailure> {
    let client = Client::builder().configure(config).build();
    let is_not = |attached: String| CredentialFailure::InstanceRole {
        wanted: wanted.to_string(),
        attached,
    };
    let role = match get(&client, ROLE).await {
        Ok(text) => one_line(&text),
        Err(MetadataError::NotFound) => return Err(is_not("none".to_owned())),
        Err(error) => return Err(error.into()),
    };
    if role != base_name(wanted) {
        return Err(is_not(format!("the role {role}")));
    }
    if let RoleReference::Arn(arn) = wanted {
        let document = get(&client, IDENTITY).await?;
        let account = account_in(&document).unwrap_or_default();
        if account != arn.account().as_str() {
            return Err(is_not(format!("the role {role} of account {account}")));
        }
    }
    Ok(role)
}

/// Whether the service takes connections whose responses get lost, as in a container that is one hop too far away.
pub(crate) async fn is_out_of_reach(config: &ProviderConfig) -> bool {
    let client = Client::builder().configure(config).build();
    matches!(get(&client, ROLE).await, Err(MetadataError::NoToken))
}

/// Why the metadata service did not respond.
enum MetadataError {
    NotFound,
    NoToken,
    Other(String),
}

impl From<MetadataError> for CredentialFailure {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::NotFound => Self::InstanceMetadata {
                reason: "it does not have what an EC2 instance's has".to_owned(),
            },
            MetadataError::NoToken => Self::InstanceHopLimit,
            MetadataError::Other(reason) => Self::InstanceMetadata { reason },
        }
    }
}

async fn get(client: &Client, path: &str) -> Result<String, MetadataError> {
    match quietly(client.get(path)).await {
        Ok(text) => Ok(text.as_ref().to_owned()),
        Err(ImdsError::ErrorResponse(error)) => match error.response().status().as_u16() {
            404 => Err(MetadataError::NotFound),
            // Never its `Display`, which is the `Debug` of the whole response.
            status => Err(MetadataError::Other(format!("it responded with status {status}"))),
        },
        Err(ImdsError::FailedToLoadToken(failure)) => {
            let text = chain_text(&ImdsError::FailedToLoadToken(failure));
            // Only the response to the PUT has the short hop limit: the connection is made before.
            if text.contains("timeout") && !text.contains("connect timeout") {
                Err(MetadataError::NoToken)
            } else {
                Err(MetadataError::Other(text))
            }
        }
        Err(other) => Err(MetadataError::Other(chain_text(&other as &(dyn Error + 'static)))),
    }
}

/// The name without its path.
fn base_name(role: &RoleReference) -> &str {
    let name: &RoleName = match role {
        RoleReference::Name(name) => name,
        RoleReference::Arn(arn) => arn.name(),
    };
    name.as_str().rsplit('/').next().unwrap_or_default()
}

fn account_in(document: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document.get("accountId")?.as_str().map(one_line)
}
