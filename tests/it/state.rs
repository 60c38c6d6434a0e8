//! Plugins' key-value state, as plugins meet it.

use serde_json::json;

use crate::support::session::first_text;
use crate::support::{Era, Folder, Session, Start};

#[test]
fn a_tool_that_did_not_ask_is_refused_and_told_the_line() {
    let folder = Folder::empty();
    folder.add_assembled("reads_state");
    let state = tempfile::tempdir().expect("a temporary folder can be made");
    for era in Era::BOTH {
        let host = Start::new(&folder).state(state.path()).start();
        let mut session = Session::open(host, era);
        let result = session.call("reads-state_run", json!({}));
        assert_eq!(result["isError"], true, "{result}");
        assert_eq!(
            first_text(&result),
            "tool `run` may not use its plugin's key-value state: add `kv = true` to [tools.run]"
        );
    }
    assert!(
        !state.path().join("state.db").exists(),
        "the store was opened"
    );
}
