//! `config check --resolve`: reads every credential asset, as `serve` would for its first request.

use std::sync::Arc;

use auth_model::{AssetReference, Clock, KeyAssets, SystemClock};
use credential_assets::{AssetError, Assets};
use proxy_config::{Config, KeyPlace, SECRET_LENGTH, of_length};

use super::output::Failure;
use crate::app::sources::Sources;
use crate::check::remedy;
use crate::log::Chain;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// How many assets.
    pub(super) read: usize,
    /// What is worth a second look.
    pub(super) warnings: Vec<String>,
    problems: Vec<String>,
}

/// Reads all assets but one-time codes, which would be used up by it, and the keys that a vault makes, which would be made.
///
/// # Errors
///
/// [`Failure::Assets`] with every one that cannot be read.
pub(super) async fn resolve(config: &Config) -> Result<Resolved, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sources = Sources::new(config, &clock, None, None).await;
    let sources = sources.map_err(|error| Failure::Assets(vec![Chain(&error).to_string()]))?;
    let assets = sources.assets();
    let mut resolved = Resolved::default();
    for (path, asset) in config.vault_assets() {
        resolved.one(assets, &path, asset).await;
    }
    for place in config.key_places() {
        resolved.keys(assets, &place).await;
    }
    if resolved.problems.is_empty() {
        Ok(resolved)
    } else {
        Err(Failure::Assets(resolved.problems))
    }
}

impl Resolved {
    async fn keys(&mut self, assets: &Assets, place: &KeyPlace<'_>) {
        let KeyAssets::Parts(parts) = place.keys else {
            self.warnings.push(format!(
                "{}.credentials: is not read, since a vault would make a key for it",
                place.path
            ));
            return;
        };
        let named = [
            ("access_key_id", Some(&parts.access_key_id)),
            ("secret_access_key", Some(&parts.secret_access_key)),
            ("session_token", parts.session_token.as_ref()),
        ];
        let mut are_read = true;
        for (name, asset) in named.into_iter().filter_map(|(name, asset)| Some((name, asset?))) {
            are_read &= self.one(assets, &format!("{}.{name}", place.path), asset).await;
        }
        if !are_read {
            return;
        }
        // Read once more as one: what each part is used for decides what it may look like.
        match assets.keys(place.keys).await {
            Err(error) => self.problem(&place.path, &error),
            Ok(keys) => {
                let length = keys.secret_access_key.expose().chars().count();
                let is_literal = matches!(parts.secret_access_key, AssetReference::Literal(_));
                if place.is_for_aws && length != SECRET_LENGTH && !is_literal {
                    self.warnings.push(of_length(&place.path, length));
                }
            }
        }
    }

    /// Whether it can be read.
    async fn one(&mut self, assets: &Assets, path: &str, asset: &AssetReference) -> bool {
        if matches!(asset, AssetReference::Literal(_)) {
            return true;
        }
        match assets.read(asset).await {
            Ok(_) => {
                self.read += 1;
                // `serve` logs it; here nothing is logged.
                if let Some(warning) = assets.warning(asset) {
                    let asset = assets.shown(asset);
                    self.warnings.push(format!("{path}: {asset}: {warning}"));
                }
            }
            Err(error) => {
                self.problem(path, &error);
                return false;
            }
        }
        true
    }

    fn problem(&mut self, path: &str, error: &AssetError) {
        self.problems
            .push(format!("{path}: {}: {}", Chain(error), remedy(error)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_config::Environment;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    async fn of(more: &str) -> Result<Resolved, Failure> {
        let toml = format!(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"access-key\"\n\
             access_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n{more}"
        );
        resolve(&Config::from_toml(&toml, &Environment::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn what_is_there_is_read_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        std::fs::write(&path, format!(r#"{{"secret":"{SECRET}"}}"#)).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let resolved = of(&format!("secret_access_key = \"file:{}#/secret\"", path.display()))
            .await
            .unwrap();
        assert_eq!((resolved.read, resolved.warnings.len()), (1, 0));
        // A secret that is not as long as AWS's.
        std::fs::write(&path, r#"{"secret":"short"}"#).unwrap();
        let resolved = of(&format!("secret_access_key = \"file:{}#/secret\"", path.display()))
            .await
            .unwrap();
        assert!(
            resolved.warnings[0].contains("has 5 characters"),
            "{:?}",
            resolved.warnings
        );
    }

    /// As `serve` warns.
    #[tokio::test]
    async fn a_file_that_every_user_may_read_is_warned_about() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, SECRET).unwrap();
        let reference = format!("file:{}", path.display());
        let line = format!("secret_access_key = \"{reference}\"");
        for (mode, want) in [
            (0o600, None),
            (
                0o644,
                Some(format!(
                    "connections.a.auth.secret_access_key: {reference}: this file is readable by every user of the machine"
                )),
            ),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let resolved = of(&line).await.unwrap();
            assert_eq!(resolved.warnings, Vec::from_iter(want), "{mode:o}");
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_named_with_its_key_and_a_remedy() {
        for (reference, want) in [
            ("env:NO_SUCH_VARIABLE_OF_THE_TEST", "set the variable"),
            ("file:/nonexistent/key", "create the file"),
            ("exec:/nonexistent/program", "the program"),
        ] {
            let Err(Failure::Assets(problems)) = of(&format!("secret_access_key = \"{reference}\"")).await else {
                panic!("{reference}");
            };
            assert_eq!(problems.len(), 1);
            assert!(
                problems[0].starts_with("connections.a.auth.secret_access_key: ") && problems[0].contains(want),
                "{problems:?}"
            );
        }
    }
}
