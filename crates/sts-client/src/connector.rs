//! Connections to STS and to the services of the default chain: the SDK's HTTP client, over the workspace's own connections.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_model::Secret;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use credential_assets::CallObserver;
use egress::{
    AddressFilter, ConnectError, Connector, DialSettings, HttpProxies, InvalidRoots, Protocols, ProxySettings,
    TlsSettings, TrustedRoots, find_source,
};
use http::header::PROXY_AUTHORIZATION;
use http::uri::Authority;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::error::CredentialFailure;
use crate::observed::{Called, Observed};
use crate::settings::StsSettings;

/// What no proxy can reach: this machine, the metadata services of EC2, ECS and EKS.
const ALWAYS_DIRECT: &str =
    "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";

/// The TLS settings that were made last, and their extra roots. As a rule all connections have the same ones, and the
/// platform's roots take milliseconds to read and 100 KiB to store.
static LAST_TLS: Mutex<Option<(Vec<u8>, TlsSettings)>> = Mutex::new(None);

/// Connect and read timeout: the SDK wants a connector per pair (EC2's metadata has shorter ones).
type TimeoutPair = (Duration, Option<Duration>);

/// Makes one pooled connector for each pair of timeouts.
struct Connectors {
    tls: TlsSettings,
    proxies: HttpProxies,
    filter: AddressFilter,
    /// Where the SDK sets none.
    connect_timeout: Duration,
    observer: Option<Arc<dyn CallObserver>>,
    /// The authority of the operator's own STS endpoint.
    own_sts: Option<Authority>,
    made: Mutex<HashMap<TimeoutPair, SharedHttpConnector>>,
}

/// The HTTP client these settings describe. The observer is given each of its exchanges.
pub(crate) fn http_client(
    settings: &StsSettings,
    observer: Option<&Arc<dyn CallObserver>>,
) -> Result<SharedHttpClient, CredentialFailure> {
    let mut connectors = connectors(settings)?;
    connectors.observer = observer.cloned();
    Ok(SharedHttpClient::new(connectors))
}

/// One pooled connector, for requests that no SDK makes.
pub(crate) fn http_connector(settings: &StsSettings) -> Result<SharedHttpConnector, CredentialFailure> {
    Ok(connectors(settings)?.connector(&HttpConnectorSettings::default()))
}

fn connectors(settings: &StsSettings) -> Result<Connectors, CredentialFailure> {
    Ok(Connectors {
        tls: tls(&settings.extra_roots_pem)?,
        proxies: proxies(settings)?,
        filter: address_filter(settings),
        connect_timeout: settings.connect_timeout,
        observer: None,
        own_sts: settings.endpoint.as_ref().and_then(|uri| uri.authority().cloned()),
        made: Mutex::default(),
    })
}

fn tls(extra_roots_pem: &[u8]) -> Result<TlsSettings, CredentialFailure> {
    let mut last = LAST_TLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, tls)) = last.as_ref().filter(|(pem, _)| pem == extra_roots_pem) {
        return Ok(tls.clone());
    }
    let unusable = |reason| CredentialFailure::Settings { reason };
    let roots = TrustedRoots::platform().with_extra_pem(extra_roots_pem);
    let roots = roots.map_err(|invalid| {
        unusable(match invalid {
            InvalidRoots::NotPem => "the extra roots are not in PEM form",
            InvalidRoots::NotACertificate => "one of the extra roots is no certificate that can be trusted",
            InvalidRoots::Empty => "the extra roots hold no certificate",
        })
    })?;
    if roots.is_empty() {
        tracing::warn!("there are no trusted root certificates: STS cannot be reached by https");
    }
    let tls = TlsSettings::new(roots).map_err(|_| unusable("the TLS settings do not fit together"))?;
    *last = Some((extra_roots_pem.to_vec(), tls.clone()));
    Ok(tls)
}

fn proxies(settings: &StsSettings) -> Result<HttpProxies, CredentialFailure> {
    let Some(proxy) = &settings.proxy else {
        return Ok(HttpProxies::none());
    };
    let url = Secret::new(proxy.uri.to_string());
    let proxies = HttpProxies::new(&ProxySettings {
        https: Some(url.clone()),
        http: Some(url),
        no_proxy: Some(format!("{ALWAYS_DIRECT},{}", proxy.no_proxy)),
    });
    proxies.map_err(|_| CredentialFailure::Settings {
        reason: "the proxy is not an http:// URL with a host",
    })
}

/// Names that are not AWS's (a container's, an operator's own endpoint) may be anywhere.
fn address_filter(settings: &StsSettings) -> AddressFilter {
    let filter = AddressFilter::new(settings.addresses.clone());
    match settings.endpoint.as_ref().and_then(|uri| uri.host()) {
        Some(own) => filter.with_exempt_host(own),
        None => filter,
    }
}

impl HttpClient for Connectors {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector(settings)
    }
}

impl Connectors {
    fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let connect_timeout = settings.connect_timeout().unwrap_or(self.connect_timeout);
        let read_timeout = settings.read_timeout();
        let connector = made.entry((connect_timeout, read_timeout)).or_insert_with(|| {
            let connector = SharedHttpConnector::new(self.pool(connect_timeout, read_timeout));
            let Some(observer) = &self.observer else {
                return connector;
            };
            let called = Called::ByAddress {
                sts: self.own_sts.clone(),
            };
            SharedHttpConnector::new(Observed::new(connector, Arc::clone(observer), called))
        });
        connector.clone()
    }

    fn pool(&self, connect_timeout: Duration, read_timeout: Option<Duration>) -> SdkConnector {
        let dial = DialSettings::new(connect_timeout)
            .with_proxies(self.proxies.clone())
            .with_address_filter(self.filter.clone());
        let connector = Connector::new(&self.tls, Protocols::Http2OrHttp1, dial);
        SdkConnector {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            proxies: self.proxies.clone(),
            read_timeout,
        }
    }
}

impl fmt::Debug for Connectors {
    /// Without the proxy, whose URI may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connectors").finish_non_exhaustive()
    }
}

/// hyper's pooled client, as the SDK wants it.
#[derive(Debug)]
struct SdkConnector {
    client: Client<Connector, SdkBody>,
    proxies: HttpProxies,
    read_timeout: Option<Duration>,
}

impl HttpConnector for SdkConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        if let Some(value) = self.proxies.authorization_for(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let response = self.client.request(request);
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let outcome = match read_timeout {
                Some(limit) => timeout(limit, response)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
                None => response.await,
            };
            let response = outcome.map_err(|error| connector_error(error.into()))?;
            let response = HttpResponse::try_from(response.map(SdkBody::from_body_1_x));
            response.map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK needs to keep a connection from another use on which an exchange has failed.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let is_proxied = connection.connection_metadata().as_ref()?.is_proxied();
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    let metadata = ConnectionMetadata::builder().proxied(is_proxied).poison_fn(poison);
    Some(metadata.build())
}

/// The SDK retries timeouts and I/O errors, and what is marked as transient.
fn connector_error(error: Box<dyn Error + Send + Sync>) -> ConnectorError {
    if let Some(connect) = find_source::<ConnectError>(&*error) {
        return match connect {
            ConnectError::TimedOut => ConnectorError::timeout(error),
            ConnectError::Unreachable(_)
            | ConnectError::AddressRejected(_)
            | ConnectError::NoDescriptor(_)
            | ConnectError::Tls(_) => ConnectorError::io(error),
        };
    }
    let Some(exchange) = find_source::<hyper::Error>(&*error) else {
        return ConnectorError::other(error, None);
    };
    let is_unprocessed = find_source::<h2::Error>(exchange)
        .is_some_and(|h2| h2.is_go_away() || h2.reason() == Some(h2::Reason::REFUSED_STREAM));
    if exchange.is_timeout() {
        ConnectorError::timeout(error)
    } else if exchange.is_user() {
        ConnectorError::user(error)
    } else if exchange.is_closed()
        || exchange.is_canceled()
        || is_unprocessed
        || find_source::<std::io::Error>(exchange).is_some()
    {
        ConnectorError::io(error)
    } else if exchange.is_incomplete_message() {
        ConnectorError::other(error, Some(ErrorKind::TransientError))
    } else {
        ConnectorError::other(error, None)
    }
}

#[cfg(test)]
mod tests;
