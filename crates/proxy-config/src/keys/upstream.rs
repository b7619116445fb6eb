//! `[upstream]`, `[retry]` and `[defaults]`.

use std::ops::RangeInclusive;

use super::declare::tables;
use super::{GIB, HOUR};

/// S3's largest object is 50 TiB; every other limit is below.
const BODY_BYTES: RangeInclusive<u64> = 0..=50 * 1024 * GIB;
/// How long an upstream may be silent.
const SILENCE: RangeInclusive<u64> = 1..=HOUR;
/// Those that a service gives for what may pass by itself.
const RETRIED: &[u16] = &[500, 502, 503, 504];

tables! {
    /// `[upstream]`.
    RawUpstream {
        /// PEM certificates trusted besides the platform's roots: `"extra-ca.pem"`.
        ca_file: Path("a PEM file"),
            note "trusted besides the platform's roots; relative to this file", sample "extra-ca.pem";
        /// The proxy in front of `https` upstreams, reached by plain HTTP and CONNECT, with `USER:PASSWORD@` where it
        /// wants them. Never shown. Where the key is not set, the variable `https_proxy` or `HTTPS_PROXY` is used; an
        /// empty string disables both.
        https_proxy: ProxyUrl, note r#"default: $HTTPS_PROXY; "" for none"#, sample "http://proxy:3128";
        /// The same for `http` upstreams, with `http_proxy` and `HTTP_PROXY`.
        http_proxy: ProxyUrl, note r#"default: $HTTP_PROXY; "" for none"#, sample "http://proxy:3128";
        /// Hosts reached without those proxies: `"localhost,.internal,10.0.0.0/8"`. Else `no_proxy` or `NO_PROXY`.
        no_proxy: Text("a list of hosts, separated by commas"),
            note "default: $NO_PROXY", sample "localhost,.internal";
        /// Addresses at which the names of AWS services may be although AWS has none there: `["127.0.0.0/8", "::1"]`.
        /// See [addresses](#addresses).
        allow_addresses: List("CIDR blocks") = [],
            note r#"where AWS's names may lead besides AWS: ["127.0.0.0/8"] for a tunnel"#;
        /// How long an idle upstream connection is kept open. S3 closes its end after some 20 s.
        // Below the 20 s after which S3 closes an unused connection.
        pool_idle_timeout: Duration(1..=HOUR) = "15s", note "idle connections are kept open this long";
        /// How many idle connections are kept open for each upstream host, shared out among `server.threads`. With fewer
        /// than there are clients at a time, connections are closed and opened again and again.
        pool_idle_per_host: Count(0..=65_536) as usize = 256, note "and this many of them for each host";
    }

    /// `[retry]` and `[connections.NAME.retry]`.
    RawRetry {
        /// How often a request is sent at most, the first time included; 1 sends none again, not even where a pooled
        /// connection had died.
        max_attempts: Count(1..=10) as u8 = 3, note "how often a request is sent at most; 1 sends none again";
        /// Which part of the last 10 s of requests to a host may be sent again, in per cent; 10 of them in any case. Of
        /// several clients each has a part.
        budget_percent: Count(0..=100) as u8 = 10, note "of the requests to a host in the last 10 s; 10 in any case";
        /// Statuses after which a request that is safe to repeat is sent again. Clients that retry by themselves, as
        /// all AWS SDKs do, are better off without.
        on_status: Statuses(RETRIED) = [], note "also after these: [500, 502, 503, 504]";
    }

    /// `[defaults]`. Only the bounds are checked there: the values reach the connections as their defaults.
    RawDefaults {
        [limits]: RawLimits, note "of every connection that has none of its own";
        [timeouts]: RawTimeouts, note "of every connection that has none of its own";
    }

    /// `[defaults.limits]` and `[connections.NAME.limits]`.
    RawLimits {
        /// Request bodies up to this size are kept in memory, larger ones are spooled. Not above `max_body`.
        memory_body: Size(0..=GIB) = "8MiB", note "larger bodies are spooled to a file";
        /// The largest request body; 413 beyond.
        max_body: Size(BODY_BYTES) = "5GiB", note "413 beyond";
        /// The least that a client sends of its body in a second, see [slow clients](#slow-clients); 408 below. `"0B"`
        /// takes any rate.
        // As Kestrel; Apache's mod_reqtimeout wants 500. Slower than any network, and than any client that means well.
        min_upload_rate: Size(0..=GIB) = "240B",
            note r#"a second, of each request's body; 408 below; "0B" takes any rate"#;
        /// The least that a client takes of a response in a second, see [slow clients](#slow-clients); the response is
        /// broken off below. `"0B"` takes any rate.
        min_download_rate: Size(0..=GIB) = "240B",
            note r#"a second, of each response; broken off below; "0B" takes any rate"#;
    }

    /// `[defaults.timeouts]` and `[connections.NAME.timeouts]`.
    RawTimeouts {
        /// For connecting to the upstream, TLS included.
        connect: Duration(1..=300) = "10s";
        /// From the last byte of the request to the head of the response; 504 beyond. Some services have [a default of
        /// their own](#defaults-of-services).
        // A language model may think for minutes before its first byte.
        response: Duration(SILENCE) = "5m",
            note "until the head of the response; where it is not set, 1h for bedrock-runtime";
        /// Between two pieces of a body, in either direction; and how far a client may fall behind `min_upload_rate`
        /// and `min_download_rate`. Some services have [a default of their own](#defaults-of-services).
        body_idle: Duration(SILENCE) = "5m", note "between two pieces of a body; the same";
    }
}
