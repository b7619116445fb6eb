//! How far this machine's clock is from a service's, learnt from the service's refusals.
//!
//! Each connection learns for itself: a service with a wrong clock, or one that lies about it, misleads the signatures
//! for nobody else. The price is one refused request for each connection of a machine whose clock is wrong.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

/// The farthest that signatures follow a service's clock. Wrong time zones (14 hours at most) and machines that slept
/// overnight are within; beyond, certificates and sessions would not be judged rightly either, and whoever can
/// put a `Date` into a response would get signatures for days to come.
const FARTHEST: i64 = 24 * 60 * 60;

/// A difference below this does not explain a rejection: AWS takes five minutes, and `Date` and the way of the response
/// cost seconds.
const SMALLEST: i64 = 60;

/// Below this the clocks agree: `Date` has whole seconds.
const AGREEMENT: i64 = 5;

/// What has been learnt, in seconds: positive where the service's clock is ahead. Zero at first.
#[derive(Debug, Default)]
pub(crate) struct Skew(AtomicI64);

/// Seconds between the clocks as one signature took them to be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Offset(i64);

/// What a response says of the service's clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Evidence {
    /// It is this far from ours, and the signature was made by another time.
    Off(Offset),
    /// The signature was made by the service's time, or there is no saying: no single `Date`, a cached response, or a
    /// time that is farther off than signatures may follow.
    None,
}

impl Skew {
    /// The offset to sign by now.
    pub(crate) fn offset(&self) -> Offset {
        Offset(self.0.load(Ordering::Relaxed))
    }

    /// Signs by this offset from now on. Returns whether that is new.
    pub(crate) fn learn(&self, offset: Offset) -> bool {
        self.0.swap(offset.0, Ordering::Relaxed) != offset.0
    }
}

impl Offset {
    pub(crate) fn seconds(self) -> i64 {
        self.0
    }

    /// The service's time when ours is `now`.
    pub(crate) fn of_theirs(self, now: SystemTime) -> SystemTime {
        let distance = Duration::from_secs(self.0.unsigned_abs());
        let theirs = if self.0 < 0 {
            now.checked_sub(distance)
        } else {
            now.checked_add(distance)
        };
        theirs.unwrap_or(now)
    }
}

/// Compares the `Date` of a response that came `now` with the offset that its request was signed by.
pub(crate) fn evidence(headers: &HeaderMap, now: SystemTime, signed_by: Offset) -> Evidence {
    let Some(offset) = offset(headers, now) else {
        return Evidence::None;
    };
    if offset.abs() > FARTHEST || offset.abs_diff(signed_by.0) < SMALLEST.unsigned_abs() {
        return Evidence::None;
    }
    let offset = if offset.abs() < AGREEMENT { 0 } else { offset };
    Evidence::Off(Offset(offset))
}

fn offset(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let mut dates = headers.get_all(DATE).into_iter();
    let (Some(date), None, false) = (dates.next(), dates.next(), headers.contains_key(AGE)) else {
        return None;
    };
    let theirs = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    match theirs.duration_since(now) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).ok(),
        Err(behind) => i64::try_from(behind.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T12:00:00Z.
    fn noon() -> SystemTime {
        httpdate::parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT").unwrap()
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], signed_by: i64, want: Option<i64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let want = want.map_or(Evidence::None, |seconds| Evidence::Off(Offset(seconds)));
        assert_eq!(evidence(&map, noon(), Offset(signed_by)), want, "{headers:?}");
    }

    #[test]
    fn a_date_that_differs_from_the_signatures_time_is_evidence() {
        check(&[("date", "Mon, 23 Nov 2026 13:00:00 GMT")], 0, Some(3_600));
        check(&[("date", "Mon, 23 Nov 2026 11:00:00 GMT")], 0, Some(-3_600));
        check(&[("date", "Tue, 24 Nov 2026 12:00:00 GMT")], 0, Some(86_400));
        check(&[("date", "Mon, 23 Nov 2026 12:01:00 GMT")], 0, Some(60));
        // Our clock has been set right since.
        check(&[("date", "Mon, 23 Nov 2026 12:00:02 GMT")], 3_600, Some(0));
        check(&[("date", "Mon, 23 Nov 2026 13:00:00 GMT")], 3_600, None);
    }

    #[test]
    fn what_explains_nothing_or_cannot_be_trusted_is_none() {
        check(&[], 0, None);
        check(&[("date", "Mon, 23 Nov 2026 12:00:59 GMT")], 0, None);
        check(&[("date", "Tue, 24 Nov 2026 12:00:01 GMT")], 0, None);
        check(&[("date", "Sun, 22 Nov 2026 11:59:59 GMT")], 0, None);
        check(&[("date", "Thu, 01 Jan 1970 00:00:00 GMT")], 0, None);
        check(&[("date", "2026-11-23T13:00:00Z")], 0, None);
        check(&[("date", "\u{e9}")], 0, None);
        check(&[("date", "Mon, 23 Nov 2026 13:00:00 GMT"), ("age", "0")], 0, None);
        check(
            &[
                ("date", "Mon, 23 Nov 2026 13:00:00 GMT"),
                ("date", "Mon, 23 Nov 2026 13:00:00 GMT"),
            ],
            0,
            None,
        );
    }

    #[test]
    fn signatures_follow_what_was_learnt() {
        let skew = Skew::default();
        assert_eq!(skew.offset().of_theirs(noon()), noon());
        let hour = Duration::from_hours(1);
        assert!(skew.learn(Offset(-3_600)) && !skew.learn(Offset(-3_600)));
        assert_eq!(skew.offset().of_theirs(noon()), noon() - hour);
        assert!(skew.learn(Offset(3_600)));
        assert_eq!(skew.offset().of_theirs(noon()), noon() + hour);
    }
}
