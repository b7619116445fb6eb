//! The two spellings of time in a signature: `20130524T000000Z` and its first eight characters.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// The first second after the year 9999, which has no spelling.
const END_OF_TIME: u64 = 253_402_300_800;

/// An instant as `YYYYMMDDTHHMMSSZ`, in UTC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AmzTime([u8; 16]);

impl AmzTime {
    /// `None` before 1970 and after 9999. Fractions of a second are cut off.
    pub(crate) fn at(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        if seconds >= END_OF_TIME {
            return None;
        }
        let (year, month, day) = civil_date(seconds / SECONDS_PER_DAY);
        let second_of_day = seconds % SECONDS_PER_DAY;
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        let [century, year_of_century] = [year / 100, year % 100].map(two_digits);
        let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(two_digits);
        Some(Self([
            century[0],
            century[1],
            year_of_century[0],
            year_of_century[1],
            month[0],
            month[1],
            day[0],
            day[1],
            b'T',
            hour[0],
            hour[1],
            minute[0],
            minute[1],
            second[0],
            second[1],
            b'Z',
        ]))
    }

    /// `YYYYMMDDTHHMMSSZ`.
    pub(crate) fn date_time(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// `YYYYMMDD`.
    pub(crate) fn date(&self) -> &str {
        self.date_time().get(..8).unwrap_or_default()
    }
}

fn two_digits(number: u64) -> [u8; 2] {
    let digit = |value: u64| b"0123456789".get(usize::try_from(value % 10).unwrap_or_default());
    [number / 10, number].map(|value| digit(value).copied().unwrap_or(b'0'))
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Counts in years that begin in March, so that the leap day is the last one, and in eras of 400 years, after which the
/// calendar repeats (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970_FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days_since_1970 + DAYS_TO_1970_FROM_MARCH_OF_YEAR_0;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(seconds: u64, want: Option<&str>) {
        let time = AmzTime::at(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(time.as_ref().map(AmzTime::date_time), want);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        check(0, Some("19700101T000000Z"));
        check(951_782_399, Some("20000228T235959Z"));
        check(951_782_400, Some("20000229T000000Z"));
        check(1_369_353_600, Some("20130524T000000Z"));
        check(1_440_938_160, Some("20150830T123600Z"));
        check(4_107_542_399, Some("21000228T235959Z"));
        check(4_107_542_400, Some("21000301T000000Z"));
        check(END_OF_TIME - 1, Some("99991231T235959Z"));
        check(END_OF_TIME, None);
    }

    #[test]
    fn before_1970_there_is_no_time() {
        assert_eq!(AmzTime::at(UNIX_EPOCH - Duration::from_secs(1)), None);
    }
}
