//! Reading a time that somebody wrote down: with an offset or without, with or without a date, in a zone where clocks may
//! have been put forward or back.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822;
use jiff::fmt::temporal::{Pieces, TimeZoneAnnotation};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::error::{ClockError, quoted};
use crate::moment::short;
use crate::zone::{self, Zones, offset_text};

const FORMS: &str = "write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), \
                     as an RFC 2822 date, or as now";

/// A time as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) zoned: Zoned,
    /// What the reader should know about how it was understood.
    pub(crate) note: Option<String>,
}

/// What a time that names no offset itself is understood in.
pub(crate) struct Context<'a> {
    pub(crate) zones: &'a Zones,
    pub(crate) now: Timestamp,
    /// The zone, if one was given.
    pub(crate) zone: Option<&'a TimeZone>,
    /// The name of the argument that gives the zone, for messages.
    pub(crate) zone_argument: &'a str,
}

impl Context<'_> {
    /// Reads the time that was given as this argument.
    pub(crate) fn read(&self, argument: &str, text: &str) -> Result<Reading, ClockError> {
        let text = text.trim();
        if let Some(timestamp) = self.read_timestamp(argument, text)? {
            let zone = self.zone.cloned().unwrap_or(TimeZone::UTC);
            return Ok(Reading {
                zoned: timestamp.to_zoned(zone),
                note: None,
            });
        }
        if let Ok(zoned) = rfc2822::parse(text) {
            return Ok(self.with_own_zone(zoned));
        }
        if let Some(time) = time_of_day(text) {
            let zone = self.zone_for(argument, text)?;
            let today = self.now.to_zoned(zone.clone()).date();
            return in_zone(today.to_datetime(time), zone);
        }
        let pieces = Pieces::parse(text).map_err(|_| not_a_time(argument, text))?;
        let datetime = pieces
            .date()
            .to_datetime(pieces.time().unwrap_or_else(Time::midnight));
        if datetime.year() < 1 {
            return Err(ClockError::new(format!(
                "{argument}: only the years 1 to 9999 can be told"
            )));
        }
        let annotated = pieces
            .time_zone_annotation()
            .map(|annotation| self.annotated(argument, text, annotation))
            .transpose()?;
        match (pieces.to_numeric_offset(), annotated) {
            (Some(offset), annotated) => {
                let instant = offset
                    .to_timestamp(datetime)
                    .map_err(|_| not_a_time(argument, text))?;
                let zoned = instant.to_zoned(annotated.unwrap_or_else(|| TimeZone::fixed(offset)));
                if zoned.offset() != offset
                    && pieces
                        .offset()
                        .is_some_and(|offset| offset != jiff::fmt::temporal::PiecesOffset::Zulu)
                {
                    let (zone, right) = (zone::name(&zoned), offset_text(zoned.offset()));
                    return Err(ClockError::new(format!(
                        "{argument}: {} has the offset {}, but {zone} has {right} at that time",
                        quoted(text),
                        offset_text(offset)
                    ))
                    .hint("leave out the offset or the zone, whichever is wrong"));
                }
                Ok(self.with_own_zone(zoned))
            }
            (None, Some(zone)) => in_zone(datetime, zone),
            (None, None) => in_zone(datetime, self.zone_for(argument, text)?),
        }
    }

    fn read_timestamp(&self, argument: &str, text: &str) -> Result<Option<Timestamp>, ClockError> {
        if text.eq_ignore_ascii_case("now") {
            return Ok(Some(self.now));
        }
        if let Some(seconds) = text.strip_prefix('@') {
            let timestamp = seconds
                .parse()
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            return timestamp.map(Some).ok_or_else(|| {
                ClockError::new(format!(
                    "{argument}: {} is not a number of unix seconds within the years 1 to 9999",
                    quoted(text)
                ))
            });
        }
        if text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = if text.len() > 11 {
                text.get(..text.len() - 3).unwrap_or(text)
            } else {
                text
            };
            return Err(
                ClockError::new(format!("{argument}: {} is a bare number", quoted(text)))
                    .hint(format!("write unix seconds as @{seconds}")),
            );
        }
        Ok(None)
    }

    /// A time that says by itself which instant it is. If a zone was given too, it is only told when it has another offset.
    fn with_own_zone(&self, zoned: Zoned) -> Reading {
        let Some(given) = self.zone else {
            return Reading { zoned, note: None };
        };
        let there = zoned.with_time_zone(given.clone());
        if there.offset() == zoned.offset() {
            return Reading {
                zoned: there,
                note: None,
            };
        }
        let note = format!(
            "the time carries its own offset {}, so {} was not used to read it",
            offset_text(zoned.offset()),
            zone::name(&there)
        );
        Reading {
            zoned,
            note: Some(note),
        }
    }

    fn annotated(
        &self,
        argument: &str,
        text: &str,
        annotation: &TimeZoneAnnotation<'_>,
    ) -> Result<TimeZone, ClockError> {
        annotation
            .to_time_zone_with(self.zones.database())
            .map_err(|_| {
                let name = text
                    .split_once('[')
                    .map_or(text, |(_, name)| name)
                    .trim_end_matches(']');
                match self.zones.find(name) {
                    Ok(_) => not_a_time(argument, text),
                    Err(error) => ClockError {
                        message: format!("{argument}: {}", error.message),
                        ..error
                    },
                }
            })
    }

    fn zone_for(&self, argument: &str, text: &str) -> Result<TimeZone, ClockError> {
        self.zone.cloned().ok_or_else(|| {
            ClockError::new(format!(
                "{argument}: {} does not say in which zone it is",
                quoted(text)
            ))
            .hint(format!(
                "give `{}` as well, or write the offset: 2026-11-22T09:30:00+01:00",
                self.zone_argument
            ))
        })
    }
}

fn not_a_time(argument: &str, text: &str) -> ClockError {
    let is_not = |reason: String| {
        ClockError::new(format!(
            "{argument}: {} is not a time{reason}",
            quoted(text)
        ))
    };
    if let Ok(zoned) = rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_zoned(text)
    {
        let (date, weekday) = (zoned.date(), zoned.strftime("%A"));
        return is_not(format!(": {date} is a {weekday}"))
            .hint("leave out the day of the week, or correct it");
    }
    // The rest of the text is not looked at: a day that does not exist is the mistake made most often.
    let date = text
        .get(..10)
        .filter(|date| date.split('-').map(str::len).eq([4, 2, 2]));
    match date {
        Some(date) if date.parse::<Date>().is_err() => {
            is_not(format!(": there is no day {}", quoted(date))).hint(FORMS)
        }
        _ => is_not(String::new()).hint(FORMS),
    }
}

/// `9:30`, `09:30` or `09:30:15`.
fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let mut number = || {
        let digits = parts.next()?;
        ((1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse().ok())?
    };
    let (hour, minute): (i8, i8) = (number()?, number()?);
    let second = if text.matches(':').count() == 2 {
        number()?
    } else {
        0
    };
    (text.matches(':').count() <= 2).then(|| Time::new(hour, minute, second, 0).ok())?
}

/// A local time that a zone has twice is taken as the first, and one that it skips is moved forward by what is skipped, which
/// is what calendars do.
fn in_zone(datetime: DateTime, zone: TimeZone) -> Result<Reading, ClockError> {
    let ambiguous = zone.to_ambiguous_zoned(datetime);
    let offset = ambiguous.offset();
    let zoned = ambiguous
        .compatible()
        .map_err(|_| ClockError::new("only the years 1 to 9999 can be told"))?;
    let name = zone::name(&zoned);
    let note = match offset {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => Some(format!(
            "{} does not exist in {name}: clocks are put forward over it. It is taken as {}",
            short_datetime(datetime),
            short(&zoned)
        )),
        AmbiguousOffset::Fold { before, after } => {
            let second = format!("{datetime}{}", offset_text(after));
            Some(format!(
                "{} happens twice in {name}: clocks are put back. The first is taken ({}); for the second write {second}",
                short_datetime(datetime),
                offset_text(before)
            ))
        }
    };
    Ok(Reading { zoned, note })
}

fn short_datetime(datetime: DateTime) -> String {
    datetime.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::iso;

    fn read(text: &str, zone: Option<&str>) -> String {
        let zones = Zones::new();
        let zone = zone.map(|zone| zones.find(zone).unwrap());
        let now = "2026-11-22T23:30:00Z".parse().unwrap();
        let context = Context {
            zones: &zones,
            now,
            zone: zone.as_ref(),
            zone_argument: "from",
        };
        match context.read("time", text) {
            Ok(Reading { zoned, note }) => {
                let note = note
                    .map(|note| format!("\nnote: {note}"))
                    .unwrap_or_default();
                format!("{} {}{note}", iso(&zoned), zone::name(&zoned))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn times_in_many_forms() {
        let berlin = Some("Europe/Berlin");
        for (text, zone, expected) in [
            (
                "2026-11-22T09:30:00+01:00",
                None,
                "2026-11-22T09:30:00+01:00 +01:00",
            ),
            (
                "2026-11-22T09:30:00+01:00",
                berlin,
                "2026-11-22T09:30:00+01:00 Europe/Berlin",
            ),
            ("2026-11-22T09:30Z", None, "2026-11-22T09:30:00+00:00 UTC"),
            (
                "2026-11-22T09:30:00.5Z",
                None,
                "2026-11-22T09:30:00.5+00:00 UTC",
            ),
            ("20261122T093000Z", None, "2026-11-22T09:30:00+00:00 UTC"),
            (
                "2026-11-22T09:30[Europe/Berlin]",
                None,
                "2026-11-22T09:30:00+01:00 Europe/Berlin",
            ),
            (
                "2026-11-22T09:30+01:00[europe/berlin]",
                None,
                "2026-11-22T09:30:00+01:00 Europe/Berlin",
            ),
            (
                "2026-11-22T08:30Z[Europe/Berlin]",
                None,
                "2026-11-22T09:30:00+01:00 Europe/Berlin",
            ),
            (
                "2026-11-22 09:30",
                berlin,
                "2026-11-22T09:30:00+01:00 Europe/Berlin",
            ),
            (
                "2026-11-22t09:30:15",
                berlin,
                "2026-11-22T09:30:15+01:00 Europe/Berlin",
            ),
            (
                " 2026-11-22 ",
                berlin,
                "2026-11-22T00:00:00+01:00 Europe/Berlin",
            ),
            ("9:30", berlin, "2026-11-23T09:30:00+01:00 Europe/Berlin"),
            (
                "09:30:15",
                Some("America/New_York"),
                "2026-11-22T09:30:15-05:00 America/New_York",
            ),
            ("now", berlin, "2026-11-23T00:30:00+01:00 Europe/Berlin"),
            ("NOW", None, "2026-11-22T23:30:00+00:00 UTC"),
            ("@0", berlin, "1970-01-01T01:00:00+01:00 Europe/Berlin"),
            ("@-1", None, "1969-12-31T23:59:59+00:00 UTC"),
            (
                "Sun, 22 Nov 2026 09:30:00 +0100",
                None,
                "2026-11-22T09:30:00+01:00 +01:00",
            ),
            (
                "22 Nov 2026 09:30:00 GMT",
                None,
                "2026-11-22T09:30:00+00:00 UTC",
            ),
        ] {
            assert_eq!(read(text, zone), expected, "{text}");
        }
    }

    #[test]
    fn clocks_that_are_put_forward_or_back() {
        let cases = [
            ("2026-03-29 02:30", "Europe/Berlin"),
            ("2026-10-25 02:30", "Europe/Berlin"),
            ("2026-10-25T02:30:00+01:00", "Europe/Berlin"),
            ("2026-10-25T02:30:00+02:00", "Europe/Berlin"),
            ("2026-03-08 02:00", "America/New_York"),
            ("2026-03-08 03:00", "America/New_York"),
            ("2011-12-30 12:00", "Pacific/Apia"),
            ("2026-11-22T09:30:00+05:00", "Europe/Berlin"),
        ];
        insta::assert_snapshot!(cases.map(|(text, zone)| read(text, Some(zone))).join("\n\n"), @r"
        2026-03-29T03:30:00+02:00 Europe/Berlin
        note: 2026-03-29 02:30 does not exist in Europe/Berlin: clocks are put forward over it. It is taken as 2026-03-29 03:30

        2026-10-25T02:30:00+02:00 Europe/Berlin
        note: 2026-10-25 02:30 happens twice in Europe/Berlin: clocks are put back. The first is taken (+02:00); for the second write 2026-10-25T02:30:00+01:00

        2026-10-25T02:30:00+01:00 Europe/Berlin

        2026-10-25T02:30:00+02:00 Europe/Berlin

        2026-03-08T03:00:00-04:00 America/New_York
        note: 2026-03-08 02:00 does not exist in America/New_York: clocks are put forward over it. It is taken as 2026-03-08 03:00

        2026-03-08T03:00:00-04:00 America/New_York

        2011-12-31T12:00:00+14:00 Pacific/Apia
        note: 2011-12-30 12:00 does not exist in Pacific/Apia: clocks are put forward over it. It is taken as 2011-12-31 12:00

        2026-11-22T09:30:00+05:00 +05:00
        note: the time carries its own offset +05:00, so Europe/Berlin was not used to read it
        ");
    }

    #[test]
    fn what_is_no_time_is_explained() {
        let texts = [
            "",
            "tomorrow",
            "9am",
            "2026-13-01",
            "2026-02-30",
            "2026-11-22T25:00",
            "22.11.2026",
            "11/22/2026",
            "1795336200",
            "1795336200000",
            "@x",
            "@99999999999999",
            "2026-11-22 09:30",
            "09:30",
            "2026-11-22T09:30+05:00[Europe/Berlin]",
            "2026-11-22T09:30[Europe/Belin]",
            "-0044-03-15",
            "0000-01-01",
            "2026-11-22T09:30:00+99:00",
            "24:00",
            "1:2:3:4",
            "Mon, 22 Nov 2026 09:30:00 +0100",
        ];
        insta::assert_snapshot!(texts.map(|text| read(text, None)).join("\n\n"), @r#"
        time: "" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "tomorrow" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "9am" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "2026-13-01" is not a time: there is no day "2026-13-01"
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "2026-02-30" is not a time: there is no day "2026-02-30"
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "2026-11-22T25:00" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "22.11.2026" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "11/22/2026" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "1795336200" is a bare number
        hint: write unix seconds as @1795336200

        time: "1795336200000" is a bare number
        hint: write unix seconds as @1795336200

        time: "@x" is not a number of unix seconds within the years 1 to 9999

        time: "@99999999999999" is not a number of unix seconds within the years 1 to 9999

        time: "2026-11-22 09:30" does not say in which zone it is
        hint: give `from` as well, or write the offset: 2026-11-22T09:30:00+01:00

        time: "09:30" does not say in which zone it is
        hint: give `from` as well, or write the offset: 2026-11-22T09:30:00+01:00

        time: "2026-11-22T09:30+05:00[Europe/Berlin]" has the offset +05:00, but Europe/Berlin has +01:00 at that time
        hint: leave out the offset or the zone, whichever is wrong

        time: there is no time zone "Europe/Belin"
        hint: did you mean Europe/Berlin?

        time: "-0044-03-15" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: only the years 1 to 9999 can be told

        time: "2026-11-22T09:30:00+99:00" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "24:00" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "1:2:3:4" is not a time
        hint: write it as 2026-11-22T09:30:00+01:00, as 2026-11-22 09:30, as 09:30 (today), as @1795336200 (unix seconds), as an RFC 2822 date, or as now

        time: "Mon, 22 Nov 2026 09:30:00 +0100" is not a time: 2026-11-22 is a Sunday
        hint: leave out the day of the week, or correct it
        "#);
    }
}
