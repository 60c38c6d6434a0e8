//! Tells the time. This file holds the tools; what they do is in the modules.

mod difference;
mod error;
mod moment;
mod reading;
mod zone;

use serde::Serialize;

pub use crate::difference::{Calendar, Difference};
pub use crate::error::ClockError;
pub use crate::moment::Moment;
use crate::reading::{Context, Reading};
use crate::zone::Zones;

/// The most zones on one page of the list.
const MAX_ZONES: u64 = 100;

pub fn now(zone: Option<String>) -> Result<Moment, ClockError> {
    let zone = Zones::new().find(zone.as_deref().unwrap_or("UTC"))?;
    Moment::new(&moment::now().to_zoned(zone))
}

/// A time in the zone that it was given in, and in another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversion {
    /// A sentence: 2026-11-22 09:30 in Europe/Berlin is 2026-11-22 03:30 in America/New_York
    pub sentence: String,
    /// The time as it was given
    pub from: Moment,
    /// The same instant in the other zone
    pub to: Moment,
    /// What to know about how the time was understood, for example that clocks were put back and it comes twice
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

pub fn convert(time: String, to: String, from: Option<String>) -> Result<Conversion, ClockError> {
    let zones = Zones::new();
    let from = from.map(|from| zones.find(&from)).transpose()?;
    let context = Context {
        zones: &zones,
        now: moment::now(),
        zone: from.as_ref(),
        zone_argument: "from",
    };
    let Reading { zoned: from, note } = context.read("time", &time)?;
    let to = from.with_time_zone(zones.find(&to)?);
    let said = |zoned| format!("{} in {}", moment::short(zoned), zone::name(zoned));
    let sentence = format!("{} is {}", said(&from), said(&to));
    Ok(Conversion {
        sentence,
        from: Moment::new(&from)?,
        to: Moment::new(&to)?,
        note,
    })
}

pub fn difference(
    start: String,
    end: String,
    zone: Option<String>,
) -> Result<Difference, ClockError> {
    let zones = Zones::new();
    let zone = zones.find(zone.as_deref().unwrap_or("UTC"))?;
    let context = Context {
        zones: &zones,
        now: moment::now(),
        zone: Some(&zone),
        zone_argument: "zone",
    };
    let start = context
        .read("start", &start)?
        .zoned
        .with_time_zone(zone.clone());
    let end = context
        .read("end", &end)?
        .zoned
        .with_time_zone(zone.clone());
    difference::difference(&start, &end)
}

/// One page of the list of zones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoneNow {
    /// The IANA name: Europe/Berlin
    pub zone: String,
    /// The time there now, in ISO 8601 with the offset: 2026-11-22T09:30:00+01:00
    pub now: String,
    /// What the zone is called now: CET
    pub abbreviation: String,
}

pub fn zones(
    search: Option<String>,
    limit: u64,
    cursor: Option<String>,
) -> Result<ZonePage, ClockError> {
    let zones = Zones::new();
    let limit = usize::try_from(limit.clamp(1, MAX_ZONES)).unwrap_or(1);
    let found = zones.search(
        search.as_deref().unwrap_or_default(),
        cursor.as_deref(),
        limit,
    );
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
