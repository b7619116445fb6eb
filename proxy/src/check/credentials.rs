//! From a connection's assets to the credentials that sign its requests, step by step.

use std::time::Duration;

use auth_model::{
    AssetReference, AssumeRoleOptions, AuthMethod, BaseKeys, Credentials, ExternalId, KeyAssets, RoleArn,
    RoleReference, RunsOn,
};
use credential_assets::Assets;
use sts_client::{CallerIdentity, CredentialDiagnostics, CredentialFailure, ExternalIdChoice, Skew};

use super::denied::Assumption;
use super::failure::{KeyLooks, finding};
use super::report::{Cause, Finding, Outcome, PolicyKind, ResponsibleParty, StepKind};
use super::steps::{Steps, Timer};
use crate::log::Chain;

/// From here on the clock is worth a warning: NTP keeps it within a fraction of a second, and AWS refuses signatures
/// that are five minutes off. Source: IAM User Guide, "Elements of an AWS API request signature"; S3 takes a quarter of
/// an hour.
const SKEW_WARNING: Duration = Duration::from_mins(1);

/// Keys that were obtained, and whose they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub(super) keys: Option<Credentials>,
    pub(super) caller: Option<CallerIdentity>,
    /// STS did not respond: the path there is worth a look.
    pub(super) is_sts_out_of_reach: bool,
}

/// What signs, in the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Signer {
    pub(super) credentials: Option<Credentials>,
    /// ARN of the user or role, as far as it is known.
    pub(super) arn: Option<String>,
}

/// Reads the keys and asks STS whose they are, unless it has no say in them.
pub(super) async fn identity(
    steps: &mut Steps,
    auth: &AuthMethod,
    way: &CredentialDiagnostics,
    assets: &Assets,
    is_stss_business: bool,
) -> Identity {
    let mut identity = Identity::default();
    if !read_assets(steps, auth, assets).await {
        return identity;
    }
    let began = Timer::start();
    let keys = match way.base().await {
        Ok(keys) => keys,
        Err(failure) => {
            let kind = match &failure {
                CredentialFailure::Asset(_) => StepKind::Asset,
                CredentialFailure::InstanceMetadata { .. }
                | CredentialFailure::InstanceHopLimit
                | CredentialFailure::InstanceRole { .. } => StepKind::Instance,
                _ => StepKind::Keys,
            };
            let outcome = Outcome::Failed(finding(&failure, KeyLooks::default()));
            steps.push(kind, subject_of(auth), outcome, began);
            return identity;
        }
    };
    if let Some(role) = instance_role(auth) {
        let found = Outcome::passed("this EC2 instance has the role attached");
        steps.push(StepKind::Instance, role.to_string(), found, began);
    }
    if !is_stss_business {
        let why = "AWS does not know the keys of a server of one's own; the request below shows whether that does";
        steps.note(StepKind::Keys, subject_of(auth), Outcome::skipped(why));
        identity.keys = Some(keys);
        return identity;
    }
    let looks = KeyLooks {
        is_temporary: keys.access_key_id.as_str().starts_with("ASIA"),
        has_token: keys.session_token.is_some(),
    };
    let began = Timer::start();
    match way.caller_identity(&keys).await {
        Ok(caller) => {
            let found = Outcome::passed(format!("{}, account {}", caller.arn, caller.account));
            steps.push(StepKind::Keys, subject_of(auth), found, began);
            identity.keys = Some(keys);
            identity.caller = Some(caller);
        }
        Err(failure) => {
            let outcome = Outcome::Failed(finding(&failure, looks));
            steps.push(StepKind::Keys, subject_of(auth), outcome, began);
            identity.is_sts_out_of_reach = is_out_of_reach(&failure);
        }
    }
    if let Some(skew) = way.skew() {
        steps.note(StepKind::Clock, "STS", of_skew(skew));
    }
    identity
}

/// Assumes one role after the other, and then tries the last one's External ID.
pub(super) async fn assume(
    steps: &mut Steps,
    auth: &AuthMethod,
    way: &CredentialDiagnostics,
    identity: &Identity,
) -> Signer {
    let Some(keys) = identity.keys.clone() else {
        return Signer::default();
    };
    let mut signer = Signer {
        credentials: Some(keys),
        arn: identity.caller.as_ref().map(principal_of),
    };
    let mut before: Option<RoleArn> = None;
    let roles = way.roles();
    for (place, role) in roles.iter().enumerate() {
        let Some(keys) = signer.credentials.take() else { break };
        let began = Timer::start();
        let arn = match way.role_arn(place, &keys, before.as_ref()).await {
            Ok(arn) => arn,
            Err(failure) => {
                let outcome = Outcome::Failed(finding(&failure, KeyLooks::default()));
                steps.push(StepKind::Role, role.to_string(), outcome, began);
                break;
            }
        };
        if let RoleReference::Name(name) = role {
            let found = Outcome::passed(format!("{arn} by its name; whether it exists shows when it is assumed"));
            steps.push(StepKind::Role, name.to_string(), found, began);
        }
        let is_last = place + 1 == roles.len();
        let assumption = Assumption {
            principal: signer.arn.as_deref().unwrap_or("(unknown)"),
            is_same_account: is_same_account(identity, before.as_ref(), &arn),
            role: &arn,
            external_id: external_id(auth).filter(|_| is_last),
            options: options(auth),
        };
        let session = assume_one(steps, way, place, &keys, &assumption).await;
        if session.is_some() && assumption.external_id.is_some() {
            external_id_step(steps, way, place, &keys, &assumption).await;
        }
        signer = Signer {
            credentials: session,
            arn: Some(arn.to_string()),
        };
        before = Some(arn);
    }
    signer
}

/// Reads every asset of the keys. Whether all can be read.
async fn read_assets(steps: &mut Steps, auth: &AuthMethod, assets: &Assets) -> bool {
    let keys = match key_assets(auth) {
        None => return true,
        Some(KeyAssets::Parts(keys)) => keys,
        Some(whole @ KeyAssets::Leased(role)) => {
            let began = Timer::start();
            let made = assets.keys(whole).await;
            let outcome = match &made {
                Ok(_) => Outcome::passed("the vault makes a key"),
                Err(error) => Outcome::Failed(finding(&error.clone().into(), KeyLooks::default())),
            };
            steps.push(StepKind::Asset, role.to_string(), outcome, began);
            return made.is_ok();
        }
    };
    let parts = [
        ("access_key_id", Some(&keys.access_key_id)),
        ("secret_access_key", Some(&keys.secret_access_key)),
        ("session_token", keys.session_token.as_ref()),
    ];
    let mut is_whole = true;
    for (key, asset) in parts {
        let Some(asset) = asset.filter(|asset| !matches!(asset, AssetReference::Literal(_))) else {
            continue;
        };
        let began = Timer::start();
        let outcome = match assets.read(asset).await {
            Ok(_) => Outcome::passed(format!("{key} is there")),
            Err(error) => {
                is_whole = false;
                Outcome::Failed(finding(&error.into(), KeyLooks::default()))
            }
        };
        steps.push(StepKind::Asset, asset.to_string(), outcome, began);
    }
    is_whole
}

async fn assume_one(
    steps: &mut Steps,
    way: &CredentialDiagnostics,
    place: usize,
    keys: &Credentials,
    assumption: &Assumption<'_>,
) -> Option<Credentials> {
    let began = Timer::start();
    let assumed = way.assume(place, keys, assumption.role, &ExternalIdChoice::Own).await;
    let outcome = match &assumed {
        Ok(_) => Outcome::passed("STS gives a session"),
        Err(CredentialFailure::AccessDenied { code, message, .. }) => {
            Outcome::Failed(assumption.refused(format!("{code}: {message}"), message))
        }
        Err(failure) => Outcome::Failed(finding(failure, KeyLooks::default())),
    };
    steps.push(StepKind::AssumeRole, assumption.role.to_string(), outcome, began);
    assumed.ok()
}

/// Asks for the role without the External ID, and with another one: a trust policy that lets either in is open to every
/// customer of the operator, whatever was agreed.
async fn external_id_step(
    steps: &mut Steps,
    way: &CredentialDiagnostics,
    place: usize,
    keys: &Credentials,
    assumption: &Assumption<'_>,
) {
    let subject = assumption.role.to_string();
    if assumption.options.is_some_and(|options| options.mfa.is_some()) {
        let why = "cannot be tried: AWS takes a one-time code only once, and the role demands one";
        steps.note(StepKind::ExternalId, subject, Outcome::skipped(why));
        return;
    }
    let Some(other) = another_id() else {
        steps.note(
            StepKind::ExternalId,
            subject,
            Outcome::skipped("the system has no randomness for another one"),
        );
        return;
    };
    let began = Timer::start();
    let outcome = match way
        .assume(place, keys, assumption.role, &ExternalIdChoice::Omitted)
        .await
    {
        Ok(_) => Outcome::Warned(unenforced(assumption, "no External ID at all")),
        Err(CredentialFailure::AccessDenied { .. }) => {
            match way
                .assume(place, keys, assumption.role, &ExternalIdChoice::Other(other))
                .await
            {
                Ok(_) => Outcome::Warned(unenforced(assumption, "any other External ID")),
                Err(CredentialFailure::AccessDenied { .. }) => {
                    Outcome::passed("enforced: STS denies the role without it and with another one")
                }
                Err(failure) => Outcome::skipped(format!("could not be determined: {}", Chain(&failure))),
            }
        }
        Err(failure) => Outcome::skipped(format!("could not be determined: {}", Chain(&failure))),
    };
    steps.push(StepKind::ExternalId, subject, outcome, began);
}

fn unenforced(assumption: &Assumption<'_>, with: &str) -> Finding {
    let what = format!("THE EXTERNAL ID IS NOT ENFORCED: STS gives the role away with {with}");
    let text = "any other customer who names this role to you would be let in through you (the confused deputy). The \
                role's owner has to replace its trust policy by this one.";
    let cause = Cause::new(ResponsibleParty::TrustPolicy, text);
    Finding::of(
        what,
        cause.fixed_by(PolicyKind::Trust, assumption.role.to_string(), assumption.trust()),
    )
}

/// One that nobody has agreed on.
fn another_id() -> Option<ExternalId> {
    let mut random = [0; ExternalId::RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(ExternalId::of_random_bytes(&random))
}

/// How far the clocks are apart, as a step.
pub(super) fn of_skew(skew: Skew) -> Outcome {
    let seconds = skew.size().as_secs();
    let found = match skew {
        _ if seconds == 0 => "this machine's clock agrees".to_owned(),
        // Theirs is ahead: ours is behind.
        Skew::Ahead(_) => format!("this machine's clock is {seconds} s behind"),
        Skew::Behind(_) => format!("this machine's clock is {seconds} s ahead"),
    };
    if skew.size() < SKEW_WARNING {
        return Outcome::passed(found);
    }
    // Whether AWS still takes the signatures is for the other steps to say: it may have been made up for.
    let text = "set it by NTP (chronyd, systemd-timesyncd): AWS refuses signatures that are five minutes off, and \
                sessions end by AWS's clock.";
    Outcome::Warned(Finding::of(found, Cause::new(ResponsibleParty::Clock, text)))
}

fn is_out_of_reach(failure: &CredentialFailure) -> bool {
    matches!(
        failure,
        CredentialFailure::Unreachable { .. }
            | CredentialFailure::TimedOut
            | CredentialFailure::UnreadableResponse { .. }
    )
}

fn key_assets(auth: &AuthMethod) -> Option<&KeyAssets> {
    match auth {
        AuthMethod::AccessKey { keys }
        | AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(keys),
            ..
        } => Some(keys),
        AuthMethod::ManagedCrossAccount { identity, .. } => Some(&identity.keys),
        AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::DefaultChain { .. },
            ..
        }
        | AuthMethod::DefaultChain { .. } => None,
    }
}

/// What the keys are called in the report; never their id.
fn subject_of(auth: &AuthMethod) -> String {
    match auth {
        AuthMethod::ManagedCrossAccount { identity, .. } => format!("identities.{}", identity.name),
        AuthMethod::DefaultChain { profile }
        | AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::DefaultChain { profile },
            ..
        } => profile
            .as_ref()
            .map_or_else(|| "default chain".to_owned(), |profile| format!("profile {profile}")),
        AuthMethod::AccessKey { .. }
        | AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(_),
            ..
        } => "access key".to_owned(),
    }
}

fn instance_role(auth: &AuthMethod) -> Option<&RoleReference> {
    match auth {
        AuthMethod::AccessKeyAssumeRole {
            roles,
            runs_on: RunsOn::InstanceOfRole,
            ..
        } => Some(roles.first()),
        _ => None,
    }
}

fn external_id(auth: &AuthMethod) -> Option<&ExternalId> {
    match auth {
        AuthMethod::ManagedCrossAccount { external_id, .. } => Some(external_id),
        _ => None,
    }
}

fn options(auth: &AuthMethod) -> Option<&AssumeRoleOptions> {
    match auth {
        AuthMethod::ManagedCrossAccount { options, .. } | AuthMethod::AccessKeyAssumeRole { options, .. } => {
            Some(options)
        }
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => None,
    }
}

fn is_same_account(identity: &Identity, before: Option<&RoleArn>, role: &RoleArn) -> bool {
    match (before, &identity.caller) {
        (Some(before), _) => before.account() == role.account(),
        (None, Some(caller)) => caller.account == *role.account(),
        (None, None) => false,
    }
}

/// Whom a policy has to name: of a role's session the role. (STS leaves its path out, and so must this.)
fn principal_of(caller: &CallerIdentity) -> String {
    let session = caller.arn.resource.strip_prefix("assumed-role/");
    match session.and_then(|rest| rest.split('/').next()) {
        Some(role) => format!("arn:{}:iam::{}:role/{role}", caller.arn.partition, caller.account),
        None => caller.arn.to_string(),
    }
}
