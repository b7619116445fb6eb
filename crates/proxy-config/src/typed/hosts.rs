//! `hosts` of a connection: those of somebody's own resources that it signs for.

use aws_endpoints::{AwsHost, HostError, parse_host};

use crate::table::Table;
use crate::{ConnectionConfig, HostPattern};

/// What may precede the end of a pattern: a resource's name, an account, an access point, what a VPC endpoint has.
const BEFORE: [&str; 7] = [
    "x",
    "111122223333",
    "x-111122223333",
    "x-111122223333.op-0a",
    "vpce-0a",
    "x.bucket",
    "x.bucket.vpce-0a",
];

/// The patterns, each of a host that the connection could serve.
pub(super) fn hosts(table: &Table<'_>, written: &[String], config: &ConnectionConfig) -> Vec<HostPattern> {
    if written.is_empty() {
        return Vec::new();
    }
    let mut patterns = Vec::with_capacity(written.len());
    for text in written {
        match text.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                table.reject("hosts", crate::host_pattern::InvalidHostPattern::to_string(&error));
                return Vec::new();
            }
        }
    }
    // A connection that leads nowhere is reported by its region.
    let Some(signing_region) = config.signing_region() else {
        return patterns;
    };
    let serves = |host: &AwsHost| config.serves(&signing_region, host);
    if !patterns.iter().all(|pattern| is_served(serves, pattern)) {
        let connection = &config.connection;
        let message = format!(
            "holds a host that is none of AWS's for {} in {}: the connection would never sign for it",
            connection.service, connection.region
        );
        table.reject("hosts", message);
    }
    patterns
}

fn is_served(serves: impl Fn(&AwsHost) -> bool, pattern: &HostPattern) -> bool {
    let is_served = |host: &str| readings(host).iter().any(&serves);
    match pattern {
        HostPattern::Whole(host) => is_served(host),
        HostPattern::Below(end) => BEFORE.iter().any(|before| is_served(&format!("{before}.{end}"))),
    }
}

fn readings(host: &str) -> Vec<AwsHost> {
    match parse_host(host) {
        Ok(host) => vec![host],
        Err(HostError::Ambiguous { readings }) => readings,
        Err(_) => Vec::new(),
    }
}
