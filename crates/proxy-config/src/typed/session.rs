//! The options of a role's session: `[connections.NAME.auth]`, from `session_name` on.

use std::collections::BTreeMap;

use auth_model::{
    AssetOrigin, AssumeRoleOptions, InvalidSessionTags, Mfa, PolicyArn, PolicyArns, RoleSessionName, SessionDuration,
    SessionNameTemplate, SessionPolicy, SessionTags, TagKey, TagValue,
};

use super::permissions::SAME_AS_ALLOW;
use crate::keys::RawAuth;
use crate::table::Table;

/// Four bytes for each character that a session policy may have: what is longer is none.
const MAX_POLICY_BYTES: u64 = 4 * 2_048;

/// The options; what was noted as a problem is left out.
pub(super) fn options(table: &Table<'_>, raw: &RawAuth, connection: &str) -> AssumeRoleOptions {
    let duration = raw.session_duration.as_deref().map(|text| {
        let duration = table.duration("session_duration", text);
        SessionDuration::parse(duration).ok()
    });
    AssumeRoleOptions {
        session_name: session_name(table, raw, connection),
        duration: duration.flatten(),
        policy: policy(table, raw),
        policy_arns: policy_arns(table, raw),
        tags: tags(table, raw),
        source_identity: table.parse("source_identity", raw.source_identity.as_deref()),
        mfa: mfa(table, raw),
    }
}

/// The names of the options that are written.
pub(super) fn written(raw: &RawAuth) -> impl Iterator<Item = &'static str> {
    let options = [
        ("session_name", raw.session_name.is_some()),
        ("session_duration", raw.session_duration.is_some()),
        ("session_policy", raw.session_policy.is_some()),
        ("session_policy_arns", raw.session_policy_arns.is_some()),
        ("session_tags", !raw.session_tags.is_empty()),
        ("transitive_tag_keys", raw.transitive_tag_keys.is_some()),
        ("source_identity", raw.source_identity.is_some()),
        ("mfa_serial", raw.mfa_serial.is_some()),
        ("mfa_token", raw.mfa_token.is_some()),
    ];
    options
        .into_iter()
        .filter(|(_, is_written)| *is_written)
        .map(|(name, _)| name)
}

fn session_name(table: &Table<'_>, raw: &RawAuth, connection: &str) -> Option<RoleSessionName> {
    let template: SessionNameTemplate = table.parse("session_name", raw.session_name.as_deref())?;
    let host = if template.names_host() {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    } else {
        String::new()
    };
    Some(template.render(connection, &host))
}

/// The policy as it is written, or from the file that `file:PATH` names. That of `allow` is added where that is read.
fn policy(table: &Table<'_>, raw: &RawAuth) -> Option<SessionPolicy> {
    let name = "session_policy";
    let text = raw.session_policy.as_deref().filter(|text| *text != SAME_AS_ALLOW)?;
    let policy: SessionPolicy = match text.strip_prefix("file:") {
        None => table.parse(name, Some(text))?,
        Some(path) => {
            let text = table.file_text(name, path, MAX_POLICY_BYTES)?;
            table.parse(name, Some(&text))?
        }
    };
    if serde_json::from_str::<serde::de::IgnoredAny>(policy.as_str()).is_err() {
        table.reject(name, "must be JSON: an IAM policy document");
        return None;
    }
    Some(policy)
}

fn policy_arns(table: &Table<'_>, raw: &RawAuth) -> PolicyArns {
    let name = "session_policy_arns";
    let texts = raw.session_policy_arns.iter().flatten();
    let arns = texts.map(|text| table.parse::<PolicyArn>(name, Some(text)));
    let Some(arns) = arns.collect::<Option<Vec<_>>>() else {
        return PolicyArns::default();
    };
    PolicyArns::new(arns).unwrap_or_else(|error| {
        table.reject(name, error.to_string());
        PolicyArns::default()
    })
}

fn tags(table: &Table<'_>, raw: &RawAuth) -> SessionTags {
    let tags: Option<BTreeMap<_, _>> = raw
        .session_tags
        .iter()
        .map(|(key, value)| tag(table, key, value))
        .collect();
    let keys = raw.transitive_tag_keys.iter().flatten();
    let transitive: Option<Vec<TagKey>> = keys.map(|key| table.parse("transitive_tag_keys", Some(key))).collect();
    let (Some(tags), Some(transitive)) = (tags, transitive) else {
        return SessionTags::default();
    };
    SessionTags::new(tags, transitive).unwrap_or_else(|error| {
        let name = match error {
            InvalidSessionTags::NotATag => "transitive_tag_keys",
            InvalidSessionTags::TooMany | InvalidSessionTags::Repeated => "session_tags",
        };
        table.reject(name, error.to_string());
        SessionTags::default()
    })
}

fn tag(table: &Table<'_>, key: &str, value: &str) -> Option<(TagKey, TagValue)> {
    let path = table.key("session_tags").entry(key);
    let note = |message: String| table.report.reject(&path, message);
    let key = TagKey::parse(key).map_err(|error| note(error.to_string()));
    let value = TagValue::parse(value).map_err(|error| note(error.to_string()));
    Some((key.ok()?, value.ok()?))
}

/// The device and where its codes come from: both or neither.
fn mfa(table: &Table<'_>, raw: &RawAuth) -> Option<Mfa> {
    let why = "a device and the code that it shows belong together";
    match (&raw.mfa_serial, &raw.mfa_token) {
        (None, None) => return None,
        (None, Some(_)) => table.missing("mfa_serial", why),
        (Some(_), None) => table.missing("mfa_token", why),
        (Some(_), Some(_)) => {}
    }
    let serial = table.parse("mfa_serial", raw.mfa_serial.as_deref());
    let code = table.asset_with_origin("mfa_token", raw.mfa_token);
    if let Some((_, Some(AssetOrigin::Process))) = code {
        let message = "must come from where it changes, such as file:PATH or exec:PROGRAM: AWS takes each code once";
        table.reject("mfa_token", message);
    }
    Some(Mfa {
        serial: serial?,
        code: code?.0,
    })
}
