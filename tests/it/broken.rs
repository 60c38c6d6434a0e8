//! What may lie in a folder beside good plugins: each is shown with its reason and what to do, and none stops the others.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{run, toolbay};
use crate::support::session::first_text;
use crate::support::{Era, Folder, Session, Start, assembled, everywhere, paths};

/// Good plugins and everything bad that was thought of.
fn folder() -> Folder {
    let folder = Folder::with(&["echo", "counter"]);
    let whole = fs::read(paths::guest("sleepy")).expect("a guest can be read");
    folder.replace("another-world.wasm", &assembled::of_another_world());
    folder.replace("core-module.wasm", &assembled::core_module());
    folder.replace("empty.wasm", b"");
    folder.replace("garbage.wasm", b"this is not WebAssembly");
    folder.replace("header-only.wasm", &whole[..8]);
    folder.replace("truncated.wasm", &whole[..whole.len() / 2]);
    folder.replace("wrong-type.wasm", &assembled::of_wrong_type());
    fs::create_dir(folder.file("directory.wasm")).expect("a folder can be made");
    symlink("nowhere", folder.file("dangling.wasm")).expect("a link can be made");
    symlink("circle.wasm", folder.file("circle.wasm")).expect("a link can be made");
    // 100 MB that take no room on the disk.
    let zeros = File::create(folder.file("zeros.wasm")).expect("a file can be made");
    zeros
        .set_len(100_000_000)
        .expect("a file can be made longer");
    // Opening a pipe would wait for ever for someone to write to it; opening a socket fails.
    let pipe = std::ffi::CString::new(folder.file("pipe.wasm").to_str().expect("the path is text"))
        .expect("no zero");
    // SAFETY: the path is a C string that lives until the call is over.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    drop(UnixListener::bind(folder.file("socket.wasm")).expect("a socket can be made"));
    bad_manifests(&folder);
    folder
}

fn bad_manifests(folder: &Folder) {
    let component = assembled::bare("plain");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut manifest = assembled::manifest("plain");
        change(&mut manifest);
        assembled::bake(&component, &manifest)
    };
    folder.replace(
        "manifest-bad-name.wasm",
        &with(&|manifest| manifest["plugin"]["name"] = json!("Not A Name")),
    );
    folder.replace(
        "manifest-bad-schema.wasm",
        &with(&|manifest| {
            manifest["tools"]["run"]["input-schema"] = json!({"type": "object", "properties": 7})
        }),
    );
    folder.replace(
        "manifest-bad-timeout.wasm",
        &with(&|manifest| manifest["tools"]["run"]["timeout"] = json!("soon")),
    );
    folder.replace(
        "manifest-future.wasm",
        &with(&|manifest| manifest["manifest-version"] = json!(2)),
    );
    folder.replace("manifest-remote-schema.wasm", &with(&|manifest| manifest["tools"]["run"]["input-schema"] = json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}})));
    folder.replace(
        "manifest-reserved.wasm",
        &with(&|manifest| manifest["plugin"]["name"] = json!("toolbay")),
    );
    folder.replace(
        "manifest-unknown-key.wasm",
        &with(&|manifest| manifest["tools"]["run"]["time-out"] = json!("5s")),
    );
    folder.replace("sidecar-unknown-key.wasm", &component);
    folder.replace(
        "sidecar-unknown-key.toml",
        b"[plugin]\nname = \"beside\"\nversoin = \"1.0.0\"\ndescription = \"x\"\n",
    );
    folder.replace("sidecar-not-toml.wasm", &component);
    folder.replace("sidecar-not-toml.toml", b"[plugin\nname = beside");
    folder.replace("no-manifest.wasm", &component);
}

#[test]
fn the_list_shows_each_with_reason_and_hint() {
    let folder = folder();
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.arg("list").arg(folder.path());
    let output = run(command);
    insta::with_settings!({filters => crate::filters()}, {
        assert_snapshot!(output.transcript(), @"");
    });
}

#[test]
fn the_good_ones_are_served_and_the_status_names_the_bad_ones() {
    let folder = folder();
    everywhere(&folder, |session| {
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "hi"}))),
            "hi"
        );
        assert_eq!(
            session.call("counter_next", json!({}))["structuredContent"],
            json!({"result": 1})
        );
        let names = session.tool_names();
        assert!(
            names.iter().all(|name| ["echo", "counter", "toolbay"]
                .contains(&name.split('_').next().unwrap_or_default())),
            "{names:?}"
        );
        // Those that have to be run to be known come a little later.
        let status = session.call_until("toolbay_status", &json!({}), |status| {
            status.to_string().contains("no-manifest")
        });
        let status = status.to_string();
        for file in fs::read_dir(folder.path()).expect("the folder is there") {
            let name = file
                .expect("it can be read")
                .file_name()
                .into_string()
                .expect("the name is text");
            if let Some(stem) = name.strip_suffix(".wasm")
                && !["echo", "counter"].contains(&stem)
            {
                assert!(status.contains(&name), "{name} is not in {status}");
            }
        }
    });
}

#[test]
fn a_file_that_may_not_be_read() {
    let folder = Folder::with(&["echo"]);
    folder.add("counter");
    let path = folder.file("counter.wasm");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions can be set");
    if File::open(&path).is_ok() {
        eprintln!(
            "SKIPPED: this user may read everything; that opening fails is tested with a socket instead"
        );
        return;
    }
    let mut session = Session::open(Start::new(&folder).start(), Era::LEGACY);
    assert_eq!(
        first_text(&session.call("echo_text", json!({"text": "hi"}))),
        "hi"
    );
    let status = session.call("toolbay_status", json!({})).to_string();
    assert!(
        status.contains("counter.wasm") && status.contains("permission"),
        "{status}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permissions can be set");
    session.wait_for_change();
    assert!(session.tool_names().contains(&"counter_next".to_owned()));
}
