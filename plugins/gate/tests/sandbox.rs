//! The tools by themselves; around calls they are tested with the host.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn calls_are_counted_and_failures_apart() {
    let mut gate = testing::plugin().start();
    let nothing = gate.call("count", json!({"tool": "tasks_list"}));
    insta::assert_snapshot!(nothing, @"not_found: no call of `tasks_list` was counted");
    let listed = gate.tools();
    assert_eq!(listed.len(), 1, "clients see more than `count`: {listed:?}");
}
