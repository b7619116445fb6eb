//! `[connections.NAME.auth]` of method `access-key-assume-role`: what assumes which roles, and where.

use auth_model::{AuthMethod, BaseKeys, ContradictoryAuth, RoleChain, RoleReference, RunsOn};

use super::auth::{WrittenKeys, own_keys, profile};
use super::session::{options, written};
use crate::keys::RawAuth;
use crate::table::Table;

/// The method; `None` where a problem was noted.
pub(super) fn assume_role(table: &Table<'_>, raw: &RawAuth, connection: &str) -> Option<AuthMethod> {
    let base = base(table, raw);
    let roles = roles(table, raw);
    let options = options(table, raw, connection);
    let method = AuthMethod::AccessKeyAssumeRole {
        base: base?,
        roles: roles?,
        runs_on: match raw.require_ec2 {
            Some(true) => RunsOn::InstanceOfRole,
            Some(false) | None => RunsOn::Anywhere,
        },
        options,
    };
    if let Err(contradiction) = method.check() {
        let name = match contradiction {
            ContradictoryAuth::ChainedDuration => "session_duration",
            ContradictoryAuth::ProfileOnInstance => "profile",
            ContradictoryAuth::OptionsOfInstance => written(raw).next().unwrap_or("session_name"),
        };
        table.reject(name, contradiction.to_string());
        return None;
    }
    Some(method)
}

fn base(table: &Table<'_>, raw: &RawAuth) -> Option<BaseKeys> {
    match raw.source.as_deref() {
        None | Some("keys") => {
            if raw.profile.is_some() {
                table.reject("profile", r#"belongs to source = "default-chain" only"#);
            }
            own_keys(table, raw).map(BaseKeys::Assets)
        }
        Some("default-chain") => {
            for name in WrittenKeys::of(raw).names() {
                table.reject(
                    name,
                    r#"has no effect beside source = "default-chain": remove one of them"#,
                );
            }
            Some(BaseKeys::DefaultChain {
                profile: profile(table, raw)?,
            })
        }
        Some(other) => {
            table.reject_choice("source", other, ["keys", "default-chain"].into_iter());
            None
        }
    }
}

fn roles(table: &Table<'_>, raw: &RawAuth) -> Option<RoleChain> {
    let Some(texts) = &raw.roles else {
        let why = r#"method "access-key-assume-role" needs it"#;
        let role: RoleReference = table.required("role", raw.role.as_deref(), why)?;
        return Some(RoleChain::from(role));
    };
    if raw.role.is_some() {
        table.reject("roles", "has no effect beside role: remove one of them");
        return None;
    }
    let roles: Option<Vec<RoleReference>> = texts.iter().map(|text| table.parse("roles", Some(text))).collect();
    RoleChain::new(roles?)
        .map_err(|error| table.reject("roles", error.to_string()))
        .ok()
}
