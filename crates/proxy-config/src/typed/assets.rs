//! `[assets]`: how secrets that are stored elsewhere are read.

use std::collections::BTreeMap;
use std::fs::File;

use auth_model::{AssetOrigin, AssetReference, ConnectionName, VaultLogin};

use super::{cleartext, stores};
use crate::keys::VAULT_METHODS;
use crate::keys::{RawAssets, RawVault, RawVaultAuth, Written};
use crate::table::Table;
use crate::{AssetsConfig, ConnectionConfig, ExecConfig, VaultConfig};

/// Where Kubernetes puts the service account's token of a pod.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

pub(super) fn assets(
    table: &Table<'_>,
    raw: &RawAssets,
    connections: &BTreeMap<ConnectionName, ConnectionConfig>,
) -> AssetsConfig {
    let exec = table.table("exec");
    AssetsConfig {
        exec: ExecConfig {
            timeout: exec.duration("timeout", &raw.exec.timeout),
            cache: exec.duration("cache", &raw.exec.cache),
            environment: environment(&exec, &raw.exec.environment),
        },
        vault: vault(&table.table("vault"), &raw.vault),
        stores: stores::stores(table, raw, connections),
    }
}

/// Names of variables, which are no pairs.
fn environment(table: &Table<'_>, names: &[String]) -> Vec<String> {
    let is_name = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
    if !names.iter().all(is_name) {
        table.reject(
            "environment",
            r#"must be names of variables, without values, such as "AWS_PROFILE""#,
        );
    }
    names.to_vec()
}

/// The vault; `None` where there is none or a problem was noted.
fn vault(table: &Table<'_>, raw: &RawVault) -> Option<VaultConfig> {
    let timeout = table.duration("timeout", &raw.timeout);
    let cache = table.duration("cache", &raw.cache);
    let ca_file = table.path("ca_file", raw.ca_file.as_deref());
    if let Some(path) = &ca_file {
        table.report.depends_on(path);
        if let Err(error) = File::open(path) {
            table.reject("ca_file", format!("cannot be read: {error}"));
        }
    }
    let is_visible = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if raw.namespace.as_ref().is_some_and(|text| !is_visible(text)) {
        table.reject("namespace", r#"must be visible ASCII, such as "team/a""#);
    }
    let raw_auth = raw.auth.as_ref();
    let is_wanted =
        raw.namespace.is_some() || raw.ca_file.is_some() || raw_auth.is_some_and(|auth| auth.method.is_some());
    if raw.address.is_none() && is_wanted {
        table.missing("address", "it names the vault");
    }
    let address = cleartext::endpoint(table, "address", raw.address.as_deref(), raw.allow_cleartext)?;
    if raw_auth.is_none() {
        table.missing("auth.method", "it selects how to log in to the vault");
    }
    let auth = auth(&table.table("auth"), raw_auth?);
    Some(VaultConfig {
        address,
        namespace: raw.namespace.clone(),
        ca_file,
        timeout,
        cache,
        auth: auth?,
    })
}

fn auth(table: &Table<'_>, raw: &RawVaultAuth) -> Option<VaultLogin> {
    let Some(method) = raw.method.as_deref() else {
        table.missing("method", "it selects how to log in to the vault");
        return None;
    };
    if !VAULT_METHODS.contains(&method) {
        table.reject_choice("method", method, VAULT_METHODS.iter().copied());
        return None;
    }
    table.reject_keys_of_other_methods(method);
    let why = format!(r#"method "{method}" needs it"#);
    match method {
        "token" => Some(VaultLogin::Token {
            token: required_asset(table, "token", raw.token, &why)?,
        }),
        "approle" => {
            let mount = mount(table, raw, method);
            let role_id = required_asset(table, "role_id", raw.role_id, &why);
            let secret_id = asset(table, "secret_id", raw.secret_id);
            if raw.secret_id.is_some() && secret_id.is_none() {
                return None;
            }
            Some(VaultLogin::AppRole {
                mount: mount?,
                role_id: role_id?,
                secret_id,
            })
        }
        _ => {
            let mount = mount(table, raw, method);
            let jwt_file = raw.jwt_file.as_deref().unwrap_or(SERVICE_ACCOUNT_TOKEN);
            let jwt_file = table.path("jwt_file", Some(jwt_file));
            let role = table.required("role", raw.role.as_deref(), &why);
            Some(VaultLogin::Kubernetes {
                mount: mount?,
                role: role?,
                jwt_file: jwt_file?,
            })
        }
    }
}

/// Where the method is mounted; below its own name where the key is not set.
fn mount(table: &Table<'_>, raw: &RawVaultAuth, method: &str) -> Option<String> {
    let mount = raw.mount.as_deref().unwrap_or(method);
    let is_segment = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    if mount.split('/').all(is_segment) {
        return Some(mount.to_owned());
    }
    table.reject("mount", r#"must be a path below auth/, such as "approle""#);
    None
}

fn required_asset(table: &Table<'_>, name: &str, text: Option<Written>, why: &str) -> Option<AssetReference> {
    if text.is_none() {
        table.missing(name, why);
    }
    asset(table, name, text)
}

/// A reference that this machine resolves by itself.
fn asset(table: &Table<'_>, name: &str, text: Option<Written>) -> Option<AssetReference> {
    let (reference, origin) = table.asset_with_origin(name, text)?;
    let message = match origin {
        Some(AssetOrigin::Server(_)) => "cannot be stored in the vault itself: it is needed to log in",
        Some(AssetOrigin::AwsStore { .. }) => {
            "cannot be stored in an AWS secret store: the store's credentials may come from the vault"
        }
        Some(AssetOrigin::Process | AssetOrigin::File(_) | AssetOrigin::Program(_)) | None => return Some(reference),
    };
    table.reject(name, message);
    None
}
