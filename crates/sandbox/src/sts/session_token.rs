//! `GetSessionToken`: temporary keys for the calling user itself.

use std::time::Duration;

use super::{Sts, credentials, duration, envelope};
use crate::api::Call;
use crate::event::{KeyKind, Reason};
use crate::form::Form;
use crate::service_error::ServiceError;

const DEFAULT_SECONDS: u64 = 43_200;
const MAX_SECONDS: u64 = 129_600;

impl Sts {
    /// # Errors
    /// `AccessDenied` for a caller with temporary keys, `ValidationError` for a duration out of bounds.
    pub(super) fn session_token(&self, call: &Call<'_>, form: &Form) -> Result<String, ServiceError> {
        if call.caller.key == KeyKind::Temporary {
            return Err(ServiceError::new(
                Reason::AccessDenied,
                "Cannot call GetSessionToken with session credentials",
            ));
        }
        let seconds = duration(form, DEFAULT_SECONDS, MAX_SECONDS)?;
        let principal = call.caller.principal.clone();
        let key = self
            .keys
            .issue(principal, self.clock.now(), Duration::from_secs(seconds));
        Ok(envelope("GetSessionToken", call.request_id, |x| credentials(x, &key)))
    }
}
