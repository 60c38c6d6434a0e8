//! Days of the calendar.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use super::{DateTime, shown};
use crate::calendar;
use crate::error::ToolError;

/// A day of the calendar, `YYYY-MM-DD`, of the years 0000 to 9999 (RFC 3339, `full-date`). It says nothing of a zone.
///
/// ```
/// use toolbay_sdk::{Date, ToolError};
///
/// let day: Date = "2028-02-29".parse()?;
/// assert_eq!((day.year(), day.month(), day.day()), (2028, 2, 29));
/// assert_eq!(day.plus_days(1), Some(Date::new(2028, 3, 1)?));
/// assert_eq!(Date::new(2029, 1, 1)?.days_since(day), 307);
/// assert_eq!(day.to_string(), "2028-02-29");
/// assert!("2027-02-29".parse::<Date>().is_err());
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day of these numbers.
    ///
    /// # Errors
    /// `validation_error` if there is no such day, or the year has more than four digits.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, ToolError> {
        let why = Self::fault(year, month, day);
        match why {
            None => Ok(Self { year, month, day }),
            Some(why) => Err(ToolError::validation(format!(
                "{year:04}-{month:02}-{day:02} is no date: {why}"
            ))),
        }
    }

    fn fault(year: u16, month: u8, day: u8) -> Option<String> {
        let days = calendar::days_in_month(year.into(), month);
        if year > 9999 {
            Some("its year has more than four digits".to_owned())
        } else if days == 0 {
            Some("a month is 01 to 12".to_owned())
        } else if day == 0 || day > days {
            Some(format!("that month has the days 01 to {days}"))
        } else {
            None
        }
    }

    /// The current day in UTC.
    ///
    /// ```
    /// # use toolbay_sdk::Date;
    /// assert!(Date::today().year() >= 2026);
    /// ```
    pub fn today() -> Self {
        DateTime::from(SystemTime::now()).date()
    }

    /// The year, 0 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The day so many days later, or earlier; nothing where that is outside the years 0 to 9999.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days(self.days_since_1970().checked_add(days)?)
    }

    /// How many days it is after another day; negative where it is before.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.days_since_1970() - earlier.days_since_1970()
    }

    pub(super) fn days_since_1970(self) -> i64 {
        calendar::days_since_1970(self.year.into(), self.month, self.day)
    }

    pub(super) fn from_days(days: i64) -> Option<Self> {
        const WITHIN: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;
        if !WITHIN.contains(&days) {
            return None;
        }
        let (year, month, day) = calendar::date_of(days);
        Self::new(u16::try_from(year).ok()?, month, day).ok()
    }
}

impl FromStr for Date {
    type Err = ToolError;

    /// # Errors
    /// `validation_error` that says what is wrong with the text.
    fn from_str(text: &str) -> Result<Self, ToolError> {
        let wrong = |why: &str| {
            ToolError::validation(format!(
                "`{}` is no date: {why}; write it as 2026-11-25",
                shown(text)
            ))
        };
        let numbers = match text.as_bytes() {
            [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => {
                let year = two_digits(*y1, *y2).zip(two_digits(*y3, *y4));
                let year = year.map(|(high, low)| u16::from(high) * 100 + u16::from(low));
                year.zip(two_digits(*m1, *m2)).zip(two_digits(*d1, *d2))
            }
            _ => None,
        };
        let Some(((year, month), day)) = numbers else {
            return Err(wrong("it has another form"));
        };
        match Self::fault(year, month, day) {
            None => Ok(Self { year, month, day }),
            Some(why) => Err(wrong(&why)),
        }
    }
}

pub(super) fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_date_is_said() {
        let said = [
            "2026-13-01",
            "2026-00-10",
            "2026-02-29",
            "2026-04-00",
            "26-1-1",
            "2026-11-25T00:00:00Z",
            "２026-01-01",
            "",
        ]
        .map(|text| text.parse::<Date>().unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @"
        `2026-13-01` is no date: a month is 01 to 12; write it as 2026-11-25
        `2026-00-10` is no date: a month is 01 to 12; write it as 2026-11-25
        `2026-02-29` is no date: that month has the days 01 to 28; write it as 2026-11-25
        `2026-04-00` is no date: that month has the days 01 to 30; write it as 2026-11-25
        `26-1-1` is no date: it has another form; write it as 2026-11-25
        `2026-11-25T00:00:00Z` is no date: it has another form; write it as 2026-11-25
        `２026-01-01` is no date: it has another form; write it as 2026-11-25
        `` is no date: it has another form; write it as 2026-11-25
        ");
    }

    #[test]
    fn counting_ends_where_years_have_four_digits() {
        let last = Date::new(9999, 12, 31).unwrap();
        let first = Date::new(0, 1, 1).unwrap();
        assert_eq!(last.plus_days(1), None);
        assert_eq!(first.plus_days(-1), None);
        assert_eq!(first.plus_days(i64::MAX), None);
        assert_eq!(first.plus_days(last.days_since(first)), Some(last));
        assert!(Date::new(10_000, 1, 1).is_err());
    }
}
