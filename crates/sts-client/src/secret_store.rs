//! Secrets Manager and Parameter Store, as far as credential assets need them: one request each.
//!
//! A thin client on the connections and the signature that STS calls have: see `docs/decisions/0004-secret-stores.md`.

mod response;
mod stores;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use ::http::{Request, Uri};
use auth_model::{AssetLocation, Clock, Credentials, InvalidLocation, Region, Secret, ServiceId, SessionToken};
use aws_endpoints::{AddressRules, EndpointVariant};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use credential_assets::{CallObserver, CallTarget, Fetching, SecretStore, StoreProblem, StoredSecret};
use tokio::time::timeout;

use crate::connector::http_connector;
use crate::error::{CredentialError, CredentialFailure};
use crate::error_response::chain_text;
use crate::observed::{Called, Observed};
use crate::quiet::quietly;
use crate::settings::{EgressProxy, StsSettings};
use crate::source::CredentialSource;
use stores::AwsStore;

pub use stores::{asset_schemes, aws_schemes};

const TARGET: &str = "x-amz-target";

const JSON: &str = "application/x-amz-json-1.1";

/// How one of AWS's secret stores is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretStoreSettings {
    /// The region of secrets that are named, not given by ARN.
    pub region: Region,
    /// Where it is called instead of AWS's regional endpoint.
    pub endpoint: Option<Uri>,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// Certificates in PEM form that are trusted besides the platform's roots.
    pub extra_roots_pem: Vec<u8>,
    /// An HTTP proxy on the way out.
    pub proxy: Option<EgressProxy>,
    /// At which addresses AWS's names may be; [`endpoint`](Self::endpoint) may be anywhere.
    pub addresses: AddressRules,
}

/// Fetches from a store with the credentials of a source. A set that the store rejects is refreshed, and the request sent
/// once more.
pub struct AwsSecretStore {
    store: &'static dyn AwsStore,
    source: CredentialSource,
    region: Region,
    endpoint: Option<Uri>,
    timeout: Duration,
    connector: SharedHttpConnector,
    clock: Arc<dyn Clock>,
}

impl AwsSecretStore {
    /// The store with this scheme. Nothing is requested yet. `clock` dates the signatures.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure::Settings`] where there is no such store, or the extra
    /// roots or the proxy cannot be used.
    pub fn new(
        scheme: &str,
        source: CredentialSource,
        settings: &SecretStoreSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CredentialError> {
        let unknown = || CredentialFailure::Settings {
            reason: "there is no such secret store",
        };
        let store = stores::store(scheme).ok_or_else(|| CredentialError::new(unknown(), Duration::ZERO))?;
        let sts = StsSettings {
            extra_roots_pem: settings.extra_roots_pem.clone(),
            proxy: settings.proxy.clone(),
            addresses: settings.addresses.clone(),
            endpoint: settings.endpoint.clone(),
            connect_timeout: settings.timeout,
            ..StsSettings::default()
        };
        let connector = http_connector(&sts).map_err(|failure| CredentialError::new(failure, Duration::ZERO))?;
        Ok(Self::with_connector(store, source, settings, clock, connector))
    }

    /// Has every exchange with the store measured.
    #[must_use]
    pub fn observed_by(self, observer: Option<&Arc<dyn CallObserver>>) -> Self {
        let Some(observer) = observer else { return self };
        let target = CallTarget::Asset(self.store.name());
        let connector = Observed::new(self.connector, Arc::clone(observer), Called::One(target));
        Self {
            connector: SharedHttpConnector::new(connector),
            ..self
        }
    }

    fn with_connector(
        store: &'static dyn AwsStore,
        source: CredentialSource,
        settings: &SecretStoreSettings,
        clock: Arc<dyn Clock>,
        connector: SharedHttpConnector,
    ) -> Self {
        Self {
            store,
            source,
            region: settings.region.clone(),
            endpoint: settings.endpoint.clone(),
            timeout: settings.timeout,
            connector,
            clock,
        }
    }

    async fn text(&self, secret: &StoredSecret) -> Result<Secret, StoreProblem> {
        let credentials = self.source.credentials().await.map_err(no_credentials)?;
        match self.request(secret, &credentials).await {
            Err(StoreProblem::CredentialsRejected { .. }) => {
                let renewed = self
                    .source
                    .refresh_rejected(&credentials)
                    .await
                    .map_err(no_credentials)?;
                self.request(secret, &renewed).await
            }
            outcome => outcome,
        }
    }

    async fn request(&self, secret: &StoredSecret, credentials: &Credentials) -> Result<Secret, StoreProblem> {
        let request = self.signed(secret, credentials)?;
        let exchange = async {
            let request = request.try_into().map_err(|_| unsendable())?;
            let response = self
                .connector
                .call(request)
                .await
                .map_err(|error| unreachable(&error))?;
            response::read(self.store, response).await
        };
        timeout(self.timeout, quietly(exchange))
            .await
            .unwrap_or(Err(StoreProblem::TimedOut))
    }

    fn signed(&self, secret: &StoredSecret, credentials: &Credentials) -> Result<Request<SdkBody>, StoreProblem> {
        let (target, body) = self.store.request(&secret.id);
        let body = body.to_string();
        // An ARN says where it belongs.
        let region = secret.region.clone().unwrap_or_else(|| self.region.clone());
        let uri = self.uri(&region)?;
        let mut request = Request::post(&uri)
            .header(CONTENT_TYPE, JSON)
            .header(TARGET, target)
            .body(SdkBody::from(body.as_str()))
            .map_err(|_| unsendable())?;
        let identity = aws_credential_types::Credentials::new(
            credentials.access_key_id.as_str(),
            credentials.secret_access_key.expose(),
            credentials
                .session_token
                .as_ref()
                .map(SessionToken::expose)
                .map(str::to_owned),
            credentials.expires_at,
            "signing-proxy",
        );
        let identity = identity.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(region.as_str())
            .name(self.store.name())
            .time(self.clock.now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unsendable())?
            .into();
        let headers = [(CONTENT_TYPE.as_str(), JSON), (TARGET, target)];
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
        let signed = signable.and_then(|signable| sign(signable, &parameters));
        let (instructions, _) = signed.map_err(|_| unsendable())?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    fn uri(&self, region: &Region) -> Result<String, StoreProblem> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.to_string());
        }
        let service = ServiceId::parse(self.store.name()).map_err(|_| unsendable())?;
        let endpoint = aws_endpoints::endpoint(&service, region, EndpointVariant::default());
        let unknown = |error: aws_endpoints::EndpointError| StoreProblem::Unreachable {
            reason: error.to_string(),
        };
        Ok(format!("https://{}/", endpoint.map_err(unknown)?.host))
    }
}

impl SecretStore for AwsSecretStore {
    fn locate(&self, location: &AssetLocation) -> Result<(StoredSecret, Option<String>), InvalidLocation> {
        self.store.locate(location)
    }

    fn fetch<'a>(&'a self, secret: &'a StoredSecret) -> Fetching<'a> {
        Box::pin(self.text(secret))
    }
}

impl fmt::Debug for AwsSecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsSecretStore")
            .field("store", &self.store)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn no_credentials(error: CredentialError) -> StoreProblem {
    StoreProblem::NoCredentials {
        reason: error.to_string(),
        is_permanent: error.is_permanent(),
    }
}

fn unreachable(error: &ConnectorError) -> StoreProblem {
    if error.is_timeout() {
        return StoreProblem::TimedOut;
    }
    StoreProblem::Unreachable {
        reason: chain_text(error),
    }
}

/// A request that cannot be made: checked texts and a date of this epoch always make one.
fn unsendable() -> StoreProblem {
    StoreProblem::Unreachable {
        reason: "the request cannot be made".to_owned(),
    }
}

#[cfg(test)]
mod tests;
