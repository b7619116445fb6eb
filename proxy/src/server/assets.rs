//! From `[assets]` to what reads credential assets.

use credential_assets::{Assets, ProcessEnvironment, VaultSettings};

use super::StartError;
use crate::config::{AssetsConfig, VaultConfig};

/// Reads what the connections' references lead to. Asks for nothing yet but the vault's CA file.
pub(crate) async fn assets(config: &AssetsConfig) -> Result<Assets, StartError> {
    let assets = Assets::new(ProcessEnvironment).with_commands(config.exec);
    match &config.vault {
        Some(vault) => Ok(assets.with_vault(settings(vault).await?)?),
        None => Ok(assets),
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
