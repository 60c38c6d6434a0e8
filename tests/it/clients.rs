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
use serde_json::{Value, json};
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

#[test]
fn python_uses_resources_prompts_and_questions() {
    let Some(python) = variable("TOOLBAY_TEST_PYTHON", "the Python client") else {
        return;
    };
    let script = paths::root().join("tests/clients/offers.py");
    for mode in ["legacy", "auto", "2026-07-28"] {
        let home = TempDir::new().expect("a temporary folder can be made");
        let mut command = in_environment(&home, &python);
        command.arg("-W").arg("ignore").arg(&script).arg(mode);
        let seen = Offers::new().seen_by(command);
        assert_eq!(seen["notes"], json!(["notes://note/shopping.md"]), "{mode}");
        assert_eq!(seen["styles"], json!(["bullets"]), "{mode}");
        assert_eq!(seen["changed"], "# Shopping\n\n- plums\n", "{mode}");
    }
}

#[test]
fn python_orders_with_one_call_of_five_tools() {
    let Some(python) = variable("TOOLBAY_TEST_PYTHON", "the Python client") else {
        return;
    };
    let script = paths::root().join("tests/clients/orders.py");
    for mode in ["legacy", "auto", "2026-07-28"] {
        let home = TempDir::new().expect("a temporary folder can be made");
        let folder = Folder::empty();
        let orders = fs::read(paths::plugin("orders")).expect("the plugin was built");
        folder.replace("orders.wasm", &orders);
        let policy = home.path().join("policy.toml");
        let granted = "version = 1\n[[grant]]\nplugin = \"orders\"\neverything = true\n";
        fs::write(&policy, granted).expect("a file can be written");
        let mut command = in_environment(&home, &python);
        command.arg("-W").arg("ignore").arg(&script).arg(mode);
        command.arg(paths::host()).arg("serve").arg(folder.path());
        command.arg("--policy").arg(&policy);
        let output = run(command);
        assert_eq!(output.code, Some(0), "{mode}: {}", output.transcript());
        let seen: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", output.transcript()));
        let order = json!({"id": 1, "customer": "Ada", "article": "plums", "pieces": 5});
        assert_eq!(seen["first"], order, "{mode}");
        assert_eq!(seen["again"]["idempotent_replay"], true, "{mode}");
        // Ordered once, and nothing stays reserved of what failed.
        assert_eq!(
            (&seen["stock"], &seen["left"]),
            (&json!(7), &json!(7)),
            "{mode}"
        );
        assert!(
            seen["too_many"]
                .as_str()
                .is_some_and(|text| text.contains("only 7 of `plums` are free")),
            "{mode}: {seen}"
        );
        // What is internal, clients do not see.
        assert_eq!(seen["tools"].as_array().map(Vec::len), Some(4), "{mode}");
    }
}

#[test]
fn typescript_uses_resources_prompts_and_questions() {
    for mode in ["legacy", "auto", "2026-07-28"] {
        let Some((_home, mut command)) = node("offers.mjs") else {
            return;
        };
        command.arg(mode);
        let seen = Offers::new().seen_by(command);
        assert_eq!(seen["changed"], "notes://note/shopping.md", "{mode}");
    }
}

#[test]
fn the_inspector_lists_and_reads_resources_and_prompts() {
    let offers = Offers::new();
    for era in ["legacy", "modern", "auto"] {
        for (arguments, expected) in [
            (
                &["--method", "resources/list"][..],
                "notes://note/shopping.md",
            ),
            (
                &["--method", "resources/templates/list"],
                "notes://note/{+path}",
            ),
            (
                &[
                    "--method",
                    "resources/read",
                    "--uri",
                    "notes://note/shopping.md",
                ],
                "- apples",
            ),
            (&["--method", "prompts/list"], "notes_summarise"),
            (
                &[
                    "--method",
                    "prompts/get",
                    "--prompt-name",
                    "notes_summarise",
                    "--prompt-args",
                    "note=shopping.md",
                ],
                "Summarise the following note",
            ),
        ] {
            let Some((_home, mut command)) = inspector() else {
                return;
            };
            command.arg(paths::host());
            offers.serve(&mut command, &["notes"]);
            command.args(["--protocol-era", era, "--format", "json"]);
            command.args(arguments);
            let output = run(command);
            assert_eq!(output.code, Some(0), "{era}: {}", output.transcript());
            assert!(
                output.stdout.contains(expected),
                "{era} {arguments:?}: {}",
                output.stdout
            );
        }
    }
}

/// `notes` and `asker`, everything granted, and a note.
struct Offers {
    home: TempDir,
}

impl Offers {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder can be made");
        let offers = Self { home };
        for folder in ["both", "notes"] {
            fs::create_dir(offers.path(folder)).expect("a folder can be made");
            fs::copy(
                paths::plugin("notes"),
                offers.path(folder).join("notes.wasm"),
            )
            .expect("a plugin can be copied");
        }
        fs::copy(
            paths::guest("asker"),
            offers.path("both").join("asker.wasm"),
        )
        .expect("a guest can be copied");
        let vault = offers.path("vault");
        fs::create_dir(&vault).expect("a folder can be made");
        let vault = vault.canonicalize().expect("it is there");
        fs::write(vault.join("shopping.md"), "# Shopping\n\n- apples\n")
            .expect("a file can be written");
        let policy = format!(
            "version = 1\n[[grant]]\nplugin = \"notes\"\neverything = true\nmounts = {{ vault = \"{}\" }}\n[[grant]]\nplugin = \"asker\"\neverything = true\n",
            vault.display()
        );
        fs::write(offers.path("policy.toml"), policy).expect("a file can be written");
        offers
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn serve(&self, command: &mut Command, folders: &[&str]) {
        command.arg("serve");
        command.args(folders.iter().map(|folder| self.path(folder)));
        command.arg("--policy").arg(self.path("policy.toml"));
    }

    /// What a client's script saw, which is the same for all.
    fn seen_by(&self, mut command: Command) -> Value {
        command.arg(self.path("vault")).arg(paths::host());
        self.serve(&mut command, &["both"]);
        let output = run(command);
        assert_eq!(output.code, Some(0), "{}", output.transcript());
        let seen: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", output.transcript()));
        assert_eq!(seen["greeted"], "Hello, Ada!");
        assert_eq!(seen["read"], "# Shopping\n\n- apples\n");
        assert_eq!(seen["completed"], json!(["shopping.md"]));
        assert_eq!(seen["prompt"][1], "notes://note/shopping.md");
        seen
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
