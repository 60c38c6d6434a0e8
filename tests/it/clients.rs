//! Clients that others wrote, each started as its users start it: they must list the tools and call them.
//!
//! They come from the registries of their languages, where `cargo xtask test` has set them up; where it could not, the test
//! says that it was skipped.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use insta::assert_json_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::command::{run, toolbay};
use crate::support::{Folder, paths};

#[test]
fn python_in_every_mode() {
    let Some(python) = variable("TOOLBAY_TEST_PYTHON", "the Python client") else {
        return;
    };
    let script = paths::root().join("tests/clients/client.py");
    for (mode, revision) in [
        ("auto", "2026-07-28"),
        ("legacy", "2025-11-25"),
        ("2026-07-28", "2026-07-28"),
    ] {
        let home = TempDir::new().expect("a temporary folder can be made");
        let mut command = in_environment(&home, &python);
        command.arg(&script).arg(mode);
        check(command, &format!("Python, {mode}"), Some(revision));
    }
}

#[test]
fn typescript_in_every_mode() {
    for (mode, revision) in [
        ("legacy", "2025-11-25"),
        ("auto", "2026-07-28"),
        ("2026-07-28", "2026-07-28"),
    ] {
        let Some((home, mut command)) = node("client.mjs") else {
            return;
        };
        command.arg(mode);
        check(command, &format!("TypeScript, {mode}"), Some(revision));
        drop(home);
    }
}

#[test]
fn typescript_of_the_line_before() {
    let Some((_home, mut command)) = node("client.mjs") else {
        return;
    };
    command.arg("1.x");
    check(command, "TypeScript 1.x", None);
}

#[test]
fn inspector_on_the_command_line() {
    let folder = Folder::with(&["echo"]);
    for era in ["legacy", "modern", "auto"] {
        let Some((_home, mut list)) = inspector() else {
            return;
        };
        list.arg(paths::host()).arg("serve").arg(folder.path());
        list.args([
            "--protocol-era",
            era,
            "--method",
            "tools/list",
            "--format",
            "json",
            "--strict",
        ]);
        let output = run(list);
        assert_eq!(output.code, Some(0), "{era}: {}", output.transcript());
        let answer: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", output.stdout));
        assert!(answer.to_string().contains("\"echo_record\""), "{answer}");

        let Some((_home, mut call)) = inspector() else {
            return;
        };
        call.arg(paths::host()).arg("serve").arg(folder.path());
        call.args([
            "--protocol-era",
            era,
            "--method",
            "tools/call",
            "--tool-name",
            "echo_text",
            "--tool-arg",
            "text=hi",
        ]);
        call.args(["--format", "json"]);
        let output = run(call);
        assert_eq!(output.code, Some(0), "{era}: {}", output.transcript());
        assert!(
            output.stdout.contains("\"hi\""),
            "{era}: {}",
            output.transcript()
        );
    }
}

/// Adds the server to a client's command, runs it, and compares what it saw.
fn check(mut command: Command, name: &str, revision: Option<&str>) {
    let folder = Folder::with(&["echo"]);
    command.arg(paths::host()).arg("serve").arg(folder.path());
    let output = run(command);
    assert_eq!(output.code, Some(0), "{name}: {}", output.transcript());
    let mut seen: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("{name}: {error}: {}", output.transcript()));
    if let Some(revision) = revision {
        assert_eq!(seen["revision"], revision, "{name}");
    }
    seen.as_object_mut()
        .expect("an object")
        .shift_remove("revision");
    eprintln!("{name} is served");
    insta::allow_duplicates! { assert_json_snapshot!(seen, @r#"
    {
      "tools": [
        "toolbay_status",
        "echo_text",
        "echo_length",
        "echo_record",
        "echo_blocks",
        "echo_fail"
      ],
      "good": {
        "title": "a",
        "count": 2,
        "mode": "fast",
        "tags": [],
        "note": null
      },
      "bad": [
        true,
        "the arguments of `echo_record` are wrong: `/count` must be at most 100, not 200\nhint: correct these and call again"
      ],
      "status": "healthy"
    }
    "#) };
}

/// A script for Node, in a folder from which the packages of the clients can be found.
fn node(script: &str) -> Option<(TempDir, Command)> {
    let program = variable("TOOLBAY_TEST_NODE", "a TypeScript client")?;
    let modules = variable("TOOLBAY_TEST_NODE_MODULES", "a TypeScript client")?;
    let home = TempDir::new().expect("a temporary folder can be made");
    symlink(modules, home.path().join("node_modules")).expect("a link can be made");
    let copy = home.path().join(script);
    fs::copy(paths::root().join("tests/clients").join(script), &copy)
        .expect("the script can be copied");
    let mut command = in_environment(&home, &program);
    command.arg(copy);
    Some((home, command))
}

fn inspector() -> Option<(TempDir, Command)> {
    let program = variable("TOOLBAY_TEST_NODE", "the Inspector")?;
    let modules = PathBuf::from(variable("TOOLBAY_TEST_NODE_MODULES", "the Inspector")?);
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = in_environment(&home, &program);
    command.arg(modules.join(".bin/mcp-inspector")).arg("--cli");
    Some((home, command))
}

/// A program in the environment of the host, which it passes on.
fn in_environment(home: &TempDir, program: &OsString) -> Command {
    let host = toolbay(home.path());
    let mut command = Command::new(program);
    command.env_clear().current_dir(home.path());
    command.envs(
        host.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
}

fn variable(name: &str, what: &str) -> Option<OsString> {
    let value = env::var_os(name);
    if value.is_none() {
        eprintln!("SKIPPED: {what}, since {name} is not set; `cargo xtask test` sets it up");
    }
    value
}
