//! Exchanges with what keys and sessions come from, for whoever measures them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Is given every exchange when it is over. Must not block.
pub trait CallObserver: fmt::Debug + Send + Sync + 'static {
    /// An exchange with `target` has ended like this, `took` after it began.
    fn ended(&self, target: CallTarget, outcome: CallOutcome, took: Duration);
}

/// Who was called.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CallTarget {
    /// STS.
    Sts,
    /// The metadata service of EC2, or that of a container.
    Metadata,
    /// What keeps the assets of this scheme, such as `vault`.
    Asset(&'static str),
    /// Anything else that the default chain calls, such as SSO.
    Other,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CallOutcome {
    /// A response of success.
    Ok,
    /// A response with another status below 500.
    Rejected,
    /// A response with a status from 500 on, or one that cannot be read.
    Failed,
    /// There was no connection, or it broke off.
    Unreachable,
    /// The response did not come in time, or nobody waits for it any more.
    TimedOut,
}

impl CallOutcome {
    /// That of a response.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            ..400 => Self::Ok,
            400..500 => Self::Rejected,
            500.. => Self::Failed,
        }
    }
}

/// Measures one exchange. Dropped before its end, it has timed out: whoever waits too long drops the exchange.
#[derive(Debug)]
pub struct CallTimer {
    observer: Option<Arc<dyn CallObserver>>,
    target: CallTarget,
    begun: Instant,
    outcome: CallOutcome,
}

impl CallTimer {
    /// It begins now.
    #[must_use]
    pub fn start(observer: Option<&Arc<dyn CallObserver>>, target: CallTarget) -> Self {
        Self {
            observer: observer.cloned(),
            target,
            begun: Instant::now(),
            outcome: CallOutcome::TimedOut,
        }
    }

    /// It has ended.
    pub fn end(mut self, outcome: CallOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.ended(self.target, self.outcome, self.begun.elapsed());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps what it is given.
    #[derive(Debug, Default)]
    pub(crate) struct ObservedCalls(pub(crate) Mutex<Vec<(CallTarget, CallOutcome, Duration)>>);

    impl CallObserver for ObservedCalls {
        fn ended(&self, target: CallTarget, outcome: CallOutcome, took: Duration) {
            self.0.lock().unwrap().push((target, outcome, took));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_that_is_dropped_has_timed_out() {
        let heard = Arc::new(ObservedCalls::default());
        let observer: Arc<dyn CallObserver> = heard.clone();
        let timer = CallTimer::start(Some(&observer), CallTarget::Sts);
        tokio::time::advance(Duration::from_secs(3)).await;
        drop(timer);
        CallTimer::start(Some(&observer), CallTarget::Asset("vault")).end(CallOutcome::Ok);
        CallTimer::start(None, CallTarget::Asset("vault")).end(CallOutcome::Ok);
        assert_eq!(
            *heard.0.lock().unwrap(),
            [
                (CallTarget::Sts, CallOutcome::TimedOut, Duration::from_secs(3)),
                (CallTarget::Asset("vault"), CallOutcome::Ok, Duration::ZERO),
            ]
        );
    }

    #[test]
    fn outcomes_are_those_of_the_status() {
        for (status, want) in [
            (200, CallOutcome::Ok),
            (304, CallOutcome::Ok),
            (403, CallOutcome::Rejected),
            (503, CallOutcome::Failed),
        ] {
            assert_eq!(CallOutcome::of_status(status), want);
        }
    }
}
