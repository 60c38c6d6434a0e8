//! Times of files as text. Knows nothing of files.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// A time in UTC as ISO 8601: `2026-11-22T09:30:00Z`; nothing for one before 1970, which no file has but by mistake.
pub(crate) fn iso(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let (year, month, day) = date(seconds / SECONDS_A_DAY);
    let second = seconds % SECONDS_A_DAY;
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    ))
}

/// The date of a day, counted from the first of January 1970. Years are counted from March, so that the leap day is their last.
fn date(day: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    // Day 0 is now the first of March of year 0.
    let day = day + 719_468;
    let (era, day) = (day / DAYS_IN_400_YEARS, day % DAYS_IN_400_YEARS);
    // Leap days are taken out, so that each year has 365 days.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, 153 days are in any five months.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (year, month + 3)
    } else {
        (year + 1, month - 9)
    };
    (400 * era + year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_825_600, "2000-02-29T12:00:00Z"),
            (1_795_336_200, "2026-11-22T08:30:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (13_569_465_599, "2399-12-31T23:59:59Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(iso(time).as_deref(), Some(expected));
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = (1969, 12, 31);
        for day in 0..200_000 {
            let (year, month, day_of_month) = date(day);
            let next_day = (before.0, before.1, before.2 + 1) == (year, month, day_of_month);
            let next_month = (before.0, before.1 + 1, 1) == (year, month, day_of_month);
            let next_year = (before.0 + 1, 1, 1) == (year, month, day_of_month);
            assert!(
                next_day || next_month || next_year,
                "{before:?} {year}-{month}-{day_of_month}"
            );
            before = (year, month, day_of_month);
        }
    }
}
