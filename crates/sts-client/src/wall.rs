//! The wall between organisations: no two of them act by the same access key.
//!
//! The configuration compares where keys are kept; what is kept there shows only when it is read, and may change. So each
//! holder of keys reports what its assets gave at each read. Of two organisations with one key, the one whose key came later
//! is stopped; where both had it from the start of one configuration, both are, since which one was read first says nothing.
//! A connection without an identity belongs to no organisation: it is stopped where its key is an identity's.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use auth_model::{AccessKeyId, AuthMethod, Credentials, IdentityName, KeyAssets, Organisation, SessionToken};
use credential_assets::Assets;

use crate::error::CredentialFailure;

/// How many holders of the same key an error names, at most.
const NAMED: usize = 8;

/// Compares the keys of all sources that share it. Cheap to clone; clones are the same wall.
#[derive(Clone, Debug, Default)]
pub struct KeyWall(Arc<Mutex<State>>);

/// Every holder is found by its owner and by what it claims, so that a read costs as much with thousands of holders as with
/// one: comparing all with all would block the threads that serve requests.
#[derive(Debug, Default)]
struct State {
    /// Counts configurations and changes of keys: what has a lower number was there first.
    moment: u64,
    owners: HashMap<Owner, Weak<Holder>>,
    /// By the hash of an access key id or of a session token; what has one hash is compared itself.
    claims: HashMap<u64, Claimants>,
    hasher: RandomState,
}

/// Who claims one thing. Apart, since only identities stop others: thousands of connections may well have one key.
#[derive(Debug, Default)]
struct Claimants {
    identities: Vec<Weak<Holder>>,
    connections: Vec<Weak<Holder>>,
}

/// Who holds keys: an identity, or a connection of the operator's own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
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
        let mut state = self.state();
        state.moment += 1;
        state.owners.retain(|_, holder| holder.strong_count() > 0);
        state
            .claims
            .retain(|_, claimants| claimants.are_left_without(&Weak::new()));
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
        let known = state.owners.get(&owner).and_then(Weak::upgrade);
        let holder = if let Some(holder) = known {
            // Kept elsewhere since a reload; the claim stays until these are read.
            let mut held = holder.held();
            (held.keys, held.assets) = (keys, assets);
            drop(held);
            holder
        } else {
            let holder = Arc::new(Holder {
                owner: owner.clone(),
                added_at: state.moment,
                is_stopped: AtomicBool::new(false),
                inner: Mutex::new(Held {
                    keys,
                    assets,
                    claim: None,
                }),
            });
            state.owners.insert(owner, Arc::downgrade(&holder));
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
    /// Notes what the holder's assets gave, and decides anew who is stopped.
    fn note(&mut self, holder: &Arc<Holder>, keys: &Credentials) {
        let mut held = holder.held();
        let since = match &held.claim {
            None => holder.added_at,
            Some(claim) if claim.id == keys.access_key_id => claim.since,
            Some(_) => {
                self.moment += 1;
                self.moment
            }
        };
        let claim = Claim {
            id: keys.access_key_id.clone(),
            token: keys.session_token.clone(),
            since,
        };
        let (after, before) = (self.hashes(Some(&claim)), self.hashes(held.claim.as_ref()));
        held.claim = Some(claim);
        drop(held);
        if before != after {
            let own = Arc::downgrade(holder);
            for hash in &before {
                if let Entry::Occupied(mut entry) = self.claims.entry(*hash)
                    && !entry.get_mut().are_left_without(&own)
                {
                    entry.remove();
                }
            }
            for hash in &after {
                let claimants = self.claims.entry(*hash).or_default();
                match holder.owner {
                    Owner::Identity(..) => claimants.identities.push(own.clone()),
                    Owner::Connection(_) => claimants.connections.push(own.clone()),
                }
            }
            if let Owner::Identity(..) = holder.owner {
                let changed = before.iter().chain(&after).filter_map(|hash| self.claims.get(hash));
                let both = changed.flat_map(|claimants| claimants.identities.iter().chain(&claimants.connections));
                let others = both
                    .filter_map(Weak::upgrade)
                    .filter(|other| holder.owner.may_stop(&other.owner));
                others.for_each(|other| self.decide(&other));
            }
        }
        // Also where nothing changed: whoever had the key before may have gone.
        self.decide(holder);
    }

    /// Under what the claim stands.
    fn hashes(&self, claim: Option<&Claim>) -> Vec<u64> {
        let Some(claim) = claim else { return Vec::new() };
        let id = self.hasher.hash_one(("id", claim.id.as_str()));
        let token = claim
            .token
            .as_ref()
            .map(|token| self.hasher.hash_one(("token", token.expose())));
        std::iter::once(id).chain(token).collect()
    }

    /// Those that the holder has to yield to.
    fn others(&self, holder: &Holder) -> impl Iterator<Item = Arc<Holder>> {
        let hashes = self.hashes(holder.held().claim.as_ref());
        let claimants = hashes.into_iter().filter_map(|hash| self.claims.get(&hash));
        let identities = claimants
            .flat_map(|claimants| &claimants.identities)
            .filter_map(Weak::upgrade);
        identities.filter(|other| holder.yields_to(other))
    }

    /// Decides whether the holder is stopped.
    fn decide(&self, holder: &Holder) {
        let is_stopped = self.others(holder).next().is_some();
        let was_stopped = holder.is_stopped.swap(is_stopped, Ordering::AcqRel);
        if is_stopped && !was_stopped {
            tracing::error!(
                holder = holder.shown(),
                others = shown(self.others(holder)),
                "stopped: another organisation has the same access key; each needs an IAM user of its own"
            );
        } else if was_stopped && !is_stopped {
            tracing::info!(
                holder = holder.shown(),
                "no other organisation has the same access key any more"
            );
        }
    }
}

impl Claimants {
    /// Takes out this one, and those that are gone; whether there are any left.
    fn are_left_without(&mut self, one: &Weak<Holder>) -> bool {
        for holders in [&mut self.identities, &mut self.connections] {
            holders.retain(|other| !other.ptr_eq(one) && other.strong_count() > 0);
        }
        !self.identities.is_empty() || !self.connections.is_empty()
    }
}

impl Owner {
    /// Whether the other one may have to be stopped where both have one key.
    fn may_stop(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Identity(..), Self::Connection(_)) => true,
            (Self::Identity(_, own), Self::Identity(_, others)) => own != others,
            (Self::Connection(_), _) => false,
        }
    }
}

impl Holder {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is and where its key is kept; nothing of the key.
    fn shown(&self) -> String {
        let held = self.held();
        let asset = held.assets.shown(match &held.keys {
            KeyAssets::Parts(parts) => &parts.access_key_id,
            KeyAssets::Leased(key) => key,
        });
        drop(held);
        match &self.owner {
            Owner::Identity(name, organisation) => format!("identities.{name} of {organisation} ({asset})"),
            Owner::Connection(name) => format!("connections.{name} ({asset})"),
        }
    }

    /// Whether both have one key, and this one is to be stopped for it.
    fn yields_to(&self, other: &Self) -> bool {
        #[cfg(test)]
        tests::COMPARED.set(tests::COMPARED.get() + 1);
        if !other.owner.may_stop(&self.owner) {
            return false;
        }
        // Not the same holder, which would wait for itself: nobody stops itself. Two threads never hold two of these locks,
        // for the state's is held.
        let own = self.held();
        let others = other.held();
        let (Some(own), Some(others)) = (&own.claim, &others.claim) else {
            return false;
        };
        let is_one_token = match (&own.token, &others.token) {
            (Some(own), Some(others)) => own.expose() == others.expose(),
            (None | Some(_), _) => false,
        };
        let is_later = match &self.owner {
            Owner::Connection(_) => true,
            Owner::Identity(..) => own.since >= others.since,
        };
        (own.id == others.id || is_one_token) && is_later
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
        self.wall.state().note(&self.holder, keys);
        // What the others' assets gave may be long ago: nobody else may come and read them. One that still has the key
        // settles it.
        for other in self.others() {
            let (kept, assets) = {
                let held = other.held();
                (held.keys.clone(), held.assets.clone())
            };
            let read = assets.keys(&kept).await;
            let state = &mut *self.wall.state();
            if let Ok(keys) = read {
                state.note(&other, &keys);
            }
            if self.holder.yields_to(&other) {
                break;
            }
        }
        let others = self.others();
        if others.is_empty() {
            return Ok(());
        }
        Err(CredentialFailure::IdentityClash {
            own: self.holder.shown(),
            others: shown(others.into_iter()),
        })
    }

    /// Those that this holder has to yield to.
    fn others(&self) -> Vec<Arc<Holder>> {
        self.wall.state().others(&self.holder).collect()
    }
}

/// Who they are, as far as there is room in a line.
fn shown(holders: impl Iterator<Item = Arc<Holder>>) -> String {
    let mut holders = holders.map(|holder| holder.shown());
    let named = holders.by_ref().take(NAMED).collect::<Vec<_>>().join(", ");
    match holders.count() {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
