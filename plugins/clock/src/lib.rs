//! Tells the time. This file holds the tools; what they do is in the modules.

mod elapsed;
mod error;
mod moment;
#[cfg(test)]
mod properties;
mod reading;
mod zone;

use toolbay_sdk::prelude::*;

pub use crate::elapsed::{Calendar, Difference};
pub use crate::error::ClockError;
pub use crate::moment::Moment;
use crate::reading::{Context, Reading};
use crate::zone::Zones;

plugin!(now, convert, difference, zones);

/// Tells the current date and time in a time zone.
///
/// Takes the zone, and returns the time as ISO 8601, RFC 2822 and Unix seconds, with the weekday, the ISO week, the offset from UTC and
/// whether daylight saving time is in force.
#[tool(title = "Current time")]
pub fn now(
    /// The time zone: an IANA name such as "Europe/Berlin", or an offset such as "+05:30"
    #[schemars(length(max = 64))]
    #[default("UTC")]
    zone: &str,
) -> Result<Moment, ClockError> {
    Moment::new(&moment::now().to_zoned(Zones::new().find(zone)?))
}

/// A time in the zone that it was given in, and in another one.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// A sentence: 2026-11-22 09:30 in Europe/Berlin is 2026-11-22 03:30 in America/New_York
    pub sentence: String,
    /// The time as it was given
    pub from: Moment,
    /// The same instant in the other zone
    pub to: Moment,
    /// What to know about how the time was understood, for example that clocks are put back and it comes twice
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Converts a date and time from one time zone to another.
///
/// Takes a time that carries its offset, or one without and the zone that it is in, and returns it in both zones with offset, weekday and
/// whether daylight saving time is in force. A local time that comes twice, since clocks are put back, is taken as the first; one that does not
/// exist, since clocks are put forward, is moved forward by as much. A note says so.
#[tool(title = "Convert between time zones")]
pub fn convert(
    /// The time: "2026-11-22T09:30:00+01:00", "2026-11-22 09:30", "09:30" (today), "@1795336200" (Unix seconds), an RFC 2822 date, or "now"
    #[schemars(length(min = 1, max = 100))]
    time: &str,
    /// The zone to convert to: an IANA name such as "America/New_York", or an offset such as "-05:00"
    #[schemars(length(min = 1, max = 64))]
    to: &str,
    /// The zone that the time is in, such as "Europe/Berlin". Needed only if the time carries no offset
    #[schemars(length(max = 64))]
    from: Option<&str>,
) -> Result<Conversion, ClockError> {
    let zones = Zones::new();
    let to = zones.find(to)?;
    let from = from.map(|from| zones.find(from)).transpose()?;
    let context = Context {
        zones: &zones,
        now: moment::now(),
        zone: from.as_ref(),
        zone_argument: "from",
    };
    let Reading { zoned: from, note } = context.read("time", time)?;
    let to = from.with_time_zone(to);
    let said = |zoned| format!("{} in {}", moment::short(zoned), zone::name(zoned));
    let sentence = format!("{} is {}", said(&from), said(&to));
    Ok(Conversion {
        sentence,
        from: Moment::new(&from)?,
        to: Moment::new(&to)?,
        note,
    })
}

/// Measures the time between two dates and times.
///
/// Takes both, and returns how far apart they are in seconds, in days, in years, months, days, hours, minutes and seconds of the calendar,
/// and as a sentence.
#[tool(title = "Time between two times")]
pub fn difference(
    /// The first time: "2026-11-22T09:30:00+01:00", "2026-11-22 09:30", "2026-11-22", "09:30" (today), or "now"
    #[schemars(length(min = 1, max = 100))]
    start: &str,
    /// The second time, in any of the same forms. It may be before the first
    #[schemars(length(min = 1, max = 100))]
    end: &str,
    /// The zone of times that carry no offset, and of the calendar that days and months are counted in, such as "Europe/Berlin"
    #[schemars(length(max = 64))]
    #[default("UTC")]
    zone: &str,
) -> Result<Difference, ClockError> {
    let zones = Zones::new();
    let zone = zones.find(zone)?;
    let context = Context {
        zones: &zones,
        now: moment::now(),
        zone: Some(&zone),
        zone_argument: "zone",
    };
    let start = context
        .read("start", start)?
        .zoned
        .with_time_zone(zone.clone());
    let end = context.read("end", end)?.zoned.with_time_zone(zone.clone());
    elapsed::between(&start, &end)
}

/// One page of the list of zones.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZonePage {
    /// The zones, by name
    pub items: Vec<ZoneNow>,
    /// How many zones there are on all pages
    pub total_count: usize,
    /// Whether there are more pages
    pub has_more: bool,
    /// What to give as `cursor` for the next page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A zone, and what time it is there.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneNow {
    /// The IANA name: Europe/Berlin
    pub zone: String,
    /// The time there now, in ISO 8601 with the offset: 2026-11-22T09:30:00+01:00
    pub now: String,
    /// What the zone is called now: CET
    pub abbreviation: String,
}

/// Searches the names of the time zones.
///
/// Takes a part of the name, and returns the zones that match with the time there now, a page at a time.
#[tool(title = "Search time zones")]
pub fn zones(
    /// Words that the name must hold, such as "new york" or "europe/"; without it all zones are listed
    #[schemars(length(max = 64))]
    #[default("")]
    search: &str,
    /// How many zones to return: 1 to 100, and what is beyond is taken as the nearest of these
    limit: Limit<20>,
    /// The `next_cursor` of the page before, for the page after it
    #[schemars(length(max = 64))]
    cursor: Option<&str>,
) -> Result<ZonePage, ClockError> {
    let zones = Zones::new();
    let found = zones.search(search, cursor, limit.get());
    let now = moment::now();
    let zone_now = |zone: &String| {
        let there = now.to_zoned(zones.find(zone)?);
        let abbreviation = there.strftime("%Z").to_string();
        Ok(ZoneNow {
            zone: zone.clone(),
            now: moment::iso(&there),
            abbreviation,
        })
    };
    let items = found
        .names
        .iter()
        .map(zone_now)
        .collect::<Result<Vec<_>, ClockError>>()?;
    let next_cursor = found.names.last().filter(|_| found.has_more).cloned();
    Ok(ZonePage {
        items,
        total_count: found.total,
        has_more: found.has_more,
        next_cursor,
    })
}
