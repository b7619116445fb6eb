//! `[connections.NAME.auth]`: the method, and the keys that belong to it.

use std::collections::BTreeMap;

use auth_model::{
    AccessKeyId, AssetReference, AuthMethod, IdentityName, KeyAssets, KeyParts, ManagedIdentity, RoleArn, Secret,
    SecretAccessKey, SessionToken,
};

use super::assume_role;
use super::session::options;
use crate::keys::{ACCESS_KEY, ASSUME_ROLE, MANAGED, METHODS};
use crate::keys::{RawAuth, Written};
use crate::suggest::nearest;
use crate::table::Table;

/// The identities there are, and the names of those that were written.
pub(super) struct Identities<'a> {
    pub(super) read: &'a BTreeMap<IdentityName, ManagedIdentity>,
    pub(super) written: &'a [&'a str],
}

/// The auth method; `None` where a problem was noted.
pub(super) fn auth(
    table: &Table<'_>,
    raw: &RawAuth,
    identities: &Identities<'_>,
    connection: &str,
) -> Option<AuthMethod> {
    let Some(name) = raw.method.as_deref() else {
        table.missing("method", "it selects where the credentials come from");
        return None;
    };
    if !METHODS.contains(&name) {
        table.reject_choice("method", name, METHODS.iter().copied());
        return None;
    }
    table.reject_keys_of_other_methods(name);
    match name {
        ACCESS_KEY => Some(AuthMethod::AccessKey {
            keys: own_keys(table, raw)?,
        }),
        ASSUME_ROLE => assume_role::assume_role(table, raw, connection),
        MANAGED => managed(table, raw, identities, connection),
        _ => Some(AuthMethod::DefaultChain {
            profile: profile(table, raw)?,
        }),
    }
}

fn managed(table: &Table<'_>, raw: &RawAuth, identities: &Identities<'_>, connection: &str) -> Option<AuthMethod> {
    let why = r#"method "managed-cross-account" needs it"#;
    let identity = raw.identity.as_deref();
    if identity.is_none() {
        table.missing("identity", why);
    }
    if let Some(name) = identity.filter(|name| !identities.written.contains(name)) {
        let meant = nearest(name, identities.written.iter().copied());
        table.reject("identity", no_identity(meant, identities.written));
    }
    let role_arn: Option<RoleArn> = table.required("role_arn", raw.role_arn.as_deref(), why);
    // Without it, whoever learns a customer's role ARN could have the proxy act on that customer's account.
    let why = "it prevents one customer's role from being used for another (the confused deputy)";
    let external_id = table.required("external_id", raw.external_id.as_deref(), why);
    let options = options(table, raw, connection);
    let known = identities.read.iter().find(|(name, _)| Some(name.as_str()) == identity);
    Some(AuthMethod::ManagedCrossAccount {
        identity: known?.1.clone(),
        role_arn: role_arn?,
        external_id: external_id?,
        options,
    })
}

fn no_identity(meant: Option<&str>, written: &[&str]) -> String {
    let hint = match (meant, written) {
        (Some(meant), _) => format!("did you mean {meant}?"),
        (None, []) => "there are none: add [identities.NAME]".to_owned(),
        (None, written) => format!("there are {}", written.join(", ")),
    };
    format!("must be the name of one of the [identities.NAME]; {hint}")
}

/// What is written of a key.
pub(super) struct WrittenKeys {
    pub(super) access_key_id: Option<Written>,
    pub(super) secret_access_key: Option<Written>,
    pub(super) session_token: Option<Written>,
    /// All of it as one.
    pub(super) credentials: Option<Written>,
}

impl WrittenKeys {
    pub(super) fn of(raw: &RawAuth) -> WrittenKeys {
        WrittenKeys {
            access_key_id: raw.access_key_id,
            secret_access_key: raw.secret_access_key,
            session_token: raw.session_token,
            credentials: raw.credentials,
        }
    }

    /// The names of the parts that are written.
    fn parts(&self) -> impl Iterator<Item = &'static str> {
        let parts = [
            ("access_key_id", self.access_key_id),
            ("secret_access_key", self.secret_access_key),
            ("session_token", self.session_token),
        ];
        parts
            .into_iter()
            .filter(|(_, part)| part.is_some())
            .map(|(name, _)| name)
    }

    /// The names of all that is written.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.parts().chain(self.credentials.map(|_| "credentials"))
    }
}

/// The keys of this table; `None` where a problem was noted.
pub(super) fn keys(table: &Table<'_>, written: &WrittenKeys) -> Option<KeyAssets> {
    if let Some(credentials) = written.credentials {
        for name in written.parts() {
            table.reject(name, "has no effect beside credentials: remove one of them");
        }
        return table.leased_key("credentials", credentials).map(KeyAssets::Leased);
    }
    let WrittenKeys {
        access_key_id,
        secret_access_key,
        session_token,
        credentials: _,
    } = *written;
    for (name, value) in [
        ("access_key_id", access_key_id),
        ("secret_access_key", secret_access_key),
    ] {
        if value.is_none() {
            table.missing(name, "an access key has an id and a secret");
        }
    }
    let id = asset(table, "access_key_id", access_key_id, |secret| {
        AccessKeyId::parse(secret.expose()).map_err(|error| error.to_string())
    });
    let secret = asset(table, "secret_access_key", secret_access_key, |secret| {
        SecretAccessKey::parse(secret.clone()).map_err(|error| error.to_string())
    });
    let token = asset(table, "session_token", session_token, |secret| {
        SessionToken::parse(secret.clone()).map_err(|error| error.to_string())
    });
    if session_token.is_some() && token.is_none() {
        return None;
    }
    Some(KeyAssets::Parts(KeyParts {
        access_key_id: id?,
        secret_access_key: secret?,
        session_token: token,
    }))
}

/// A reference; what is written in full is checked now, the rest when it is read.
fn asset<T>(
    table: &Table<'_>,
    name: &str,
    text: Option<Written>,
    check: impl FnOnce(&Secret) -> Result<T, String>,
) -> Option<AssetReference> {
    let reference = table.asset(name, text)?;
    if let AssetReference::Literal(secret) = &reference
        && let Err(message) = check(secret)
    {
        table.reject(name, message);
        return None;
    }
    Some(reference)
}

pub(super) fn own_keys(table: &Table<'_>, raw: &RawAuth) -> Option<KeyAssets> {
    keys(table, &WrittenKeys::of(raw))
}

/// `Some(None)` where none is configured.
#[expect(
    clippy::option_option,
    reason = "no profile and a wrong profile are different results"
)]
pub(super) fn profile(table: &Table<'_>, raw: &RawAuth) -> Option<Option<String>> {
    let Some(profile) = raw.profile.as_deref() else {
        return Some(None);
    };
    if profile.is_empty() || profile.chars().any(char::is_control) {
        table.reject(
            "profile",
            "must be the name of a profile of the AWS configuration files",
        );
        return None;
    }
    Some(Some(profile.to_owned()))
}
