//! `[connections.NAME]`: what is signed for and how.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use auth_model::{
    AuthMethod, Connection, ConnectionName, IdentityName, ManagedIdentity, Partition, Region, RoleReference, ServiceId,
};
use aws_endpoints::{EndpointVariant, endpoint, endpoint_prefix_of, partition_of, traits_of};

use http::StatusCode;

use super::auth::{Identities, auth};
use super::browsers::pass_fields;
use super::permissions::permissions;
use super::{cleartext, hosts};
use crate::keys::{RawConnection, RawLimits, RawRetry, RawTimeouts};
use crate::table::Table;
use crate::{
    BucketAddressing, ChecksumMode, ConnectionConfig, Limits, PayloadMode, RetryConfig, Scheme, StsConfig, Timeouts,
};

/// The connection; `None` where a problem was noted.
pub(super) fn connection(
    table: &Table<'_>,
    name: Option<ConnectionName>,
    raw: &RawConnection,
    identities: &BTreeMap<IdentityName, ManagedIdentity>,
    known_identities: &[&str],
    sts: &StsConfig,
) -> Option<ConnectionConfig> {
    let service = table.required(
        "service",
        raw.service.as_deref(),
        "it names what requests are signed for",
    );
    // Named as SDKs name it, it would have no host and no traits.
    let service = service.map(|service| endpoint_prefix_of(&service));
    let region = table.required(
        "region",
        raw.region.as_deref(),
        "it names the region that requests are signed for",
    );
    let signing_name = table.parse("signing_name", raw.signing_name.as_deref());
    let identities = Identities {
        read: identities,
        written: known_identities,
    };
    if raw.auth.is_none() {
        table.missing("auth", "it selects where the credentials come from; add auth.method");
    }
    let mut auth = raw.auth.as_ref().and_then(|raw| {
        auth(
            &table.table("auth"),
            raw,
            &identities,
            name.as_ref().map_or("", ConnectionName::as_str),
        )
    });
    let permissions = permissions(table, raw, auth.as_mut());
    let variant = EndpointVariant {
        fips: raw.use_fips,
        dualstack: raw.use_dualstack,
    };
    let rest = Rest {
        endpoint: cleartext::endpoint(table, "endpoint", raw.endpoint.as_deref(), raw.allow_cleartext),
        sts_endpoint: cleartext::endpoint(table, "sts_endpoint", raw.sts_endpoint.as_deref(), raw.allow_cleartext),
        expected_bucket_owner: raw
            .expected_bucket_owner
            .as_deref()
            .map(|text| table.choice("expected_bucket_owner", text)),
        bucket_addressing: table.choice("bucket_addressing", &raw.bucket_addressing),
        payload: table.choice("payload", &raw.payload),
        checksum: table.choice("checksum", &raw.checksum),
        chunk_size: table.size("chunk_size", &raw.chunk_size),
        part_size: table.size("part_size", &raw.part_size),
        presigned: table.choice("presigned", &raw.presigned),
        listen: table.listener("listen", &raw.listen),
        limits: limits(&table.table("limits"), &raw.limits),
        timeouts: timeouts(&table.table("timeouts"), &raw.timeouts),
        retry: retry(&raw.retry),
    };
    let connection = Connection {
        name: name?,
        service: service?,
        region: region?,
        signing_name,
        auth: auth?,
    };
    let mut config = ConnectionConfig {
        connection,
        endpoint: rest.endpoint,
        hosts: Vec::new(),
        expected_bucket_owner: rest.expected_bucket_owner,
        listen: rest.listen,
        bucket_addressing: rest.bucket_addressing,
        variant,
        payload: rest.payload,
        checksum: rest.checksum,
        chunk_size: rest.chunk_size,
        multipart: raw.multipart,
        part_size: rest.part_size,
        presigned: rest.presigned,
        pass_fields: pass_fields(table, &raw.pass_fields),
        permissions,
        limits: rest.limits,
        timeouts: rest.timeouts,
        retry: rest.retry,
        sts_endpoint: rest.sts_endpoint,
    };
    check_place(table, &config, sts, raw.endpoint.is_some());
    check_service(table, &config);
    config.hosts = hosts::hosts(table, &raw.hosts, &config);
    Some(config)
}

/// What is read although the connection's name, service, region or auth may be missing.
struct Rest {
    endpoint: Option<crate::EndpointUrl>,
    sts_endpoint: Option<crate::EndpointUrl>,
    expected_bucket_owner: Option<crate::BucketOwner>,
    bucket_addressing: BucketAddressing,
    payload: PayloadMode,
    checksum: ChecksumMode,
    chunk_size: u64,
    part_size: u64,
    presigned: crate::PresignedMode,
    listen: Option<std::net::SocketAddr>,
    limits: Limits,
    timeouts: Timeouts,
    retry: RetryConfig,
}

/// Region, endpoint and role must fit together.
fn check_place(table: &Table<'_>, config: &ConnectionConfig, sts: &StsConfig, has_endpoint: bool) {
    let Connection {
        service, region, auth, ..
    } = &config.connection;
    if has_endpoint {
        for (name, is_on) in [
            ("use_fips", config.variant.fips),
            ("use_dualstack", config.variant.dualstack),
        ] {
            if is_on {
                table.reject(name, "has no effect beside an endpoint: remove one of them");
            }
        }
    } else {
        check_endpoint_is_known(table, service, region, config.variant);
    }
    let assumes_role = match auth {
        AuthMethod::AccessKeyAssumeRole { .. } | AuthMethod::ManagedCrossAccount { .. } => true,
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => false,
    };
    let partition = partition_of(region);
    if assumes_role && partition.is_none() && config.sts_endpoint.is_none() && sts.endpoint.is_none() {
        table.missing(
            "sts_endpoint",
            "the region is none of AWS's, so it has no STS endpoint of its own",
        );
    }
    let is_elsewhere = |role: &Partition| partition.is_some_and(|region| *role != region);
    if role_partitions(auth).iter().any(is_elsewhere) {
        let table = table.table("auth");
        let is_written = |name: &&str| table.report.sources.wrote(&table.key(name));
        let name = ["role_arn", "roles"].into_iter().find(is_written).unwrap_or("role");
        let message =
            "is a role in another partition than the connection's region; credentials do not cross partitions";
        table.reject(name, message);
    }
}

fn check_endpoint_is_known(table: &Table<'_>, service: &ServiceId, region: &Region, variant: EndpointVariant) {
    if endpoint(service, region, variant).is_err() {
        let message = "is none of AWS's regions, such as eu-west-1; for a server that is not AWS's, set the \
                       connection's endpoint";
        table.reject("region", message);
    }
}

/// The partitions of the roles that are known.
fn role_partitions(auth: &AuthMethod) -> Vec<Partition> {
    match auth {
        AuthMethod::AccessKeyAssumeRole { roles, .. } => roles
            .iter()
            .filter_map(|role| match role {
                RoleReference::Arn(arn) => Some(arn.partition()),
                RoleReference::Name(_) => None,
            })
            .collect(),
        AuthMethod::ManagedCrossAccount { role_arn, .. } => vec![role_arn.partition()],
        AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. } => Vec::new(),
    }
}

/// What not every service takes.
fn check_service(table: &Table<'_>, config: &ConnectionConfig) {
    let traits = traits_of(&config.connection.service);
    let is_clear = config.endpoint.as_ref().is_some_and(|url| url.scheme() == Scheme::Http);
    let must_be_unsigned = traits.payload_must_be_unsigned;
    match config.payload {
        PayloadMode::Signed if must_be_unsigned => {
            let message = r#"the service takes no signed payload: use "auto" or "unsigned""#;
            table.reject("payload", message);
        }
        PayloadMode::Unsigned if !traits.unsigned_payload_allowed => {
            table.reject(
                "payload",
                r#"the service takes no unsigned payload: use "auto" or "signed""#,
            );
        }
        PayloadMode::Unsigned | PayloadMode::UnsignedTrailer if is_clear && !must_be_unsigned => {
            let message = r#"an unsigned payload needs TLS: use "signed", or an https endpoint"#;
            table.reject("payload", message);
        }
        PayloadMode::Streaming | PayloadMode::StreamingTrailer | PayloadMode::UnsignedTrailer
            if !traits.is_s3_family =>
        {
            let other = if must_be_unsigned { "unsigned" } else { "signed" };
            table.reject(
                "payload",
                format!(r#"only S3 takes bodies in chunks: use "auto" or "{other}""#),
            );
        }
        PayloadMode::Auto
        | PayloadMode::Signed
        | PayloadMode::Unsigned
        | PayloadMode::Streaming
        | PayloadMode::StreamingTrailer
        | PayloadMode::UnsignedTrailer => {}
    }
    if config.expected_bucket_owner.is_some() && config.connection.service.as_str() != "s3" {
        table.reject("expected_bucket_owner", "only S3 has buckets with an owner: remove it");
    }
    if config.multipart && !traits.is_s3_family {
        table.reject("multipart", "only S3 has multipart uploads: remove it");
    }
    if config.bucket_addressing == BucketAddressing::Virtual {
        if !traits.is_s3_family {
            table.reject("bucket_addressing", "only S3 has buckets: remove it");
        } else if config.endpoint.as_ref().is_some_and(|url| url.ip().is_some()) {
            let message = r#"a bucket cannot be put before an IP address: use "path", or a host name in endpoint"#;
            table.reject("bucket_addressing", message);
        }
    }
}

/// `[limits]`.
pub(super) fn limits(table: &Table<'_>, raw: &RawLimits) -> Limits {
    let limits = Limits {
        memory_body: table.size("memory_body", &raw.memory_body),
        max_body: table.size("max_body", &raw.max_body),
        min_upload_rate: NonZeroU64::new(table.size("min_upload_rate", &raw.min_upload_rate)),
        min_download_rate: NonZeroU64::new(table.size("min_download_rate", &raw.min_download_rate)),
    };
    let is_own = |name: &str| table.report.sources.wrote(&table.key(name));
    if limits.memory_body > limits.max_body && !table.report.knows(&table.key("max_body")) {
        if is_own("memory_body") {
            table.reject("memory_body", "must not be above max_body");
        } else if is_own("max_body") {
            table.reject("max_body", "must not be below memory_body");
        }
    }
    limits
}

/// `[timeouts]`.
pub(super) fn timeouts(table: &Table<'_>, raw: &RawTimeouts) -> Timeouts {
    Timeouts {
        connect: table.duration("connect", &raw.connect),
        response: table.duration("response", &raw.response),
        body_idle: table.duration("body_idle", &raw.body_idle),
    }
}

/// `[retry]`. The list of keys has its bounds.
pub(super) fn retry(raw: &RawRetry) -> RetryConfig {
    RetryConfig {
        max_attempts: raw.max_attempts,
        budget_percent: raw.budget_percent,
        on_status: raw
            .on_status
            .iter()
            .filter_map(|status| StatusCode::from_u16(*status).ok())
            .collect(),
    }
}
