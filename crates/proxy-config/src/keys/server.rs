//! `[server]`, `[process]` and `[log]`.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use super::declare::tables;
use super::{GIB, HOUR, KIB, MIB};
use crate::choice::Choice as _;
use crate::{BrowserMode, LogFormat, LogLevel, UserAgents};

/// Shorter than hyper's least buffer, 8 KiB, would not be enforced.
const HEADER_BYTES: RangeInclusive<u64> = 8 * KIB..=MIB;

tables! {
    /// `[server]`.
    RawServer {
        /// The shared listener: forward mode, and gateway mode where the connection is clear. `"off"` leaves only the
        /// connections' own.
        listen: Listener = "127.0.0.1:8080",
            note r#"forward and gateway mode; "off" leaves only the connections' own listeners"#;
        /// The listener of `/livez`, `/readyz`, `/version` and `/metrics`. It signs nothing and shows no secrets, but
        /// the names of connections; it may have an address that other machines reach.
        admin: Listener = "127.0.0.1:9901", note r#"/livez, /readyz, /version, /metrics; "off" for none"#;
        /// Whether the listeners that sign may have an address other machines reach. Whoever reaches a listener acts
        /// with the connections' credentials, so without this such an address is rejected.
        allow_unauthenticated_clients: Boolean = false, note "true lets clients on other machines in";
        /// Host names that clients may use for the proxy in gateway mode and for the admin listener, besides IP
        /// addresses, `localhost` and the machine's own name without its domain: `["signer.internal", "signer"]`, a
        /// service's name in Compose or Kubernetes included. Others are rejected, so that no web page reaches the proxy
        /// by DNS rebinding; names without a dot too, since anybody with rights in a network's DNS zone can make one.
        gateway_hosts: List("host names") = [],
            note r#"names clients may use for the proxy, such as ["signer.internal", "signer"]"#;
        /// How long a request's head may take, the wait for its first byte on a fresh connection included.
        header_timeout: Duration(1..=600) = "30s",
            note "for a request's head, from the first byte that is waited for";
        /// How long a client's connection may stay open between two requests.
        // Longer than the pools of common HTTP clients (Go: 90 s), so that they close first.
        idle_timeout: Duration(1..=24 * HOUR) = "2m", note "between the requests of a client's connection";
        /// How long a client may take not a single byte of a response that waits for it, on its connection or on one
        /// HTTP/2 stream. See [slow clients](defaults.md#slow-clients).
        // nginx's default (`send_timeout`) as well.
        write_timeout: Duration(1..=HOUR) = "1m", note "how long a client may take no byte of a response";
        /// How long after SIGTERM or SIGINT new clients are still served, while `/readyz` fails already: as long as a
        /// load balancer or a Kubernetes Service takes to notice, some `"5s"`. A part of `shutdown_deadline`. See
        /// [Stopping](../configuration.md#stopping).
        shutdown_delay: Duration(0..=HOUR) = "0s",
            note "after SIGTERM /readyz fails, and new clients are served for so long";
        /// How long running requests may take after SIGTERM or SIGINT, `shutdown_delay` included; then they are cut.
        /// Kubernetes kills after 30 s.
        shutdown_deadline: Duration(0..=HOUR) = "25s",
            note "for running requests after SIGTERM, shutdown_delay included";
        /// The largest request head on HTTP/1, in bytes; 431 beyond. From the 101st header field on each counts 32
        /// bytes more, for what it takes of memory.
        max_header_bytes: Size(HEADER_BYTES) = "64KiB", note "on HTTP/1; 431 beyond";
        /// The largest request head on HTTP/2, where each field counts 32 bytes more than name and value; 431 beyond.
        // Each stream of a client may have such a head at once; no SDK sends more than a few KiB.
        http2_max_header_bytes: Size(HEADER_BYTES) = "16KiB",
            note "on HTTP/2, where each field counts 32 bytes more";
        /// How many threads serve clients, each with connections to the services of its own. Where none is given, one
        /// for each core that the process may use, limits of its container included.
        threads: Count(1..=1024) as Option<NonZeroUsize>,
            note "that serve clients; default: one for each core", sample 4;
        /// How many client connections may be open, over all listeners but the admin one, which has 64 of its own. See
        /// [what one client may take](#what-one-client-may-take) and [open files](#open-files).
        max_clients: Count(1..=1_000_000) as usize = 1024, note "open client connections, over all listeners";
        /// Per cent of what all clients share that one client alone cannot take. See [what one client may
        /// take](#what-one-client-may-take).
        reserve_percent: Count(0..=50) as u8 = 10, note "of what all clients share: not for one client alone";
        /// Memory for the bodies of all requests together, while they are hashed or sent again; what does not fit is
        /// spooled. Uploads that go out while they come in take none of it, but some 0.5 MiB each.
        body_memory: Size(0..=64 * GIB) = "64MiB",
            note "for all request bodies together; what does not fit is spooled";
        /// Memory for all requests together beside their bodies: heads, and what is made of a body to decide on it. See
        /// [what one client may take](#what-one-client-may-take).
        // With body_memory half of the least memory limit that is shipped, 256 MiB.
        request_memory: Size(MIB..=64 * GIB) = "64MiB",
            note "for all heads together, and what is made of bodies to decide on them";
        /// Where bodies larger than `memory_body` are spooled while they are hashed: `"/var/cache/signing-proxy"`. The
        /// files have no name there. The system's temporary folder where none is given.
        spool_dir: Path("a folder"),
            note "for large bodies; default: the system's temporary folder", sample "/var/cache/signing-proxy";
        /// Disk for the bodies of all requests together; `spool-full` beyond.
        spool_max: Size(0..=64 * 1024 * GIB) = "20GiB", note "for all spooled bodies together";
        /// Whether error hints of the shared listener name the connections, with service and region, to a client that
        /// names none or the wrong one. A connection's own listener never names another one.
        list_connections: Boolean = true, note "false: error hints name no connections";
        /// Whether the configuration is loaded again when one of its files has changed: see [Reload](../configuration.md#reload).
        watch: Boolean = false, note "true loads this file again when it has changed; SIGHUP always does";
        [browsers]: RawBrowsers, note "browsers are rejected, with these exceptions";
    }

    /// `[server.browsers]`.
    RawBrowsers {
        /// What becomes of browsers' requests. `"pass"` is for a proxy that nothing but a back end reaches: see [behind
        /// a back end](#behind-a-back-end). It is warned about at every start.
        mode: Choice(BrowserMode::NAMES) = "reject",
            note r#""pass" where nothing but a back end reaches the proxy; warned about"#;
        /// Pages of these origins may use the proxy by `fetch` or `XMLHttpRequest` with CORS: `["https://app.example",
        /// "http://localhost:3000"]`, as browsers write them in `Origin`. Such a page acts with the connections'
        /// credentials, and so does whoever gets a script into it.
        origins: List("web origins") = [], note r#"pages that may use fetch with CORS: ["https://app.example"]"#;
        /// What becomes of a request that only its `User-Agent` and the like make look like a browser's. `"pass"` is
        /// for old programs on a browser's HTTP stack, such as `XMLHTTP` of VBA; where other machines reach the
        /// listener, their browsers then do too.
        user_agents: Choice(UserAgents::NAMES) = "reject",
            note r#""pass" for old programs on a browser's HTTP stack"#;
    }

    /// `[process]`.
    RawProcess {
        /// Whether `serve` lets the kernel take all files from it that it does not need, once its configuration is
        /// read.
        landlock: Boolean = false, note "true: after the start only the folders of the files named here can be opened";
    }

    /// `[log]`.
    RawLog {
        /// `"auto"` is text on a terminal and JSON otherwise.
        format: Choice(LogFormat::NAMES) = "auto",
            note r#"text on a terminal, JSON otherwise; or "text", "json""#;
        /// `"info"` has one line a request. Release builds have nothing below `"debug"`.
        level: Choice(LogLevel::NAMES) = "info",
            note r#""error", "warn", "info" (one line a request), "debug", "trace""#;
    }
}
