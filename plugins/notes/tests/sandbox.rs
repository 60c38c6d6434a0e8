//! The tools as clients call them, in a folder of the test's own.

use std::fs;

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn notes_are_found_written_and_added_to() {
    let mut notes = testing::plugin()
        .mount_with(
            "vault",
            [
                ("shopping.md", "# Shopping\n\n- apples\n- pears\n"),
                ("2026/ideas.md", "# Ideas\n\nA host for tools.\n"),
            ],
        )
        .start();
    let found = notes.call("search", json!({"query": "pears"}));
    let structured = found
        .structured()
        .and_then(|found| found.pointer("/items/0/lines"));
    assert_eq!(
        structured,
        Some(&json!([{"line": 4, "text": "- pears"}])),
        "{found}"
    );
    notes
        .call("append", json!({"note": "shopping.md", "text": "- plums"}))
        .expect_success();
    let text = fs::read_to_string(notes.folder("vault").join("shopping.md")).unwrap();
    assert_eq!(text, "# Shopping\n\n- apples\n- pears\n- plums\n");
    let again = notes.call("create", json!({"note": "2026/ideas.md", "text": "none"}));
    insta::assert_snapshot!(again, @"conflict: `2026/ideas.md` exists already and is left as it is; add to it with `append`, or choose another path");
}

#[test]
fn nothing_is_read_that_was_not_granted() {
    let mut notes = testing::plugin().grant_nothing().start();
    let outcome = notes.call("list", json!({}));
    assert_eq!(outcome.error_code(), Some("permission_denied"), "{outcome}");
}
