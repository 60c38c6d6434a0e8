//! The dates of HTTP headers, as far as `Retry-After` needs them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::calendar;

/// How long to wait as a `Retry-After` header says it: in seconds, or as a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = UNIX_EPOCH.checked_add(Duration::from_secs(imf_fixdate(value)?))?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// Unix seconds of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`: the one form that servers have been told to send since 1997.
fn imf_fixdate(text: &str) -> Option<u64> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = number(parts.next()?, 1..=31)?;
    let month = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .iter()
    .zip(1_u8..)
    .find_map(|(name, index)| (Some(*name) == parts.clone().next()).then_some(index))?;
    let year = number(parts.nth(1)?, 1970..=9999)?;
    let mut clock = parts.next()?.split(':');
    let hour = number(clock.next()?, 0..=23)?;
    let minute = number(clock.next()?, 0..=59)?;
    // The 60th is a leap second.
    let second = number(clock.next()?, 0..=60)?;
    let ends = parts.next()? == "GMT" && parts.next().is_none() && clock.next().is_none();
    let days = calendar::days_since_1970(i64::try_from(year).ok()?, month, u8::try_from(day).ok()?);
    let days = u64::try_from(days).ok()?;
    ends.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(digits: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    let number = digits.parse().ok()?;
    range.contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 12:00:00 GMT", Some(951_825_600)),
            ("Wed, 31 Dec 2098 23:59:59 GMT", Some(4_070_908_799)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("", None),
            ("Sun, ", None),
        ] {
            assert_eq!(imf_fixdate(text), expected, "{text}");
        }
    }

    #[test]
    fn waiting_times_are_seconds_or_dates() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_700);
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(77)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(
                retry_after(value, now),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
