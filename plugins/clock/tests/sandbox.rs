//! The tools as clients call them, at a time that the test says.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn the_time_is_that_of_the_host() {
    let mut clock = testing::plugin().clock("2026-11-22T08:30:00Z").start();
    let outcome = clock.call("now", json!({"zone": "Europe/Berlin"}));
    insta::assert_snapshot!(outcome, @r#"
    {
      "structured": {
        "iso": "2026-11-22T09:30:00+01:00",
        "zone": "Europe/Berlin",
        "weekday": "Sunday",
        "iso_week": "2026-W47",
        "utc_offset": "+01:00",
        "abbreviation": "CET",
        "is_dst": false,
        "unix_seconds": 1795336200,
        "rfc2822": "Sun, 22 Nov 2026 09:30:00 +0100"
      }
    }
    "#);
    let outcome = clock.call(
        "convert",
        json!({"time": "09:30", "to": "America/New_York", "from": "Europe/Berlin"}),
    );
    let sentence = outcome.structured().and_then(|value| value.get("sentence"));
    assert_eq!(
        sentence,
        Some(&json!(
            "2026-11-22 09:30 in Europe/Berlin is 2026-11-22 03:30 in America/New_York"
        ))
    );
}

#[test]
fn a_zone_that_is_not_known_is_told_with_the_nearest() {
    let mut clock = testing::plugin().start();
    let outcome = clock.call("now", json!({"zone": "Europe/Berlim"}));
    insta::assert_snapshot!(outcome, @r#"
    validation_error: there is no time zone "Europe/Berlim"
    hint: did you mean Europe/Berlin?
    "#);
}
