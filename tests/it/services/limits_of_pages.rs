//! Every paginated tool of ours takes any `limit`: what is out of bounds is the nearest that is not.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Folder, Session, Start, Wire, paths};

#[test]
fn five_hundred_gives_a_hundred_and_minus_one_gives_one() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let vault = home.path().join("vault");
    fs::create_dir(&vault).expect("a folder can be made");
    for number in 0..120 {
        let note = vault.join(format!("{number:03}.md"));
        fs::write(note, "# Note\n\nmilk\n").expect("a file can be written");
    }
    let folder = Folder::empty();
    let mut policy = "version = 1\n".to_owned();
    for plugin in ["clock", "notes", "tasks"] {
        let component = fs::read(paths::plugin(plugin)).expect("a plugin can be read");
        folder.replace(&format!("{plugin}.wasm"), &component);
        policy += &format!("[[grant]]\nplugin = \"{plugin}\"\neverything = true\n");
        if plugin == "notes" {
            policy += &format!(
                "[grant.mounts]\nvault = {:?}\n",
                vault.display().to_string()
            );
        }
    }
    let file = home.path().join("policy.toml");
    fs::write(&file, policy).expect("a file can be written");
    let host = Start::new(&folder)
        .wire(Wire::Pipes)
        .argument("--policy")
        .argument(file);
    let mut session = Session::open(host.start(), crate::support::Era::LEGACY);
    for number in 0..120 {
        session.call("tasks_create", json!({"title": format!("Task {number}")}));
    }
    for (tool, arguments) in [
        ("clock_zones", json!({})),
        ("notes_list", json!({})),
        ("notes_search", json!({"query": "milk"})),
        ("tasks_list", json!({})),
    ] {
        for (limit, expected) in [(500, 100), (-1, 1), (0, 1), (7, 7)] {
            let mut arguments = arguments.clone();
            arguments["limit"] = json!(limit);
            let result = session.call(tool, arguments);
            let structured = &result["structuredContent"];
            let page = structured.as_object().expect("there is a structured value");
            let items = page.values().find_map(Value::as_array).map(Vec::len);
            assert_eq!(items, Some(expected), "{tool} with {limit}: {result}");
        }
    }
}
