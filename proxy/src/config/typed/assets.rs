//! `[assets]`: how secrets that are kept elsewhere are read.

use credential_assets::CommandSettings;

use crate::config::AssetsConfig;
use crate::config::raw::RawAssets;
use crate::config::table::Table;

pub(super) fn assets(table: &Table<'_>, raw: &RawAssets) -> AssetsConfig {
    let exec = table.table("exec");
    AssetsConfig {
        exec: CommandSettings {
            timeout: exec.duration("timeout", &raw.exec.timeout),
            cache: exec.duration("cache", &raw.exec.cache),
        },
    }
}
