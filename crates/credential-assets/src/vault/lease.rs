//! Keys that the AWS engine makes: one set for each role, kept alive by its lease and replaced ahead of its end.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{AccessKeyId, Credentials, Secret, SecretAccessKey, SessionToken};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::aws_scheme::VaultAwsRole;
use super::http::VaultResponse;
use super::kv::encoded;
use super::problem::VaultProblem;
use super::session::{CurrentToken, Sessions};
use crate::asset_cache::{AssetCache, Freshness};

/// A lease is renewed, or a new set made, this long before the end: sources that hold the set renew it five minutes
/// ahead, so what they are given then must be newer.
const WINDOW: Duration = Duration::from_mins(5);

/// The window is at most this part of a lease, so that short ones are not renewed all the time.
const LARGEST_PART: u32 = 3;

/// AWS takes seconds to make a new IAM user known everywhere: a set this young that it rejects is not replaced, since
/// the next one would be rejected just the same. Source: IAM User Guide, "Changes that I make are not always immediately
/// visible".
const SETTLING: Duration = Duration::from_secs(30);

/// The sets of one vault.
#[derive(Debug)]
pub(super) struct Leases {
    sessions: Arc<Sessions>,
    sets: AssetCache<VaultAwsRole, KeyLease, VaultProblem>,
}

/// A set with its lease.
#[derive(Clone, Debug)]
struct KeyLease {
    credentials: Credentials,
    id: String,
    is_renewable: bool,
    made_at: Instant,
    /// How long the vault let it live at first.
    term: Duration,
    ends_at: Instant,
    /// The token it was made with: the vault takes the set back when the token ends.
    token: Secret,
}

/// What a response says of a lease.
struct LeaseTerms {
    id: String,
    length: Duration,
    is_renewable: bool,
}

impl Leases {
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        Self {
            sessions,
            // The lease decides how long a set is good.
            sets: AssetCache::new(Duration::ZERO),
        }
    }

    /// The set of a role, and when it ends.
    pub(super) async fn get(&self, role: &VaultAwsRole) -> Result<(Credentials, Instant), VaultProblem> {
        let current_token = self.sessions.current_token().await;
        let freshness = |lease: &KeyLease, _| lease.freshness(current_token.as_ref());
        let lease = self
            .sets
            .get_by(role, freshness, |before| self.obtain(role, before))
            .await?;
        let current_token = self.sessions.current_token().await;
        Ok((lease.credentials.clone(), lease.end(current_token.as_ref())))
    }

    /// AWS rejects the set: another one is made at the next call, unless this one is too new to be known.
    pub(super) fn forget(&self, role: &VaultAwsRole) {
        let is_settled = |lease: &Arc<KeyLease>| lease.made_at.elapsed() >= SETTLING;
        if self.sets.peek(role).as_ref().is_some_and(is_settled) {
            self.sets.forget(role);
        }
    }

    pub(super) fn stale_for(&self, role: &VaultAwsRole) -> Option<Duration> {
        self.sets.stale_for(role)
    }

    /// The set with a longer lease, else a new one.
    async fn obtain(&self, role: &VaultAwsRole, before: Option<Arc<KeyLease>>) -> Result<KeyLease, VaultProblem> {
        self.sessions.outlast(WINDOW).await?;
        let current_token = self.sessions.current_token().await;
        let is_of_this_token = |lease: &&KeyLease| {
            current_token
                .as_ref()
                .is_some_and(|current_token| current_token.is_of(&lease.token))
        };
        if let Some(lease) = before.as_deref().filter(is_of_this_token) {
            if !lease.is_due(lease.ends_at) {
                // Only the token is about to end, and there is no other.
                return Ok(lease.clone());
            }
            if let Some(lease) = self.extend(lease).await? {
                return Ok(lease);
            }
        }
        let (response, token) = self.sessions.get(&encoded(role.path())).await?;
        let status = response.status.as_u16();
        if status == 400 {
            return Err(VaultProblem::NotMade { status });
        }
        made(&response.success()?, token)
    }

    /// The same set for longer; `None` where it cannot live much longer.
    async fn extend(&self, lease: &KeyLease) -> Result<Option<KeyLease>, VaultProblem> {
        if !lease.is_renewable || lease.ends_at <= Instant::now() {
            return Ok(None);
        }
        let body = json!({ "lease_id": lease.id, "increment": lease.term.as_secs() });
        let (response, _) = self.sessions.post("sys/leases/renew", &body).await?;
        let terms = match response.status.as_u16() {
            // It is gone, or may not be renewed.
            400 | 403 | 404 => return Ok(None),
            _ => terms(&response.success()?)?,
        };
        let longer = KeyLease {
            id: terms.id,
            is_renewable: terms.is_renewable,
            ends_at: Instant::now() + terms.length,
            ..lease.clone()
        };
        Ok(Some(longer).filter(|longer| !longer.is_due(longer.ends_at)))
    }
}

impl KeyLease {
    fn freshness(&self, current_token: Option<&CurrentToken>) -> Freshness {
        let end = self.end(current_token);
        if end <= Instant::now() {
            Freshness::Expired
        } else if self.is_due(end) {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// With its token, at the latest.
    fn end(&self, current_token: Option<&CurrentToken>) -> Instant {
        match current_token {
            Some(current_token) if current_token.is_of(&self.token) => {
                current_token.ends_at.map_or(self.ends_at, |end| end.min(self.ends_at))
            }
            // Another login has taken its token's place: that one is at its end.
            Some(_) | None => Instant::now(),
        }
    }

    fn is_due(&self, end: Instant) -> bool {
        end.saturating_duration_since(Instant::now()) <= WINDOW.min(self.term / LARGEST_PART)
    }
}

fn terms(response: &VaultResponse) -> Result<LeaseTerms, VaultProblem> {
    let seconds = response.json.get("lease_duration").and_then(Value::as_u64);
    Ok(LeaseTerms {
        id: response
            .json
            .get("lease_id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        length: Duration::from_secs(
            seconds
                .filter(|seconds| *seconds > 0)
                .ok_or_else(|| response.unreadable())?,
        ),
        is_renewable: response
            .json
            .get("renewable")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    })
}

/// The set in a response. Source: Vault's API documentation, "AWS secrets engine", "Generate credentials".
fn made(response: &VaultResponse, token: Secret) -> Result<KeyLease, VaultProblem> {
    let terms = terms(response)?;
    let text = |name: &str| {
        let text = response.json.get("data")?.get(name)?.as_str()?;
        Some(Secret::new(text)).filter(|_| !text.is_empty())
    };
    let id = text("access_key").and_then(|id| AccessKeyId::parse(id.expose()).ok());
    let secret = text("secret_key").and_then(|secret| SecretAccessKey::parse(secret).ok());
    let (Some(id), Some(secret)) = (id, secret) else {
        return Err(response.unreadable());
    };
    let mut credentials = Credentials::new(id, secret);
    // Newer servers write it under both names.
    if let Some(session) = text("security_token").or_else(|| text("session_token")) {
        let session = SessionToken::parse(session).map_err(|_| response.unreadable())?;
        credentials = credentials.with_session_token(session);
    }
    let now = Instant::now();
    Ok(KeyLease {
        credentials,
        id: terms.id,
        is_renewable: terms.is_renewable,
        made_at: now,
        term: terms.length,
        ends_at: now + terms.length,
        token,
    })
}
