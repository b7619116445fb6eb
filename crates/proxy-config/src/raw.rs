//! What the operator wrote, read but not yet understood: the raw side of "raw, then typed".
//!
//! Numbers, lists and switches are what they are; everything else is text until it is checked. Keys with a
//! default are always there, since the defaults were filled in before.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// That a secret was written. Its text is kept apart, see [`Table::secret`](super::table::Table::secret).
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "IgnoredAny")]
pub(super) struct Written;

impl From<IgnoredAny> for Written {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) server: RawServer,
    pub(super) process: RawProcess,
    pub(super) log: RawLog,
    pub(super) sts: RawSts,
    pub(super) assets: RawAssets,
    pub(super) upstream: RawUpstream,
    pub(super) retry: RawRetry,
    pub(super) defaults: RawDefaults,
    #[serde(default)]
    pub(super) identities: BTreeMap<String, RawIdentity>,
    #[serde(default)]
    pub(super) connections: BTreeMap<String, RawConnection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServer {
    pub(super) listen: String,
    pub(super) admin: String,
    pub(super) allow_unauthenticated_clients: bool,
    pub(super) gateway_hosts: Vec<String>,
    pub(super) header_timeout: String,
    pub(super) idle_timeout: String,
    pub(super) write_timeout: String,
    pub(super) shutdown_delay: String,
    pub(super) shutdown_deadline: String,
    pub(super) max_header_bytes: String,
    pub(super) http2_max_header_bytes: String,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) max_clients: usize,
    pub(super) reserve_percent: u8,
    pub(super) body_memory: String,
    pub(super) request_memory: String,
    pub(super) spool_dir: Option<String>,
    pub(super) spool_max: String,
    pub(super) list_connections: bool,
    pub(super) watch: bool,
    pub(super) browsers: RawBrowsers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBrowsers {
    pub(super) mode: String,
    pub(super) origins: Vec<String>,
    pub(super) user_agents: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProcess {
    pub(super) landlock: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) format: String,
    pub(super) level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSts {
    pub(super) endpoint: Option<String>,
    pub(super) allow_cleartext: bool,
    pub(super) use_fips: bool,
    pub(super) connect_timeout: String,
    pub(super) operation_timeout: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAssets {
    pub(super) exec: RawExec,
    pub(super) vault: RawVault,
    pub(super) secretsmanager: RawStore,
    pub(super) ssm: RawStore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) connection: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) allow_cleartext: bool,
    pub(super) timeout: String,
    pub(super) cache: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExec {
    pub(super) timeout: String,
    pub(super) cache: String,
    pub(super) environment: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVault {
    pub(super) address: Option<String>,
    pub(super) allow_cleartext: bool,
    pub(super) namespace: Option<String>,
    pub(super) ca_file: Option<String>,
    pub(super) timeout: String,
    pub(super) cache: String,
    pub(super) auth: Option<RawVaultAuth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVaultAuth {
    pub(super) method: Option<String>,
    pub(super) token: Option<Written>,
    pub(super) role_id: Option<Written>,
    pub(super) secret_id: Option<Written>,
    pub(super) role: Option<String>,
    pub(super) jwt_file: Option<String>,
    pub(super) mount: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUpstream {
    pub(super) ca_file: Option<String>,
    pub(super) https_proxy: Option<Written>,
    pub(super) http_proxy: Option<Written>,
    pub(super) no_proxy: Option<String>,
    pub(super) allow_addresses: Vec<String>,
    pub(super) pool_idle_timeout: String,
    pub(super) pool_idle_per_host: usize,
}

/// Only the bounds are checked here: the values reach the connections as their defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDefaults {
    pub(super) limits: RawLimits,
    pub(super) timeouts: RawTimeouts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) memory_body: String,
    pub(super) max_body: String,
    pub(super) min_upload_rate: String,
    pub(super) min_download_rate: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pub(super) connect: String,
    pub(super) response: String,
    pub(super) body_idle: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    pub(super) max_attempts: u8,
    pub(super) budget_percent: u8,
    pub(super) on_status: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    pub(super) organisation: Option<String>,
    pub(super) access_key_id: Option<Written>,
    pub(super) secret_access_key: Option<Written>,
    pub(super) session_token: Option<Written>,
    pub(super) credentials: Option<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub(super) struct RawConnection {
    pub(super) service: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) sts_endpoint: Option<String>,
    pub(super) allow_cleartext: bool,
    pub(super) hosts: Vec<String>,
    pub(super) expected_bucket_owner: Option<String>,
    pub(super) listen: String,
    pub(super) signing_name: Option<String>,
    pub(super) bucket_addressing: String,
    pub(super) use_fips: bool,
    pub(super) use_dualstack: bool,
    pub(super) payload: String,
    pub(super) checksum: String,
    pub(super) chunk_size: String,
    pub(super) multipart: bool,
    pub(super) part_size: String,
    pub(super) presigned: String,
    pub(super) pass_fields: Vec<String>,
    pub(super) account: Option<String>,
    pub(super) allow: Option<String>,
    pub(super) allow_mode: String,
    pub(super) record: Option<String>,
    pub(super) vend_credentials: Vec<String>,
    pub(super) limits: RawLimits,
    pub(super) timeouts: RawTimeouts,
    pub(super) retry: RawRetry,
    pub(super) auth: Option<RawAuth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuth {
    pub(super) method: Option<String>,
    pub(super) source: Option<String>,
    pub(super) require_ec2: Option<bool>,
    pub(super) access_key_id: Option<Written>,
    pub(super) secret_access_key: Option<Written>,
    pub(super) session_token: Option<Written>,
    pub(super) credentials: Option<Written>,
    pub(super) role: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) identity: Option<String>,
    pub(super) role_arn: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) session_duration: Option<String>,
    pub(super) session_policy: Option<String>,
    pub(super) session_policy_arns: Option<Vec<String>>,
    #[serde(default)]
    pub(super) session_tags: BTreeMap<String, String>,
    pub(super) transitive_tag_keys: Option<Vec<String>>,
    pub(super) source_identity: Option<String>,
    pub(super) mfa_serial: Option<String>,
    pub(super) mfa_token: Option<Written>,
    pub(super) profile: Option<String>,
}
