//! From `[assets]` to what reads credential assets.

use std::sync::Arc;

use credential_assets::{Assets, CallObserver, CommandSettings, ProcessEnvironment, VaultSettings};
use proxy_config::{AssetsConfig, ExecConfig, VaultConfig};

use super::StartError;

/// `[assets]` with the content of the files that it names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AssetsSettings {
    commands: CommandSettings,
    vault: Option<VaultSettings>,
}

impl AssetsSettings {
    /// Reads the vault's CA file.
    ///
    /// # Errors
    ///
    /// [`StartError::VaultCaFile`] where that cannot be read.
    pub(crate) async fn read(config: &AssetsConfig) -> Result<Self, StartError> {
        let vault = match &config.vault {
            Some(vault) => Some(settings(vault).await?),
            None => None,
        };
        Ok(Self {
            commands: commands(&config.exec),
            vault,
        })
    }

    /// Reads what the connections' references lead to. Requests nothing yet. The observer is given
    /// each exchange.
    ///
    /// # Errors
    ///
    /// [`StartError::Vault`] where the vault's settings cannot be used.
    pub(crate) fn assets(&self, observer: Option<Arc<dyn CallObserver>>) -> Result<Assets, StartError> {
        let assets = Assets::new(ProcessEnvironment)
            .with_schemes(sts_client::aws_schemes())
            .with_observer(observer)
            .with_commands(self.commands.clone());
        match &self.vault {
            Some(vault) => Ok(assets.with_vault(vault.clone())?),
            None => Ok(assets),
        }
    }
}

fn commands(config: &ExecConfig) -> CommandSettings {
    CommandSettings {
        timeout: config.timeout,
        cache: config.cache,
        environment: config.environment.clone(),
    }
}

async fn settings(vault: &VaultConfig) -> Result<VaultSettings, StartError> {
    let extra_roots_pem = match &vault.ca_file {
        Some(path) => tokio::fs::read(path).await.map_err(|source| StartError::VaultCaFile {
            path: path.clone(),
            source,
        })?,
        None => Vec::new(),
    };
    Ok(VaultSettings {
        // A host, a port and a scheme are a URI; where they are none the vault says so.
        address: vault.address.to_string().parse().unwrap_or_default(),
        namespace: vault.namespace.clone(),
        extra_roots_pem,
        timeout: vault.timeout,
        cache: vault.cache,
        auth: vault.auth.clone(),
    })
}
