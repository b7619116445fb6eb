//! Whether a request is sent again: one rule, for every place that meets a fault.
//!
//! | what came of an attempt | again | on which condition |
//! |---|---|---|
//! | nothing was sent: no connection, or the service says that it has not looked at the request | after a moment | any method |
//! | a pooled connection had died | at once, on a fresh one, once; not counted in the budget | safe to repeat |
//! | reset or closed before a response, or a response that is no HTTP | after a moment, on a fresh connection to another address | safe to repeat |
//! | a status that `on_status` lists | after a moment | safe to repeat |
//! | anything else: no response in time, a certificate that nobody vouches for | never | |
//!
//! In all cases the body has to be there still, and each attempt is signed anew. A moment is a random time up to 50 ms,
//! doubled with each retry up to 2 s ("full jitter"). What is rejected for its keys or its time is not looked at here: it
//! had no effect, and what it was signed with is refreshed first.

mod breaker;
mod budget;
mod conditions;
mod safety;

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::config::RetryConfig;
use crate::metrics::RetryReason;
use crate::share::ClientKey;

pub(crate) use breaker::{Breakers, CircuitOpen};
pub(crate) use budget::Budgets;
pub(crate) use safety::{Repeatable, is_safe};

/// The longest moment before the first retry.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest moment before any, and the longest `Retry-After` that is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Nothing of the request was sent, or the service has not looked at it (`REFUSED_STREAM`).
    NotSent,
    /// A pooled connection that had brought a response before was closed or reset: most likely before the request came.
    StaleConnection,
    /// The connection was closed or reset, or the stream was, before a response.
    Closed,
    /// The response is no valid HTTP, or can be read in two ways.
    Malformed,
    /// The response has a status that is listed.
    Status,
    /// The service does not know `Expect`, and has not taken the request: 417.
    Expectation,
    /// Another attempt would do no better, or nobody knows whether the first one is still under way.
    Final,
}

/// Another attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Again {
    pub(crate) reason: RetryReason,
    /// Before it.
    pub(crate) wait: Duration,
}

/// The attempts at one request.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    config: &'a RetryConfig,
    budgets: &'a Budgets,
    host: &'a str,
    client: &'a ClientKey,
    retries: u8,
    has_met_dead_connection: bool,
}

impl<'a> Attempts<'a> {
    /// Of a client's request to this host, which is counted for the budgets of both.
    pub(crate) fn at(config: &'a RetryConfig, budgets: &'a Budgets, host: &'a str, client: &'a ClientKey) -> Self {
        budgets.request(host, client);
        Self {
            config,
            budgets,
            host,
            client,
            retries: 0,
            has_met_dead_connection: false,
        }
    }

    /// What is wrong with a response, where anything may be. `expected`: the request said `Expect: 100-continue`.
    pub(crate) fn fault_of(&self, status: StatusCode, expected: bool) -> Option<Fault> {
        if expected && status == StatusCode::EXPECTATION_FAILED {
            return Some(Fault::Expectation);
        }
        self.config.on_status.contains(&status).then_some(Fault::Status)
    }

    /// Whether there is another attempt. `is_safe` says whether the request may take effect twice; `headers` are those of
    /// the response, where there is one.
    pub(crate) fn again(
        &mut self,
        fault: Fault,
        headers: Option<&HeaderMap>,
        is_safe: impl FnOnce() -> bool,
    ) -> Option<Again> {
        let (reason, needs_safety) = match fault {
            Fault::NotSent => (RetryReason::NotSent, false),
            Fault::Expectation => (RetryReason::Expectation, false),
            Fault::StaleConnection => (RetryReason::StaleConnection, true),
            Fault::Closed => (RetryReason::ConnectionClosed, true),
            Fault::Malformed => (RetryReason::MalformedResponse, true),
            Fault::Status => (RetryReason::Status, true),
            Fault::Final => return None,
        };
        if self.retries.saturating_add(1) >= self.config.max_attempts || (needs_safety && !is_safe()) {
            return None;
        }
        // Said by the service: what it says is not guessed better.
        let asked_wait = headers.map_or(Some(Duration::ZERO), retry_after)?;
        let is_first_death = fault == Fault::StaleConnection && !self.has_met_dead_connection;
        // All pooled connections die at once where a server is restarted. That is no overload, and says nothing of the next.
        if is_first_death || fault == Fault::Expectation {
            self.has_met_dead_connection |= is_first_death;
            self.retries += 1;
            return Some(Again {
                reason,
                wait: Duration::ZERO,
            });
        }
        if !self.budgets.spend(self.host, self.client, self.config.budget_percent) {
            return None;
        }
        let wait = moment(self.retries, fastrand::f64()).max(asked_wait);
        self.retries += 1;
        Some(Again { reason, wait })
    }
}

/// "Full jitter": spread over the whole time, so that requests that failed together do not come again together.
fn moment(retries: u8, random: f64) -> Duration {
    let factor = 1_u32.checked_shl(u32::from(retries)).unwrap_or(u32::MAX);
    let longest = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    longest.mul_f64(random.clamp(0.0, 1.0))
}

/// How long the service wants to be left alone; `None` where that is longer than anybody waits here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = headers.get(RETRY_AFTER) else {
        return Some(Duration::ZERO);
    };
    let wait = Duration::from_secs(value.to_str().ok()?.parse().ok()?);
    (wait <= LONGEST_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use resource_limits::ListenerRole;

    fn config(max_attempts: u8) -> RetryConfig {
        RetryConfig {
            max_attempts,
            budget_percent: 10,
            on_status: vec![StatusCode::SERVICE_UNAVAILABLE],
        }
    }

    fn client() -> ClientKey {
        ClientKey::new(ListenerRole::Shared, [127, 0, 0, 1].into())
    }

    #[track_caller]
    fn check(fault: Fault, is_safe: bool, retries: usize) {
        let (config, budgets, client) = (config(3), Budgets::default(), client());
        let mut attempts = Attempts::at(&config, &budgets, "h", &client);
        for _ in 0..retries {
            assert!(attempts.again(fault, None, || is_safe).is_some(), "{fault:?}");
        }
        assert_eq!(attempts.again(fault, None, || is_safe), None, "{fault:?}");
    }

    #[test]
    fn what_may_have_taken_effect_is_sent_again_only_where_it_is_safe() {
        for fault in [Fault::StaleConnection, Fault::Closed, Fault::Malformed, Fault::Status] {
            check(fault, true, 2);
            check(fault, false, 0);
        }
        for fault in [Fault::NotSent, Fault::Expectation] {
            check(fault, true, 2);
            check(fault, false, 2);
        }
        check(Fault::Final, true, 0);
    }

    #[test]
    fn one_attempt_is_one() {
        let (config, budgets, client) = (config(1), Budgets::default(), client());
        for fault in [Fault::StaleConnection, Fault::NotSent] {
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            assert_eq!(attempts.again(fault, None, || true), None);
        }
    }

    #[test]
    fn only_the_first_dead_connection_costs_nothing_and_waits_for_nothing() {
        let (config, budgets, client) = (config(10), Budgets::default(), client());
        for _ in 0..50 {
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            let again = attempts.again(Fault::StaleConnection, None, || true).unwrap();
            assert_eq!(
                (again.reason, again.wait),
                (RetryReason::StaleConnection, Duration::ZERO)
            );
        }
        let mut attempts = Attempts::at(&config, &budgets, "h", &client);
        while attempts.again(Fault::Closed, None, || true).is_some() {}
        assert_eq!(attempts.retries, 9, "the budget was not touched before");
    }

    #[test]
    fn moments_double_up_to_two_seconds_and_are_spread_over_all_of_it() {
        let longest = |retries| moment(retries, 1.0).as_millis();
        assert_eq!([0, 1, 2, 5, 6, 200].map(longest), [50, 100, 200, 1_600, 2_000, 2_000]);
        assert_eq!(moment(3, 0.0), Duration::ZERO);
        assert_eq!(moment(3, 0.5), Duration::from_millis(200));
    }

    #[test]
    fn a_service_that_wants_to_be_left_alone_for_long_is() {
        let wait = |value: &str| {
            let (config, budgets, client) = (config(3), Budgets::default(), client());
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            let again = attempts.again(Fault::Status, Some(&headers), || true);
            again.map(|again| again.wait)
        };
        assert!(wait("1").is_some_and(|wait| wait >= Duration::from_secs(1)));
        assert_eq!((wait("3"), wait("Sun, 29 Nov 2026 09:00:00 GMT")), (None, None));
    }

    #[test]
    fn listed_statuses_and_417_to_expect_are_faults() {
        let (config, budgets, client) = (config(3), Budgets::default(), client());
        let attempts = Attempts::at(&config, &budgets, "h", &client);
        let fault = |status, expected| attempts.fault_of(StatusCode::from_u16(status).unwrap(), expected);
        assert_eq!((fault(503, true), fault(500, true)), (Some(Fault::Status), None));
        assert_eq!((fault(417, true), fault(417, false)), (Some(Fault::Expectation), None));
    }
}
