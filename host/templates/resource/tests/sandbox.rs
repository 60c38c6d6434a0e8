//! The tool as a client calls it: built, loaded and run in the real sandbox.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing;

#[test]
fn a_guide_is_read() {
    let mut plugin = testing::plugin().start();
    let outcome = plugin.call("read_guide", json!({"guide": "Style"}));
    insta::assert_json_snapshot!(outcome, @"");
}
