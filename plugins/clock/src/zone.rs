//! Time zones: finding one by its name or offset, and what may have been meant by a name that is none.

use jiff::Zoned;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::error::{ClockError, quoted};

/// Abbreviations that are no names of zones, since several places share one or since it holds for half the year only.
const ABBREVIATIONS: &[(&str, &[&str])] = &[
    ("ACDT", &["Australia/Adelaide"]),
    ("ACST", &["Australia/Darwin", "Australia/Adelaide"]),
    ("AEDT", &["Australia/Sydney"]),
    ("AEST", &["Australia/Brisbane", "Australia/Sydney"]),
    ("AKDT", &["America/Anchorage"]),
    ("AKST", &["America/Anchorage"]),
    ("AST", &["America/Halifax", "Asia/Riyadh"]),
    ("AWST", &["Australia/Perth"]),
    ("BRT", &["America/Sao_Paulo"]),
    ("BST", &["Europe/London", "Asia/Dhaka"]),
    ("CAT", &["Africa/Maputo"]),
    ("CDT", &["America/Chicago", "America/Havana"]),
    ("CEST", &["Europe/Berlin", "Europe/Paris"]),
    (
        "CST",
        &["America/Chicago", "Asia/Shanghai", "America/Havana"],
    ),
    ("EAT", &["Africa/Nairobi"]),
    ("ECT", &["America/Guayaquil", "Europe/Paris"]),
    ("EDT", &["America/New_York"]),
    ("EEST", &["Europe/Athens", "Europe/Kyiv"]),
    ("ET", &["America/New_York"]),
    ("GST", &["Asia/Dubai"]),
    ("HKT", &["Asia/Hong_Kong"]),
    ("ICT", &["Asia/Bangkok"]),
    ("IDT", &["Asia/Jerusalem"]),
    ("IST", &["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"]),
    ("JST", &["Asia/Tokyo"]),
    ("KST", &["Asia/Seoul"]),
    ("MDT", &["America/Denver"]),
    ("MESZ", &["Europe/Berlin"]),
    ("MEZ", &["Europe/Berlin"]),
    ("MSK", &["Europe/Moscow"]),
    ("MT", &["America/Denver"]),
    ("NPT", &["Asia/Kathmandu"]),
    ("NST", &["America/St_Johns"]),
    ("NZDT", &["Pacific/Auckland"]),
    ("NZST", &["Pacific/Auckland"]),
    ("PDT", &["America/Los_Angeles"]),
    ("PHT", &["Asia/Manila"]),
    ("PKT", &["Asia/Karachi"]),
    ("PST", &["America/Los_Angeles", "Asia/Manila"]),
    ("PT", &["America/Los_Angeles"]),
    ("SAST", &["Africa/Johannesburg"]),
    ("SGT", &["Asia/Singapore"]),
    ("SST", &["Pacific/Pago_Pago", "Asia/Singapore"]),
    ("TRT", &["Europe/Istanbul"]),
    ("WAT", &["Africa/Lagos"]),
    ("WIB", &["Asia/Jakarta"]),
];

/// The zones that are built in, and the only ones there are.
pub(crate) struct Zones(TimeZoneDatabase);

/// A page of zone names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) names: Vec<String>,
    pub(crate) total: usize,
    pub(crate) has_more: bool,
}

impl Zones {
    pub(crate) fn new() -> Self {
        Self(TimeZoneDatabase::bundled())
    }

    pub(crate) fn database(&self) -> &TimeZoneDatabase {
        &self.0
    }

    /// Finds a zone by an IANA name in any case, or by an offset such as `+05:30`, `UTC+2` or `Z`.
    pub(crate) fn find(&self, name: &str) -> Result<TimeZone, ClockError> {
        let trimmed = name.trim();
        if let Some(offset) = fixed_offset(trimmed) {
            return Ok(if offset == Offset::UTC {
                TimeZone::UTC
            } else {
                TimeZone::fixed(offset)
            });
        }
        let spelled = trimmed.replace(' ', "_");
        self.0
            .get(&spelled)
            .map_err(|_| self.unknown(trimmed, &spelled))
    }

    fn unknown(&self, name: &str, spelled: &str) -> ClockError {
        let unknown = |reason: &str| {
            ClockError::new(format!("there is no time zone {}{reason}", quoted(name)))
        };
        if name.is_empty() {
            return unknown("").hint("give an IANA name such as Europe/Berlin, or UTC");
        }
        if ["local", "localtime", "system"].contains(&name.to_ascii_lowercase().as_str()) {
            return unknown(": this clock does not know where its user is")
                .hint("ask the user, or use UTC");
        }
        if let Some((_, zones)) = ABBREVIATIONS
            .iter()
            .find(|(short, _)| short.eq_ignore_ascii_case(name))
        {
            return unknown(": it is an abbreviation, not the name of one")
                .hint(did_you_mean(zones));
        }
        match self.similar(spelled).as_slice() {
            [] => unknown("")
                .hint("give an IANA name such as Europe/Berlin; the `zones` tool searches them"),
            similar => unknown("").hint(did_you_mean(similar)),
        }
    }

    /// Zones whose name, or its last part, is nearest to this: three at most.
    fn similar(&self, name: &str) -> Vec<String> {
        // Longer than any name, and expensive to compare.
        if name.len() > 50 {
            return Vec::new();
        }
        let name = name.to_ascii_lowercase();
        let wanted_place = name.rsplit('/').next().unwrap_or_default();
        let mut similar: Vec<(usize, String)> = self
            .names()
            .filter_map(|known| {
                let lower = known.to_ascii_lowercase();
                let place = lower.rsplit('/').next().unwrap_or_default();
                // A right place under a wrong continent comes before a name with typing errors.
                let by_place = strsim::damerau_levenshtein(wanted_place, place);
                let distance = strsim::damerau_levenshtein(&name, &lower)
                    .min(by_place * 2 + usize::from(lower != place));
                (distance <= (name.len() / 3).clamp(1, 4)).then_some((distance, known))
            })
            .collect();
        similar.sort();
        let best = similar.first().map_or(0, |(distance, _)| *distance);
        let nearest = similar
            .into_iter()
            .take_while(|(distance, _)| *distance == best);
        nearest.take(3).map(|(_, known)| known).collect()
    }

    /// The names that hold every word of the text, in alphabetical order, from after the name `after`.
    pub(crate) fn search(&self, text: &str, after: Option<&str>, limit: usize) -> Found {
        let text = text.to_ascii_lowercase();
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c == '_')
            .filter(|word| !word.is_empty())
            .collect();
        let mut matching: Vec<String> = self
            .names()
            .filter(|name| {
                let name = name.to_ascii_lowercase();
                words.iter().all(|word| name.contains(word))
            })
            .collect();
        matching.sort_unstable();
        let total = matching.len();
        let mut names: Vec<String> = matching
            .into_iter()
            .filter(|name| after.is_none_or(|after| name.as_str() > after))
            .take(limit + 1)
            .collect();
        let has_more = names.len() > limit;
        names.truncate(limit);
        Found {
            names,
            total,
            has_more,
        }
    }

    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.0.available().map(|name| name.as_str().to_owned())
    }
}

fn did_you_mean(zones: &[impl AsRef<str>]) -> String {
    let zones: Vec<&str> = zones.iter().map(AsRef::as_ref).collect();
    format!("did you mean {}?", zones.join(" or "))
}

/// `Z`, `+02:00`, `-0530`, `+2`, each also after `UTC` or `GMT`.
fn fixed_offset(text: &str) -> Option<Offset> {
    let upper = text.to_ascii_uppercase();
    if upper == "Z" {
        return Some(Offset::UTC);
    }
    let sign_on = ["UTC", "GMT"]
        .iter()
        .find_map(|prefix| upper.strip_prefix(prefix))
        .unwrap_or(&upper);
    let (sign, digits) = match sign_on.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-" | "\u{2212}", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |digits: &str, max: i32| {
        let is_number =
            (1..=2).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits
            .parse::<i32>()
            .ok()
            .filter(|number| is_number && *number <= max)
    };
    let minutes = number(hours, 18)? * 60 + number(minutes, 59)?;
    Offset::from_seconds(sign * minutes * 60).ok()
}

/// The name of a zone as it is shown: the IANA name, or the offset.
pub(crate) fn name(zoned: &Zoned) -> String {
    match zoned.time_zone().iana_name() {
        Some(name) => name.to_owned(),
        None => offset_text(zoned.offset()),
    }
}

/// `+01:00`; seconds only where there are some, as in times before the zones were made.
pub(crate) fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// A time with the name of its zone in brackets, of the zones that are built in: the system's may differ.
#[cfg(test)]
pub(crate) fn zoned(text: &str) -> Zoned {
    let parser = jiff::fmt::temporal::DateTimeParser::new();
    parser
        .parse_zoned_with(Zones::new().database(), text)
        .unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn find(name: &str) -> String {
        let at: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        match Zones::new().find(name) {
            Ok(zone) => {
                let zoned = at.to_zoned(zone);
                format!("{} {}", super::name(&zoned), offset_text(zoned.offset()))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn zones_are_found_by_name_and_offset() {
        for (name, expected) in [
            ("Europe/Berlin", "Europe/Berlin +02:00"),
            ("europe/berlin", "Europe/Berlin +02:00"),
            (" America/New York ", "America/New_York -04:00"),
            ("CET", "CET +02:00"),
            ("EST", "EST -05:00"),
            ("UTC", "UTC +00:00"),
            ("z", "UTC +00:00"),
            ("GMT", "GMT +00:00"),
            ("+05:30", "+05:30 +05:30"),
            ("-0330", "-03:30 -03:30"),
            ("UTC+2", "+02:00 +02:00"),
            ("gmt-11:30", "-11:30 -11:30"),
            ("+00:00", "UTC +00:00"),
            ("Etc/GMT+5", "Etc/GMT+5 -05:00"),
        ] {
            assert_eq!(find(name), expected, "{name}");
        }
    }

    #[test]
    fn unknown_zones_are_explained() {
        let names = [
            "Europe/Belin",
            "Berlin",
            "new york",
            "America/Berlin",
            "PST",
            "ist",
            "local",
            "",
            "+25:00",
            "+1:2:3",
            "UTC+",
            "Mars/Olympus_Mons",
            "Kiev",
            "Germany",
            "Asia/Calcuta",
            "a\u{1b}[31mb",
            "Ünited",
        ];
        let report = |name: &str| format!("{}\n", find(name));
        insta::assert_snapshot!(names.map(report).join("\n"), @r#"
        there is no time zone "Europe/Belin"
        hint: did you mean Europe/Berlin?

        there is no time zone "Berlin"
        hint: did you mean Europe/Berlin?

        there is no time zone "new york"
        hint: did you mean America/New_York?

        there is no time zone "America/Berlin"
        hint: did you mean Europe/Berlin?

        there is no time zone "PST": it is an abbreviation, not the name of one
        hint: did you mean America/Los_Angeles or Asia/Manila?

        there is no time zone "ist": it is an abbreviation, not the name of one
        hint: did you mean Asia/Kolkata or Europe/Dublin or Asia/Jerusalem?

        there is no time zone "local": this clock does not know where its user is
        hint: ask the user, or use UTC

        there is no time zone ""
        hint: give an IANA name such as Europe/Berlin, or UTC

        there is no time zone "+25:00"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them

        there is no time zone "+1:2:3"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them

        there is no time zone "UTC+"
        hint: did you mean UTC?

        there is no time zone "Mars/Olympus_Mons"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them

        there is no time zone "Kiev"
        hint: did you mean Europe/Kiev?

        there is no time zone "Germany"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them

        there is no time zone "Asia/Calcuta"
        hint: did you mean Asia/Calcutta?

        there is no time zone "a\u{1b}[31mb"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them

        there is no time zone "Ünited"
        hint: give an IANA name such as Europe/Berlin; the `zones` tool searches them
        "#);
    }

    #[test]
    fn abbreviations_lead_to_zones_that_exist() {
        let zones = Zones::new();
        for (short, names) in ABBREVIATIONS {
            assert!(zones.0.get(short).is_err(), "{short} is a zone by itself");
            for name in *names {
                assert!(zones.0.get(name).is_ok(), "{short}: {name}");
            }
        }
        assert!(ABBREVIATIONS.is_sorted());
    }

    #[test]
    fn search_goes_page_by_page() {
        let zones = Zones::new();
        let found = zones.search("new york", None, 5);
        assert_eq!(
            found,
            Found {
                names: vec!["America/New_York".into()],
                total: 1,
                has_more: false
            }
        );
        let first = zones.search("europe/", None, 2);
        assert_eq!(
            (first.names.as_slice(), first.has_more),
            (
                ["Europe/Amsterdam".into(), "Europe/Andorra".into()].as_slice(),
                true
            )
        );
        let mut all = Vec::new();
        loop {
            let page = zones.search("", all.last().map(String::as_str), 50);
            all.extend(page.names);
            if !page.has_more {
                assert_eq!(all.len(), page.total);
                break;
            }
        }
        assert!(zones.search("nowhere", None, 5).names.is_empty());
    }
}
