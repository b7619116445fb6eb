//! The account that a connection's credentials are in.

use std::sync::OnceLock;

use auth_model::AccountId;
use sts_client::CredentialSource;

/// The account, as soon as it is known.
#[derive(Debug)]
pub(crate) struct Account {
    known: OnceLock<AccountId>,
    /// One call to STS at a time.
    asking: tokio::sync::Mutex<()>,
}

impl Account {
    pub(crate) fn new(configured: Option<AccountId>) -> Self {
        Self {
            known: configured.map(OnceLock::from).unwrap_or_default(),
            asking: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn known(&self) -> Option<AccountId> {
        self.known.get().cloned()
    }

    /// Asks STS whose the credentials are. An answer holds for ever; without one the next request asks again.
    pub(crate) async fn ask(&self, credentials: &CredentialSource) -> Option<AccountId> {
        let _turn = self.asking.lock().await;
        if let Some(known) = self.known() {
            return Some(known);
        }
        match credentials.caller_identity().await {
            Ok(caller) => Some(self.known.get_or_init(|| caller.account).clone()),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "the account of the credentials is not known; set the connection's account"
                );
                None
            }
        }
    }
}
