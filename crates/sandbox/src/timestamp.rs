//! The two spellings of time that AWS uses.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Reads `20150830T123600Z`.
pub(crate) fn parse_basic(text: &str) -> Option<SystemTime> {
    let is_basic = text.len() == 16
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 => b == b'T',
            15 => b == b'Z',
            _ => b.is_ascii_digit(),
        });
    if !is_basic {
        return None;
    }
    let (date, time) = (text.get(..8)?, text.get(9..15)?);
    let extended = format!(
        "{}-{}-{}T{}:{}:{}Z",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    DateTime::from_str(&extended, Format::DateTime).ok()?.try_into().ok()
}

/// Writes `20150830T123600Z`.
pub(crate) fn basic(time: SystemTime) -> String {
    extended(time).replace(['-', ':'], "")
}

/// Writes `2015-08-30T12:36:00Z`, to the second.
pub(crate) fn extended(time: SystemTime) -> String {
    DateTime::from_secs(DateTime::from(time).secs())
        .fmt(Format::DateTime)
        .unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_spellings_name_the_same_instant() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_440_938_160_250);
        assert_eq!(basic(time), "20150830T123600Z");
        assert_eq!(extended(time), "2015-08-30T12:36:00Z");
        assert_eq!(parse_basic("20150830T123600Z").map(basic), Some(basic(time)));
        for bad in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "2015083ÄT12360Z",
        ] {
            assert_eq!(parse_basic(bad), None, "{bad}");
        }
    }
}
