//! Dates and times with an offset from UTC.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::date::two_digits;
use super::{Date, shown};
use crate::error::ToolError;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// A date and time with its offset from UTC, `2026-11-25T09:30:00+01:00`, as RFC 3339 writes it (section 5.6).
///
/// Two of them are equal, and one is before another, by the instant that they mean. Fractions are kept to the nanosecond; the 60th second of a leap second
/// is read, and counts as the next one. Zones and daylight saving time are not known here.
///
/// ```
/// use toolbay_sdk::{DateTime, ToolError};
///
/// let start: DateTime = "2026-11-25T09:30:00+01:00".parse()?;
/// assert_eq!(start, "2026-11-25T08:30:00Z".parse()?);
/// assert_eq!(start.date().to_string(), "2026-11-25");
/// assert_eq!((start.hour(), start.minute(), start.offset_minutes()), (9, 30, 60));
/// assert_eq!((start.second(), start.nanosecond()), (0, 0));
/// assert_eq!(start.unix_seconds(), 1_795_595_400);
/// assert_eq!(start.to_string(), "2026-11-25T09:30:00+01:00");
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    /// 60 in a leap second.
    second: u8,
    nanosecond: u32,
    offset_minutes: i16,
}

impl DateTime {
    /// The current time in UTC.
    ///
    /// ```
    /// # use toolbay_sdk::DateTime;
    /// assert_eq!(DateTime::now().offset_minutes(), 0);
    /// ```
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// So many seconds after 1970-01-01T00:00:00Z, in UTC; nothing where that is outside the years 0 to 9999.
    ///
    /// ```
    /// # use toolbay_sdk::DateTime;
    /// let text = DateTime::from_unix_seconds(1_795_595_400).map(|time| time.to_string());
    /// assert_eq!(text.as_deref(), Some("2026-11-25T08:30:00Z"));
    /// ```
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let date = Date::from_days(seconds.div_euclid(SECONDS_A_DAY))?;
        let second = seconds.rem_euclid(SECONDS_A_DAY);
        let part = |seconds: i64| u8::try_from(seconds).ok();
        Some(Self {
            date,
            hour: part(second / 3600)?,
            minute: part(second / 60 % 60)?,
            second: part(second % 60)?,
            nanosecond: 0,
            offset_minutes: 0,
        })
    }

    /// The date, at its own offset.
    pub fn date(self) -> Date {
        self.date
    }

    /// The hour, 0 to 23, at its own offset.
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(self) -> u8 {
        self.minute
    }

    /// The second, 0 to 60.
    pub fn second(self) -> u8 {
        self.second
    }

    /// The nanosecond, 0 to 999,999,999.
    pub fn nanosecond(self) -> u32 {
        self.nanosecond
    }

    /// How many minutes it is ahead of UTC; negative west of it.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    /// The seconds from 1970-01-01T00:00:00Z to it, fractions left out.
    pub fn unix_seconds(self) -> i64 {
        let hours = i64::from(self.hour);
        let minutes = hours * 60 + i64::from(self.minute) - i64::from(self.offset_minutes);
        self.date.days_since_1970() * SECONDS_A_DAY + minutes * 60 + i64::from(self.second)
    }

    fn instant(self) -> (i64, u32) {
        (self.unix_seconds(), self.nanosecond)
    }

    /// The parts of a text of that form; nothing where it has another.
    fn parts(text: &str) -> Option<(&str, [u8; 3], u32, i16)> {
        let (date, time) = text.split_at_checked(10)?;
        let rest = match time.as_bytes() {
            [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2, ..] => [
                two_digits(*h1, *h2)?,
                two_digits(*m1, *m2)?,
                two_digits(*s1, *s2)?,
            ],
            _ => return None,
        };
        let time = time.get(9..)?;
        let (fraction, offset) = match time.strip_prefix('.') {
            None => ("", time),
            Some(time) => {
                let end = time.find(|char: char| !char.is_ascii_digit())?;
                let (digits, offset) = time.split_at(end);
                (!digits.is_empty()).then_some((digits, offset))?
            }
        };
        let nanosecond = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let offset = match offset.as_bytes() {
            b"Z" | b"z" => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let (hours, minutes) = (two_digits(*h1, *h2)?, two_digits(*m1, *m2)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let offset = i16::from(hours) * 60 + i16::from(minutes);
                if *sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        Some((date, rest, nanosecond, offset))
    }
}

impl FromStr for DateTime {
    type Err = ToolError;

    /// # Errors
    /// `validation_error` that says what is wrong with the text.
    fn from_str(text: &str) -> Result<Self, ToolError> {
        let wrong = |why: &str| {
            ToolError::validation(format!(
                "`{}` is no date and time: {why}; write it as 2026-11-25T09:30:00+01:00",
                shown(text)
            ))
        };
        let (date, [hour, minute, second], nanosecond, offset_minutes) =
            Self::parts(text).ok_or_else(|| wrong("it has another form"))?;
        let date: Date = date
            .parse()
            .map_err(|_| wrong("there is no such day in the calendar"))?;
        if hour > 23 || minute > 59 || second > 60 {
            return Err(wrong("there is no such time on a clock"));
        }
        let at_utc =
            (i16::from(hour) * 60 + i16::from(minute) - offset_minutes).rem_euclid(24 * 60);
        if second == 60 && at_utc != 23 * 60 + 59 {
            return Err(wrong("a leap second comes at 23:59:60 UTC only"));
        }
        Ok(Self {
            date,
            hour,
            minute,
            second,
            nanosecond,
            offset_minutes,
        })
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            date,
            hour,
            minute,
            second,
            nanosecond,
            offset_minutes,
        } = *self;
        write!(formatter, "{date}T{hour:02}:{minute:02}:{second:02}")?;
        if nanosecond != 0 {
            let fraction = format!("{nanosecond:09}");
            write!(formatter, ".{}", fraction.trim_end_matches('0'))?;
        }
        if offset_minutes == 0 {
            return formatter.write_str("Z");
        }
        let sign = if offset_minutes < 0 { '-' } else { '+' };
        let offset = offset_minutes.unsigned_abs();
        write!(formatter, "{sign}{:02}:{:02}", offset / 60, offset % 60)
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.instant() == other.instant()
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.instant().cmp(&other.instant())
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant().hash(state);
    }
}

impl From<SystemTime> for DateTime {
    /// In UTC. A time outside the years 0 to 9999 becomes the beginning of 1970.
    fn from(time: SystemTime) -> Self {
        let (seconds, nanosecond) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (
                i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                after.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => (-seconds, 0),
                    nanoseconds => ((-seconds).saturating_sub(1), 1_000_000_000 - nanoseconds),
                }
            }
        };
        let utc = Self::from_unix_seconds(seconds).unwrap_or(Self {
            date: Date::from_days(0).unwrap_or_else(Date::today),
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset_minutes: 0,
        });
        Self { nanosecond, ..utc }
    }
}

impl From<DateTime> for SystemTime {
    fn from(time: DateTime) -> Self {
        let (seconds, nanosecond) = time.instant();
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let start = if seconds < 0 {
            UNIX_EPOCH.checked_sub(whole)
        } else {
            UNIX_EPOCH.checked_add(whole)
        };
        start.unwrap_or(UNIX_EPOCH) + Duration::from_nanos(nanosecond.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_time_is_said() {
        let said = [
            "2026-11-25",
            "2026-11-25 09:30:00Z",
            "2026-11-25T09:30Z",
            "2026-11-25T09:30:00",
            "2026-11-25T09:30:00.Z",
            "2026-11-25T09:30:00+1:00",
            "2026-11-31T09:30:00Z",
            "2026-11-25T24:00:00Z",
            "2026-11-25T09:30:60Z",
            "tomorrow, ä",
        ]
        .map(|text| text.parse::<DateTime>().unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @"
        `2026-11-25` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25 09:30:00Z` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T09:30Z` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T09:30:00` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T09:30:00.Z` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T09:30:00+1:00` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        `2026-11-31T09:30:00Z` is no date and time: there is no such day in the calendar; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T24:00:00Z` is no date and time: there is no such time on a clock; write it as 2026-11-25T09:30:00+01:00
        `2026-11-25T09:30:60Z` is no date and time: a leap second comes at 23:59:60 UTC only; write it as 2026-11-25T09:30:00+01:00
        `tomorrow, ä` is no date and time: it has another form; write it as 2026-11-25T09:30:00+01:00
        ");
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, written) in [
            ("2026-11-25t09:30:00.1200z", "2026-11-25T09:30:00.12Z"),
            (
                "2026-11-25T09:30:00.1234567899-05:30",
                "2026-11-25T09:30:00.123456789-05:30",
            ),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
            ("2017-01-01T00:59:60+01:00", "2017-01-01T00:59:60+01:00"),
            ("2026-11-25T09:30:00-00:00", "2026-11-25T09:30:00Z"),
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn times_are_those_of_the_system() {
        for (text, seconds) in [
            ("1969-12-31T23:59:59.5Z", -1),
            ("1970-01-01T00:00:00Z", 0),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let time: DateTime = text.parse().unwrap();
            assert_eq!(time.unix_seconds(), seconds);
            let back = DateTime::from(SystemTime::from(time));
            assert_eq!(back.to_string(), text);
        }
    }
}
