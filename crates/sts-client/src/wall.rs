//! The wall between organisations: no two of them act by the same access key.
//!
//! The configuration compares where keys are kept; what is kept there shows only when it is read, and may change. So each
//! holder of keys reports what its assets gave at each read. Of two organisations with one key, the one whose key came later
//! is stopped; where both had it from the start of one configuration, both are, since which one was read first says nothing.
//! A connection without an identity belongs to no organisation: it is stopped where its key is an identity's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use auth_model::{AccessKeyId, AuthMethod, Credentials, IdentityName, KeyAssets, Organisation, SessionToken};
use credential_assets::Assets;

use crate::error::CredentialFailure;

/// Compares the keys of all sources that share it. Cheap to clone; clones are the same wall.
#[derive(Clone, Debug, Default)]
pub struct KeyWall(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Counts configurations and changes of keys: what has a lower number was there first.
    moment: u64,
    holders: Vec<Weak<Holder>>,
}

/// Who holds keys: an identity, or a connection of the operator's own.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Owner {
    Identity(IdentityName, Organisation),
    Connection(String),
}

#[derive(Debug)]
struct Holder {
    owner: Owner,
    added_at: u64,
    is_stopped: AtomicBool,
    inner: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    keys: KeyAssets,
    assets: Assets,
    claim: Option<Claim>,
}

/// What the assets gave the last time.
#[derive(Debug)]
struct Claim {
    id: AccessKeyId,
    token: Option<SessionToken>,
    since: u64,
}

/// A holder's place at the wall; the holder is forgotten with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    wall: KeyWall,
    holder: Arc<Holder>,
}

impl KeyWall {
    /// From now on holders that are new are those of another configuration, later than all there are.
    pub fn begin_configuration(&self) {
        self.state().moment += 1;
    }

    /// The place of whoever holds the keys that this method begins with. One identity has one, whoever uses it.
    pub(crate) fn seat(&self, auth: &AuthMethod, connection: &str, keys: KeyAssets, assets: Assets) -> Seat {
        let owner = match auth {
            AuthMethod::ManagedCrossAccount { identity, .. } => {
                Owner::Identity(identity.name.clone(), identity.organisation.clone())
            }
            AuthMethod::AccessKey { .. } | AuthMethod::AccessKeyAssumeRole { .. } | AuthMethod::DefaultChain { .. } => {
                Owner::Connection(connection.to_owned())
            }
        };
        let mut state = self.state();
        let known = state.living().into_iter().find(|holder| holder.owner == owner);
        let holder = if let Some(holder) = known {
            // Kept elsewhere since a reload; the claim stays until these are read.
            let mut held = holder.held();
            (held.keys, held.assets) = (keys, assets);
            drop(held);
            holder
        } else {
            let holder = Arc::new(Holder {
                owner,
                added_at: state.moment,
                is_stopped: AtomicBool::new(false),
                inner: Mutex::new(Held {
                    keys,
                    assets,
                    claim: None,
                }),
            });
            state.holders.push(Arc::downgrade(&holder));
            holder
        };
        Seat {
            wall: self.clone(),
            holder,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn living(&mut self) -> Vec<Arc<Holder>> {
        self.holders.retain(|holder| holder.strong_count() > 0);
        self.holders.iter().filter_map(Weak::upgrade).collect()
    }

    /// Notes what the holder's assets gave, and decides anew who is stopped.
    fn note(&mut self, holder: &Holder, keys: &Credentials) {
        let mut held = holder.held();
        let since = match &held.claim {
            None => holder.added_at,
            Some(claim) if claim.id == keys.access_key_id => claim.since,
            Some(_) => {
                self.moment += 1;
                self.moment
            }
        };
        held.claim = Some(Claim {
            id: keys.access_key_id.clone(),
            token: keys.session_token.clone(),
            since,
        });
        drop(held);
        let all = self.living();
        for one in &all {
            let others: Vec<String> = all
                .iter()
                .filter(|other| one.yields_to(other))
                .map(|other| other.shown())
                .collect();
            let is_stopped = !others.is_empty();
            let was_stopped = one.is_stopped.swap(is_stopped, Ordering::AcqRel);
            if is_stopped && !was_stopped {
                tracing::error!(
                    holder = one.shown(),
                    others = others.join(", "),
                    "stopped: another organisation has the same access key; each needs an IAM user of its own"
                );
            } else if was_stopped && !is_stopped {
                tracing::info!(
                    holder = one.shown(),
                    "no other organisation has the same access key any more"
                );
            }
        }
    }
}

impl Holder {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is and where its key is kept; nothing of the key.
    fn shown(&self) -> String {
        let asset = match &self.held().keys {
            KeyAssets::Parts(parts) => parts.access_key_id.to_string(),
            KeyAssets::Leased(role) => role.to_string(),
        };
        match &self.owner {
            Owner::Identity(name, organisation) => format!("identities.{name} of {organisation} ({asset})"),
            Owner::Connection(name) => format!("connections.{name} ({asset})"),
        }
    }

    /// Whether both have one key, and this one is to be stopped for it.
    fn yields_to(&self, other: &Self) -> bool {
        let is_later = match (&self.owner, &other.owner) {
            (Owner::Connection(_), Owner::Identity(..)) => |_: u64, _: u64| true,
            (Owner::Identity(_, own), Owner::Identity(_, others)) if own != others => {
                |own: u64, others: u64| own >= others
            }
            (Owner::Identity(..) | Owner::Connection(_), _) => return false,
        };
        // One after the other: two threads never hold two of these locks, for the state's is held.
        let own = self.held();
        let others = other.held();
        let (Some(own), Some(others)) = (&own.claim, &others.claim) else {
            return false;
        };
        let token = |claim: &Claim| claim.token.as_ref().map(|token| token.expose().to_owned());
        let is_same = own.id == others.id || (own.token.is_some() && token(own) == token(others));
        is_same && is_later(own.since, others.since)
    }
}

impl Seat {
    /// Whether nothing may be done with the keys, nor with what was made of them.
    pub(crate) fn is_stopped(&self) -> bool {
        self.holder.is_stopped.load(Ordering::Acquire)
    }

    /// Notes what the assets gave.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure::IdentityClash`] where another organisation had the key before, and its assets still give it.
    pub(crate) async fn claim(&self, keys: &Credentials) -> Result<(), CredentialFailure> {
        if self.note(keys).is_empty() {
            return Ok(());
        }
        // What the others' assets gave may be long ago: nobody else may come and read them.
        for other in self.others() {
            let (kept, assets) = {
                let held = other.held();
                (held.keys.clone(), held.assets.clone())
            };
            if let Ok(keys) = assets.keys(&kept).await {
                self.wall.state().note(&other, &keys);
            }
        }
        let others = self.note(keys);
        if others.is_empty() {
            return Ok(());
        }
        Err(CredentialFailure::IdentityClash {
            own: self.holder.shown(),
            others: others.join(", "),
        })
    }

    /// Those that this holder has to yield to.
    fn note(&self, keys: &Credentials) -> Vec<String> {
        self.wall.state().note(&self.holder, keys);
        self.others().iter().map(|other| other.shown()).collect()
    }

    fn others(&self) -> Vec<Arc<Holder>> {
        let mut state = self.wall.state();
        let living = state.living();
        living
            .into_iter()
            .filter(|other| self.holder.yields_to(other))
            .collect()
    }
}

#[cfg(test)]
mod tests;
