//! `toolbay check`: what it says about a plugin with every fault, about the project's own, and where there is nothing to check.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{Output, run, run_on_a_terminal, toolbay};
use crate::support::{assembled, paths};

/// Interfaces as a component imports them that makes requests and connections and keeps no state.
const IMPORTS: [&str; 4] = [
    "wasi:cli/environment@0.2.6",
    "wasi:http/types@0.2.4",
    "wasi:http/outgoing-handler@0.2.4",
    "wasi:sockets/tcp-create-socket@0.2.6",
];

/// The plugin with every fault, in a folder of its own.
fn bad() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let text = fs::read_to_string(paths::root().join("tests/data/check/bad.toml"));
    let mut text = text.expect("the manifest is there");
    for number in 0..36 {
        let _ = write!(
            text,
            "\n[tools.step_{number}]\ndescription = \"Takes step {number} of the inventory and returns how many articles are left.\"\n\
             input-schema = {{ type = \"object\", properties = {{ dry = {{ type = \"boolean\", description = \"Whether to pretend\" }} }} }}\n"
        );
    }
    fs::write(folder.path().join("bad.toml"), text).expect("a file can be written");
    let component = assembled::importing(&IMPORTS);
    fs::write(folder.path().join("bad.wasm"), component).expect("a file can be written");
    folder
}

fn check_in(folder: &Path, arguments: &[&str]) -> Output {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = toolbay(home.path());
    command.current_dir(folder).arg("check").args(arguments);
    run(command)
}

#[test]
fn every_planted_fault_is_found() {
    let folder = bad();
    let output = check_in(folder.path(), &["bad.wasm"]);
    insta::with_settings!({snapshot_path => "../data/check", prepend_module_to_snapshot => false, omit_expression => true}, {
        assert_snapshot!("bad.txt", output.transcript());
    });
    let output = check_in(folder.path(), &["bad.wasm", "--json"]);
    assert_eq!(output.code, Some(1), "{}", output.transcript());
    insta::with_settings!({snapshot_path => "../data/check", prepend_module_to_snapshot => false, omit_expression => true}, {
        assert_snapshot!("bad.json", output.stdout);
    });
    let json: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let findings = json["checked"][0]["findings"]
        .as_array()
        .expect("there are findings");
    let found: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    let listed = check_in(folder.path(), &["--list"]).stdout;
    let known: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    // One of them is allowed, so it is among those.
    assert_eq!(json["checked"][0]["allowed"][0]["code"], "unbounded-list");
    let missing: Vec<&str> = known.difference(&found).copied().collect();
    assert_eq!(missing, ["unbounded-list"]);
}

#[test]
fn the_projects_own_plugins_are_left_alone() {
    for plugin in ["clock", "gate", "jq", "notes", "orders", "tasks", "web"] {
        let file = paths::plugin(plugin).display().to_string();
        let output = check_in(&paths::root(), &[&file]);
        assert_eq!(output.stdout, "", "{}", output.transcript());
        assert_eq!(output.code, Some(0), "{}", output.transcript());
    }
    let output = check_in(
        &paths::root(),
        &[&paths::plugin("notes").display().to_string()],
    );
    assert_snapshot!(output.transcript(), @"
    exit: 0
    --- stdout
    --- stderr
    notes (5 tools): nothing to report
    ");
}

/// What an author allows is honoured in a component that carries its manifest, and no part of what is pinned and shown.
#[test]
fn what_is_allowed_is_seen_by_nobody_else() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let mut manifest = assembled::manifest("plain");
    let write = |name: &str, manifest: &Value| {
        let component = assembled::bake(&assembled::bare("plain"), manifest);
        fs::write(folder.path().join(name), component).expect("a file can be written");
    };
    write("strict.wasm", &manifest);
    manifest["plugin"]["allow"] = json!({"vague-argument": "it is a test"});
    manifest["tools"]["run"]["allow"] =
        json!({"missing-bounds": "it is a test", "vague-description": "it is a test"});
    write("allowing.wasm", &manifest);
    let strict = check_in(folder.path(), &["strict.wasm"]);
    assert_eq!(strict.code, Some(1), "{}", strict.transcript());
    assert_snapshot!(check_in(folder.path(), &["allowing.wasm"]).transcript(), @"
    exit: 0
    --- stdout
    --- stderr
    plain (1 tool): nothing to report, 3 allowed
    ");
    let tools = |name: &str| {
        let mut command = toolbay(folder.path());
        command.args(["inspect", name, "--json"]);
        let shown: Value = serde_json::from_str(&run(command).stdout).expect("it is JSON");
        shown["tools"].clone()
    };
    assert_eq!(tools("strict.wasm"), tools("allowing.wasm"));
}

#[test]
fn suggestions_alone_are_no_failure() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let manifest = json!({
        "manifest-version": 1,
        "plugin": {"name": "zoo", "version": "0.1.0", "description": "A zoo"},
        "tools": {"opening": {
            "description": "Tells when the zoo is open this week, a line for each day.",
            "input-schema": {"type": "object"},
        }},
    });
    let component = assembled::bake(&assembled::bare("plain"), &manifest);
    fs::write(folder.path().join("zoo.wasm"), component).expect("a file can be written");
    // A folder of components, since there is no Cargo.toml in it.
    assert_snapshot!(check_in(folder.path(), &[]).transcript(), @"
    exit: 0
    --- stdout
    zoo_opening
      suggestion[could-be-resource]: it reads and takes no argument
        why: what is always read in the same way is a resource: clients can show, cache and attach it, and it takes no place among the tools
        write: a resource, if users rather than models choose when to read it
    --- stderr
    zoo (1 tool): 1 suggestion
    hint: toolbay check --explain could-be-resource
    ");
}

#[test]
fn what_is_no_plugin_is_said_beside_the_others() {
    let folder = bad();
    fs::write(folder.path().join("broken.wasm"), b"PK").expect("a file can be written");
    let contradiction = json!({
        "manifest-version": 1,
        "plugin": {"name": "post", "version": "0.1.0", "description": "Posts"},
        "tools": {"send": {
            "description": "Sends a letter.",
            "input-schema": {"type": "object"},
            "read-only": true,
            "network": ["POST https://post.example.com/*"],
        }},
    });
    let component = assembled::bake(&assembled::bare("plain"), &contradiction);
    fs::write(folder.path().join("post.wasm"), component).expect("a file can be written");
    fs::remove_file(folder.path().join("bad.wasm")).expect("a file can be removed");
    assert_snapshot!(check_in(folder.path(), &["."]).transcript(), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: ./broken.wasm is no plugin: it is not WebAssembly
    hint: put only WebAssembly components into the folder; other files need another ending than .wasm
    error: ./post.wasm is no plugin: its manifest is wrong: plugin `post`, tool `send`: `read-only` is true, but `network = ["POST https://post.example.com/*"]` allows changes
    hint: remove `read-only = true`, or ask only for GET and HEAD, "read" mounts, and no tcp
    "#);
    assert_snapshot!(check_in(folder.path(), &["post.wasm", "--json"]).transcript(), @r#"
    exit: 1
    --- stdout
    {
      "checked": [
        {
          "file": "post.wasm",
          "problem": {
            "reason": "its manifest is wrong: plugin `post`, tool `send`: `read-only` is true, but `network = [\"POST https://post.example.com/*\"]` allows changes",
            "hint": "remove `read-only = true`, or ask only for GET and HEAD, \"read\" mounts, and no tcp"
          }
        }
      ],
      "errors": 1,
      "warnings": 0,
      "suggestions": 0
    }
    --- stderr
    error: post.wasm is no plugin: its manifest is wrong: plugin `post`, tool `send`: `read-only` is true, but `network = ["POST https://post.example.com/*"]` allows changes
    hint: remove `read-only = true`, or ask only for GET and HEAD, "read" mounts, and no tcp
    "#);
}

/// A crate as `toolbay build` leaves it, with these files made so many seconds ago.
fn crate_with(files: &[(&str, u64)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder can be made");
    for (name, age) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))
            .expect("a folder can be made");
        let content = match *name {
            "plugin.toml" => b"[plugin]\nname = \"zoo\"\n".to_vec(),
            name if name.ends_with(".wasm") => assembled::guest("plain"),
            _ => Vec::new(),
        };
        fs::write(&path, content).expect("a file can be written");
        let file = fs::File::options()
            .write(true)
            .open(&path)
            .expect("the file is there");
        let modified = SystemTime::now() - Duration::from_secs(*age);
        file.set_modified(modified).expect("a time can be set");
    }
    folder
}

#[test]
fn a_crate_has_to_be_built_first() {
    let crates = [
        crate_with(&[("Cargo.toml", 9), ("src/lib.rs", 9)]),
        crate_with(&[("Cargo.toml", 9), ("plugin.toml", 9), ("src/lib.rs", 9)]),
        crate_with(&[
            ("Cargo.toml", 9),
            ("plugin.toml", 9),
            ("src/deep/tools.rs", 3),
            ("target/zoo.wasm", 6),
        ]),
        crate_with(&[
            ("Cargo.toml", 9),
            ("plugin.toml", 9),
            ("src/lib.rs", 9),
            ("target/zoo.wasm", 6),
        ]),
    ];
    let said: Vec<String> = crates
        .iter()
        .map(|folder| check_in(folder.path(), &["."]).transcript())
        .collect();
    assert_snapshot!(said.join("\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: . is no plugin's crate: it has no plugin.toml
    hint: write one, beginning with [plugin] and name = "…", or name a component

    exit: 1
    --- stdout
    --- stderr
    error: the plugin `zoo` is not built: there is no ./target/zoo.wasm
    hint: toolbay build .

    exit: 1
    --- stdout
    --- stderr
    error: ./target/zoo.wasm is older than src/deep/tools.rs
    hint: toolbay build .

    exit: 1
    --- stdout
    plain_run
      warning[vague-description]: its description leaves out what it takes (it says 2 of 3 things)
        why: the description is all that a model has to choose a tool by, among those of every other server
        write: a sentence or two that say what it takes
      warning[vague-argument]: argument /text: it has no description
        why: a model guesses what to put there, and in which form: a name or a number, a path from where, a time in which zone
        write: what it is and in which form, with an example or where to get it from
      warning[missing-bounds]: argument /text: its text may be of any length
        why: the host refuses what is out of bounds before any of the tool's code runs, and tells the model what would be right; without bounds the code meets it
        write: `#[schemars(length(max = 200))]`, which is "maxLength": 200 in a schema
    --- stderr
    plain (1 tool): 3 warnings
    hint: toolbay check --explain vague-description
    "#);
}

#[test]
fn where_there_is_nothing_to_check() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let said = [
        check_in(folder.path(), &[]),
        check_in(folder.path(), &["nowhere"]),
        check_in(folder.path(), &["--explain", "god-tools"]),
        check_in(folder.path(), &["--explain", "nothing"]),
    ];
    let said: Vec<String> = said.iter().map(Output::transcript).collect();
    assert_snapshot!(said.join("\n"), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no plugin in .
    hint: name a plugin's crate, which has a Cargo.toml, or a component

    exit: 2
    --- stdout
    --- stderr
    error: cannot look at nowhere: No such file or directory (os error 2)
    hint: name a plugin's crate, a component, or a folder of components

    exit: 2
    --- stdout
    --- stderr
    error: there is no lint `god-tools`
    hint: did you mean `god-tool`?

    exit: 2
    --- stdout
    --- stderr
    error: there is no lint `nothing`
    hint: `toolbay check --list` shows all
    ");
}

#[test]
fn lints_document_themselves() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    assert_snapshot!(check_in(folder.path(), &["--list"]).transcript(), @"
    exit: 0
    --- stdout
    too-many-tools          warning     a plugin with more than 40 tools
    rejected-name           error       an argument whose name a model's provider refuses
    repeated-name           warning     a tool whose name says its plugin's again
    god-tool                warning     a tool that does several things
    vague-description       warning     a tool's description that leaves out what it does, takes or gives back
    vague-argument          warning     an argument without a description, or with one that only says its name again
    missing-bounds          warning     an argument that is a number or a text of any size
    unbounded-list          warning     a list of any length, taken as an argument or given back
    missing-format          warning     an argument that by its name or description is a URL, a mail address, a date …, typed as any text
    untrue-read-only        error       a tool marked `read-only` that by its name, its description or the tools it calls changes something
    reading-tool-may-write  warning     a tool that only looks, by what it is called, and asks for more than that needs
    not-marked-read-only    warning     a tool that by what it asks for can change nothing, and is not marked `read-only`
    unused-permission       warning     a permission that the component can do nothing with
    undeclared-import       warning     an interface that the component imports and none of its tools may use
    missing-reason          suggestion  a permission without a reason
    could-be-resource       suggestion  a read-only tool that takes nothing
    unused-allow            warning     an `allow` that there is nothing for
    unknown-allow           error       an `allow` of a code that is no lint's
    --- stderr
    ");
    assert_snapshot!(check_in(folder.path(), &["--explain", "missing-bounds"]).transcript(), @r#"
    exit: 0
    --- stdout
    missing-bounds (warning): an argument that is a number or a text of any size

    Why: the host refuses what is out of bounds before any of the tool's code runs, and tells the model what would be right; without bounds the code meets it.

    Give texts a `maxLength` and numbers a `minimum` and a `maximum`. A number that is taken as the nearest allowed one needs none, if its description states the range; nor do positions and identifiers, beyond a minimum.

    Instead of
        /// Words to look for
        query: &str,

    write
        /// Words to look for
        #[schemars(length(max = 200))]
        query: &str,

    Where it is right as it is, say why in plugin.toml, under [plugin] or [tools.NAME]:
        allow = { missing-bounds = "…" }
    --- stderr
    "#);
    assert_snapshot!(check_in(folder.path(), &["--help"]).transcript(), @r#"
    exit: 0
    --- stdout
    Look for what makes a plugin's tools worse: vague descriptions, missing bounds, permissions that do
    not fit.

    Takes a plugin's crate, whose component `toolbay build` has made; a component; or a folder of
    components. Prints what it finds, tool by tool, and nothing where there is nothing. Ends with 1
    where it finds errors or warnings; suggestions alone are no failure.

    What is right as it is can be allowed in plugin.toml, with a reason, under [plugin] or [tools.NAME]:
    allow = { missing-bounds = "a text may be of any length" }

    Usage: toolbay check [OPTIONS] [PATH]

    Arguments:
      [PATH]
              The crate's folder, a component, or a folder of components; the current folder where
              nothing is said

    Options:
          --json
              Print JSON instead of text.
              
              {"checked": [{"file", "plugin", "version", "findings", "allowed"}, or {"file",
              "problem"}], "errors", "warnings", "suggestions"}. A finding has "code", "severity",
              "message", "why", "instead" and its place: "tool", and one of "argument" and "result"
              (JSON pointers), "setting" (a key of plugin.toml) and "import".

          --explain <CODE>
              Say why a lint matters and what to write instead, with an example

          --list
              List the lints

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      toolbay check
      toolbay check plugins/weather
      toolbay check weather.wasm --json
      toolbay check --explain god-tool
    --- stderr
    "#);
}

#[test]
fn colours_are_for_terminals() {
    let folder = bad();
    let on_terminal = |no_color: &str| {
        let mut command = toolbay(folder.path());
        command
            .args(["check", "bad.wasm"])
            .env("NO_COLOR", no_color);
        let shown = run_on_a_terminal(command).replace("\r\n", "\n");
        shown
            .lines()
            .take(4)
            .collect::<Vec<_>>()
            .join("\n")
            .replace('\u{1b}', "ESC")
    };
    assert_snapshot!(on_terminal(""), @"
    shop
      ESC[33mwarning[too-many-tools]ESC[0m: it has 41 tools
        why: a model reads every tool before it chooses one, some clients pass on 40 in all, and the wrong ones get chosen
        write: at most 40: tools for what users want done, or several plugins
    ");
    assert_snapshot!(on_terminal("1"), @"
    shop
      warning[too-many-tools]: it has 41 tools
        why: a model reads every tool before it chooses one, some clients pass on 40 in all, and the wrong ones get chosen
        write: at most 40: tools for what users want done, or several plugins
    ");
}
