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
    assert_snapshot!(toolbay_with(&["--help"], None).transcript(), @r#"
    exit: 0
    --- stdout
    Gives AI assistants tools that run as sandboxed WebAssembly components

    Usage: toolbay <COMMAND>

    Commands:
      serve          Serve the plugins of one or more folders to an MCP client over standard input and
                     output, or to several over HTTP
      list           List what is loaded from the plugin folders, and what is not and why
      call           Call one tool, on the very same path as a call of an MCP client, and print its
                     result
      new            Make the crate of a new plugin: one good tool, its test, its manifest, ready to
                     build
      build          Build the plugin in a folder: compile it, and write its manifest into the component
      test           Run the tests of a plugin's crate: its functions natively, its tools in the real
                     sandbox
      dev            Build the plugin in a folder at every save, and put each good build where a client
                     finds it
      check          Look for what makes a plugin's tools worse: vague descriptions, missing bounds,
                     permissions that do not fit
      bake           Write a component's manifest into the component, so that hosts can list its tools
                     without running it
      inspect        Show what a component is before it is put into a folder: its tools as a model will
                     see them, what it asks for, what it imports
      grant          Look at what a plugin asks for, and allow it
      revoke         Take back what a plugin was granted. Running servers follow at once
      grants         Show what is granted, to which build, and until when
      secret         Keep the secrets that the host adds to plugins' requests
      token          Make, list and remove the tokens by which callers over HTTP are told apart
      idempotency    List and clear the keys of calls that were ended in the middle
      add            Put a plugin into a plugin folder: a component, one from the web, or one that was
                     just built
      remove         Delete a plugin's file from a plugin folder
      client-config  Print the entry that makes an MCP client start toolbay, or write it into the
                     client's own file
      logs           Show what was called, and what was granted and revoked: one line each, from the
                     audit log
      doctor         Look for what may be wrong: folders and permissions, plugins, grants, clients
      config         Show what is in force, and where each value comes from: the command line, a
                     variable, toolbay.toml, or the default
      completions    Print a script that makes a shell complete toolbay's commands
      help           Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples:
      toolbay add weather.wasm
      toolbay client-config claude-code --write
      toolbay call clock_now --json '{"zone": "Europe/Berlin"}'
      toolbay doctor
    --- stderr
    "#);
}

#[test]
fn help_of_each_command() {
    for command in ["serve", "list", "call", "secret"] {
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
    assert_transcript(toolbay_with(&["list"], Some(&folder)), |text| {
        assert_snapshot!(text, @"
        exit: 0
        --- stdout
        no plugins in [temporary]/plugins
        hint: put a .wasm component there, or name another folder
        --- stderr
        ")
    });
}

#[test]
fn a_list_of_a_folder_that_is_not_there() {
    let folder = Folder::empty();
    let path = folder.path().join("nowhere");
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.arg("list").arg(path);
    assert_transcript(run(command), |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    no plugins in [temporary]/plugins/nowhere
    hint: put a .wasm component there, or name another folder
    --- stderr
    ")
    });
}

#[test]
fn a_list_of_good_plugins() {
    let folder = Folder::with(&["echo", "counter"]);
    assert_transcript(toolbay_with(&["list"], Some(&folder)), |text| {
        assert_snapshot!(text, @"
        exit: 0
        --- stdout
        counter 0.1.0  [temporary]/plugins/counter.wasm
          counter_next  Returns how often this instance was called: 1 where each call gets a fresh one
        echo 0.1.0  [temporary]/plugins/echo.wasm
          echo_text  Returns the text that it gets
          echo_length  Returns how many bytes of UTF-8 a text has
          echo_record  Returns the record that it gets, with what was left out filled in
          echo_blocks  Returns one block of each kind of content
          echo_fail  Fails with the error code that it gets
        --- stderr
        ")
    });
}

#[test]
fn a_list_as_json_is_json_and_nothing_else() {
    let folder = Folder::with(&["counter"]);
    folder.replace("bad.wasm", b"nothing");
    let output = toolbay_with(&["list", "--json"], Some(&folder));
    serde_json::from_str::<serde_json::Value>(&output.stdout).expect("stdout is JSON");
    assert_transcript(output, |text| {
        assert_snapshot!(text, @r#"
        exit: 1
        --- stdout
        {
          "plugins": [
            {
              "name": "counter",
              "version": "0.1.0",
              "description": "Counts in a static variable",
              "path": "[temporary]/plugins/counter.wasm",
              "digest": "[digest]",
              "tools": [
                {
                  "name": "counter_next",
                  "title": null,
                  "description": "Returns how often this instance was called: 1 where each call gets a fresh one.",
                  "read_only": true,
                  "asks_for": [],
                  "held": null,
                  "input_schema": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {}
                  },
                  "output_schema": {
                    "type": "object",
                    "properties": {
                      "result": {
                        "type": "integer",
                        "minimum": 0
                      }
                    },
                    "required": [
                      "result"
                    ]
                  }
                }
              ],
              "resources_and_prompts": []
            }
          ],
          "problems": [
            {
              "path": "[temporary]/plugins/bad.wasm",
              "reason": "it is not WebAssembly",
              "hint": "put only WebAssembly components into the folder; other files need another ending than .wasm",
              "serving_earlier": false
            }
          ],
          "warnings": []
        }
        --- stderr
        "#)
    });
}

#[test]
fn a_call_prints_the_result() {
    let folder = Folder::with(&["echo"]);
    let output = call(&folder, "echo_text", r#"{"text": "hi"}"#);
    assert_transcript(output, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    hi
    --- stderr
    ")
    });
    let output = call(
        &folder,
        "echo_record",
        r#"{"title": "a", "count": 2, "mode": "fast"}"#,
    );
    assert_transcript(output, |text| {
        assert_snapshot!(text, @r#"
    exit: 0
    --- stdout
    {"title":"a","count":2,"mode":"fast","tags":[],"note":null}
    --- stderr
    "#)
    });
}

#[test]
fn a_call_with_wrong_arguments_is_exit_code_1() {
    let folder = Folder::with(&["echo"]);
    let output = call(
        &folder,
        "echo_record",
        r#"{"title": "a", "count": 300, "mode": "slowly"}"#,
    );
    assert_transcript(output, |text| {
        assert_snapshot!(text, @r#"
    exit: 1
    --- stdout
    --- stderr
    error: the arguments of `echo_record` are wrong: `/count` must be at most 100, not 300; `/mode` must be one of "fast", "thorough", not "slowly"
    hint: correct these and call again
    "#)
    });
}

#[test]
fn a_call_of_what_is_not_there_names_what_is_near() {
    let folder = Folder::with(&["echo"]);
    assert_transcript(call(&folder, "echo_tex", "{}"), |text| {
        assert_snapshot!(text, @"
        exit: 1
        --- stdout
        --- stderr
        error: unknown tool: echo_tex; did you mean echo_text?
        hint: `toolbay list` shows the tools and what is wrong with the others
        ")
    });
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

#[test]
fn inspect_shows_what_a_component_is_and_asks_for() {
    let folder = Folder::empty();
    let manifest = serde_json::json!({
        "manifest-version": 1,
        "plugin": {"name": "keeper", "version": "0.1.0", "description": "Keeps things"},
        "mounts": {"vault": {"access": "read", "reason": "the things are kept there"}},
        "tools": {"look": {
            "description": "Looks into the vault.\nSlowly.",
            "input-schema": {"type": "object", "properties": {"word": {"type": "string"}}},
            "mounts": {"vault": "read"},
            "read-only": true,
        }},
    });
    folder.replace(
        "keeper.wasm",
        &assembled::bake(&assembled::bare("plain"), &manifest),
    );
    let file = folder.file("keeper.wasm").display().to_string();
    let output = toolbay_with(&["inspect", &file], None);
    insta::with_settings!({filters => [crate::filters(), vec![(r"\d+ bytes", "[size]"), (r"\d[\d.]* KiB", "[size]")]].concat()}, {
        assert_snapshot!(output.transcript(), @r#"
        exit: 0
        --- stdout
        keeper 0.1.0  Keeps things
          [size], SHA-256 [digest]

        keeper_look  [read-only, idempotent]
          Looks into the vault.
          Slowly.
          arguments: {"type":"object","properties":{"word":{"type":"string"}}}
          wants to read every file in the folder that you choose for `vault` ("the things are kept there")
        --- stderr
        "#);
    });
    let output = toolbay_with(&["inspect", &file, "--json"], None);
    let json: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    assert_eq!(
        json["tools"][0]["permissions"],
        serde_json::json!({"mounts": {"vault": "read"}})
    );
    let nothing = folder.file("nothing.wasm");
    std::fs::write(&nothing, b"PK").expect("a file can be written");
    let output = toolbay_with(&["inspect", &nothing.display().to_string()], None);
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .stderr
            .contains("is no plugin: it is not WebAssembly"),
        "{}",
        output.transcript()
    );
}
