//! What a model id stands for.

use std::borrow::Cow;

use auth_model::Arn;
use aws_endpoints::percent::decode_utf8;

use super::super::{Condition, MappingError, Need, Request, Resource, Unresolved};
use super::in_account;

/// First labels of the ids of inference profiles: where they send requests to. No provider of models is called so.
///
/// Source: Amazon Bedrock User Guide, "Supported Regions and models for inference profiles"; the ones that AWS has not
/// used yet are those of its regions' names.
const GEOGRAPHIES: &[&str] = &[
    "af", "ap", "apac", "au", "br", "ca", "cn", "eu", "eusc", "global", "id", "il", "in", "jp", "kr", "me", "mx", "my",
    "nz", "sa", "sg", "th", "tw", "uk", "us", "us-gov",
];

/// What a request may name as its model.
#[derive(Debug)]
pub(super) enum Model<'a> {
    /// A foundation model, in the request's region.
    Foundation(&'a str),
    /// An inference profile over the regions of a geography: the whole id.
    Profile(&'a str),
    /// An inference profile by its ARN, and the model's id without the geography.
    ProfileArn(&'a str, &'a str),
    /// An ARN that says all there is.
    Whole(&'a str),
    /// An ARN that leads to models that it does not name; and what to call it.
    Leading(&'a str, &'static str),
    /// A prompt, which holds the model.
    Prompt(&'a str),
    /// A model in an endpoint of `SageMaker`.
    Marketplace(&'a str),
    /// An id without a provider: of a profile of the account, or of a model of its own.
    Short,
}

const ALLOWED: &str = "it is an id of A-Z, a-z, 0-9 and '-_.:', or an ARN, as one percent-encoded segment";

impl<'a> Model<'a> {
    pub(super) fn parse(id: &'a str) -> Result<Self, MappingError> {
        let malformed = || MappingError::malformed("the model's id", ALLOWED);
        if id.starts_with("arn:") {
            return Self::of_arn(id).ok_or_else(malformed);
        }
        if !is_plain(id) || !id.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Err(malformed());
        }
        Ok(match id.split_once('.') {
            None => Self::Short,
            Some((first, rest)) if GEOGRAPHIES.contains(&first) && rest.contains('.') => Self::Profile(id),
            Some(_) => Self::Foundation(id),
        })
    }

    fn of_arn(text: &'a str) -> Option<Self> {
        let arn = parsed(text)?;
        if arn.service == "sagemaker" {
            let name = arn.resource.strip_prefix("endpoint/")?;
            return (is_plain(name) && arn.account.is_some()).then_some(Self::Marketplace(text));
        }
        if arn.service != "bedrock" {
            return None;
        }
        let (kind, _) = arn.resource.split_once('/')?;
        if (kind == "foundation-model") != arn.account.is_none() {
            return None;
        }
        let (_, id) = text.rsplit_once('/')?;
        Some(match kind {
            "foundation-model"
            | "provisioned-model"
            | "custom-model"
            | "custom-model-deployment"
            | "imported-model" => Self::Whole(text),
            "inference-profile" => Self::ProfileArn(text, id.split_once('.').map_or(id, |(_, model)| model)),
            "application-inference-profile" => Self::Leading(text, "an application inference profile"),
            "prompt-router" | "default-prompt-router" => Self::Leading(text, "a prompt router"),
            "prompt" => Self::Prompt(text),
            _ => return None,
        })
    }

    /// The needs of an action on the model.
    pub(super) fn add(&self, action: &'static str, request: &Request<'_>, needs: &mut Vec<Need>) {
        let (partition, region) = (request.partition(), request.region);
        let exact = |arn: &str| Need::new(action, Resource::Exact(arn.to_owned()));
        let indirect = |what: &'static str| Need::new(action, Resource::Unresolved(Unresolved::Indirect(what)));
        match self {
            Self::Foundation(id) => needs.push(exact(&format!(
                "arn:{partition}:bedrock:{region}::foundation-model/{id}"
            ))),
            Self::Whole(arn) => needs.push(exact(arn)),
            Self::Profile(id) => {
                let profile = in_account(request, &["inference-profile/", id].concat());
                match &profile {
                    Resource::Exact(arn) => {
                        let model = id.split_once('.').map_or(*id, |(_, model)| model);
                        add_profile(action, arn, model, needs);
                    }
                    // The models behind a profile may be used through that profile only, and it has no name yet.
                    _ => needs.push(Need::new(action, profile)),
                }
            }
            Self::ProfileArn(arn, model) => add_profile(action, arn, model, needs),
            Self::Leading(arn, what) => needs.extend([exact(arn), indirect(what)]),
            Self::Prompt(arn) => {
                let prompt = Resource::Exact((*arn).to_owned());
                needs.extend([Need::new("bedrock:RenderPrompt", prompt), indirect("a prompt")]);
            }
            Self::Marketplace(arn) => {
                needs.push(Need::new(
                    action,
                    in_account(request, "marketplace/model-endpoint/all-access"),
                ));
                needs.push(Need::new(
                    "sagemaker:InvokeEndpoint",
                    Resource::Exact((*arn).to_owned()),
                ));
            }
            Self::Short => needs.push(indirect("an id without a provider")),
        }
    }
}

/// The profile, and its model in whatever region the profile sends it to, but only through the profile.
///
/// The list of destinations changes without notice, so it is every region. Global profiles are also checked against
/// the model without a region (`aws-samples/sample-badgers`, issue 33).
fn add_profile(action: &'static str, profile: &str, model: &str, needs: &mut Vec<Need>) {
    let partition = profile.split(':').nth(1).unwrap_or("aws");
    let through = |resource| {
        Need::new(action, resource).with_condition(Condition {
            operator: "ArnEquals",
            key: "bedrock:InferenceProfileArn",
            value: profile.to_owned(),
        })
    };
    needs.push(Need::new(action, Resource::Exact(profile.to_owned())));
    needs.push(through(Resource::Pattern(format!(
        "arn:{partition}:bedrock:*::foundation-model/{model}"
    ))));
    if profile.contains(":inference-profile/global.") {
        needs.push(through(Resource::Exact(format!(
            "arn:{partition}:bedrock:::foundation-model/{model}"
        ))));
    }
}

/// An ARN of Bedrock of one of these kinds, in an account.
pub(super) fn arn_of(text: &str, kinds: &[&str]) -> Option<Resource> {
    let arn = parsed(text)?;
    let (kind, id) = arn.resource.split_once('/')?;
    let is_good = arn.service == "bedrock" && arn.account.is_some() && kinds.contains(&kind) && is_plain(id);
    is_good.then(|| Resource::Exact(text.to_owned()))
}

/// The ARN, where every part of it is plain: nothing that means something in a pattern, no empty segment.
fn parsed(text: &str) -> Option<Arn> {
    let arn: Arn = text.parse().ok()?;
    let is_good = text.len() <= 2048 && !arn.region.is_empty() && arn.resource.split('/').all(is_plain);
    (is_good && arn.region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then_some(arn)
}

/// The characters of ids.
pub(super) fn is_plain(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    (1..=2048).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// A segment of the path, percent-decoded once.
pub(super) fn decoded<'a>(segment: &'a str, what: &'static str) -> Result<Cow<'a, str>, MappingError> {
    let decoded = decode_utf8(segment);
    decoded.map_err(|_| MappingError::malformed(what, "it is UTF-8 after percent-decoding"))
}
