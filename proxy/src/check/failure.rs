//! Whose fault it is that there are no credentials.

use aws_errors::ErrorClass;
use credential_assets::AssetError;
use sts_client::CredentialFailure;

use super::report::{Cause, Finding, ResponsibleParty};
use crate::log::Chain;

/// How the access key of the request to STS looks; for what its rejection may come from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyLooks {
    /// The id is that of temporary credentials.
    pub(super) is_temporary: bool,
    /// There is a session token.
    pub(super) has_token: bool,
}

/// What a failure comes from; refusals of `AssumeRole` are judged elsewhere.
pub(super) fn finding(failure: &CredentialFailure, key: KeyLooks) -> Finding {
    let what = Chain(failure).to_string();
    let of = |party, text: &str| Finding::of(what.clone(), Cause::new(party, text));
    match failure {
        CredentialFailure::Asset(error) => of_asset(error),
        CredentialFailure::MfaCode { .. } => of(
            ResponsibleParty::Asset,
            "auth.mfa_token has to lead to the six digits that the device shows now.",
        ),
        CredentialFailure::KeysRejected { code, message } => Finding {
            what,
            causes: of_refused_keys(code, message, key),
        },
        CredentialFailure::AccessDenied { .. } => of(
            ResponsibleParty::Guardrail,
            "GetCallerIdentity needs no permission: a policy of the organisation or of a VPC endpoint forbids it.",
        ),
        CredentialFailure::RequestRejected { code, message } => Finding::of(what, of_refused_request(code, message)),
        CredentialFailure::ClockSkew { .. } => of(
            ResponsibleParty::Clock,
            "set this machine's clock by NTP (chronyd, systemd-timesyncd): AWS refuses signatures that are more than \
             five minutes off.",
        ),
        CredentialFailure::Throttled { .. } => of(
            ResponsibleParty::Sts,
            "too many requests in this account: try again later.",
        ),
        CredentialFailure::ServerError { .. } => {
            of(ResponsibleParty::Sts, "STS has trouble of its own: try again later.")
        }
        CredentialFailure::Unreachable { .. } | CredentialFailure::TimedOut => of(
            ResponsibleParty::Sts,
            "STS cannot be reached; the steps below say at which point. sts.endpoint, upstream.proxy and \
             upstream.ca_file decide about the way.",
        ),
        CredentialFailure::UnreadableResponse { .. } => of(
            ResponsibleParty::Sts,
            "something that is not STS responds at its address: a captive portal, an HTTP proxy, or a wrong sts.endpoint.",
        ),
        CredentialFailure::ChainEmpty => of(
            ResponsibleParty::Instance,
            "give this machine credentials in one of these ways, or give the connection keys of its own.",
        ),
        CredentialFailure::ChainFailed { reason } | CredentialFailure::ChainMisconfigured { reason }
            if is_of_login(reason) =>
        {
            of(
                ResponsibleParty::Instance,
                "the profile's session of `aws login` has ended, or is not where this user's are kept: run \
                 `aws login --profile NAME` as the user that the proxy runs as; it lasts for twelve hours at most.",
            )
        }
        CredentialFailure::ChainMisconfigured { .. } => of(
            ResponsibleParty::Configuration,
            "mend the profile or the variables that the AWS SDKs read on this machine, or auth.profile.",
        ),
        CredentialFailure::ChainFailed { .. } => of(
            ResponsibleParty::Instance,
            "ask the same with `aws sts get-caller-identity` on this machine; it searches the same places.",
        ),
        CredentialFailure::InstanceMetadata { .. } => of(
            ResponsibleParty::Instance,
            "auth.require_ec2 is for EC2 instances: run this on one, or leave it out.",
        ),
        CredentialFailure::InstanceHopLimit => of(
            ResponsibleParty::Instance,
            "aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2",
        ),
        CredentialFailure::InstanceRole { wanted, .. } => Finding::of(
            what.clone(),
            Cause::new(
                ResponsibleParty::Instance,
                format!(
                    "attach an instance profile with the role {wanted} to this instance, or change auth.role or auth.roles."
                ),
            ),
        ),
        CredentialFailure::IdentityClash { .. } => of(
            ResponsibleParty::Asset,
            "give each organisation an IAM user of its own, and each asset the key of its own user.",
        ),
        CredentialFailure::Contradictory(_) | CredentialFailure::Settings { .. } => of(
            ResponsibleParty::Configuration,
            "see docs/configuration.md for what goes together.",
        ),
        // `Internal`, and what later versions add.
        _ => of(ResponsibleParty::Sts, "this is a defect of the program."),
    }
}

/// Whether the SDK's words are of a console session that the AWS CLI keeps.
fn is_of_login(reason: &str) -> bool {
    reason.contains("Login token") || reason.contains("/login/cache/")
}

fn of_refused_keys(code: &str, message: &str, key: KeyLooks) -> Vec<Cause> {
    if message.contains("valid region") {
        return vec![Cause::new(
            ResponsibleParty::Region,
            "STS signs for another region than the connection's: region, sts_endpoint or sts.endpoint is wrong.",
        )];
    }
    let class = ErrorClass::of_code(code, message);
    if class == Some(ErrorClass::ExpiredCredentials) {
        return vec![Cause::new(
            ResponsibleParty::SessionToken,
            "the temporary credentials have expired: put new ones where access_key_id, secret_access_key and \
             session_token are kept, all three.",
        )];
    }
    if class == Some(ErrorClass::WrongSignature) {
        return vec![Cause::new(
            ResponsibleParty::SecretAccessKey,
            "the id is known, and the secret access key is not the one that belongs to it: look for a cut or padded \
             copy, or the secret of another key.",
        )];
    }
    if key.is_temporary && !key.has_token {
        return vec![Cause::new(
            ResponsibleParty::SessionToken,
            "an id that begins with ASIA is that of temporary credentials, which need a session_token: there is none.",
        )];
    }
    let id = Cause::new(
        ResponsibleParty::AccessKey,
        "the access key id is unknown to AWS: mistyped, deleted, deactivated, or of another partition (China, \
         GovCloud). `aws iam list-access-keys --user-name USER` lists those that exist.",
    );
    let token = Cause::new(
        ResponsibleParty::SessionToken,
        "the session token belongs to another access key, or is cut off.",
    );
    let region = Cause::new(
        ResponsibleParty::Region,
        "the region is not enabled in the account of the keys: `aws account enable-region --region-name REGION`.",
    );
    if key.has_token {
        vec![token, id, region]
    } else {
        vec![id, region]
    }
}

fn of_refused_request(code: &str, message: &str) -> Cause {
    if message.contains("MaxSessionDuration") {
        return Cause::new(
            ResponsibleParty::SessionDuration,
            "auth.session_duration is longer than the role allows. Lower it, or have the role's owner raise the maximum: \
             `aws iam update-role --role-name NAME --max-session-duration SECONDS`.",
        );
    }
    if message.contains("role chaining") {
        return Cause::new(
            ResponsibleParty::SessionDuration,
            "the keys are a role's session already, so the next role lives for an hour at most: lower auth.session_duration to \
             \"1h\".",
        );
    }
    let (party, text) = match code {
        "MalformedPolicyDocument" | "PackedPolicyTooLarge" => (
            ResponsibleParty::SessionPolicy,
            "auth.session_policy, auth.session_policy_arns and auth.session_tags have to be valid and short enough together.",
        ),
        "RegionDisabledException" => (
            ResponsibleParty::Region,
            "STS is switched off in this region: have it activated in the account settings of IAM, or use another \
             region.",
        ),
        _ => (
            ResponsibleParty::Configuration,
            "STS does not take one of the values that the connection's auth says; its message names it.",
        ),
    };
    Cause::new(party, text)
}

/// What mends an asset that cannot be read.
pub(crate) fn remedy(error: &AssetError) -> String {
    let causes = of_asset(error).causes.into_iter();
    causes.map(|cause| cause.text).collect::<Vec<_>>().join(" ")
}

fn of_asset(error: &AssetError) -> Finding {
    let (party, text) = match error {
        AssetError::Missing { remedy, .. } => (ResponsibleParty::Asset, *remedy),
        AssetError::Unreadable { .. } => (
            ResponsibleParty::Asset,
            "give the user that the proxy runs as the right to read the file, and to enter its directories; in a container that \
             user is 65532, whoever's the file is outside.",
        ),
        AssetError::NotJson { .. } | AssetError::NothingAtPointer { .. } | AssetError::NotAString { .. } => (
            ResponsibleParty::Asset,
            "the pointer after # has to lead to a text in a JSON document, such as #/secret.",
        ),
        AssetError::Source { problem, .. } if problem.is_of_server() => (ResponsibleParty::Vault, problem.remedy()),
        AssetError::Source { problem, .. } => (ResponsibleParty::Asset, problem.remedy()),
        AssetError::NotConfigured { .. } => (
            ResponsibleParty::Asset,
            "describe its server in that table of the configuration.",
        ),
        AssetError::Reference(_) => (ResponsibleParty::Asset, "correct the reference."),
        AssetError::AccessKeyId { .. } | AssetError::SecretAccessKey { .. } | AssetError::SessionToken { .. } => (
            ResponsibleParty::Asset,
            "something else is kept there than what belongs there.",
        ),
        _ => (
            ResponsibleParty::Asset,
            "put the secret there as plain text, and nothing else.",
        ),
    };
    Finding::of(Chain(error).to_string(), Cause::new(party, text))
}
