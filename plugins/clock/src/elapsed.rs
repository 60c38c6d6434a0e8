//! The time between two times, as a number and as a person would say it.

use jiff::{Unit, Zoned};
use toolbay_sdk::prelude::*;

use crate::error::ClockError;
use crate::moment::short;

/// How far apart two times are.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// A sentence: 1 month and 2 days after 2026-11-22 09:30
    pub sentence: String,
    /// Seconds from start to end, negative when the end comes first
    pub total_seconds: i64,
    /// Days between the two dates in the calendar, negative when the end comes first
    pub calendar_days: i32,
    /// The difference in units of the calendar, largest first, never negative
    pub calendar: Calendar,
}

/// A length of time in units of the calendar, to be added up.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Whole years
    pub years: i16,
    /// Months beyond the years: 0 to 11
    pub months: i32,
    /// Days beyond the months: 0 to 30
    pub days: i32,
    /// Hours beyond the days
    pub hours: i32,
    /// Minutes beyond the hours
    pub minutes: i64,
    /// Seconds beyond the minutes
    pub seconds: i64,
}

/// Both times must be in the same zone: a day is a day of its calendar, of 23 to 25 hours.
pub(crate) fn between(start: &Zoned, end: &Zoned) -> Result<Difference, ClockError> {
    let (earlier, later) = if start <= end {
        (start, end)
    } else {
        (end, start)
    };
    let failed = |_| ClockError::new("the two times are too far apart");
    let span = earlier.until((Unit::Year, later)).map_err(failed)?;
    let days = start
        .date()
        .until((Unit::Day, end.date()))
        .map_err(failed)?;
    let calendar = Calendar {
        years: span.get_years(),
        months: span.get_months(),
        days: span.get_days(),
        hours: span.get_hours(),
        minutes: span.get_minutes(),
        seconds: span.get_seconds(),
    };
    let sentence = match calendar.words() {
        Some(words) => format!(
            "{words} {} {}",
            if start <= end { "after" } else { "before" },
            short(start)
        ),
        None => format!("the same time as {}", short(start)),
    };
    Ok(Difference {
        sentence,
        total_seconds: start.duration_until(end).as_secs(),
        calendar_days: days.get_days(),
        calendar,
    })
}

impl Calendar {
    /// `1 year, 2 months and 3 days`; nothing when there is nothing between the times.
    fn words(&self) -> Option<String> {
        let units = [
            (i64::from(self.years), "year"),
            (i64::from(self.months), "month"),
            (i64::from(self.days), "day"),
            (i64::from(self.hours), "hour"),
            (self.minutes, "minute"),
            (self.seconds, "second"),
        ];
        let words = |(count, unit): (i64, &str)| match count {
            0 => None,
            1 => Some(format!("1 {unit}")),
            _ => Some(format!("{count} {unit}s")),
        };
        let words: Vec<String> = units.into_iter().filter_map(words).collect();
        let (last, others) = words.split_last()?;
        Some(if others.is_empty() {
            last.clone()
        } else {
            format!("{} and {last}", others.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, start: &str, end: &str, expected: (&str, i64, i32)) {
        let zoned = |text: &str| crate::zone::zoned(&format!("{text}[{zone}]"));
        let found = between(&zoned(start), &zoned(end)).unwrap();
        assert_eq!(
            (
                found.sentence.as_str(),
                found.total_seconds,
                found.calendar_days
            ),
            expected
        );
    }

    #[test]
    fn differences_are_told_in_numbers_and_words() {
        for (zone, start, end, expected) in [
            (
                "UTC",
                "2026-11-22T00:00",
                "2026-11-22T00:00",
                ("the same time as 2026-11-22 00:00", 0, 0),
            ),
            (
                "UTC",
                "2024-02-29T00:00",
                "2025-02-28T00:00",
                (
                    "11 months and 30 days after 2024-02-29 00:00",
                    31_536_000,
                    365,
                ),
            ),
            (
                "UTC",
                "2025-01-31T00:00",
                "2025-03-01T00:00",
                ("1 month and 1 day after 2025-01-31 00:00", 2_505_600, 29),
            ),
            (
                "UTC",
                "2026-11-22T10:00",
                "2026-11-22T09:58:59",
                ("1 minute and 1 second before 2026-11-22 10:00", -61, 0),
            ),
            (
                "UTC",
                "2026-11-22T23:59",
                "2026-11-23T00:01",
                ("2 minutes after 2026-11-22 23:59", 120, 1),
            ),
            (
                "Europe/Berlin",
                "2026-03-28T12:00",
                "2026-03-29T12:00",
                ("1 day after 2026-03-28 12:00", 82_800, 1),
            ),
            (
                "Europe/Berlin",
                "2026-10-24T12:00",
                "2026-10-25T12:00",
                ("1 day after 2026-10-24 12:00", 90_000, 1),
            ),
            (
                "Europe/Berlin",
                "2026-03-29T01:00",
                "2026-03-29T04:00",
                ("2 hours after 2026-03-29 01:00", 7_200, 0),
            ),
        ] {
            check(zone, start, end, expected);
        }
        check(
            "UTC",
            "0001-01-01T00:00",
            "9999-12-30T00:00",
            (
                "9998 years, 11 months and 29 days after 0001-01-01 00:00",
                315_537_724_800,
                3_652_057,
            ),
        );
    }
}
