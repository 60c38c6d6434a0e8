//! One instant seen in one zone, in every form that is asked for.

use jiff::fmt::rfc2822;
use jiff::{Timestamp, Zoned};
use toolbay_sdk::prelude::*;

use crate::error::ClockError;
use crate::zone::{self, offset_text};

/// A time in a zone.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// ISO 8601 with the offset: 2026-11-22T09:30:00+01:00
    pub iso: String,
    /// The zone: an IANA name, or an offset
    pub zone: String,
    /// The day of the week: Sunday
    pub weekday: String,
    /// ISO 8601 week: 2026-W47
    pub iso_week: String,
    /// Offset from UTC at this time: +01:00
    pub utc_offset: String,
    /// What the zone is called at this time: CET
    pub abbreviation: String,
    /// Whether daylight saving time is in force
    pub is_dst: bool,
    /// Seconds since 1970-01-01T00:00:00Z
    pub unix_seconds: i64,
    /// RFC 2822, as in mail: Sun, 22 Nov 2026 09:30:00 +0100
    pub rfc2822: String,
}

impl Moment {
    pub(crate) fn new(zoned: &Zoned) -> Result<Self, ClockError> {
        // The one form that has no room for every year.
        let rfc2822 = rfc2822::to_string(zoned)
            .map_err(|_| ClockError::new("only the years 1 to 9999 can be told"))?;
        let week = zoned.date().iso_week_date();
        let info = zoned.time_zone().to_offset_info(zoned.timestamp());
        Ok(Self {
            iso: iso(zoned),
            zone: zone::name(zoned),
            weekday: zoned.strftime("%A").to_string(),
            iso_week: format!("{:04}-W{:02}", week.year(), week.week()),
            utc_offset: offset_text(zoned.offset()),
            abbreviation: info.abbreviation().to_owned(),
            is_dst: info.dst().is_dst(),
            unix_seconds: zoned.timestamp().as_second(),
            rfc2822,
        })
    }
}

/// ISO 8601 with the offset, and without the name of the zone, which few programs can read.
pub(crate) fn iso(zoned: &Zoned) -> String {
    format!("{}{}", zoned.datetime(), offset_text(zoned.offset()))
}

/// Date, hour and minute: what a sentence needs.
pub(crate) fn short(zoned: &Zoned) -> String {
    zoned.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The wall clock, to the second.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::new(&zone::zoned(text)).unwrap()
    }

    #[test]
    fn every_form() {
        insta::assert_debug_snapshot!(moment("2026-11-22T09:30:00[Europe/Berlin]"), @r#"
        Moment {
            iso: "2026-11-22T09:30:00+01:00",
            zone: "Europe/Berlin",
            weekday: "Sunday",
            iso_week: "2026-W47",
            utc_offset: "+01:00",
            abbreviation: "CET",
            is_dst: false,
            unix_seconds: 1795336200,
            rfc2822: "Sun, 22 Nov 2026 09:30:00 +0100",
        }
        "#);
    }

    #[test]
    fn weeks_and_summer_time() {
        for (text, iso_week, is_dst, abbreviation) in [
            ("2027-01-01T00:00[UTC]", "2026-W53", false, "UTC"),
            (
                "2026-07-01T00:00[America/New_York]",
                "2026-W27",
                true,
                "EDT",
            ),
            (
                "2026-07-01T00:00[Australia/Sydney]",
                "2026-W27",
                false,
                "AEST",
            ),
            ("2026-07-01T00:00[Europe/Dublin]", "2026-W27", true, "IST"),
            (
                "2026-07-01T00:00+05:30[+05:30]",
                "2026-W27",
                false,
                "+05:30",
            ),
        ] {
            let moment = moment(text);
            assert_eq!(
                (
                    moment.iso_week.as_str(),
                    moment.is_dst,
                    moment.abbreviation.as_str()
                ),
                (iso_week, is_dst, abbreviation)
            );
        }
    }

    #[test]
    fn old_and_exact_times() {
        assert_eq!(
            moment("1850-01-01T12:00:00[Europe/Berlin]").iso,
            "1850-01-01T12:00:00+00:53:28"
        );
        assert_eq!(
            moment("2026-01-01T12:00:00.25[UTC]").iso,
            "2026-01-01T12:00:00.25+00:00"
        );
        assert_eq!(
            moment("0001-01-01T12:00:00[UTC]").rfc2822,
            "Mon, 1 Jan 0001 12:00:00 +0000"
        );
    }
}
