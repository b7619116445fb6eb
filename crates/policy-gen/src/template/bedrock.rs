//! A policy for invoking models of Bedrock.

use std::str::FromStr;

use auth_model::{AccountId, Arn, Partition, Region};

use crate::document::{Policy, Statement, literal};

/// What stands before a foundation model's id in the ids of inference profiles over a geography, or over all Regions.
///
/// Source: Bedrock User Guide, "Supported Regions and models for inference profiles".
const GEOGRAPHIES: [&str; 9] = ["apac", "au", "ca", "eu", "global", "jp", "sa", "us", "us-gov"];

/// The types of resources that can be invoked, as they stand in ARNs.
const INVOKABLE: [&str; 9] = [
    "application-inference-profile",
    "custom-model-deployment",
    "default-prompt-router",
    "foundation-model",
    "imported-model",
    "inference-profile",
    "prompt",
    "prompt-router",
    "provisioned-model",
];

/// A model as a request names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Model {
    /// A foundation model's id, such as `amazon.nova-lite-v1:0`.
    Foundation(String),
    /// A cross-Region inference profile's id, such as `eu.amazon.nova-lite-v1:0`: geography and foundation model.
    Profile {
        /// The geography, or `global`.
        geography: &'static str,
        /// The foundation model's id.
        model: String,
    },
    /// Anything else that can be invoked.
    Arn(Arn),
}

/// Why there is no policy for a model.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Neither an id nor an ARN.
    #[error(
        "a model is an id of a-z, A-Z, 0-9, '.', '-', '_' and ':', such as amazon.nova-lite-v1:0 or \
         eu.amazon.nova-lite-v1:0, or the ARN of something that can be invoked; no wildcards"
    )]
    Invalid,
    /// The ARN of a profile holds the account.
    #[error("{0} is an inference profile, and its ARN holds the account: give the account too")]
    Account(String),
    /// An ARN of another partition than the Region's.
    #[error("{0} is of another partition than the Region")]
    Partition(String),
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let is_plain = |text: &str| {
            let is_good = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
            (1..=140).contains(&text.len()) && text.bytes().all(is_good)
        };
        if text.starts_with("arn:") {
            let arn: Arn = text.parse().map_err(|_| ModelError::Invalid)?;
            let (kind, id) = arn.resource.split_once('/').unwrap_or_default();
            let is_good = arn.service == "bedrock" && INVOKABLE.contains(&kind) && id.split('/').all(is_plain);
            let has_account = arn.account.is_some() || kind == "foundation-model";
            return if is_good && has_account {
                Ok(Self::Arn(arn))
            } else {
                Err(ModelError::Invalid)
            };
        }
        let (first, rest) = text.split_once('.').ok_or(ModelError::Invalid)?;
        if !is_plain(text) || rest.is_empty() {
            return Err(ModelError::Invalid);
        }
        match GEOGRAPHIES.iter().find(|geography| **geography == first) {
            Some(geography) if rest.contains('.') => Ok(Self::Profile {
                geography,
                model: rest.to_owned(),
            }),
            Some(_) => Err(ModelError::Invalid),
            None => Ok(Self::Foundation(text.to_owned())),
        }
    }
}

/// Invoking these models in a Region, with whole and with streamed answers.
///
/// An inference profile also needs its foundation model in every Region that it may lead to. AWS changes those, so all
/// are granted, but only through the profile. The models behind ARNs of other profiles and routers are not known here.
///
/// # Errors
///
/// [`ModelError`] for a profile where no account is given, and for ARNs of another partition.
pub fn bedrock_invoke(
    partition: Partition,
    region: &Region,
    account: Option<&AccountId>,
    models: &[Model],
) -> Result<Policy, ModelError> {
    let allow = || Statement::allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]);
    let mut direct = allow().with_sid("BedrockInvoke");
    let mut through = Vec::new();
    for model in models {
        match model {
            Model::Foundation(id) => {
                direct = direct.with_resource(format!("arn:{partition}:bedrock:{region}::foundation-model/{id}"));
            }
            Model::Profile { geography, model } => {
                let id = format!("{geography}.{model}");
                let account = account.ok_or_else(|| ModelError::Account(id.clone()))?;
                let profile = format!("arn:{partition}:bedrock:{region}:{account}:inference-profile/{id}");
                let sid = format!("BedrockThroughProfileN{}", through.len() + 1);
                let mut behind = allow()
                    .with_sid(sid)
                    .when_arn_equals("bedrock:InferenceProfileArn", &profile);
                behind = behind.with_resource(format!("arn:{partition}:bedrock:*::foundation-model/{model}"));
                if *geography == "global" {
                    behind = behind.with_resource(format!("arn:{partition}:bedrock:::foundation-model/{model}"));
                }
                through.push(behind);
                direct = direct.with_resource(profile);
            }
            Model::Arn(arn) if arn.partition != partition => return Err(ModelError::Partition(arn.to_string())),
            Model::Arn(arn) => direct = direct.with_resource(literal(&arn.to_string())),
        }
    }
    Ok(Policy::new(through.into_iter().chain([direct])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(account: Option<&str>, models: &[&str]) -> Result<String, ModelError> {
        let models: Vec<Model> = models.iter().map(|model| model.parse().unwrap()).collect();
        let account = account.map(|account| AccountId::parse(account).unwrap());
        let region = Region::parse("us-east-1").unwrap();
        bedrock_invoke(Partition::Aws, &region, account.as_ref(), &models).map(|policy| policy.to_json())
    }

    #[test]
    fn a_foundation_model_has_no_account() {
        let json = policy(None, &["amazon.nova-lite-v1:0"]).unwrap();
        let resource = r#""Resource":["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"]"#;
        assert!(json.contains(resource) && !json.contains("Condition"), "{json}");
    }

    #[test]
    fn a_profile_brings_its_model_in_every_region_through_itself_only() {
        let json = policy(Some("111122223333"), &["global.amazon.nova-lite-v1:0"]).unwrap();
        let profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/global.amazon.nova-lite-v1:0";
        assert!(json.contains(&format!(r#""Resource":["{profile}"]"#)), "{json}");
        assert!(
            json.contains(&format!(
                r#"{{"ArnEquals":{{"bedrock:InferenceProfileArn":"{profile}"}}}}"#
            )),
            "{json}"
        );
        assert!(json.contains(r#"["arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0","arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0"]"#), "{json}");
        let error = policy(None, &["eu.amazon.nova-lite-v1:0"]).unwrap_err();
        assert!(matches!(error, ModelError::Account(_)));
    }

    #[test]
    fn models_are_ids_and_arns_without_wildcards() {
        assert!(
            "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2"
                .parse::<Model>()
                .is_ok()
        );
        for bad in [
            "",
            "*",
            "amazon.*",
            "eu.nova",
            "us.",
            "nova",
            "amazon.nova/x",
            "arn:aws:bedrock:us-east-1:111122223333:guardrail/x",
            "arn:aws:bedrock:us-east-1:111122223333:inference-profile/*",
            "arn:aws:bedrock:us-east-1::inference-profile/x",
            "arn:aws:s3:::bucket/x",
        ] {
            assert_eq!(bad.parse::<Model>(), Err(ModelError::Invalid), "{bad}");
        }
        let other = policy(None, &["arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.x"]);
        assert!(matches!(other, Err(ModelError::Partition(_))));
    }
}
