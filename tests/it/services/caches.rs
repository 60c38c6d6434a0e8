//! `cache` and `invalidates`.

use serde_json::{Value, json};

use super::{Place, code};
use crate::support::{Era, Session};

fn count(session: &mut Session) -> (u64, Value) {
    let result = session.call("keeper_count", json!({}));
    let count = result["structuredContent"]["count"].as_u64();
    (
        count.expect("it is a count"),
        result["_meta"]["toolbay/cache"].clone(),
    )
}

fn resource(session: &mut Session) -> (String, Value, Value) {
    let result = session.result("resources/read", json!({"uri": "keeper://count"}));
    let text = result["contents"][0]["text"].as_str();
    let meta = result["_meta"]["toolbay/cache"].clone();
    (
        text.expect("it is a text").to_owned(),
        meta,
        result["ttlMs"].clone(),
    )
}

#[test]
fn an_answer_is_kept_until_a_tool_that_writes_makes_it_stale() {
    let place = Place::new();
    for era in [Era::LEGACY, Era::Modern] {
        let mut session = place.open(era);
        let first = count(&mut session).0;
        assert_eq!(count(&mut session), (first, json!("hit")));
        let read = resource(&mut session);
        assert_eq!(
            (read.0.as_str(), read.1),
            (first.to_string().as_str(), json!("miss"))
        );
        let kept = resource(&mut session);
        assert_eq!((kept.0, kept.1), (first.to_string(), json!("hit")));
        if era == Era::Modern {
            let left = kept.2.as_u64().expect("it is a number");
            assert!((3_000_000..=3_600_000).contains(&left), "{left}");
        }
        for after in 1..=3 {
            session.call("keeper_bump", json!({}));
            assert_eq!(count(&mut session), (first + after, json!("miss")));
            assert_eq!(resource(&mut session).0, (first + after).to_string());
        }
        // Only a success makes anything stale: the call that failed said nothing of what it changed.
        let before = count(&mut session).0;
        assert_eq!(
            code(&session.call("keeper_bump_and_fail", json!({}))),
            "conflict"
        );
        assert_eq!(count(&mut session), (before, json!("hit")));
    }
}

#[test]
fn the_same_question_is_the_same_however_it_is_written() {
    let place = Place::new();
    let mut session = place.open(Era::Modern);
    let mut ask = |arguments: &str| {
        let arguments: Value = serde_json::from_str(arguments).expect("it is JSON");
        let result = session.call("keeper_echo", arguments);
        result["_meta"]["toolbay/cache"].clone()
    };
    assert_eq!(ask(r#"{"text": "a", "number": 2}"#), "miss");
    assert_eq!(ask(r#"{"number": 2.0, "text": "a"}"#), "hit");
    assert_eq!(ask(r#"{"text": "a", "number": 2.5}"#), "miss");
    assert_eq!(ask(r#"{"text": "A", "number": 2}"#), "miss");
}

#[test]
fn failures_are_not_kept() {
    let place = Place::new();
    let mut session = place.open(Era::Modern);
    session.call("keeper_bump", json!({}));
    let failing = session.call("keeper_fail_at_times", json!({}));
    assert_eq!(code(&failing), "unavailable");
    session.call("keeper_bump", json!({}));
    let result = session.call("keeper_fail_at_times", json!({}));
    assert_eq!(result["structuredContent"], json!({"count": 2}), "{result}");
}

#[test]
fn another_hosts_write_is_seen_by_the_next_read() {
    let place = Place::new();
    let (mut one, mut other) = (place.open(Era::LEGACY), place.open(Era::Modern));
    for expected in 0..20 {
        assert_eq!(count(&mut one).0, expected);
        assert_eq!(count(&mut one), (expected, json!("hit")));
        assert_eq!(count(&mut other).0, expected);
        other.call("keeper_bump", json!({}));
    }
}

#[test]
fn subscribers_hear_of_what_was_made_stale() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    session.result("resources/subscribe", json!({"uri": "keeper://count"}));
    session.call("keeper_bump", json!({}));
    session.host.wait_for("the update", |message| {
        message["method"] == "notifications/resources/updated"
            && message["params"]["uri"] == "keeper://count"
    });
}
