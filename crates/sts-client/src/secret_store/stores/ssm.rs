//! `ssm:NAME` or `ssm:ARN`, with `#/json/pointer`: Parameter Store of AWS Systems Manager.

use auth_model::Secret;
use credential_assets::StoreProblem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsStore, is_made_of, unreadable};

#[derive(Debug)]
pub(super) struct ParameterStore;

#[derive(Deserialize)]
struct ParameterResponse {
    #[serde(rename = "Parameter")]
    parameter: Parameter,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Value")]
    value: Secret,
}

impl AwsStore for ParameterStore {
    fn name(&self) -> &'static str {
        "ssm"
    }

    fn example(&self) -> &'static str {
        "ssm:/prod/aws#/secret"
    }

    fn usage(&self) -> &'static str {
        "ssm: needs a parameter's name, 1 to 1011 of A-Z, a-z, 0-9 and '_.-' in at most 15 levels between slashes, or its \
         ARN, such as ssm:/prod/aws, ssm:/prod/aws:3 or ssm:/prod/aws#/secret"
    }

    /// A name, or `NAME:VERSION` or `NAME:LABEL`.
    ///
    /// Source: Systems Manager, "Understanding parameter name requirements and constraints", and
    /// `LabelParameterVersion`: names have 1 to 1,011 characters in at most 15 levels, labels 1 to 100.
    fn is_name(&self, text: &str) -> bool {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        let (name, selector) = match text.split_once(':') {
            Some((name, selector)) => (name, Some(selector)),
            None => (text, None),
        };
        let levels = name.strip_prefix('/').unwrap_or(name).split('/');
        name.len() <= 1_011
            && levels.clone().count() <= 15
            && levels.into_iter().all(|level| is_made_of(level, 1_011, is_plain))
            && selector.is_none_or(|selector| is_made_of(selector, 100, is_plain))
    }

    fn is_resource(&self, text: &str) -> bool {
        text.strip_prefix("parameter/").is_some_and(|name| self.is_name(name))
    }

    fn request(&self, id: &str) -> (&'static str, Value) {
        ("AmazonSSM.GetParameter", json!({ "Name": id, "WithDecryption": true }))
    }

    fn secret(&self, body: &[u8]) -> Result<Secret, StoreProblem> {
        let response: ParameterResponse = serde_json::from_slice(body).map_err(|_| unreadable())?;
        Ok(response.parameter.value)
    }
}
