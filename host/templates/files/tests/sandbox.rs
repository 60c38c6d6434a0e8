//! The tool as a client calls it: built, loaded and run in the real sandbox, with a folder made for the test.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn lines_are_found() {
    let mut plugin = testing::plugin()
        .mount_with("texts", [("shopping.md", "- milk\n- Bread\n"), ("photo.jpg", "bread")])
        .start();
    let outcome = plugin.call("find", json!({"words": "bread"}));
    assert_eq!(
        outcome.structured(),
        Some(&json!({
            "lines": [{"file": "shopping.md", "number": 2, "text": "- Bread"}],
            "has_more": false,
        }))
    );
}

#[test]
fn nothing_is_read_without_a_grant() {
    let mut plugin = testing::plugin().grant_nothing().start();
    let outcome = plugin.call("find", json!({"words": "bread"}));
    assert_eq!(outcome.error_code(), Some("permission_denied"));
}
