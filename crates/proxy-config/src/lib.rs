//! The configuration of the signing proxy, checked: what the rest of the program works with.
//!
//! What the operator wrote (defaults, a TOML file, `SIGNING_PROXY_*` variables, flags) is merged, compared with
//! the list of keys, read into raw types and then turned into the types below. All of it happens before the first
//! socket opens, and again for each reload. Every [`Problem`] names the key, where it was written and what is allowed;
//! none of them shows a value, since a secret may have been written to the wrong place. `docs/configuration.md` is the
//! reference.
//!
//! Nothing here opens a socket, waits, or knows what a request is.
//!
//! ```
//! use proxy_config::{Config, Environment};
//!
//! let toml = r#"
//!     [connections.reports]
//!     service = "s3"
//!     region = "eu-west-1"
//!     auth.method = "default-chain"
//! "#;
//! let config = Config::from_toml(toml, &Environment::empty())?;
//! assert_eq!(config.server.listen.map(|address| address.port()), Some(8080));
//!
//! let error = Config::from_toml(&toml.replace("region", "regoin"), &Environment::empty()).unwrap_err();
//! assert!(error.to_string().contains("did you mean region?"));
//! # Ok::<(), proxy_config::ConfigError>(())
//! ```

mod admin_address;
mod browsers;
mod chain_files;
mod check;
mod choice;
mod effective;
mod endpoint;
mod environment;
mod example;
mod file;
mod file_limits;
mod host_pattern;
mod key_path;
mod keys;
mod limits;
mod load;
mod log;
mod places;
mod problem;
mod proxy_url;
mod quantity;
mod reference;
mod report;
mod secret_text;
mod served_hosts;
mod service_defaults;
mod sources;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod typed;
mod variables;
mod warnings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AccountId, Connection, ConnectionName, IdentityName, ManagedIdentity, Region, Secret, VaultLogin};
use aws_endpoints::{AddressBlock, EndpointVariant};
use policy_gen::AllowPolicy;
use policy_gen::vending::VendedActions;

pub use admin_address::{AdminAddress, admin_address};
pub use browsers::{BrowserConfig, BrowserMode, InvalidWebOrigin, PassFields, UserAgents, WebOrigin};
pub use chain_files::{ChainFiles, FindChainFiles};
pub use effective::Effective;
pub use endpoint::{EndpointUrl, InvalidEndpointUrl, Scheme};
pub use environment::Environment;
pub use example::example;
pub use file_limits::{FileAccess, FileLimits, FilePlace};
pub use host_pattern::HostPattern;
pub use limits::{Limits, RetryConfig, Timeouts};
pub use load::{DEFAULT_FILE, FlagConnection, Loaded, Overrides, load, reload};
pub use log::{LogConfig, LogFormat, LogLevel};
pub use problem::{ConfigError, Problem};
pub use reference::{reference, tables};
pub use warnings::{KeyPlace, SECRET_LENGTH, of_length};

/// Everything that the proxy is configured with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Listeners and the limits of clients: `[server]`.
    pub server: ServerConfig,
    /// Who signs for what: `[connections.NAME]`. At least one.
    pub connections: BTreeMap<ConnectionName, ConnectionConfig>,
    /// The operator's users for customer organisations: `[identities.NAME]`.
    pub identities: BTreeMap<IdentityName, ManagedIdentity>,
    /// Where roles are assumed: `[sts]`.
    pub sts: StsConfig,
    /// How secrets that are stored elsewhere are read: `[assets]`.
    pub assets: AssetsConfig,
    /// How the proxy reaches what it signs for: `[upstream]`.
    pub upstream: UpstreamConfig,
    /// What the process denies itself: `[process]`.
    pub process: ProcessConfig,
    /// What is logged and how: `[log]`.
    pub log: LogConfig,
    /// What was noticed while it was read, each a line that names its key; part of [`warnings`](Self::warnings).
    pub notices: Vec<String>,
    /// Tells configurations apart: 48 bits of a hash of [`Effective`], so without the secrets.
    pub fingerprint: u64,
}

/// `[process]`: what the process denies itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProcessConfig {
    /// Whether it can open no files but those that it needs.
    pub landlock: bool,
}

/// `[server]`: listeners and what clients may take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerConfig {
    /// The shared listener; `None` when it is off.
    pub listen: Option<SocketAddr>,
    /// The listener of `/livez`, `/readyz` and `/metrics`; `None` when it is off.
    pub admin: Option<SocketAddr>,
    /// Whether a listener may be reached from other machines although clients are not authenticated.
    pub allow_unauthenticated_clients: bool,
    /// Names that clients may use for the proxy besides IP addresses, `localhost` and the machine's own; lower case.
    pub gateway_hosts: Vec<String>,
    /// How long a client may take to send a request head; also for the very first byte.
    pub header_timeout: Duration,
    /// How long a client's connection may stay open between requests.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of what waits for it.
    pub write_timeout: Duration,
    /// How long new clients are still served after the signal to stop, while `/readyz` fails; part of `shutdown_deadline`.
    pub shutdown_delay: Duration,
    /// How long running requests may take to finish after the signal to stop; zero ends them at once.
    pub shutdown_deadline: Duration,
    /// The largest request head on HTTP/1, in bytes.
    pub max_header_bytes: usize,
    /// The largest request head on HTTP/2, in bytes as RFC 9113, section 6.5.2, counts them: 32 more for each field.
    pub http2_max_header_bytes: usize,
    /// How many threads serve clients; as many as the process may use cores, unless the configuration sets another number.
    pub threads: NonZeroUsize,
    /// How many client connections may be open at a time, over all listeners.
    pub max_clients: usize,
    /// Per cent of what all clients share that only clients below an equal share may take: 0 to 50.
    pub reserve_percent: u8,
    /// Memory for the bodies of all requests together, in bytes; what does not fit is spooled.
    pub body_memory: u64,
    /// Memory for the heads of all requests together and for what is made of heads and bodies, in bytes.
    pub request_memory: u64,
    /// Where bodies beyond [`Limits::memory_body`] are spooled; `None` is the system's temporary directory.
    pub spool_dir: Option<PathBuf>,
    /// Disk for the bodies of all requests together, in bytes; 507 beyond.
    pub spool_max: u64,
    /// Whether hints of the shared listener name the connections that there are.
    pub list_connections: bool,
    /// Whether the configuration is loaded again when one of its files has changed.
    pub watch: bool,
    /// Which web pages may use the proxy: `[server.browsers]`.
    pub browsers: BrowserConfig,
}

/// `[connections.NAME]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionConfig {
    /// Who signs for what.
    pub connection: Connection,
    /// Where requests go instead of AWS's endpoint: a VPC endpoint, an S3-compatible server, an emulator.
    pub endpoint: Option<EndpointUrl>,
    /// Hosts that name somebody's own resource, or an account other than the connection's, and are signed for all the
    /// same; that of [`endpoint`](Self::endpoint) needs no row.
    pub hosts: Vec<HostPattern>,
    /// Whose buckets S3 is to serve requests for; `None` for anybody's.
    pub expected_bucket_owner: Option<BucketOwner>,
    /// A listener of the connection's own.
    pub listen: Option<SocketAddr>,
    /// How buckets are named upstream.
    pub bucket_addressing: BucketAddressing,
    /// Which variant of AWS's endpoint is used.
    pub variant: EndpointVariant,
    /// What is signed of a body.
    pub payload: PayloadMode,
    /// The checksum that is computed of an upload on its way.
    pub checksum: ChecksumMode,
    /// Bytes of an upload in each of its chunks.
    pub chunk_size: u64,
    /// Whether an upload of unknown length becomes a multipart upload.
    pub multipart: bool,
    /// Bytes of such an upload in each of its parts, at first.
    pub part_size: u64,
    /// What becomes of a request that is signed in its query.
    pub presigned: PresignedMode,
    /// Fields that pass although they are dropped by default: `pass_fields`.
    pub pass_fields: PassFields,
    /// What clients may do, and what of it is recorded.
    pub permissions: Permissions,
    /// How large bodies may be.
    pub limits: Limits,
    /// How long the upstream may take.
    pub timeouts: Timeouts,
    /// What is sent again.
    pub retry: RetryConfig,
    /// The STS endpoint of this connection; before [`StsConfig::endpoint`].
    pub sts_endpoint: Option<EndpointUrl>,
}

/// What a connection's clients may do with it, and what is recorded of what they did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Permissions {
    /// What they may do; `None` for whatever the credentials may: `allow`.
    pub allow: Option<Arc<AllowRule>>,
    /// The file in which what they did is recorded: `record`.
    pub record: Option<PathBuf>,
    /// What of that hands out credentials: `vend_credentials`. With `allow`, a statement must cover it besides.
    pub vend_credentials: VendedActions,
    /// Whether AWS holds the session to the policy of `allow` too: `session_policy = "allow"`. Then what a request does not
    /// show is AWS's to decide.
    pub is_held_by_aws: bool,
    /// The account that resources without one in the request are in: `account`, else that of the role.
    pub account: Option<AccountId>,
}

/// `allow`, ready to decide.
#[derive(Debug)]
pub struct AllowRule {
    /// The policy as it is written.
    pub text: String,
    /// The same, read.
    pub policy: AllowPolicy,
    /// What becomes of a request that it does not allow.
    pub mode: AllowMode,
}

impl Eq for AllowRule {}

impl PartialEq for AllowRule {
    /// The text determines all that the policy does.
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.mode) == (&other.text, other.mode)
    }
}

/// What becomes of a request that `allow` does not allow: `allow_mode`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AllowMode {
    /// `enforce`: it is rejected.
    #[default]
    Enforce,
    /// `log`: it is logged and counted, and passes.
    Log,
}

/// How S3 buckets are named in requests to the upstream: `bucket_addressing`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BucketAddressing {
    /// `path`: `https://host/bucket/key`.
    #[default]
    Path,
    /// `virtual`: `https://bucket.host/key`.
    Virtual,
}

/// Whose buckets requests may be for: `expected_bucket_owner`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BucketOwner {
    /// `account`: the connection's account's.
    #[default]
    Account,
}

/// What is signed of a body: `payload`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PayloadMode {
    /// `auto`: as the AWS SDKs do: the body's hash, or what the client's own `x-amz-content-sha256` asks for where the
    /// service takes it; uploads to S3 beyond [`Limits::memory_body`] go out as they come in.
    #[default]
    Auto,
    /// `signed`: always the body's hash.
    Signed,
    /// `unsigned`: `UNSIGNED-PAYLOAD`; only over TLS and only where the service takes it.
    Unsigned,
    /// `streaming`: uploads of known length are signed chunk by chunk, everything else as by `signed`; only S3 takes it.
    Streaming,
    /// `streaming-trailer`: the same with a signed checksum of the whole behind.
    StreamingTrailer,
    /// `unsigned-trailer`: uploads of known length pass unsigned with a checksum of the whole behind, everything else as
    /// by `signed`; only over TLS, and only S3 takes it.
    UnsignedTrailer,
}

/// The checksum that is computed of an upload on its way: `checksum`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ChecksumMode {
    /// `crc64nvme`: CRC-64/NVME, what S3 itself computes by default.
    #[default]
    Crc64Nvme,
    /// `crc32c`: CRC-32C, which older servers know.
    Crc32c,
}

/// What becomes of a request that carries a signature in its query: `presigned`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PresignedMode {
    /// `reject`: rejected, since it carries somebody else's identity.
    #[default]
    Reject,
    /// `pass`: sent as it is, signed by whoever signed it.
    Pass,
    /// `resign`: its signature is removed and ours put on.
    Resign,
}

/// `[sts]`: where and how long it may take that roles are assumed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StsConfig {
    /// Instead of the STS endpoint of the connection's region.
    pub endpoint: Option<EndpointUrl>,
    /// Whether AWS's FIPS endpoints of STS are used.
    pub use_fips: bool,
    /// For connecting, TLS included.
    pub connect_timeout: Duration,
    /// For one operation with its retries.
    pub operation_timeout: Duration,
}

/// `[assets]`: how secrets that are stored elsewhere are read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssetsConfig {
    /// `[assets.exec]`: programs.
    pub exec: ExecConfig,
    /// `[assets.vault]`: the vault, where there is one.
    pub vault: Option<VaultConfig>,
    /// `[assets.secretsmanager]` and `[assets.ssm]`: AWS's secret stores that are used, by table.
    pub stores: BTreeMap<&'static str, StoreConfig>,
}

/// `[assets.exec]`: how programs that print secrets are run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecConfig {
    /// How long a program may run.
    pub timeout: Duration,
    /// How long its output is used before it is run again; zero runs it at each read.
    pub cache: Duration,
    /// Names of variables that programs get besides those that all get.
    pub environment: Vec<String>,
}

/// `[assets.secretsmanager]` or `[assets.ssm]`: one of AWS's secret stores.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreConfig {
    /// The connection with whose credentials it is called; `None` for the default chain's.
    pub connection: Option<ConnectionName>,
    /// The region of secrets that are named, not given by ARN.
    pub region: Region,
    /// Instead of AWS's regional endpoint.
    pub endpoint: Option<EndpointUrl>,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// How long a secret is used before it is fetched again.
    pub cache: Duration,
}

/// `[assets.vault]`: a Vault or an OpenBao.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VaultConfig {
    /// Where it is.
    pub address: EndpointUrl,
    /// The namespace of every request.
    pub namespace: Option<String>,
    /// PEM certificates trusted besides the platform's roots.
    pub ca_file: Option<PathBuf>,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// How long a secret is used before it is read again.
    pub cache: Duration,
    /// `[assets.vault.auth]`: how to log in. References are none to the vault itself.
    pub auth: VaultLogin,
}

/// `[upstream]`: how the proxy reaches what it signs for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamConfig {
    /// PEM certificates trusted besides the platform's roots.
    pub ca_file: Option<PathBuf>,
    /// The proxy in front of this one.
    pub proxy: UpstreamProxy,
    /// Addresses at which AWS's names may be although AWS has no service there.
    pub allow_addresses: Vec<AddressBlock>,
    /// Idle connections for later requests.
    pub pool: PoolConfig,
}

/// The proxy on the way to the upstream: of `[upstream]`, else `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
///
/// URLs are checked: `http://[user:password@]host[:port]`. They are secrets because of the password.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UpstreamProxy {
    /// For `https` upstreams.
    pub https: Option<Secret>,
    /// For `http` upstreams.
    pub http: Option<Secret>,
    /// Hosts that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
}

/// The pool of upstream connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolConfig {
    /// How long an idle connection is kept open.
    pub idle_timeout: Duration,
    /// How many idle connections are kept open for each upstream host.
    pub idle_per_host: usize,
}
