//! The limits of the listeners: those of the configuration for clients, and fixed ones for operators and probes.

use std::time::Duration;

use http_server::ServerLimits;
use proxy_config::ServerConfig;

/// What a listener for operators and probes needs: little of everything. Whoever comes gets the place of the
/// connection on which nothing has begun for longest, however new that is: a probe that fails has the process restarted.
/// Also where a response is under way, which is made at once: its client takes its time to read it.
pub(super) const ADMIN: ServerLimits = ServerLimits {
    header_timeout: Duration::from_secs(5),
    idle_timeout: Duration::from_secs(75),
    write_timeout: Duration::from_secs(10),
    max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
    http2_max_header_bytes: ServerLimits::LEAST_HEADER_BYTES,
    max_clients: 64,
    reserve_percent: 10,
    place_kept: Duration::ZERO,
    busy_give_way: true,
};

/// Those of the configuration.
pub(super) fn of_clients(config: &ServerConfig) -> ServerLimits {
    ServerLimits {
        header_timeout: config.header_timeout,
        idle_timeout: config.idle_timeout,
        write_timeout: config.write_timeout,
        max_header_bytes: config.max_header_bytes,
        http2_max_header_bytes: config.http2_max_header_bytes,
        max_clients: config.max_clients,
        reserve_percent: config.reserve_percent,
        place_kept: ServerLimits::PLACE_KEPT,
        busy_give_way: false,
    }
}
