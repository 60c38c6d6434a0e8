//! What may lie in a folder beside good plugins: each is shown with its reason and what to do, and none stops the others.

use std::collections::BTreeSet;
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

/// The names of the files that are no plugin.
fn bad_ones(folder: &Folder) -> Vec<String> {
    let files = fs::read_dir(folder.path()).expect("the folder is there");
    files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".wasm") && name != "counter.wasm" && name != "echo.wasm")
        .collect()
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
        b"manifest-version = 1\n[plugin]\nname = \"beside\"\nversoin = \"1.0.0\"\ndescription = \"x\"\n",
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
        assert_snapshot!(output.transcript(), @r#"
        exit: 1
        --- stdout
        counter 0.1.0  [temporary]/plugins/counter.wasm
          counter_next  Returns how often this instance was called: 1 where each call gets a fresh one
        echo 0.1.0  [temporary]/plugins/echo.wasm
          echo_text  Returns the text that it gets
          echo_length  Returns how many bytes of UTF-8 a text has
          echo_record  Returns the record that it gets, with what was left out filled in
          echo_blocks  Returns one block of each kind of content
          echo_fail  Fails with the error code that it gets
        problem: [temporary]/plugins/another-world.wasm
          it offers nothing: there is none of `toolbay:plugin/tools@0.1.0`, `toolbay:plugin/resources@0.1.0` and `toolbay:plugin/prompts@0.1.0` among its exports
          hint: it exports `run`; a plugin exports `toolbay:plugin/tools`
        problem: [temporary]/plugins/circle.wasm
          it cannot be looked at: Too many levels of symbolic links (os error 40)
          hint: check the permissions of the file and its folder
        problem: [temporary]/plugins/core-module.wasm
          it is a core module, not a component
          hint: build it for the target wasm32-wasip2, which makes components
        problem: [temporary]/plugins/dangling.wasm
          it is a link to a file that does not exist
          hint: remove the link, or put the file where it points
        problem: [temporary]/plugins/directory.wasm
          it is a folder
          hint: a plugin is one file; move this elsewhere or give it another ending than .wasm
        problem: [temporary]/plugins/empty.wasm
          the file is empty
          hint: copy or build it again; copying to another name first and renaming avoids half-written files
        problem: [temporary]/plugins/garbage.wasm
          it is not WebAssembly
          hint: put only WebAssembly components into the folder; other files need another ending than .wasm
        problem: [temporary]/plugins/header-only.wasm
          it offers nothing: there is none of `toolbay:plugin/tools@0.1.0`, `toolbay:plugin/resources@0.1.0` and `toolbay:plugin/prompts@0.1.0` among its exports
          hint: it exports nothing at all; a plugin exports `toolbay:plugin/tools`
        problem: [temporary]/plugins/manifest-bad-name.wasm
          its manifest is wrong: plugin `Not A Name`: `Not A Name` is not a plugin name
          hint: write a lower-case letter, then lower-case letters, digits and `-`: `git-log`
        problem: [temporary]/plugins/manifest-bad-schema.wasm
          the input schema of its tool `run` cannot be used: the schema is not valid JSON Schema: 7 is not of type "object"
          hint: correct the type that the schema is made from; schemas are JSON Schema 2020-12 without remote references
        problem: [temporary]/plugins/manifest-bad-timeout.wasm
          its manifest is wrong: plugin `plain`, tool `run`: `timeout` is "soon", which is not a duration
          hint: write a whole number and a unit: "500ms", "5s", "2m" or "24h"
        problem: [temporary]/plugins/manifest-future.wasm
          its manifest is wrong: plugin `plain`: manifest-version 2 is not known
          hint: this toolbay knows version 1; a newer toolbay may know this one
        problem: [temporary]/plugins/manifest-remote-schema.wasm
          the input schema of its tool `run` cannot be used: the schema is not valid JSON Schema: it refers to `https://example.com/a.json`, and a schema may refer only to places within itself, such as `#/$defs/Name`
          hint: correct the type that the schema is made from; schemas are JSON Schema 2020-12 without remote references
        problem: [temporary]/plugins/manifest-reserved.wasm
          its manifest is wrong: plugin `toolbay`: the name `toolbay` belongs to the host
          hint: choose another name for the plugin
        problem: [temporary]/plugins/manifest-unknown-key.wasm
          its manifest is wrong: plugin `plain`, tool `run`: unknown key `time-out`
          hint: did you mean `timeout`?
        problem: [temporary]/plugins/no-manifest.wasm
          it carries no manifest, has none beside it, and does not export `toolbay:plugin/describe`
          hint: build it with the Toolbay SDK, or write its manifest into [temporary]/plugins/no-manifest.toml
        problem: [temporary]/plugins/pipe.wasm
          it is not a regular file
          hint: a plugin is one file; move this elsewhere or give it another ending than .wasm
        problem: [temporary]/plugins/sidecar-not-toml.wasm
          its manifest sidecar-not-toml.toml is wrong: the manifest is not valid TOML (line 1, column 8): unclosed table, expected `]`
          hint: correct the manifest and build the plugin again
        problem: [temporary]/plugins/sidecar-unknown-key.wasm
          its manifest sidecar-unknown-key.toml is wrong: plugin `beside`: unknown key `versoin`
          hint: did you mean `version`?
        problem: [temporary]/plugins/socket.wasm
          it is not a regular file
          hint: a plugin is one file; move this elsewhere or give it another ending than .wasm
        problem: [temporary]/plugins/truncated.wasm
          it ends in the middle: unexpected end-of-file (at byte [place])
          hint: copy or build it again; copying to another name first and renaming avoids half-written files
        problem: [temporary]/plugins/wrong-type.wasm
          it does not fit this host: its export `toolbay:plugin/tools@0.1.0` is not of the type that this host expects: failed to convert function to given type: type mismatch with parameters: expected 2-tuple, found 1-tuple
          hint: build it again with an SDK of this host's version
        problem: [temporary]/plugins/zeros.wasm
          it is 95.4 MiB, and a component may have at most 64 MiB
          hint: build it in release mode and strip it
        --- stderr
        "#);
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
        // Those that have to be compiled or run to be known come a little later.
        let status = session.call_until("toolbay_status", &json!({}), |status| {
            let status = status.to_string();
            bad_ones(&folder).iter().all(|name| status.contains(name))
        });
        assert_eq!(status["structuredContent"]["status"], "degraded");
        let plugins: BTreeSet<String> = session
            .tool_names()
            .iter()
            .filter_map(|name| Some(name.split_once('_')?.0.to_owned()))
            .collect();
        assert_eq!(
            plugins,
            ["counter", "echo", "toolbay"].map(String::from).into()
        );
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

#[test]
fn a_link_that_leaves_the_folder_is_refused_and_one_inside_is_not() {
    let folder = Folder::with(&["counter"]);
    let outside = tempfile::TempDir::new().expect("a temporary folder can be made");
    let elsewhere = outside.path().join("echo.wasm");
    fs::copy(paths::guest("echo"), &elsewhere).expect("a file can be copied");
    symlink(&elsewhere, folder.file("echo.wasm")).expect("a link can be made");
    let mut session = Session::legacy(&folder);
    let names = session.tool_names();
    assert!(names.contains(&"counter_next".to_owned()), "{names:?}");
    assert!(
        !names.iter().any(|name| name.starts_with("echo_")),
        "{names:?}"
    );
    let status = session.call("toolbay_status", json!({}));
    assert!(
        status
            .to_string()
            .contains("it is a link to a file outside its folder"),
        "{status}"
    );
    fs::rename(&elsewhere, folder.file("echo.bin")).expect("a file can be moved");
    fs::remove_file(folder.file("echo.wasm")).expect("a link can be removed");
    symlink("echo.bin", folder.file("echo.wasm")).expect("a link can be made");
    session.call_until("toolbay_status", &json!({}), |status| {
        status["structuredContent"]["plugins"]
            .to_string()
            .contains("echo_text")
    });
}

#[test]
fn a_folder_that_others_can_write_to_is_warned_of() {
    let folder = Folder::with(&["counter"]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    // A warning is no fault: once the plugin is compiled, the server is healthy.
    let status = Session::legacy(&folder).call_until("toolbay_status", &json!({}), |status| {
        status["structuredContent"]["status"] == "healthy"
    });
    let warnings = status["structuredContent"]["warnings"].to_string();
    assert!(warnings.contains("other users can write to it"), "{status}");
}
