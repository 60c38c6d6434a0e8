//! What changes in the folder while a client is connected: how it shows, and that nothing is lost or torn meanwhile.

use std::fs;
use std::io::Write;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::session::first_text;
use crate::support::{Era, Folder, PATIENCE, Session, Start, Wire, assembled, paths};

#[test]
fn a_plugin_added_by_renaming_shows_up() {
    everywhere_with(&["echo"], |folder, session| {
        folder.add("counter");
        session.wait_for_change();
        assert!(session.tool_names().contains(&"counter_next".to_owned()));
        assert_eq!(
            session.call("counter_next", json!({}))["structuredContent"],
            json!({"result": 1})
        );
    });
}

#[test]
fn a_plugin_removed_is_gone() {
    everywhere_with(&["echo", "counter"], |folder, session| {
        session.call("counter_next", json!({}));
        folder.remove("counter.wasm");
        session.wait_for_change();
        assert!(!session.tool_names().contains(&"counter_next".to_owned()));
        assert_eq!(
            session.error(
                "tools/call",
                json!({"name": "counter_next", "arguments": {}})
            )["code"],
            -32602
        );
    });
}

#[test]
fn a_new_build_with_the_same_list_answers_without_a_notice() {
    everywhere_with(&["echo", "greeter-v1"], |folder, session| {
        let before = session.list_tools();
        let arguments = json!({"name": "Ada"});
        assert_eq!(
            first_text(&session.call("greeter_greet", arguments.clone())),
            "Hello, Ada!"
        );
        folder.add_as("greeter-v2", "greeter-v1.wasm");
        session.call_until("greeter_greet", &arguments, |result| {
            first_text(result) == "Good day, Ada."
        });
        assert_eq!(session.list_tools(), before);
        no_notice(session);
    });
}

#[test]
fn a_new_build_with_another_list_is_announced() {
    everywhere_with(&["greeter-v1"], |folder, session| {
        session.call("greeter_greet", json!({"name": "Ada"}));
        folder.add_as("greeter-v3", "greeter-v1.wasm");
        session.wait_for_change();
        let names = session.tool_names();
        assert!(
            names.contains(&"greeter_welcome".to_owned())
                && !names.contains(&"greeter_greet".to_owned()),
            "{names:?}"
        );
        assert_eq!(
            first_text(&session.call("greeter_welcome", json!({"name": "Ada"}))),
            "Welcome, Ada!"
        );
    });
}

#[test]
fn a_file_written_slowly_in_place_shows_up_once_it_is_whole() {
    everywhere_with(&["echo"], |folder, session| {
        let bytes = fs::read(paths::guest("counter")).expect("a guest can be read");
        let mut file = fs::File::create(folder.file("counter.wasm")).expect("a file can be made");
        for piece in bytes.chunks(bytes.len() / 20 + 1) {
            file.write_all(piece).expect("a file can be written");
            // Work for the host between the pieces, in which it could notice a part of the file.
            assert!(
                !session.tool_names().contains(&"counter_next".to_owned())
                    || file_is_whole(folder, &bytes)
            );
        }
        drop(file);
        session.wait_for_change();
        assert_eq!(
            session.call("counter_next", json!({}))["structuredContent"],
            json!({"result": 1})
        );
    });
}

#[test]
fn a_build_overwritten_in_place_is_taken_up() {
    everywhere_with(&["greeter-v1"], |folder, session| {
        let arguments = json!({"name": "Ada"});
        session.call("greeter_greet", arguments.clone());
        let bytes = fs::read(paths::guest("greeter-v2")).expect("a guest can be read");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(folder.file("greeter-v1.wasm"))
            .expect("it is there");
        for piece in bytes.chunks(bytes.len() / 10 + 1) {
            file.write_all(piece).expect("a file can be written");
            // Until then the last good one answers.
            let text = session.call("greeter_greet", arguments.clone());
            assert!(
                ["Hello, Ada!", "Good day, Ada."].contains(&first_text(&text)),
                "{text}"
            );
        }
        drop(file);
        session.call_until("greeter_greet", &arguments, |result| {
            first_text(result) == "Good day, Ada."
        });
        no_notice(session);
    });
}

#[test]
fn the_last_good_build_stays_when_the_new_one_is_broken() {
    everywhere_with(&["echo", "greeter-v1"], |folder, session| {
        let before = session.list_tools();
        let arguments = json!({"name": "Ada"});
        session.call("greeter_greet", arguments.clone());
        let whole = fs::read(paths::guest("greeter-v2")).expect("a guest can be read");
        for broken in [&whole[..whole.len() / 2], b"not a component", b""] {
            folder.replace("greeter-v1.wasm", broken);
            // The status says so, after the time in which a file that is still being written is given the benefit of the doubt.
            let says_so = |status: &Value| {
                status["structuredContent"]["problems"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty())
            };
            let status = session.call_until("toolbay_status", &json!({}), says_so);
            assert!(status.to_string().contains("greeter-v1.wasm"), "{status}");
            assert_eq!(
                first_text(&session.call("greeter_greet", arguments.clone())),
                "Hello, Ada!"
            );
            assert_eq!(session.list_tools(), before);
        }
        no_notice(session);
        // A good one ends it.
        folder.add_as("greeter-v2", "greeter-v1.wasm");
        session.call_until("greeter_greet", &arguments, |result| {
            first_text(result) == "Good day, Ada."
        });
        session.call_until("toolbay_status", &json!({}), |status| {
            status["structuredContent"]["problems"] == json!([])
        });
    });
}

#[test]
fn what_is_no_change_is_not_announced() {
    everywhere_with(&["echo", "greeter-v1"], |folder, session| {
        // The same bytes again, a new time, other files.
        folder.add("echo");
        let file = fs::File::options()
            .append(true)
            .open(folder.file("echo.wasm"))
            .expect("it is there");
        file.set_modified(std::time::SystemTime::now())
            .expect("its time can be set");
        fs::write(folder.file("notes.txt"), "nothing").expect("a file can be written");
        fs::write(folder.file(".echo.wasm.swp"), "nothing").expect("a file can be written");
        // What does change comes last, and its notice must be the only one.
        folder.add("counter");
        session.wait_for_change();
        assert!(session.tool_names().contains(&"counter_next".to_owned()));
        assert_eq!(
            first_text(&session.call("greeter_greet", json!({"name": "Ada"}))),
            "Hello, Ada!"
        );
        no_notice(session);
    });
}

#[test]
fn a_plugin_keeps_its_name_when_its_file_is_renamed() {
    everywhere_with(&["echo", "greeter-v1"], |folder, session| {
        let before = session.list_tools();
        let (old, new) = (folder.file("greeter-v1.wasm"), folder.file("hello.wasm"));
        fs::rename(old, new).expect("a file can be renamed");
        // What comes after shows that the rename has been noticed.
        folder.add("counter");
        let deadline = Instant::now() + PATIENCE;
        while session.list_tools().len() != before.len() + 1 {
            assert!(Instant::now() < deadline, "{:?}", session.tool_names());
        }
        let greeting = session.call("greeter_greet", json!({"name": "Ada"}));
        assert_eq!(first_text(&greeting), "Hello, Ada!");
    });
}

#[test]
fn a_call_that_runs_ends_on_the_plugin_that_it_began_with() {
    everywhere_with(&["sleepy", "echo"], |folder, session| {
        session.call("sleepy_nap", json!({"milliseconds": 0}));
        let running = session.start_call("sleepy_nap", json!({"milliseconds": 1500}));
        session.call("echo_text", json!({"text": "it runs"}));
        folder.remove("sleepy.wasm");
        session.wait_for_change();
        assert!(!session.tool_names().contains(&"sleepy_nap".to_owned()));
        assert_eq!(
            session.call_result(&running)["structuredContent"],
            json!({"result": 1500})
        );
    });
}

#[test]
fn a_folder_made_after_the_start_is_found() {
    for era in Era::BOTH {
        let folder = Folder::empty();
        let later = folder.path().join("not/yet/there");
        let mut session = Session::open(Start::on(&[&later]).start(), era);
        session.listen();
        assert_eq!(session.tool_names(), ["toolbay_status"]);
        fs::create_dir_all(&later).expect("a folder can be made");
        fs::copy(paths::guest("counter"), later.join("counter.wasm"))
            .expect("a file can be copied");
        session.wait_for_change();
        assert_eq!(
            session.call("counter_next", json!({}))["structuredContent"],
            json!({"result": 1})
        );
    }
}

#[test]
fn a_folder_removed_and_made_again_is_followed() {
    let folder = Folder::empty();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("a folder can be made");
    fs::copy(paths::guest("counter"), inner.join("counter.wasm")).expect("a file can be copied");
    let mut session = Session::open(Start::on(&[&inner]).start(), Era::LEGACY);
    assert!(session.tool_names().contains(&"counter_next".to_owned()));
    fs::remove_dir_all(&inner).expect("a folder can be removed");
    session.wait_for_change();
    assert_eq!(session.tool_names(), ["toolbay_status"]);
    fs::create_dir(&inner).expect("a folder can be made");
    fs::copy(paths::guest("counter"), inner.join("counter.wasm")).expect("a file can be copied");
    session.wait_for_change();
    assert!(session.tool_names().contains(&"counter_next".to_owned()));
}

#[test]
fn two_hosts_on_one_folder_and_one_state_see_the_same() {
    let folder = Folder::with(&["echo"]);
    let state = tempfile::TempDir::new().expect("a temporary folder can be made");
    let cache = tempfile::TempDir::new().expect("a temporary folder can be made");
    let start = |wire| {
        Start::new(&folder)
            .state(state.path())
            .cache(cache.path())
            .wire(wire)
            .start()
    };
    let mut sessions = [
        Session::open(start(Wire::Pipes), Era::LEGACY),
        Session::open(start(Wire::Sockets), Era::Modern),
    ];
    for session in &mut sessions {
        session.listen();
        session.tool_names();
    }
    folder.add("counter");
    // Both compile the same component into the same cache at the same time.
    let ids: Vec<Value> = sessions
        .iter_mut()
        .map(|session| {
            session.wait_for_change();
            session.start_call("counter_next", json!({}))
        })
        .collect();
    for (session, id) in sessions.iter_mut().zip(ids) {
        assert_eq!(
            session.call_result(&id)["structuredContent"],
            json!({"result": 1})
        );
    }
    folder.remove("counter.wasm");
    for session in &mut sessions {
        session.wait_for_change();
        assert!(!session.tool_names().contains(&"counter_next".to_owned()));
    }
}

#[test]
fn of_two_plugins_with_one_name_the_later_is_refused() {
    everywhere_with(&[], |folder, session| {
        folder.add_as("greeter-v2", "b.wasm");
        session.wait_for_change();
        assert_eq!(
            first_text(&session.call("greeter_greet", json!({"name": "Ada"}))),
            "Good day, Ada."
        );
        // Which of the two is the later goes by the file's name, not by when it came.
        folder.add_as("greeter-v1", "a.wasm");
        session.call_until("greeter_greet", &json!({"name": "Ada"}), |result| {
            first_text(result) == "Hello, Ada!"
        });
        let status = session.call_until("toolbay_status", &json!({}), |status| {
            status.to_string().contains("b.wasm")
        });
        assert!(status.to_string().contains("greeter"), "{status}");
    });
}

#[test]
fn five_hundred_files_at_once_are_all_there() {
    let folder = Folder::empty();
    let mut session = Session::legacy(&folder);
    assert_eq!(session.tool_names(), ["toolbay_status"]);
    let component = assembled::bare("plain");
    let start = Instant::now();
    for number in 0..500 {
        let mut manifest = assembled::manifest("plain");
        manifest["plugin"]["name"] = json!(format!("p{number}"));
        folder.replace(
            &format!("p{number}.wasm"),
            &assembled::bake(&component, &manifest),
        );
    }
    while session.tool_names().len() < 501 {
        assert!(
            start.elapsed() < PATIENCE,
            "only {} tools",
            session.tool_names().len()
        );
        session.wait_for_change();
    }
    eprintln!("500 files are listed after {:?}", start.elapsed());
    for number in [0, 250, 499] {
        let result = session.call(&format!("p{number}_run"), json!({}));
        assert_eq!(first_text(&result), "hello from hand-written code");
    }
}

#[test]
fn a_manifest_beside_a_component_is_used_and_followed() {
    let folder = Folder::empty();
    folder.replace("plain.wasm", &assembled::bare("plain"));
    let sidecar = |description: &str| {
        format!(
            "manifest-version = 1\n[plugin]\nname = \"beside\"\nversion = \"0.1.0\"\ndescription = \"Described beside\"\n\
             [tools.run]\ndescription = \"{description}\"\ninput-schema = {{ type = \"object\" }}\n"
        )
    };
    folder.replace(
        "plain.toml",
        sidecar("Answers the same each time.").as_bytes(),
    );
    let mut session = Session::legacy(&folder);
    // Only whoever has asked for the list is told that it changes. Nothing is called before: a call pins what the tool says of itself.
    assert!(session.tool_names().contains(&"beside_run".to_owned()));
    folder.replace("plain.toml", sidecar("Says the same each time.").as_bytes());
    session.wait_for_change();
    let tools = session.list_tools();
    assert!(
        tools
            .iter()
            .any(|tool| tool["description"] == "Says the same each time."),
        "{tools:?}"
    );
    assert_eq!(
        first_text(&session.call("beside_run", json!({}))),
        "hello from hand-written code"
    );
}

/// In both eras over both wires, each with a folder of its own that the test may change, told of changes.
fn everywhere_with(guests: &[&str], test: impl Fn(&Folder, &mut Session)) {
    for wire in Wire::ALL {
        for era in Era::BOTH {
            eprintln!("--- {era:?} over {wire:?}");
            let folder = Folder::with(guests);
            let mut session = Session::open(Start::new(&folder).wire(wire).start(), era);
            session.listen();
            // The first list is the one that changes are changes of.
            session.tool_names();
            test(&folder, &mut session);
            assert!(session.host.is_running());
        }
    }
}

fn no_notice(session: &mut Session) {
    for message in session.settle(&[]) {
        assert_ne!(
            message["method"], "notifications/tools/list_changed",
            "the list has not changed"
        );
    }
}

fn file_is_whole(folder: &Folder, bytes: &[u8]) -> bool {
    fs::metadata(folder.file("counter.wasm")).is_ok_and(|file| file.len() == bytes.len() as u64)
}
