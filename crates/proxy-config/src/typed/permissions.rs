//! `allow`, `allow_mode`, `record` and `account` of a connection, and `session_policy = "allow"`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth_model::{AccountId, AssumeRoleOptions, AuthMethod, RoleReference, SessionPolicy};
use policy_gen::vending::VendedActions;
use policy_gen::{AllowPolicy, Policy};

use crate::keys::RawConnection;
use crate::places::Need;
use crate::suggest::nearest;
use crate::table::Table;
use crate::{AllowMode, AllowRule, Permissions};

/// What `session_policy` has instead of a policy: the one of `allow`.
pub(super) const SAME_AS_ALLOW: &str = "allow";

/// No policy that IAM would take is a hundredth of this; a longer one would only slow every request down.
const MAX_POLICY_BYTES: u64 = 1024 * 1024;

/// The permissions. Of `auth`, the account of the role is taken where `account` is not written, and the session is
/// held to the policy where `session_policy` demands it.
pub(super) fn permissions(table: &Table<'_>, raw: &RawConnection, auth: Option<&mut AuthMethod>) -> Permissions {
    let mode = table.choice("allow_mode", &raw.allow_mode);
    // The default is no statement: `config show` writes it out.
    if raw.allow.is_none() && mode != AllowMode::default() && table.report.sources.wrote(&table.key("allow_mode")) {
        table.reject("allow_mode", "has no effect without allow: remove it, or add a policy");
    }
    let text = policy_text(table, raw);
    let rule = text.and_then(|text| match AllowPolicy::parse(&text) {
        Ok(policy) => Some(AllowRule { text, policy, mode }),
        Err(error) => {
            table.reject("allow", error.to_string());
            None
        }
    });
    let session_policy = raw.auth.as_ref().and_then(|auth| auth.session_policy.as_deref());
    let is_held = session_policy == Some(SAME_AS_ALLOW);
    if is_held && raw.allow.is_none() {
        let message = r#"is "allow", and the connection has no policy of that name: add allow, or write a policy here"#;
        table.table("auth").reject("session_policy", message);
    }
    let role_account = auth.as_deref().and_then(account_of_role);
    if let (true, Some(rule), Some(auth)) = (is_held, &rule, auth) {
        hold_session(table, &rule.text, auth);
    }
    Permissions {
        is_held_by_aws: is_held && rule.is_some(),
        vend_credentials: vended(table, &raw.vend_credentials),
        allow: rule.map(Arc::new),
        record: record(table, raw.record.as_deref()),
        account: table.parse("account", raw.account.as_deref()).or(role_account),
    }
}

/// Where the record is stored. The file need not be there, but `serve` could not begin one in a folder that is not.
fn record(table: &Table<'_>, text: Option<&str>) -> Option<PathBuf> {
    let path = table.place("record", text, Need::Replace)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if path.is_dir() || !folder.is_none_or(Path::is_dir) {
        table.reject(
            "record",
            "must be a file, which need not exist, in a folder that exists",
        );
    }
    Some(path)
}

/// The actions that may hand out credentials. Each must be known: a misspelt one would be found when a client needs it.
fn vended(table: &Table<'_>, names: &[String]) -> VendedActions {
    VendedActions::parse(names.iter().map(String::as_str)).unwrap_or_else(|error| {
        let meant = nearest(&error.0, VendedActions::known());
        let help = meant.map_or_else(
            || "docs/policies.md lists them".to_owned(),
            |meant| format!("did you mean {meant}?"),
        );
        table.reject("vend_credentials", format!("{error}; {help}"));
        VendedActions::default()
    })
}

/// The policy as it is written, or out of its file.
fn policy_text(table: &Table<'_>, raw: &RawConnection) -> Option<String> {
    let text = raw.allow.as_deref()?;
    if text.trim_start().starts_with('{') {
        return Some(text.to_owned());
    }
    let path = text.strip_prefix("file:").unwrap_or(text);
    table.file_text("allow", path, MAX_POLICY_BYTES)
}

/// Hands the policy to STS as well, in the few characters that it takes.
fn hold_session(table: &Table<'_>, policy: &str, auth: &mut AuthMethod) {
    let options: &mut AssumeRoleOptions = match auth {
        AuthMethod::AccessKeyAssumeRole { options, .. } | AuthMethod::ManagedCrossAccount { options, .. } => options,
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => return,
    };
    // It was read as one already.
    let Ok(policy) = Policy::parse(policy) else { return };
    let policy = policy.without_sids().to_json();
    options.policy = table
        .table("auth")
        .parse::<SessionPolicy>("session_policy", Some(&policy));
}

/// The account of the role that signs, where its ARN is known.
fn account_of_role(auth: &AuthMethod) -> Option<AccountId> {
    match auth {
        AuthMethod::AccessKeyAssumeRole { roles, .. } => match roles.rest().last().unwrap_or(roles.first()) {
            RoleReference::Arn(arn) => Some(arn.account().clone()),
            RoleReference::Name(_) => None,
        },
        AuthMethod::ManagedCrossAccount { role_arn, .. } => Some(role_arn.account().clone()),
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => None,
    }
}
