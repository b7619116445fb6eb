//! `AssumeRole`: the parameters' bounds, then the trust policy.

use std::time::Duration;

use super::{Sts, constraint, credentials, duration, envelope};
use crate::api::Call;
use crate::event::Reason;
use crate::form::Form;
use crate::keys::Principal;
use crate::principals::{FakeRole, ROLES, Rights};
use crate::service_error::ServiceError;

/// Where `DurationSeconds` is not given.
const DEFAULT_SECONDS: u64 = 3600;
/// The longest that `DurationSeconds` may ask for.
const MAX_SECONDS: u64 = 43_200;
/// The longest session that a role session may get of another role.
const MAX_CHAINED_SECONDS: u64 = 3600;
/// The longest inline session policy, in characters.
const MAX_POLICY_LENGTH: usize = 2048;

impl Sts {
    /// # Errors
    /// `ValidationError` for a parameter out of bounds; `AccessDenied` where the role does not exist, does not trust
    /// the caller, or demands another External ID: AWS does not tell these apart either. It does tell where the
    /// caller's own policies lack the action.
    pub(super) fn assume_role(&self, call: &Call<'_>, form: &Form) -> Result<String, ServiceError> {
        let role_arn = text(form, "RoleArn", "roleArn", 20, 2048, |_| true, "")?;
        let session = text(
            form,
            "RoleSessionName",
            "roleSessionName",
            2,
            64,
            is_name,
            r"[\w+=,.@-]*",
        )?;
        let external_id = match form.value("ExternalId") {
            None => None,
            Some(_) => Some(text(
                form,
                "ExternalId",
                "externalId",
                2,
                1224,
                is_external_id,
                r"[\w+=,.@:\/-]*",
            )?),
        };
        let seconds = duration(form, DEFAULT_SECONDS, MAX_SECONDS)?;
        let policy = form.value("Policy");
        if let Some(policy) = policy {
            check_policy(policy)?;
        }
        if !role_arn.starts_with("arn:") {
            return Err(ServiceError::new(Reason::BadRequest, format!("{role_arn} is invalid")));
        }
        let caller = &call.caller.principal;
        if caller.rights == Rights::Nothing {
            return Err(ServiceError::new(
                Reason::AccessDenied,
                format!(
                    "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn} \
                     because no identity-based policy allows the sts:AssumeRole action",
                    caller.arn
                ),
            ));
        }
        let role = trusted_role(role_arn, &caller.arn, external_id).ok_or_else(|| {
            ServiceError::new(
                Reason::AccessDenied,
                format!(
                    "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                    caller.arn
                ),
            )
        })?;
        if caller.is_role_session && seconds > MAX_CHAINED_SECONDS {
            return Err(ServiceError::new(
                Reason::BadRequest,
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        if seconds > role.max_session_seconds {
            return Err(ServiceError::new(
                Reason::BadRequest,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let principal = Principal::role_session(role, session);
        let (arn, user_id) = (principal.arn.clone(), principal.user_id.clone());
        let key = self
            .keys
            .issue(principal, self.clock.now(), Duration::from_secs(seconds));
        Ok(envelope("AssumeRole", call.request_id, |x| {
            let x =
                credentials(x, &key).element("AssumedRoleUser", |x| x.text("AssumedRoleId", user_id).text("Arn", arn));
            let x = match policy {
                Some(policy) => x.text("PackedPolicySize", packed_percent(policy).to_string()),
                None => x,
            };
            match form.value("SourceIdentity") {
                Some(identity) => x.text("SourceIdentity", identity),
                None => x,
            }
        }))
    }
}

fn trusted_role(arn: &str, caller: &str, external_id: Option<&str>) -> Option<&'static FakeRole> {
    const { &ROLES }.iter().find(|role| {
        role.arn == arn
            && role.trusted_principal == caller
            // A trust policy without the condition takes any External ID.
            && role.external_id.is_none_or(|expected| external_id == Some(expected))
    })
}

/// A required text parameter with a length and, where `pattern` is not empty, an alphabet.
fn text<'a>(
    form: &'a Form,
    name: &str,
    parameter: &str,
    min: usize,
    max: usize,
    is_allowed: impl Fn(char) -> bool,
    pattern: &str,
) -> Result<&'a str, ServiceError> {
    let value = form
        .value(name)
        .ok_or_else(|| constraint(None, parameter, "not be null"))?;
    let length = value.chars().count();
    if length < min {
        let rule = format!("have length greater than or equal to {min}");
        return Err(constraint(Some(value), parameter, &rule));
    }
    if length > max {
        let rule = format!("have length less than or equal to {max}");
        return Err(constraint(Some(value), parameter, &rule));
    }
    if !value.chars().all(is_allowed) {
        let rule = format!("satisfy regular expression pattern: {pattern}");
        return Err(constraint(Some(value), parameter, &rule));
    }
    Ok(value)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn is_external_id(c: char) -> bool {
    is_name(c) || ":/".contains(c)
}

fn check_policy(policy: &str) -> Result<(), ServiceError> {
    if policy.chars().count() > MAX_POLICY_LENGTH {
        let rule = format!("have length less than or equal to {MAX_POLICY_LENGTH}");
        return Err(constraint(Some("(policy)"), "policy", &rule));
    }
    match serde_json::from_str::<serde_json::Value>(policy) {
        Ok(value) if value.get("Statement").is_some() => Ok(()),
        _ => Err(ServiceError::of_operation(
            "MalformedPolicyDocument",
            http::StatusCode::BAD_REQUEST,
            "The policy is not in the valid JSON format.",
        )),
    }
}

/// AWS packs policies in a way it does not publish: this is only of the right kind.
fn packed_percent(policy: &str) -> usize {
    (policy.len() * 100).div_ceil(MAX_POLICY_LENGTH)
}
