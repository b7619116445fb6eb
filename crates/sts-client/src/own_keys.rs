//! The operator's own keys: read from where they are kept, or made by a vault and taken once AWS knows them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_model::{AccessKeyId, AssetOrigin, AssetReference, Credentials, KeyAssets};
use credential_assets::Assets;
use tokio::time::{Instant, sleep};

use crate::error::CredentialFailure;
use crate::sts::Sts;
use crate::wall::Seat;

/// AWS takes seconds to make a new IAM user known everywhere. Source: IAM User Guide, "Changes that I make are not
/// always immediately visible".
const SETTLING: Duration = Duration::from_secs(30);

/// Between two questions whether AWS knows a new key.
const PAUSE: Duration = Duration::from_secs(1);

/// Keys as the configuration names them.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    keys: KeyAssets,
    assets: Assets,
    /// Where it is checked whether AWS knows a key; `None` where there is no STS, as for servers that are not AWS's.
    sts: Option<Sts>,
    /// The last key that AWS knew.
    known: Mutex<Option<AccessKeyId>>,
    /// Where the keys are compared with those of other organisations; `None` in tests only.
    seat: Option<Seat>,
}

impl OwnKeys {
    pub(crate) fn new(keys: KeyAssets, assets: Assets, sts: Option<Sts>) -> Self {
        Self {
            keys,
            assets,
            sts,
            known: Mutex::default(),
            seat: None,
        }
    }

    /// Compares what is read with the keys of other organisations.
    pub(crate) fn at(self, seat: Seat) -> Self {
        Self {
            seat: Some(seat),
            ..self
        }
    }

    /// Whether nothing may be done with the keys, nor with what was made of them.
    pub(crate) fn is_stopped(&self) -> bool {
        self.seat.as_ref().is_some_and(Seat::is_stopped)
    }

    /// The keys as they are now.
    pub(crate) async fn read(&self) -> Result<Credentials, CredentialFailure> {
        let keys = self.assets.keys(&self.keys).await?;
        if let Some(seat) = &self.seat {
            seat.claim(&keys).await?;
        }
        self.settle(&keys).await?;
        Ok(keys)
    }

    /// Has the keys read anew, wherever they are cached.
    pub(crate) fn distrust(&self) {
        self.assets.invalidate(&self.keys);
    }

    /// Whether they are to be read again although they say nothing of an expiry, or before it.
    pub(crate) fn can_change(&self) -> bool {
        let is_fixed = |part: &AssetReference| self.assets.origin(part) == Ok(AssetOrigin::Process);
        match &self.keys {
            KeyAssets::Parts(parts) => !parts.references().all(is_fixed),
            // A lease says when; while the vault is down it is called more often.
            KeyAssets::Leased(_) => self.stale_for().is_some(),
        }
    }

    /// Whether reading them asks nobody to make new ones.
    pub(crate) fn only_reads(&self) -> bool {
        match &self.keys {
            KeyAssets::Parts(_) => true,
            KeyAssets::Leased(_) => false,
        }
    }

    /// For how long they have not been confirmed, where what keeps them fails.
    pub(crate) fn stale_for(&self) -> Option<Duration> {
        self.assets.stale_for(&self.keys)
    }

    /// Waits until AWS knows the key of a user that a vault has just made.
    async fn settle(&self, keys: &Credentials) -> Result<(), CredentialFailure> {
        let is_new_user = matches!(self.keys, KeyAssets::Leased(_)) && keys.session_token.is_none();
        let (true, Some(sts)) = (is_new_user && !self.is_known(keys), &self.sts) else {
            return Ok(());
        };
        let until = Instant::now() + SETTLING;
        loop {
            match sts.caller_identity(keys).await {
                Err(CredentialFailure::KeysRejected { .. }) if Instant::now() < until => sleep(PAUSE).await,
                Err(failure @ CredentialFailure::KeysRejected { .. }) => return Err(failure),
                // Known, or it cannot be known: then whoever uses the key will see.
                Ok(_) | Err(_) => break,
            }
        }
        let id = Some(keys.access_key_id.clone());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = id;
        Ok(())
    }

    fn is_known(&self, keys: &Credentials) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref() == Some(&keys.access_key_id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_model::Region;
    use credential_assets::FixedEnvironment;

    use super::*;
    use crate::settings::StsSettings;
    use crate::testing::VirtualClock;
    use crate::testing::sts::{ScriptedResponse, ScriptedSts, error_response, identity};

    const LEASED: &str = "vault-aws:aws/creds/deploy";

    fn own_keys(keys: KeyAssets, clock: &VirtualClock, sts: &ScriptedSts) -> OwnKeys {
        let assets = Assets::new(FixedEnvironment::from_iter([("A", "b")]));
        let region = Region::parse("eu-west-1").unwrap();
        let clock = Arc::new(clock.clone());
        let sts = Sts::new(&region, &StsSettings::default(), clock, sts.http_client());
        OwnKeys::new(keys, assets, Some(sts))
    }

    fn leased(clock: &VirtualClock, sts: &ScriptedSts) -> OwnKeys {
        own_keys(KeyAssets::Leased(LEASED.parse().unwrap()), clock, sts)
    }

    fn parts() -> KeyAssets {
        KeyAssets::Parts(auth_model::KeyParts {
            access_key_id: "AKIA1".parse().unwrap(),
            secret_access_key: "env:A".parse().unwrap(),
            session_token: None,
        })
    }

    /// Knows keys from the given second on.
    fn knowing_from(clock: &VirtualClock, seconds: u64) -> ScriptedSts {
        let clock = clock.clone();
        ScriptedSts::new(move |_| {
            if clock.elapsed() < Duration::from_secs(seconds) {
                error_response(
                    403,
                    "InvalidClientTokenId",
                    "The security token included in the request is invalid.",
                )
            } else {
                identity("123456789012", "arn:aws:iam::123456789012:user/vault-made")
            }
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_that_a_vault_has_just_made_is_used_when_aws_knows_it() {
        let clock = VirtualClock::new();
        let sts = knowing_from(&clock, 8);
        let own = leased(&clock, &sts);
        own.settle(&crate::testing::keys("AKIA1")).await.unwrap();
        assert_eq!((clock.elapsed().as_secs(), sts.take().len()), (8, 9));
        own.settle(&crate::testing::keys("AKIA1")).await.unwrap();
        assert_eq!(sts.take().len(), 0, "it is known");
        own.settle(&crate::testing::keys("AKIA2")).await.unwrap();
        assert_eq!(sts.take().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_that_aws_never_knows_is_given_up() {
        let clock = VirtualClock::new();
        let sts = knowing_from(&clock, 100);
        let failure = leased(&clock, &sts)
            .settle(&crate::testing::keys("AKIA1"))
            .await
            .unwrap_err();
        assert_eq!((failure.code(), clock.elapsed().as_secs()), ("keys_rejected", 30));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_what_sts_cannot_tell_or_need_not() {
        let clock = VirtualClock::new();
        let down = ScriptedSts::new(|_| ScriptedResponse::ConnectionRefused);
        leased(&clock, &down)
            .settle(&crate::testing::keys("AKIA1"))
            .await
            .unwrap();
        let sts = knowing_from(&clock, 100);
        let session = crate::sts::checked("ASIA1", "wJalrXUtnFEMI", Some("FwoG".to_owned())).unwrap();
        leased(&clock, &sts).settle(&session).await.unwrap();
        own_keys(parts(), &clock, &sts).read().await.unwrap();
        assert_eq!(sts.take().len(), 0);
    }

    #[test]
    fn a_doubted_key_is_read_again_and_no_new_one_is_made() {
        let clock = VirtualClock::new();
        let sts = knowing_from(&clock, 0);
        assert!(own_keys(parts(), &clock, &sts).only_reads());
        assert!(!leased(&clock, &sts).only_reads());
    }
}
