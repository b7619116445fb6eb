//! A policy for invoking models of Bedrock: what the mapping says of requests that invoke them.

use auth_model::{AccountId, Region, ServiceId};
use aws_endpoints::HostResource;
use http::{HeaderMap, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::document::Policy;
use crate::least_privilege::of_needs;
use crate::mapping::{BodyFraming, MappingError, Need, Request, Resource, Server, Unresolved, map};

/// A policy, and what it cannot grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invoking {
    /// The policy.
    pub policy: Policy,
    /// Why more may be needed than the policy grants, such as the models behind an ARN of a router.
    pub unresolved: Vec<Unresolved>,
}

/// Why there is no policy for a model.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Neither an id nor an ARN of something that can be invoked.
    #[error("{model:?}: {source}")]
    Invalid {
        /// What was given.
        model: String,
        /// Why it is none.
        source: MappingError,
    },
    /// The ARN of an inference profile holds the account.
    #[error("{0} is an inference profile, and its ARN holds the account: give the account too")]
    Account(String),
    /// Only AWS knows what it stands for.
    #[error("{0} is known to AWS alone: give the ARN that it stands for")]
    Unknown(String),
    /// An ARN of another partition than the Region's.
    #[error("{0} is of another partition than the region")]
    Partition(String),
}

/// Invoking these models in a Region, with whole and with streamed responses; each is an id or an ARN, as a request has it.
///
/// An inference profile also needs its foundation model in every Region that it may lead to. AWS changes those, so all
/// are granted, but only through the profile.
///
/// # Errors
///
/// [`ModelError`] for what a request could not name, for a profile where no account is given, and for ARNs of another
/// partition.
pub fn bedrock_invoke(region: &Region, account: Option<&AccountId>, models: &[String]) -> Result<Invoking, ModelError> {
    let mut needs = Vec::new();
    let mut unresolved = Vec::new();
    for model in models {
        let before = needs.len();
        for verb in ["invoke", "invoke-with-response-stream"] {
            for need in invoking(region, account, model, verb)? {
                match need.resource {
                    Resource::Unresolved(Unresolved::Account) => return Err(ModelError::Account(model.clone())),
                    Resource::Unresolved(why) => unresolved.push(why),
                    _ => needs.push(need),
                }
            }
        }
        if needs.len() == before {
            return Err(ModelError::Unknown(model.clone()));
        }
    }
    unresolved.sort();
    unresolved.dedup();
    Ok(Invoking {
        policy: of_needs(&needs),
        unresolved,
    })
}

fn invoking(region: &Region, account: Option<&AccountId>, model: &str, verb: &str) -> Result<Vec<Need>, ModelError> {
    let invalid = |source| ModelError::Invalid {
        model: model.to_owned(),
        source,
    };
    let service = ServiceId::parse("bedrock-runtime").map_err(|_| invalid(MappingError::unknown("the service")))?;
    let path = format!("/model/{}/{verb}", utf8_percent_encode(model, NON_ALPHANUMERIC));
    let request = Request {
        service: &service,
        region,
        account,
        host: &HostResource::None,
        method: &Method::POST,
        path: &path,
        query: None,
        headers: &HeaderMap::new(),
        server: Server::Aws,
        body: BodyFraming::Empty,
    };
    let partition = request.partition().as_str();
    if model
        .strip_prefix("arn:")
        .is_some_and(|arn| arn.split(':').next() != Some(partition))
    {
        return Err(ModelError::Partition(model.to_owned()));
    }
    map(&request, None).map(|mapping| mapping.required).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoke(account: Option<&str>, models: &[&str]) -> Result<Invoking, ModelError> {
        let models: Vec<_> = models.iter().map(|model| (*model).to_owned()).collect();
        let account = account.map(|account| AccountId::parse(account).unwrap());
        bedrock_invoke(&Region::parse("us-east-1").unwrap(), account.as_ref(), &models)
    }

    #[test]
    fn a_foundation_model_has_no_account() {
        let json = invoke(None, &["amazon.nova-lite-v1:0"]).unwrap().policy.to_json();
        let actions = r#""Action":["bedrock:InvokeModel","bedrock:InvokeModelWithResponseStream"]"#;
        let resource = r#""Resource":["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"]"#;
        assert!(
            json.contains(&format!("{actions},{resource}")) && !json.contains("Condition"),
            "{json}"
        );
    }

    #[test]
    fn a_profile_brings_its_model_in_every_region_through_itself_only() {
        let json = invoke(Some("111122223333"), &["global.amazon.nova-lite-v1:0"])
            .unwrap()
            .policy
            .to_json();
        let profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/global.amazon.nova-lite-v1:0";
        assert!(json.contains(&format!(r#""Resource":["{profile}"]"#)), "{json}");
        assert!(
            json.contains(&format!(
                r#"{{"ArnEquals":{{"bedrock:InferenceProfileArn":"{profile}"}}}}"#
            )),
            "{json}"
        );
        assert!(
            json.contains("arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0"),
            "{json}"
        );
        assert!(
            json.contains("arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0"),
            "{json}"
        );
        let error = invoke(None, &["eu.amazon.nova-lite-v1:0"]).unwrap_err();
        assert!(matches!(error, ModelError::Account(_)));
    }

    #[test]
    fn what_only_aws_knows_is_reported() {
        let router = "arn:aws:bedrock:us-east-1:111122223333:prompt-router/a1b2";
        assert_eq!(invoke(None, &[router]).unwrap().unresolved.len(), 1);
        assert!(matches!(invoke(None, &["nova"]), Err(ModelError::Unknown(_))));
    }

    #[test]
    fn models_are_ids_and_arns_without_wildcards() {
        for bad in [
            "",
            "*",
            "amazon.*",
            "amazon.nova/x",
            "arn:aws:bedrock:us-east-1:111122223333:guardrail/x",
            "arn:aws:bedrock:us-east-1:111122223333:inference-profile/*",
            "arn:aws:bedrock:us-east-1::inference-profile/x",
            "arn:aws:s3:::bucket/x",
        ] {
            assert!(matches!(invoke(None, &[bad]), Err(ModelError::Invalid { .. })), "{bad}");
        }
        let other = invoke(None, &["arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.x"]);
        assert!(matches!(other, Err(ModelError::Partition(_))));
    }
}
