//! The tool as a client calls it: built, loaded and run in the real sandbox.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn a_text_is_measured() {
    let mut plugin = testing::plugin().start();
    let outcome = plugin.call("measure", json!({"text": "two words\nand three more"}));
    assert_eq!(
        outcome.structured(),
        Some(&json!({"words": 5, "characters": 24, "lines": 2}))
    );
}

#[test]
fn arguments_are_checked_before_the_tool_runs() {
    let mut plugin = testing::plugin().start();
    let outcome = plugin.call("measure", json!({"text": 7}));
    assert_eq!(outcome.error_code(), Some("validation_error"));
}
