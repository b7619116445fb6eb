//! Every key there is: its kind, its bounds, its default.
//!
//! The raw types, `docs/configuration.md` and `deploy/example.toml` are tested against this list.

use std::ops::RangeInclusive;

use super::Fallback::{Absent, Same, Value};
use super::Kind::{
    Asset, Choice, Count, Duration, Endpoint, Lease, List, Listener, Path, ProxyUrl, Size, Statuses, Switch, Text,
};
use super::{Fallback, Key, Kind};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR: u64 = 3_600;

/// Shorter than hyper's least buffer, 8 KiB, would not be kept to.
const HEADER_BYTES: RangeInclusive<u64> = 8 * KIB..=MIB;
/// S3's largest object is 50 TiB; every other limit is below.
const BODY_BYTES: RangeInclusive<u64> = 0..=50 * 1024 * GIB;
const PATIENCE: RangeInclusive<u64> = 1..=HOUR;
/// STS `AssumeRole`, parameter `DurationSeconds`.
const SESSION: RangeInclusive<u64> = 900..=12 * HOUR;

/// Those that a service gives for what may pass by itself.
const RETRIED: &[u16] = &[500, 502, 503, 504];

const METHODS: &[&str] = &[
    "access-key",
    "access-key-assume-role",
    "managed-cross-account",
    "default-chain",
];

const fn key(path: &'static str, kind: Kind, default: Fallback) -> Key {
    Key { path, kind, default }
}

/// Every key, in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    key("server.listen", Listener, Value(r#""127.0.0.1:8080""#)),
    key("server.admin", Listener, Value(r#""127.0.0.1:9901""#)),
    key("server.allow_unauthenticated_clients", Switch, Value("false")),
    key("server.gateway_hosts", List("host names"), Value("[]")),
    key("server.header_timeout", Duration(1..=600), Value(r#""30s""#)),
    // Longer than the pools of common HTTP clients (Go: 90 s), so that they close first.
    key("server.idle_timeout", Duration(1..=24 * HOUR), Value(r#""2m""#)),
    // nginx's default (`send_timeout`) as well.
    key("server.write_timeout", Duration(1..=HOUR), Value(r#""1m""#)),
    key("server.shutdown_delay", Duration(0..=HOUR), Value(r#""0s""#)),
    // Kubernetes kills after 30 s.
    key("server.shutdown_deadline", Duration(0..=HOUR), Value(r#""25s""#)),
    key("server.max_header_bytes", Size(HEADER_BYTES), Value(r#""64KiB""#)),
    // Each stream of a client may have such a head at once; no SDK sends more than a few KiB.
    key("server.http2_max_header_bytes", Size(HEADER_BYTES), Value(r#""16KiB""#)),
    key("server.threads", Count(1..=1024), Absent),
    key("server.max_clients", Count(1..=1_000_000), Value("1024")),
    key("server.reserve_percent", Count(0..=50), Value("10")),
    key("server.body_memory", Size(0..=64 * GIB), Value(r#""64MiB""#)),
    // With body_memory half of the least memory limit that is shipped, 256 MiB.
    key("server.request_memory", Size(MIB..=64 * GIB), Value(r#""64MiB""#)),
    key("server.spool_dir", Path("a folder"), Absent),
    key("server.spool_max", Size(0..=64 * 1024 * GIB), Value(r#""20GiB""#)),
    key("server.list_connections", Switch, Value("true")),
    key("server.watch", Switch, Value("false")),
    key(
        "server.browsers.mode",
        Choice(&["reject", "pass"]),
        Value(r#""reject""#),
    ),
    key("server.browsers.origins", List("web origins"), Value("[]")),
    key(
        "server.browsers.user_agents",
        Choice(&["reject", "pass"]),
        Value(r#""reject""#),
    ),
    key("process.landlock", Switch, Value("false")),
    key("log.format", Choice(&["auto", "text", "json"]), Value(r#""auto""#)),
    key(
        "log.level",
        Choice(&["error", "warn", "info", "debug", "trace"]),
        Value(r#""info""#),
    ),
    key("sts.endpoint", Endpoint, Absent),
    key("sts.allow_cleartext", Switch, Value("false")),
    key("sts.use_fips", Switch, Value("false")),
    key("sts.connect_timeout", Duration(1..=60), Value(r#""3s""#)),
    // A request waits behind it: one slow answer and one retry fit.
    key("sts.operation_timeout", Duration(1..=300), Value(r#""10s""#)),
    // A request may wait behind it.
    key("assets.exec.timeout", Duration(1..=60), Value(r#""10s""#)),
    key("assets.exec.cache", Duration(0..=HOUR), Value(r#""30s""#)),
    key("assets.exec.environment", List("names of variables"), Value("[]")),
    key("assets.vault.address", Endpoint, Absent),
    key("assets.vault.allow_cleartext", Switch, Value("false")),
    key("assets.vault.namespace", Text("a namespace's path"), Absent),
    key("assets.vault.ca_file", Path("a PEM file"), Absent),
    key("assets.vault.timeout", Duration(1..=60), Value(r#""10s""#)),
    key("assets.vault.cache", Duration(0..=HOUR), Value(r#""30s""#)),
    key(
        "assets.vault.auth.method",
        Choice(&["token", "approle", "kubernetes"]),
        Absent,
    ),
    key("assets.vault.auth.token", Asset, Absent),
    key("assets.vault.auth.role_id", Asset, Absent),
    key("assets.vault.auth.secret_id", Asset, Absent),
    key("assets.vault.auth.role", Text("a role's name"), Absent),
    key("assets.vault.auth.jwt_file", Path("a file"), Absent),
    key("assets.vault.auth.mount", Text("a mount's path"), Absent),
    key("assets.secretsmanager.connection", Text("a connection's name"), Absent),
    key("assets.secretsmanager.region", Text("a region"), Absent),
    key("assets.secretsmanager.endpoint", Endpoint, Absent),
    key("assets.secretsmanager.allow_cleartext", Switch, Value("false")),
    key("assets.secretsmanager.timeout", Duration(1..=60), Value(r#""10s""#)),
    // Each request costs money; a refused secret is read anew at once.
    key("assets.secretsmanager.cache", Duration(0..=HOUR), Value(r#""5m""#)),
    key("assets.ssm.connection", Text("a connection's name"), Absent),
    key("assets.ssm.region", Text("a region"), Absent),
    key("assets.ssm.endpoint", Endpoint, Absent),
    key("assets.ssm.allow_cleartext", Switch, Value("false")),
    key("assets.ssm.timeout", Duration(1..=60), Value(r#""10s""#)),
    // Parameter Store throttles at 40 requests a second in all.
    key("assets.ssm.cache", Duration(0..=HOUR), Value(r#""5m""#)),
    key("upstream.ca_file", Path("a PEM file"), Absent),
    key("upstream.https_proxy", ProxyUrl, Absent),
    key("upstream.http_proxy", ProxyUrl, Absent),
    key(
        "upstream.no_proxy",
        Text("a list of hosts, separated by commas"),
        Absent,
    ),
    key("upstream.allow_addresses", List("CIDR blocks"), Value("[]")),
    // Below the 20 s after which S3 closes an unused connection.
    key("upstream.pool_idle_timeout", Duration(1..=HOUR), Value(r#""15s""#)),
    key("upstream.pool_idle_per_host", Count(0..=65_536), Value("256")),
    key("retry.max_attempts", Count(1..=10), Value("3")),
    key("retry.budget_percent", Count(0..=100), Value("10")),
    key("retry.on_status", Statuses(RETRIED), Value("[]")),
    key("defaults.limits.memory_body", Size(0..=GIB), Value(r#""8MiB""#)),
    key("defaults.limits.max_body", Size(BODY_BYTES), Value(r#""5GiB""#)),
    // As Kestrel; Apache's mod_reqtimeout wants 500. Slower than any network, and than any client that means well.
    key("defaults.limits.min_upload_rate", Size(0..=GIB), Value(r#""240B""#)),
    key("defaults.limits.min_download_rate", Size(0..=GIB), Value(r#""240B""#)),
    key("defaults.timeouts.connect", Duration(1..=300), Value(r#""10s""#)),
    // A language model may think for minutes before its first byte.
    key("defaults.timeouts.response", Duration(PATIENCE), Value(r#""5m""#)),
    key("defaults.timeouts.body_idle", Duration(PATIENCE), Value(r#""5m""#)),
    key("identities.*.organisation", Text("an organisation's name"), Absent),
    key("identities.*.access_key_id", Asset, Absent),
    key("identities.*.secret_access_key", Asset, Absent),
    key("identities.*.session_token", Asset, Absent),
    key("identities.*.credentials", Lease, Absent),
    key("connections.*.service", Text("an endpoint prefix"), Absent),
    key("connections.*.region", Text("a region"), Absent),
    key("connections.*.endpoint", Endpoint, Absent),
    key("connections.*.sts_endpoint", Endpoint, Absent),
    key("connections.*.allow_cleartext", Switch, Value("false")),
    key(
        "connections.*.hosts",
        List("host names, or *. and the end of some"),
        Value("[]"),
    ),
    key("connections.*.expected_bucket_owner", Choice(&["account"]), Absent),
    key("connections.*.listen", Listener, Value(r#""off""#)),
    key("connections.*.signing_name", Text("a signing name"), Absent),
    key(
        "connections.*.bucket_addressing",
        Choice(&["path", "virtual"]),
        Value(r#""path""#),
    ),
    key("connections.*.use_fips", Switch, Value("false")),
    key("connections.*.use_dualstack", Switch, Value("false")),
    key(
        "connections.*.payload",
        Choice(&[
            "auto",
            "signed",
            "unsigned",
            "streaming",
            "streaming-trailer",
            "unsigned-trailer",
        ]),
        Value(r#""auto""#),
    ),
    key(
        "connections.*.checksum",
        Choice(&["crc64nvme", "crc32c"]),
        Value(r#""crc64nvme""#),
    ),
    // S3 takes no less. A signed upload of 1 GiB took 1.45 s of CPU with chunks of 8 KiB, 1.31 s with 64 KiB and 1.30 s with
    // 256 KiB; with 1 MiB its peak of memory was 17.5 MiB instead of 15.
    key("connections.*.chunk_size", Size(8 * KIB..=MIB), Value(r#""64KiB""#)),
    key("connections.*.multipart", Switch, Value("false")),
    // S3 takes no less, but for the last part.
    key("connections.*.part_size", Size(5 * MIB..=512 * MIB), Value(r#""5MiB""#)),
    key(
        "connections.*.presigned",
        Choice(&["reject", "pass", "resign"]),
        Value(r#""reject""#),
    ),
    key("connections.*.pass_fields", List("header fields"), Value("[]")),
    key("connections.*.account", Text("an account id"), Absent),
    key(
        "connections.*.allow",
        Text("an IAM policy, or the path of its file"),
        Absent,
    ),
    key(
        "connections.*.allow_mode",
        Choice(&["enforce", "log"]),
        Value(r#""enforce""#),
    ),
    key("connections.*.record", Path("a file"), Absent),
    key(
        "connections.*.vend_credentials",
        List("actions that hand out credentials"),
        Value("[]"),
    ),
    key(
        "connections.*.limits.memory_body",
        Size(0..=GIB),
        Same("defaults.limits.memory_body"),
    ),
    key(
        "connections.*.limits.max_body",
        Size(BODY_BYTES),
        Same("defaults.limits.max_body"),
    ),
    key(
        "connections.*.limits.min_upload_rate",
        Size(0..=GIB),
        Same("defaults.limits.min_upload_rate"),
    ),
    key(
        "connections.*.limits.min_download_rate",
        Size(0..=GIB),
        Same("defaults.limits.min_download_rate"),
    ),
    key(
        "connections.*.timeouts.connect",
        Duration(1..=300),
        Same("defaults.timeouts.connect"),
    ),
    key(
        "connections.*.timeouts.response",
        Duration(PATIENCE),
        Same("defaults.timeouts.response"),
    ),
    key(
        "connections.*.timeouts.body_idle",
        Duration(PATIENCE),
        Same("defaults.timeouts.body_idle"),
    ),
    key(
        "connections.*.retry.max_attempts",
        Count(1..=10),
        Same("retry.max_attempts"),
    ),
    key(
        "connections.*.retry.budget_percent",
        Count(0..=100),
        Same("retry.budget_percent"),
    ),
    key(
        "connections.*.retry.on_status",
        Statuses(RETRIED),
        Same("retry.on_status"),
    ),
    key("connections.*.auth.method", Choice(METHODS), Absent),
    key("connections.*.auth.source", Choice(&["keys", "default-chain"]), Absent),
    key("connections.*.auth.require_ec2", Switch, Absent),
    key("connections.*.auth.access_key_id", Asset, Absent),
    key("connections.*.auth.secret_access_key", Asset, Absent),
    key("connections.*.auth.session_token", Asset, Absent),
    key("connections.*.auth.credentials", Lease, Absent),
    key(
        "connections.*.auth.role",
        Text("a role's name, path/name or ARN"),
        Absent,
    ),
    key(
        "connections.*.auth.roles",
        List("roles' names, path/names or ARNs"),
        Absent,
    ),
    key(
        "connections.*.auth.identity",
        Text("the name of one of the identities"),
        Absent,
    ),
    key("connections.*.auth.role_arn", Text("a role's ARN"), Absent),
    key("connections.*.auth.external_id", Text("an External ID"), Absent),
    key("connections.*.auth.session_name", Text("a role session name"), Absent),
    key("connections.*.auth.session_duration", Duration(SESSION), Absent),
    key(
        "connections.*.auth.session_policy",
        Text("IAM policy JSON or file:PATH"),
        Absent,
    ),
    key("connections.*.auth.session_policy_arns", List("policy ARNs"), Absent),
    key(
        "connections.*.auth.session_tags.*",
        Text("a session tag's value"),
        Absent,
    ),
    key(
        "connections.*.auth.transitive_tag_keys",
        List("session tags' keys"),
        Absent,
    ),
    key("connections.*.auth.source_identity", Text("a source identity"), Absent),
    key(
        "connections.*.auth.mfa_serial",
        Text("an MFA device's serial or ARN"),
        Absent,
    ),
    key("connections.*.auth.mfa_token", Asset, Absent),
    key(
        "connections.*.auth.profile",
        Text("a profile of the AWS configuration files"),
        Absent,
    ),
];
