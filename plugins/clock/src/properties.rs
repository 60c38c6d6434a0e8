//! Whatever is asked, there is an answer or an error that says something; and answers fit together.

use crate::{ClockError, convert, difference, now, zones};
use proptest::prelude::*;

/// Pieces that make up times and zones: put together at random they get further than random characters do.
const PIECES: &[&str] = &[
    "2026",
    "-",
    "11",
    "22",
    "T",
    "t",
    " ",
    "09",
    ":",
    "30",
    ".5",
    "Z",
    "+01:00",
    "-0530",
    "+99",
    "[Europe/Berlin]",
    "[",
    "]",
    "2026-03-29",
    "02:30",
    "2026-10-25T02:30",
    "9999-12-31T23:59:59",
    "0001-01-01",
    "-009999-01-01",
    "@",
    "0",
    "253402300799",
    "-62135596800",
    "now",
    "Sun, ",
    "22 Nov 2026 ",
    "GMT",
    "UTC",
    "Europe/",
    "Berlin",
    "Pacific/Apia",
    "+",
    "é",
    "\u{0}",
    "W47",
];

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "+05:30",
    "-11",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..7).prop_map(|pieces| pieces.concat())
}

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ZONES)
}

/// Local times within the years that every zone can tell.
fn local_time() -> impl Strategy<Value = String> {
    (2..9998, 1..=12, 1..=28, 0..24, 0..60, 0..60).prop_map(
        |(year, month, day, hour, minute, second)| {
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        },
    )
}

fn says_something<T>(result: Result<T, ClockError>) {
    if let Err(error) = result {
        assert!(
            !error.message.is_empty() && error.to_string().chars().count() < 600,
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_may_be_asked(a in pieces(), b in pieces(), c in prop::option::of(pieces()), any in any::<String>()) {
        says_something(now(&a));
        says_something(now(&any));
        says_something(convert(&a, "UTC", c.as_deref()));
        says_something(convert(&a, &b, Some("Europe/Berlin")));
        says_something(convert(&any, &any, None));
        says_something(difference(&a, &b, c.as_deref().unwrap_or("UTC")));
        says_something(zones(&b, toolbay_sdk::Limit::new(5), c.as_deref()));
        says_something(zones(&any, toolbay_sdk::Limit::new(i64::MAX), Some(&any)));
    }

    #[test]
    fn converting_back_gives_the_same_instant(time in local_time(), from in zone(), to in zone()) {
        let there = convert(&time, to, Some(from)).unwrap();
        prop_assert_eq!(there.from.unix_seconds, there.to.unix_seconds);
        let back = convert(&there.to.iso, from, None).unwrap();
        prop_assert_eq!(back.to, there.from);
    }

    #[test]
    fn differences_are_the_same_both_ways(start in local_time(), end in local_time(), zone in zone()) {
        let forth = difference(&start, &end, zone).unwrap();
        let back = difference(&end, &start, zone).unwrap();
        prop_assert_eq!(forth.total_seconds, -back.total_seconds);
        prop_assert_eq!(forth.calendar_days, -back.calendar_days);
        prop_assert_eq!(forth.calendar, back.calendar);
    }
}
