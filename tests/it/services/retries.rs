//! `retry`.

use serde_json::{Value, json};

use super::Place;
use crate::support::{Era, Session};

fn fetch(session: &mut Session, url: &str, post: bool, key: Option<&str>) -> Value {
    session.call(
        "keeper_fetch",
        json!({"url": url, "post": post, "idempotency_key": key}),
    )
}

#[test]
fn a_request_that_changes_nothing_is_made_again_and_one_that_does_needs_a_key() {
    let place = Place::new();
    let mut session = place.open(Era::Modern);
    let mut last = 0;
    let mut asked = || {
        let now = place.server.requests().len();
        now - std::mem::replace(&mut last, now)
    };
    let url = |name: &str, fails: usize| format!("{}/flaky?fails={fails}&name={name}", place.url());

    let status = |result: Value| result["structuredContent"]["result"].clone();
    let well = fetch(&mut session, &url("a", 2), false, None);
    assert_eq!(well["structuredContent"]["result"], 200, "{well}");
    assert_eq!(asked(), 3);
    // Twice more and no more; what the server says in the end is what the guest gets.
    assert_eq!(status(fetch(&mut session, &url("b", 9), false, None)), 503);
    assert_eq!(asked(), 3);
    assert_eq!(status(fetch(&mut session, &url("c", 2), true, None)), 503);
    assert_eq!(asked(), 1);
    let well = fetch(&mut session, &url("d", 2), true, Some("one"));
    assert_eq!(well["structuredContent"]["result"], 200, "{well}");
    assert_eq!(asked(), 3);
    for request in place.server.requests().iter().rev().take(3) {
        assert_eq!(request.body, b"paid");
        assert_eq!(request.header("idempotency-key"), Some("one"));
    }
}
