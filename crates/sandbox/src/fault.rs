//! Faults that tests switch on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::event::Reason;
use crate::service_error::ServiceError;

/// How a service misbehaves, from [`crate::Sandbox::fault`] on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// It works.
    #[default]
    None,
    /// It closes the connection without a response.
    Disconnect,
    /// It responses 503 in its protocol's shape.
    Unavailable,
    /// It responses that the caller is too fast, in its protocol's shape.
    Throttled,
    /// It responses that the session is over, whatever it is sent.
    Expired,
    /// It works, but begins to respond only after this time.
    Slow(Duration),
}

/// The switch of one service; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultSwitch(Arc<Mutex<Fault>>);

/// The connection is to be closed without a response.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the fault `Disconnect` is set")]
pub(crate) struct Disconnected;

impl FaultSwitch {
    pub(crate) fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Misbehaves as set: waits, or says how to reject.
    pub(crate) async fn strike(&self) -> Result<Option<ServiceError>, Disconnected> {
        let fault = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Fault::None => Ok(None),
            Fault::Disconnect => Err(Disconnected),
            Fault::Unavailable => Ok(Some(ServiceError::new(
                Reason::Unavailable,
                "The request has failed due to a temporary failure of the server.",
            ))),
            Fault::Throttled => Ok(Some(ServiceError::new(Reason::Throttled, "Rate exceeded"))),
            Fault::Expired => Ok(Some(ServiceError::new(
                Reason::ExpiredToken,
                "The security token included in the request is expired",
            ))),
            Fault::Slow(delay) => {
                tokio::time::sleep(delay).await;
                Ok(None)
            }
        }
    }
}
