//! The token: obtained by a login, renewed while it lives, replaced when the vault no longer takes it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use ::http::StatusCode;
use auth_model::{AssetReference, Secret, VaultLogin};
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::http::{Http, VaultResponse};
use super::problem::VaultProblem;
use crate::error::AssetError;
use crate::file::Files;
use crate::readers::Readers;
use crate::value;

/// The shortest pause between two renewals: a token near the end of its longest life gets leases of seconds.
const SHORTEST_REST: Duration = Duration::from_secs(5);

/// The token of one vault. Whoever needs one during a login waits for it.
#[derive(Debug)]
pub(super) struct Sessions {
    http: Arc<Http>,
    auth: VaultLogin,
    readers: Readers,
    files: Files,
    current: tokio::sync::Mutex<Option<TokenSession>>,
    /// Renews the current token; ends with what it belongs to.
    keeper: Mutex<Option<RenewalTask>>,
}

#[derive(Clone, Debug)]
struct TokenSession {
    token: Secret,
    /// `None` is a token without an end, or one whose end the vault does not report.
    lease: Option<TokenLease>,
}

#[derive(Clone, Copy, Debug)]
struct TokenLease {
    /// From its beginning to [`ends_at`](Self::ends_at).
    term: Duration,
    renew_at: Instant,
    ends_at: Instant,
    is_renewable: bool,
}

/// The token that is in use.
#[derive(Debug)]
pub(super) struct CurrentToken {
    token: Secret,
    /// `None` where it does not end, or the vault does not report it.
    pub(super) ends_at: Option<Instant>,
}

impl CurrentToken {
    pub(super) fn is_of(&self, token: &Secret) -> bool {
        self.token.expose() == token.expose()
    }
}

#[derive(Debug)]
struct RenewalTask(AbortHandle);

impl Drop for RenewalTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TokenLease {
    /// `None` where the vault says 0: no end.
    fn new(seconds: u64, is_renewable: bool) -> Option<Self> {
        let length = Some(Duration::from_secs(seconds)).filter(|length| !length.is_zero())?;
        let now = Instant::now();
        // A little early, so that no request has a token that ends in transit.
        let term = length * 9 / 10;
        Some(Self {
            term,
            renew_at: now + (length * 2 / 3).max(SHORTEST_REST),
            ends_at: now + term,
            is_renewable,
        })
    }

    fn is_due(&self, window: Duration, term: Duration) -> bool {
        self.ends_at.saturating_duration_since(Instant::now()) <= window.min(term / 3)
    }
}

impl Sessions {
    pub(super) fn new(http: Arc<Http>, auth: VaultLogin, readers: Readers) -> Arc<Self> {
        Arc::new(Self {
            http,
            auth,
            readers,
            files: Files::default(),
            current: tokio::sync::Mutex::default(),
            keeper: Mutex::default(),
        })
    }

    /// A token that should be good.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Secret, VaultProblem> {
        let mut current = self.current.lock().await;
        let living = |session: &&TokenSession| session.lease.is_none_or(|lease| Instant::now() < lease.ends_at);
        if let Some(session) = current.as_ref().filter(living) {
            return Ok(session.token.clone());
        }
        let session = self.log_in().await?;
        let token = session.token.clone();
        self.keep(&session);
        *current = Some(session);
        Ok(token)
    }

    /// The token that is in use; `None` before the first login.
    pub(super) async fn current_token(&self) -> Option<CurrentToken> {
        let current = self.current.lock().await;
        current.as_ref().map(|session| CurrentToken {
            token: session.token.clone(),
            ends_at: session.lease.map(|lease| lease.ends_at),
        })
    }

    /// Sees that the token does not end within this window, or a third of its life where that is less: it is renewed,
    /// else obtained again.
    pub(super) async fn outlast(self: &Arc<Self>, window: Duration) -> Result<(), VaultProblem> {
        let token = self.token().await?;
        let Some(lease) = self
            .lease_of(&token)
            .await
            .filter(|lease| lease.is_due(window, lease.term))
        else {
            return Ok(());
        };
        if lease.is_renewable
            && let Some(renewed) = self.renew(&token).await
            && !renewed.is_due(window, lease.term)
        {
            return Ok(());
        }
        let mut current = self.current.lock().await;
        let is_replaced = |session: &TokenSession| session.token.expose() != token.expose();
        if current.as_ref().is_some_and(is_replaced) {
            return Ok(());
        }
        let session = self.log_in().await?;
        // A token that was given is the same one again.
        if is_replaced(&session) {
            self.keep(&session);
            *current = Some(session);
        }
        Ok(())
    }

    async fn lease_of(&self, token: &Secret) -> Option<TokenLease> {
        let current = self.current.lock().await;
        let session = current.as_ref()?;
        session.lease.filter(|_| session.token.expose() == token.expose())
    }

    /// Sends a request with a good token: one that the vault no longer takes is replaced, once. The token that was used
    /// is returned too.
    pub(super) async fn get(self: &Arc<Self>, path: &str) -> Result<(VaultResponse, Secret), VaultProblem> {
        self.request(path, None).await
    }

    /// The same with a body.
    pub(super) async fn post(
        self: &Arc<Self>,
        path: &str,
        body: &Value,
    ) -> Result<(VaultResponse, Secret), VaultProblem> {
        self.request(path, Some(body)).await
    }

    async fn request(
        self: &Arc<Self>,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(VaultResponse, Secret), VaultProblem> {
        let token = self.token().await?;
        let response = self.send(path, body, &token).await?;
        if response.status != StatusCode::FORBIDDEN {
            return Ok((response, token));
        }
        match self.replace(&token).await? {
            Some(token) => Ok((self.send(path, body, &token).await?, token)),
            None => Ok((response, token)),
        }
    }

    async fn send(&self, path: &str, body: Option<&Value>, token: &Secret) -> Result<VaultResponse, VaultProblem> {
        match body {
            None => self.http.get(path, token).await,
            Some(body) => self.http.post(path, Some(token), body).await,
        }
    }

    /// Another token, where `rejected` turns out to be a bad one; `None` where it is good and lacks a permission.
    pub(super) async fn replace(self: &Arc<Self>, rejected: &Secret) -> Result<Option<Secret>, VaultProblem> {
        let mut current = self.current.lock().await;
        if let Some(session) = current
            .as_ref()
            .filter(|session| session.token.expose() != rejected.expose())
        {
            return Ok(Some(session.token.clone()));
        }
        if self
            .http
            .get("auth/token/lookup-self", rejected)
            .await?
            .status
            .is_success()
        {
            return Ok(None);
        }
        *current = None;
        let session = self.log_in().await?;
        if session.token.expose() == rejected.expose() {
            // It was given, and nobody has given another one since.
            return Err(VaultProblem::LoginRejected { status: 403 });
        }
        let token = session.token.clone();
        self.keep(&session);
        *current = Some(session);
        Ok(Some(token))
    }

    async fn log_in(&self) -> Result<TokenSession, VaultProblem> {
        match &self.auth {
            VaultLogin::Token { token } => self.look_up(self.asset(token).await?).await,
            VaultLogin::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let role_id = self.asset(role_id).await?;
                let body = match secret_id {
                    None => json!({ "role_id": role_id.expose() }),
                    Some(secret_id) => {
                        let secret_id = self.asset(secret_id).await?;
                        json!({ "role_id": role_id.expose(), "secret_id": secret_id.expose() })
                    }
                };
                self.log_in_at(mount, body).await
            }
            VaultLogin::Kubernetes { mount, role, jwt_file } => {
                let asset = format!("file:{}", jwt_file.display());
                let text = self.files.text(&asset, jwt_file).await;
                let jwt = text
                    .and_then(|text| value::finish(&asset, &text))
                    .map_err(login_asset)?;
                let body = json!({ "role": role, "jwt": jwt.expose() });
                self.log_in_at(mount, body).await
            }
        }
    }

    async fn asset(&self, asset: &AssetReference) -> Result<Secret, VaultProblem> {
        self.readers.read(asset).await.map_err(login_asset)
    }

    /// A token that was given, with what the vault knows of its end.
    async fn look_up(&self, token: Secret) -> Result<TokenSession, VaultProblem> {
        let response = self.http.get("auth/token/lookup-self", &token).await?;
        if response.status == StatusCode::FORBIDDEN {
            // A bad token, or one that may not look at itself: the first read shows.
            return Ok(TokenSession { token, lease: None });
        }
        let response = response.success()?;
        let seconds = response.json.pointer("/data/ttl").and_then(Value::as_u64);
        let is_renewable = response.json.pointer("/data/renewable").and_then(Value::as_bool);
        let lease = TokenLease::new(seconds.unwrap_or_default(), is_renewable.unwrap_or_default());
        Ok(TokenSession { token, lease })
    }

    async fn log_in_at(&self, mount: &str, mut body: Value) -> Result<TokenSession, VaultProblem> {
        let path = format!("auth/{}/login", super::kv::encoded(mount));
        let response = self.http.post(&path, None, &body).await;
        value::wipe(&mut body);
        let response = response?;
        match response.status.as_u16() {
            status @ (400 | 401 | 403 | 404) => Err(VaultProblem::LoginRejected { status }),
            _ => granted(&response.success()?),
        }
    }

    /// Renews the token in the background until it cannot be renewed any more; then the next read logs in.
    fn keep(self: &Arc<Self>, session: &TokenSession) {
        let keeper = session.lease.filter(|lease| lease.is_renewable).map(|lease| {
            let task = tokio::spawn(keep(Arc::downgrade(self), session.token.clone(), lease));
            RenewalTask(task.abort_handle())
        });
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = keeper;
    }

    /// Renews the current token; its new lease, where there is something to go on renewing.
    async fn renew(&self, token: &Secret) -> Option<TokenLease> {
        let response = self.http.post("auth/token/renew-self", Some(token), &json!({})).await;
        let renewed = response
            .and_then(VaultResponse::success)
            .and_then(|response| granted(&response));
        let mut current = self.current.lock().await;
        let session = current
            .as_mut()
            .filter(|session| session.token.expose() == token.expose())?;
        match renewed {
            Ok(renewed) => session.lease = renewed.lease,
            Err(problem) => {
                let lease = session.lease.as_mut()?;
                lease.renew_at = Instant::now() + SHORTEST_REST;
                let is_over = lease.ends_at <= lease.renew_at;
                tracing::warn!(
                    error = &problem as &dyn std::error::Error,
                    is_over,
                    "the vault's token cannot be renewed"
                );
                if is_over {
                    return None;
                }
            }
        }
        session.lease.filter(|lease| lease.is_renewable)
    }
}

fn login_asset(error: AssetError) -> VaultProblem {
    VaultProblem::LoginAsset(Box::new(error))
}

/// The token that a response grants.
fn granted(response: &VaultResponse) -> Result<TokenSession, VaultProblem> {
    let auth = response.json.get("auth").ok_or_else(|| response.unreadable())?;
    let token = auth.get("client_token").and_then(Value::as_str);
    let seconds = auth.get("lease_duration").and_then(Value::as_u64).unwrap_or_default();
    let is_renewable = auth.get("renewable").and_then(Value::as_bool).unwrap_or_default();
    Ok(TokenSession {
        token: Secret::new(token.ok_or_else(|| response.unreadable())?),
        lease: TokenLease::new(seconds, is_renewable),
    })
}

/// The life of a renewable token.
async fn keep(sessions: Weak<Sessions>, token: Secret, mut lease: TokenLease) {
    loop {
        sleep_until(lease.renew_at).await;
        let Some(sessions) = sessions.upgrade() else { return };
        match sessions.renew(&token).await {
            Some(renewed) => lease = renewed,
            None => return,
        }
    }
}
