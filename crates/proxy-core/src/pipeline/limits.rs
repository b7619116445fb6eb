//! What requests take of memory besides their bodies: their heads, and what is made of a body to decide on it.
//!
//! Each request takes its share of `server.request_memory` before that is built, by bounds that were measured, so that
//! no number of requests makes more of their few bytes than there is memory.

use std::path::PathBuf;

use http::request::Parts;
use http::{HeaderMap, Request, Uri};
use http_server::RequestReservation;
use proxy_config::ServerConfig;
use request_body::{BodyContent, BodyStorage, ClientStorage};
use resource_limits::{ClientKey, Grant, Pool, PoolSize};
use tokio::time::Instant;

use super::runtime::ConnectionRuntime;
use crate::error::{ErrorCode, ProxyError};
use crate::metrics::{Metrics, Tally, Watched};
use crate::route::Router;

/// Bytes that a request takes whatever its head has: its task, what is noted of it, what it is signed with.
const REQUEST: usize = 12 * 1024;

/// Bytes that a header field takes besides its name and value: its place in the map, and in the sorted list that is signed.
const FIELD: usize = 128;

/// Bytes that the shortest values of a body become, for each byte of theirs: an element of a list, whose vector may have
/// grown to twice its length.
const VALUE: u64 = 64;

/// Bytes that the values of a body become at most, their texts not counted: no reader keeps more than 65,536 of them.
const MAX_VALUES: u64 = 8 * 1024 * 1024;

/// Requests on HTTP/2 that are sent at a time, over all connections, where `server.max_clients` is less. Each holds some
/// 100 KiB, and a client connection may have 32 of them, of every connection of the configuration.
const LEAST_HTTP2_REQUESTS: u64 = 128;

/// What the requests of all connections share. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct SharedLimits {
    /// For bodies.
    storage: BodyStorage,
    request_memory: Pool,
    /// Requests on HTTP/2 that are sent to services or whose response is passed on, over all connections.
    http2_requests: Pool,
    spooled: Tally,
}

impl SharedLimits {
    /// Limits that leave no room yet, see [`resize`](Self::resize).
    pub(super) fn new(storage: BodyStorage, spooled: Tally) -> Self {
        Self {
            storage,
            request_memory: Pool::new(PoolSize::NONE),
            http2_requests: Pool::new(PoolSize::NONE),
            spooled,
        }
    }

    /// The same with bodies spooled to another folder.
    pub(super) fn in_folder(&self, spool_dir: PathBuf) -> Self {
        Self {
            storage: self.storage.in_folder(spool_dir),
            ..self.clone()
        }
    }

    /// From now on clients share so much. To be called when a pipeline takes over, since it has most of its pools in
    /// common with the one before it.
    pub(super) fn resize(&self, router: &Router<ConnectionRuntime>, server: &ServerConfig, metrics: &Metrics) {
        let size = |total| PoolSize {
            total,
            reserve_percent: server.reserve_percent,
        };
        self.storage.resize(size(server.body_memory), size(server.spool_max));
        self.request_memory.resize(size(server.request_memory));
        let clients = u64::try_from(server.max_clients).unwrap_or(u64::MAX);
        self.http2_requests.resize(size(clients.max(LEAST_HTTP2_REQUESTS)));
        let mut watched = vec![
            Watched::bytes("body_memory", self.storage.memory_pool()),
            Watched::bytes("spool", self.storage.disk_pool()),
            Watched::bytes("request_memory", &self.request_memory),
            Watched::permits("http2_requests", None, &self.http2_requests),
        ];
        for runtime in router.connections() {
            let (name, upstream) = (runtime.name(), &runtime.upstream);
            upstream.reserve(server.reserve_percent);
            watched.push(Watched::permits("upstream_permits", Some(name), upstream.permits()));
        }
        metrics.watch_shares(watched);
    }

    /// Where the bodies of a client's requests are kept.
    pub(super) fn storage_of(&self, client: &ClientKey) -> ClientStorage {
        self.storage.of(client)
    }

    /// Memory of a client's that grows with what it is used for.
    pub(super) fn growing_memory(&self, client: &ClientKey) -> Grant {
        self.request_memory.nothing(client)
    }

    /// Counts a body that went to the disk.
    pub(super) fn note_spooled(&self, content: &BodyContent) {
        if let BodyContent::Spooled { length, .. } = content {
            self.spooled.add(*length);
        }
    }

    /// Takes memory for a head, until there is a response to it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ClientOverShare`] and [`ErrorCode::MemoryBusy`].
    pub(super) fn memory_for_head(&self, client: &ClientKey, head: &Parts) -> Result<Grant, ProxyError> {
        let granted = self
            .request_memory
            .try_take(client, head_bytes(&head.uri, &head.headers));
        granted.map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::MemoryBusy))
    }

    /// The same for a request on HTTP/2, before anything is made of it.
    pub(super) fn room_for_head<B>(&self, client: &ClientKey, request: &Request<B>) -> Option<RequestReservation> {
        let granted = self
            .request_memory
            .try_take(client, head_bytes(request.uri(), request.headers()));
        granted.ok().map(Into::into)
    }

    /// Takes a place for the response to a request on HTTP/2. On HTTP/1 a client connection has one at a time.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ClientOverShare`] and [`ErrorCode::UpstreamBusy`], where there was none within the time for connecting.
    pub(super) async fn place_for_response(
        &self,
        client: &ClientKey,
        runtime: &ConnectionRuntime,
        is_http1: bool,
    ) -> Result<Option<Grant>, ProxyError> {
        if is_http1 {
            return Ok(None);
        }
        let deadline = Instant::now() + runtime.upstream.connect_timeout();
        let place = self.http2_requests.acquire(client, 1, deadline).await;
        place
            .map(Some)
            .map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::UpstreamBusy))
    }

    /// Takes memory for reading a body of so many bytes as a whole, as soon as there is enough of it: what others read is
    /// read within moments.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ClientOverShare`] and [`ErrorCode::MemoryBusy`], where there was not within the time for connecting.
    pub(super) async fn memory_for_decision(
        &self,
        client: &ClientKey,
        runtime: &ConnectionRuntime,
        body: u64,
    ) -> Result<Grant, ProxyError> {
        let wait = runtime.upstream.connect_timeout();
        let granted = self
            .request_memory
            .acquire(client, decision_bytes(body), Instant::now() + wait);
        granted
            .await
            .map_err(|exhausted| ProxyError::exhausted(exhausted, ErrorCode::MemoryBusy))
    }
}

/// What a head takes, twice: as it came and as it is signed.
fn head_bytes(uri: &Uri, headers: &HeaderMap) -> u64 {
    let fields: usize = headers
        .iter()
        .map(|(name, value)| FIELD + name.as_str().len() + value.len())
        .sum();
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    u64::try_from(REQUEST + fields + 2 * target).unwrap_or(u64::MAX)
}

/// What a body takes while it is decided on: itself in one piece, the texts in it, and the values.
fn decision_bytes(body: u64) -> u64 {
    let values = body.saturating_mul(VALUE).min(MAX_VALUES);
    body.saturating_mul(2).saturating_add(values)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_head_takes_more_than_its_bytes() {
        let head = |fields: usize| {
            let mut request = Request::get("/b/k");
            for index in 0..fields {
                request = request.header(format!("x-{index:03}"), "v");
            }
            request.body(()).unwrap().into_parts().0
        };
        let bytes = |fields| head_bytes(&head(fields).uri, &head(fields).headers);
        assert_eq!(bytes(0), 12_288 + 8);
        assert_eq!(bytes(400), 12_288 + 8 + 400 * (128 + 5 + 1));
    }

    #[test]
    fn the_largest_body_of_every_service_fits_into_the_default() {
        let open = 64 * 1024 * 1024 * 9 / 10;
        assert!(decision_bytes(25_000_000) < open);
        assert_eq!(decision_bytes(10), 10 * 66);
        assert_eq!(decision_bytes(u64::MAX), u64::MAX);
    }
}
