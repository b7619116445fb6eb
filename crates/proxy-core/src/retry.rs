//! Whether a request is sent again: one rule, for everything that can fail.
//!
//! | what came of an attempt | retry | on which condition |
//! |---|---|---|
//! | nothing was sent: no connection, or the service reports that it has not looked at the request | after a backoff | any request |
//! | a pooled connection had died | at once, on a fresh one, once; not counted in the budget | safe to repeat |
//! | reset or closed before a response, or a response that is no HTTP | after a backoff, on a fresh connection to another address | safe to repeat |
//! | a status that `on_status` lists | after a backoff | safe to repeat |
//! | anything else: no response in time, a certificate that is not trusted | never | |
//!
//! Whether it is safe to repeat a request is decided by its method, the protocol of its service, and the operation that
//! it names where that protocol reads it ([`safety`]).
//!
//! In all cases the body has to be there still, and each attempt is signed again. The backoff is a random time up to 50 ms,
//! doubled with each retry up to 2 s ("full jitter"). A rejected signature is not looked at here: it had no effect, and what
//! it was made with is refreshed first.

mod breaker;
mod budget;
mod conditions;
mod safety;

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use proxy_config::RetryConfig;
use resource_limits::ClientKey;

use crate::metrics::RetryReason;
use safety::is_safe;

pub(crate) use breaker::{Breakers, CircuitOpen};
pub(crate) use budget::Budgets;
pub(crate) use safety::Repeatable;

/// The longest backoff before the first retry.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// The longest backoff before any retry, and the longest `Retry-After` that is waited for.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptFailure {
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

/// Another attempt is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Retry {
    pub(crate) reason: RetryReason,
    /// How long to wait before it.
    pub(crate) backoff: Duration,
}

/// The attempts at one request.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    config: &'a RetryConfig,
    budgets: &'a Budgets,
    host: &'a str,
    client: &'a ClientKey,
    retries: u8,
    has_met_stale_connection: bool,
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
            has_met_stale_connection: false,
        }
    }

    /// What is wrong with a response, where anything is. `expected`: the request had `Expect: 100-continue`.
    pub(crate) fn failure_of(&self, status: StatusCode, expected: bool) -> Option<AttemptFailure> {
        if expected && status == StatusCode::EXPECTATION_FAILED {
            return Some(AttemptFailure::Expectation);
        }
        self.config
            .on_status
            .contains(&status)
            .then_some(AttemptFailure::Status)
    }

    /// Whether there is another attempt at the request. `headers` are those of the response, where there is one.
    pub(crate) fn next_attempt(
        &mut self,
        failure: AttemptFailure,
        headers: Option<&HeaderMap>,
        request: Repeatable<'_>,
    ) -> Option<Retry> {
        let (reason, needs_safety) = match failure {
            AttemptFailure::NotSent => (RetryReason::NotSent, false),
            AttemptFailure::Expectation => (RetryReason::Expectation, false),
            AttemptFailure::StaleConnection => (RetryReason::StaleConnection, true),
            AttemptFailure::Closed => (RetryReason::ConnectionClosed, true),
            AttemptFailure::Malformed => (RetryReason::MalformedResponse, true),
            AttemptFailure::Status => (RetryReason::Status, true),
            AttemptFailure::Final => return None,
        };
        // The body is looked into last: it may have megabytes.
        if self.retries.saturating_add(1) >= self.config.max_attempts || (needs_safety && !is_safe(request)) {
            return None;
        }
        // A service that names a time knows it better than any guess.
        let requested_wait = headers.map_or(Some(Duration::ZERO), retry_after)?;
        let is_first_stale = failure == AttemptFailure::StaleConnection && !self.has_met_stale_connection;
        // All pooled connections die at once where a server is restarted. That is no overload, and says nothing of the next.
        if is_first_stale || failure == AttemptFailure::Expectation {
            self.has_met_stale_connection |= is_first_stale;
            self.retries += 1;
            return Some(Retry {
                reason,
                backoff: Duration::ZERO,
            });
        }
        if !self.budgets.spend(self.host, self.client, self.config.budget_percent) {
            return None;
        }
        let backoff = jittered(self.retries, fastrand::f64()).max(requested_wait);
        self.retries += 1;
        Some(Retry { reason, backoff })
    }
}

/// "Full jitter": spread over the whole time, so that requests that failed together do not come again together.
fn jittered(retries: u8, random: f64) -> Duration {
    let factor = 1_u32.checked_shl(u32::from(retries)).unwrap_or(u32::MAX);
    let longest = FIRST_BACKOFF.saturating_mul(factor).min(MAX_BACKOFF);
    longest.mul_f64(random.clamp(0.0, 1.0))
}

/// How long the service wants to be left alone; `None` where that is longer than anybody waits here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = headers.get(RETRY_AFTER) else {
        return Some(Duration::ZERO);
    };
    let wait = Duration::from_secs(value.to_str().ok()?.parse().ok()?);
    (wait <= MAX_BACKOFF).then_some(wait)
}

#[cfg(test)]
mod tests {
    use aws_endpoints::Protocol;
    use http::request::Parts;

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

    /// One that is safe to repeat, and one that is not.
    fn head(is_safe: bool) -> Parts {
        let method = if is_safe { "GET" } else { "POST" };
        let request = http::Request::builder()
            .method(method)
            .uri("https://service.example/b/k");
        request.body(()).unwrap().into_parts().0
    }

    fn repeatable(head: &Parts) -> Repeatable<'_> {
        Repeatable {
            protocol: Protocol::RestXml,
            head,
            body: Some(&[]),
            pieces: Some(&[]),
        }
    }

    fn next(attempts: &mut Attempts<'_>, failure: AttemptFailure, headers: Option<&HeaderMap>) -> Option<Retry> {
        attempts.next_attempt(failure, headers, repeatable(&head(true)))
    }

    #[track_caller]
    fn check(failure: AttemptFailure, is_safe: bool, retries: usize) {
        let head = head(is_safe);
        let (config, budgets, client) = (config(3), Budgets::default(), client());
        let mut attempts = Attempts::at(&config, &budgets, "h", &client);
        for _ in 0..retries {
            let retry = attempts.next_attempt(failure, None, repeatable(&head));
            assert!(retry.is_some(), "{failure:?}");
        }
        assert_eq!(
            attempts.next_attempt(failure, None, repeatable(&head)),
            None,
            "{failure:?}"
        );
    }

    #[test]
    fn what_may_have_taken_effect_is_sent_again_only_where_it_is_safe() {
        for failure in [
            AttemptFailure::StaleConnection,
            AttemptFailure::Closed,
            AttemptFailure::Malformed,
            AttemptFailure::Status,
        ] {
            check(failure, true, 2);
            check(failure, false, 0);
        }
        for failure in [AttemptFailure::NotSent, AttemptFailure::Expectation] {
            check(failure, true, 2);
            check(failure, false, 2);
        }
        check(AttemptFailure::Final, true, 0);
    }

    #[test]
    fn one_attempt_is_one() {
        let (config, budgets, client) = (config(1), Budgets::default(), client());
        for failure in [AttemptFailure::StaleConnection, AttemptFailure::NotSent] {
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            assert_eq!(next(&mut attempts, failure, None), None);
        }
    }

    #[test]
    fn only_the_first_stale_connection_costs_nothing_and_waits_for_nothing() {
        let (config, budgets, client) = (config(10), Budgets::default(), client());
        for _ in 0..50 {
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            let retry = next(&mut attempts, AttemptFailure::StaleConnection, None).unwrap();
            assert_eq!(
                (retry.reason, retry.backoff),
                (RetryReason::StaleConnection, Duration::ZERO)
            );
        }
        let mut attempts = Attempts::at(&config, &budgets, "h", &client);
        while next(&mut attempts, AttemptFailure::Closed, None).is_some() {}
        assert_eq!(attempts.retries, 9, "the budget was not touched before");
    }

    #[test]
    fn backoffs_double_up_to_two_seconds_and_are_spread_over_all_of_it() {
        let longest = |retries| jittered(retries, 1.0).as_millis();
        assert_eq!([0, 1, 2, 5, 6, 200].map(longest), [50, 100, 200, 1_600, 2_000, 2_000]);
        assert_eq!(jittered(3, 0.0), Duration::ZERO);
        assert_eq!(jittered(3, 0.5), Duration::from_millis(200));
    }

    #[test]
    fn a_service_that_wants_to_be_left_alone_for_long_is() {
        let wait = |value: &str| {
            let (config, budgets, client) = (config(3), Budgets::default(), client());
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            let mut attempts = Attempts::at(&config, &budgets, "h", &client);
            next(&mut attempts, AttemptFailure::Status, Some(&headers)).map(|retry| retry.backoff)
        };
        assert!(wait("1").is_some_and(|wait| wait >= Duration::from_secs(1)));
        assert_eq!((wait("3"), wait("Sun, 29 Nov 2026 09:00:00 GMT")), (None, None));
    }

    #[test]
    fn listed_statuses_and_417_to_expect_are_failures() {
        let (config, budgets, client) = (config(3), Budgets::default(), client());
        let attempts = Attempts::at(&config, &budgets, "h", &client);
        let failure = |status, expected| attempts.failure_of(StatusCode::from_u16(status).unwrap(), expected);
        assert_eq!(
            (failure(503, true), failure(500, true)),
            (Some(AttemptFailure::Status), None)
        );
        assert_eq!(
            (failure(417, true), failure(417, false)),
            (Some(AttemptFailure::Expectation), None)
        );
    }
}
