//! The account that a connection's credentials are in.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use auth_model::AccountId;
use sts_client::CredentialSource;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// For how long a failure to look the account up holds.
const PAUSE: Duration = Duration::from_secs(5);

/// The account, as soon as it is known.
#[derive(Debug)]
pub struct Account {
    /// What STS is called for.
    credentials: CredentialSource,
    known: OnceLock<AccountId>,
    /// When the last lookup failed. Held during a lookup: there is one at a time.
    failed_at: Mutex<Option<Instant>>,
}

impl Account {
    /// The account of these credentials, which may be configured.
    pub fn new(configured: Option<AccountId>, credentials: CredentialSource) -> Self {
        Self {
            credentials,
            known: configured.map(OnceLock::from).unwrap_or_default(),
            failed_at: Mutex::default(),
        }
    }

    pub(crate) fn known(&self) -> Option<AccountId> {
        self.known.get().cloned()
    }

    /// The account, which STS reports where it is not known yet. A response holds for ever; a failure does for a moment, and
    /// for all that wait.
    pub(crate) async fn look_up(&self) -> Option<AccountId> {
        if let Some(known) = self.known() {
            return Some(known);
        }
        let lookup = async { self.credentials.caller_identity().await.map(|caller| caller.account) };
        // Boxed, as all that few requests need: else it is part of every request's future.
        Box::pin(self.look_up_by(lookup)).await
    }

    async fn look_up_by<E: Error + 'static>(
        &self,
        lookup: impl Future<Output = Result<AccountId, E>>,
    ) -> Option<AccountId> {
        let mut failed_at = self.failed_at.lock().await;
        if let Some(known) = self.known() {
            return Some(known);
        }
        // Else each of those that wait would wait for a lookup of its own, one behind the other, with the memory that it
        // has of what all connections share.
        if failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        match lookup.await {
            Ok(account) => Some(self.known.get_or_init(|| account).clone()),
            Err(error) => {
                *failed_at = Some(Instant::now());
                let error: &dyn Error = &error;
                tracing::warn!(
                    error,
                    "the account of the credentials is not known; set the connection's account"
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use auth_model::{Credentials, Secret, SecretAccessKey};
    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    fn source() -> CredentialSource {
        let secret = SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG")).unwrap();
        CredentialSource::fixed(Credentials::new("AKIAIOSFODNN7EXAMPLE".parse().unwrap(), secret))
    }

    const SLOW: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn failed_lookup_is_one_for_all_that_wait_and_for_a_moment() {
        let (account, calls, begun) = (Account::new(None, source()), Cell::new(0), Instant::now());
        let failing = || {
            account.look_up_by(async {
                calls.set(calls.get() + 1);
                sleep(SLOW).await;
                Err::<AccountId, _>(std::fmt::Error)
            })
        };
        let found = join_all((0..50).map(|_| failing())).await;
        assert!(found.iter().all(Option::is_none));
        assert_eq!((calls.get(), begun.elapsed()), (1, SLOW));
        assert_eq!(failing().await, None);
        assert_eq!(calls.get(), 1, "a moment later");

        sleep(PAUSE).await;
        let id = AccountId::parse("111122223333").expect("an account");
        let found = account.look_up_by(async { Ok::<_, std::fmt::Error>(id.clone()) }).await;
        assert_eq!((found, account.known()), (Some(id.clone()), Some(id)));
    }
}
