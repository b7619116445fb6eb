//! Sends one request through the very pipeline that `serve` has, without a socket for clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use auth_model::{
    AssetReference, AuthMethod, Clock, Connection, Credentials, KeyAssets, KeyParts, Secret, SessionToken,
};
use bytes::{Bytes, BytesMut};
use credential_assets::{Assets, FixedEnvironment};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST};
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use http_server::{Handler, Peer};
use proxy_config::{Config, ConnectionConfig, Permissions};
use proxy_core::error::Cause;
use proxy_core::metrics::Metrics;
use proxy_core::pipeline::{Observer, Pipeline, RequestRecord};
use resource_limits::ListenerRole;
use sts_client::{CredentialSource, StsSettings};
use tokio::time::timeout;

use super::probe::Probe;

/// A response is read to learn its error; the rest of a longer one is not needed.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;
/// For the response's body, after its head.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// For the response's head. A harmless request takes no longer, and a port that never responds would take all of the
/// connection's `timeouts.response`.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// What came back, from the service or from the pipeline itself.
#[derive(Debug)]
pub(super) struct ProbeResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// As much of it as is read.
    pub(super) body: Bytes,
    /// Why the pipeline itself rejected it, where it did.
    pub(super) cause: Option<String>,
}

impl ProbeResponse {
    /// The service's clock.
    pub(super) fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.headers.get(DATE)?.to_str().ok()?).ok()
    }
}

/// Sends the probe, signed with these credentials, as clients of the connection would have it sent.
///
/// # Errors
///
/// Where the connection cannot be set up, or the pipeline gives no response at all.
pub(super) async fn send(
    config: &Config,
    connection: &ConnectionConfig,
    credentials: &Credentials,
    probe: &Probe,
    clock: &Arc<dyn Clock>,
) -> Result<ProbeResponse, Cause> {
    let recorded = Arc::new(RecordedCause::default());
    let source = holding(&connection.connection, credentials, clock)?;
    let name = connection.connection.name.clone();
    let pipeline = Arc::new(Pipeline::new(
        &alone(config, connection),
        [(name, source)].into(),
        Arc::clone(clock),
        Arc::clone(&recorded) as Arc<dyn Observer>,
        &Metrics::new(),
    )?);
    let peer = Peer {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        listener: ListenerRole::Shared,
    };
    let request = request(probe)?;
    let begun = pipeline.begin(&request, &peer);
    let (head, body) = pipeline.handle(request, begun).await.into_parts();
    // The record is there once the body has been dropped.
    let body = start_of(body).await;
    Ok(ProbeResponse {
        status: head.status,
        headers: head.headers,
        body,
        cause: recorded.cause(),
    })
}

/// The first bytes of a body, also where it breaks off or never ends.
async fn start_of(body: impl Body<Data = Bytes>) -> Bytes {
    let mut body = pin!(body);
    let mut start = BytesMut::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let room = MAX_RESPONSE_BYTES.saturating_sub(start.len());
            let data = frame.into_data().unwrap_or_default();
            start.extend_from_slice(data.get(..room).unwrap_or(&data));
            if start.len() >= MAX_RESPONSE_BYTES {
                return;
            }
        }
    };
    // What came within the time is what there is to look at.
    drop(timeout(BODY_TIMEOUT, reading).await);
    start.freeze()
}

fn request(probe: &Probe) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(probe.method.clone())
        .uri(&probe.target)
        .header(HOST, "localhost");
    if let Some(content_type) = probe.content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    if let Some(target) = probe.amz_target {
        request = request.header("x-amz-target", target);
    }
    if !probe.body.is_empty() {
        request = request.header(CONTENT_LENGTH, probe.body.len());
    }
    request.body(Full::from(probe.body))
}

/// The configuration with this connection alone, and nothing that listens.
pub(super) fn alone(config: &Config, connection: &ConnectionConfig) -> Config {
    let mut config = config.clone();
    config.server.listen = None;
    config.server.admin = None;
    let mut connection = connection.clone();
    connection.listen = None;
    // What clients may do is no question of the connection, and the record belongs to the proxy that runs.
    connection.permissions = Permissions::default();
    connection.timeouts.response = connection.timeouts.response.min(RESPONSE_TIMEOUT);
    config.connections = [(connection.connection.name.clone(), connection)].into();
    config
}

/// A source that has just these credentials: a role is not assumed again, for which a one-time code would be missing.
fn holding(
    connection: &Connection,
    credentials: &Credentials,
    clock: &Arc<dyn Clock>,
) -> Result<CredentialSource, sts_client::CredentialError> {
    let literal = |text: &str| AssetReference::Literal(Secret::new(text));
    let held = Connection {
        auth: AuthMethod::AccessKey {
            keys: KeyAssets::Parts(KeyParts {
                access_key_id: literal(credentials.access_key_id.as_str()),
                secret_access_key: literal(credentials.secret_access_key.expose()),
                session_token: credentials
                    .session_token
                    .as_ref()
                    .map(SessionToken::expose)
                    .map(literal),
            }),
        },
        ..connection.clone()
    };
    let nothing_else = Assets::new(FixedEnvironment::default());
    CredentialSource::new(&held, nothing_else, &StsSettings::default(), Arc::clone(clock))
}

/// Stores why the pipeline rejected the request.
#[derive(Debug, Default)]
struct RecordedCause(Mutex<Option<String>>);

impl RecordedCause {
    fn cause(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Observer for RecordedCause {
    fn finished(&self, record: &RequestRecord) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&record.cause);
    }
}
