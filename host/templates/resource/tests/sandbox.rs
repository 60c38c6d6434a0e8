//! The tool as a client calls it: built, loaded and run in the real sandbox.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn a_guide_is_read() {
    let mut plugin = testing::plugin().start();
    let outcome = plugin.call("read_guide", json!({"guide": "style"}));
    let document = &outcome.expect_success().raw()["content"][0]["resource"];
    assert_eq!(document["uri"], "{{name}}://guides/style");
    assert_eq!(document["text"], include_str!("../guides/style.md"));
}
