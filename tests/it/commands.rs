//! The commands that do not serve: what they print where, and their exit codes: 0, 1 where the user can do something about it, 2
//! for a command that is not understood.

use std::path::Path;
use std::process::Stdio;

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::command::{Output, run, run_on_a_terminal, toolbay};
use crate::support::{Folder, assembled};

#[test]
fn help_says_what_there_is() {
    assert_snapshot!(toolbay_with(&["--help"], None).transcript(), @"");
}

#[test]
fn help_of_each_command() {
    for command in ["serve", "list", "call"] {
        let output = toolbay_with(&[command, "--help"], None);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        assert!(
            output.stdout.contains("Usage: toolbay ") && output.stderr.is_empty(),
            "{}",
            output.transcript()
        );
    }
}

#[test]
fn version_is_the_packages() {
    let output = toolbay_with(&["--version"], None);
    assert_eq!(
        output.stdout,
        format!("toolbay {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(output.code, Some(0));
}

#[test]
fn what_is_not_understood_is_exit_code_2() {
    for arguments in [
        &["nope"][..],
        &["list", "--nope"],
        &["call"],
        &[],
        &["call", "echo_text", "--json"],
    ] {
        let output = toolbay_with(arguments, None);
        assert_eq!(
            output.code,
            Some(2),
            "{arguments:?}: {}",
            output.transcript()
        );
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{}",
            output.transcript()
        );
    }
}

#[test]
fn a_list_of_nothing() {
    let folder = Folder::empty();
    assert_transcript(
        toolbay_with(&["list"], Some(&folder)),
        |text| assert_snapshot!(text, @""),
    );
}

#[test]
fn a_list_of_a_folder_that_is_not_there() {
    let folder = Folder::empty();
    let path = folder.path().join("nowhere");
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.arg("list").arg(path);
    assert_transcript(run(command), |text| assert_snapshot!(text, @""));
}

#[test]
fn a_list_of_good_plugins() {
    let folder = Folder::with(&["echo", "counter"]);
    assert_transcript(
        toolbay_with(&["list"], Some(&folder)),
        |text| assert_snapshot!(text, @""),
    );
}

#[test]
fn a_list_as_json_is_json_and_nothing_else() {
    let folder = Folder::with(&["counter"]);
    folder.replace("bad.wasm", b"nothing");
    let output = toolbay_with(&["list", "--json"], Some(&folder));
    serde_json::from_str::<serde_json::Value>(&output.stdout).expect("stdout is JSON");
    assert_transcript(output, |text| assert_snapshot!(text, @""));
}

#[test]
fn a_call_prints_the_result() {
    let folder = Folder::with(&["echo"]);
    let output = call(&folder, "echo_text", r#"{"text": "hi"}"#);
    assert_transcript(output, |text| assert_snapshot!(text, @""));
    let output = call(
        &folder,
        "echo_record",
        r#"{"title": "a", "count": 2, "mode": "fast"}"#,
    );
    assert_transcript(output, |text| assert_snapshot!(text, @""));
}

#[test]
fn a_call_with_wrong_arguments_is_exit_code_1() {
    let folder = Folder::with(&["echo"]);
    let output = call(
        &folder,
        "echo_record",
        r#"{"title": "a", "count": 300, "mode": "slowly"}"#,
    );
    assert_transcript(output, |text| assert_snapshot!(text, @""));
}

#[test]
fn a_call_of_what_is_not_there_names_what_is_near() {
    let folder = Folder::with(&["echo"]);
    assert_transcript(
        call(&folder, "echo_tex", "{}"),
        |text| assert_snapshot!(text, @""),
    );
}

#[test]
fn a_call_with_something_else_than_an_object() {
    let folder = Folder::with(&["echo"]);
    for arguments in ["{", "[]", "7", "", "null"] {
        let output = call(&folder, "echo_text", arguments);
        assert!(
            matches!(output.code, Some(1 | 2)),
            "{arguments:?}: {}",
            output.transcript()
        );
        assert!(
            output.stdout.is_empty(),
            "{arguments:?}: {}",
            output.transcript()
        );
    }
}

#[test]
fn a_call_that_fails_in_the_plugin_is_exit_code_1() {
    let folder = Folder::with(&["hostile"]);
    for tool in ["hostile_trap", "hostile_loop_forever", "hostile_panic"] {
        assert_eq!(call(&folder, tool, "{}").code, Some(1), "{tool}");
    }
}

#[test]
fn text_from_a_plugin_cannot_change_a_terminal() {
    let folder = Folder::with(&["hostile"]);
    for tool in [
        "hostile_escape_terminal",
        "hostile_control_characters",
        "hostile_panic",
    ] {
        for output in ["text", "json"] {
            let shown = on_a_terminal(&["call", tool, "--output", output, "--dir"], &folder);
            assert!(!shown.is_empty());
            assert_eq!(
                crate::support::first_nasty(&shown),
                None,
                "{tool}: {shown:?}"
            );
        }
    }
}

#[test]
fn names_and_paths_cannot_change_a_terminal() {
    let folder = Folder::empty();
    folder.replace("nasty\u{1b}[2J\nname.wasm", b"nothing");
    folder.replace("eight\u{9b}31mbits.wasm", b"nothing");
    folder.replace("turn\u{202e}ed.wasm", &assembled::core_module());
    for arguments in [&["list"][..], &["list", "--json"]] {
        let shown = on_a_terminal(arguments, &folder);
        assert!(shown.contains("name.wasm"), "{shown:?}");
        assert_eq!(crate::support::first_nasty(&shown), None, "{shown:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::with(&["echo", "hostile"]);
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.args(["list", "--json"]).arg(folder.path());
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stderr = std::io::read_to_string(child.stderr.take().expect("stderr is a pipe"))
        .expect("stderr is text");
    let status = child.wait().expect("it was started here");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

fn call(folder: &Folder, tool: &str, arguments: &str) -> Output {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command
        .args(["call", tool, "--json", arguments, "--dir"])
        .arg(folder.path());
    run(command)
}

fn toolbay_with(arguments: &[&str], folder: Option<&Folder>) -> Output {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command
        .args(arguments)
        .args(folder.map(|folder| Path::as_os_str(folder.path())));
    run(command)
}

/// What a person sees of a command, both streams together, the terminal's own ends of lines taken out.
fn on_a_terminal(arguments: &[&str], folder: &Folder) -> String {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.args(arguments).arg(folder.path());
    run_on_a_terminal(command).replace("\r\n", "\n")
}

fn assert_transcript(output: Output, check: impl FnOnce(String)) {
    insta::with_settings!({filters => crate::filters()}, { check(output.transcript()) });
}
