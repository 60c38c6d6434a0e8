//! The author's commands: a crate is made, built, and what is wrong with one is said with what to do.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::author::{BUILD, Workshop, edit};
use crate::support::command::{Output, run_within};
use crate::support::paths;

#[test]
fn each_template_becomes_a_plugin() {
    let workshop = Workshop::new();
    let mut said = String::new();
    for (name, template) in [
        ("first-tool", "tool"),
        ("first-http", "http"),
        ("first-files", "files"),
        ("first-resource", "resource"),
    ] {
        workshop.scaffold(name, template);
        let built = workshop.run(&["build", name]);
        assert_eq!(built.code, Some(0), "{}", built.transcript());
        said.push_str(&without_figures(&built.stdout));
        let checked = workshop.run(&["check", name]);
        assert_eq!(
            (checked.code, checked.stdout.as_str()),
            (Some(0), ""),
            "{}",
            checked.transcript()
        );
        let tested = workshop.run(&["test", name]);
        assert_eq!(tested.code, Some(0), "{}", tested.transcript());
        assert!(
            tested.stdout.contains("Running tests/sandbox.rs")
                || tested.stderr.contains("Running tests/sandbox.rs")
        );
    }
    assert_snapshot!(said, @r#"
    first-tool/target/first-tool.wasm  first-tool 0.1.0, [size], SHA-256 [digest]
      first-tool_measure  asks for nothing
    first-http/target/first-http.wasm  first-http 0.1.0, [size], SHA-256 [digest]
      first-http_forecast  wants to
        fetch (GET) from https://api.open-meteo.com/v1/forecast ("to look up the forecast")
    first-files/target/first-files.wasm  first-files 0.1.0, [size], SHA-256 [digest]
      first-files_find  wants to
        read every file in the folder that you choose for `texts` ("the texts to search lie here")
    first-resource/target/first-resource.wasm  first-resource 0.1.0, [size], SHA-256 [digest]
      first-resource_read_guide  asks for nothing
      resource first-resource://guides/{name}  asks for nothing
    "#);
}

#[test]
fn a_build_can_be_read_by_programs() {
    let workshop = Workshop::new();
    let folder = workshop.scaffold("first-json", "tool");
    let built = workshop.run(&["build", "first-json", "--json"]);
    assert_eq!(built.code, Some(0), "{}", built.transcript());
    let built: Value = serde_json::from_str(&built.stdout).unwrap();
    let expected = folder.join("target/first-json.wasm");
    assert_eq!(built[0]["file"], expected.to_str().unwrap());
    assert_eq!(built[0]["tools"][0]["name"], "first-json_measure");
    let listed = workshop.run(&["inspect", expected.to_str().unwrap(), "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["digest"], built[0]["digest"]);
}

#[test]
fn what_new_makes() {
    let workshop = Workshop::new();
    let made = workshop.run(&["new", "sub/weather", "--sdk-version", "0.1.0"]);
    assert_snapshot!(made.transcript(), @"
    exit: 0
    --- stdout
    --- stderr
    made sub/weather
    next:
      cd sub/weather
      toolbay build
      toolbay test
    ");
    let cargo = fs::read_to_string(workshop.home().join("sub/weather/Cargo.toml")).unwrap();
    assert!(cargo.contains("toolbay-sdk = \"0.1.0\""), "{cargo}");
    let made = workshop.run(&[
        "new",
        "forecast",
        "--git",
        "https://example.org/toolbay",
        "--tag",
        "v0.1.0",
    ]);
    assert_eq!(made.code, Some(0));
    let cargo = fs::read_to_string(workshop.home().join("forecast/Cargo.toml")).unwrap();
    let line = "toolbay-sdk = { git = \"https://example.org/toolbay\", tag = \"v0.1.0\" }";
    assert!(cargo.contains(line), "{cargo}");
    let left: Vec<_> = fs::read_dir(workshop.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(".toolbay"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_new_refuses() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.home().join("taken")).unwrap();
    fs::write(workshop.home().join("taken/file"), "kept").unwrap();
    let refused = [
        &["new", "Weather"][..],
        &["new", "toolbay"],
        &["new", "match"],
        &["new", "taken"],
        &["new", "x", "--sdk", "taken"],
        &["new", "x", "--git", "https://example.org/toolbay"],
    ];
    let said: Vec<String> = refused
        .iter()
        .map(|arguments| transcript(&workshop, &workshop.run(arguments)))
        .collect();
    assert_snapshot!(said.join("\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: `Weather` cannot be the name of a plugin: `Weather` is not a plugin name
    hint: write a lower-case letter, then lower-case letters, digits and `-`: `git-log`

    exit: 1
    --- stdout
    --- stderr
    error: `toolbay` cannot be the name of a plugin: the name `toolbay` belongs to the host
    hint: choose another name for the plugin

    exit: 1
    --- stdout
    --- stderr
    error: `match` cannot be the name of a crate: Rust uses the word itself
    hint: choose another, such as `my-match`

    exit: 1
    --- stdout
    --- stderr
    error: taken exists already
    hint: choose another name, or remove it first

    exit: 1
    --- stdout
    --- stderr
    error: there is no crate `toolbay-sdk` in ~/taken
    hint: --sdk names the folder that holds it, which is `sdk` in Toolbay's repository

    exit: 2
    --- stdout
    --- stderr
    error: the following required arguments were not provided:
      --tag <TAG>

    Usage: toolbay new --git <URL> --tag <TAG> <NAME>

    For more information, try '--help'.
    ");
    assert_eq!(
        fs::read_to_string(workshop.home().join("taken/file")).unwrap(),
        "kept"
    );
}

#[test]
fn what_does_not_build_is_said() {
    let workshop = Workshop::new();
    let none = workshop.run(&["build", "nowhere"]);
    fs::create_dir(workshop.home().join("empty")).unwrap();
    let empty = workshop.run(&["build", "empty"]);
    assert_snapshot!(transcript(&workshop, &none) + &transcript(&workshop, &empty), @"
    exit: 1
    --- stdout
    --- stderr
    error: nowhere is no folder
    hint: name the folder of a plugin's crate, or make one with `toolbay new NAME`
    exit: 1
    --- stdout
    --- stderr
    error: empty has no Cargo.toml, so it is no crate
    hint: name the folder of a plugin's crate, or make one with `toolbay new NAME`
    ");

    let folder = workshop.scaffold("first-broken", "tool");
    edit(&folder.join("Cargo.toml"), "[\"cdylib\"]", "[\"rlib\"]");
    let no_component = workshop.run(&["build", "first-broken"]);
    assert_eq!(no_component.code, Some(1));
    assert!(
        no_component.stderr.contains("crate-type = [\"cdylib\"]"),
        "{}",
        no_component.stderr
    );
    edit(&folder.join("src/lib.rs"), "fn measure(", "fn measure{");
    let broken = workshop.run(&["build", "first-broken"]);
    assert_eq!(broken.code, Some(1));
    assert!(
        broken.stderr.contains("src/lib.rs:")
            && broken.stderr.ends_with(
                "error: first-broken does not build\nhint: correct what the compiler says above\n"
            ),
        "{}",
        broken.stderr
    );
}

fn transcript(workshop: &Workshop, output: &Output) -> String {
    let home = workshop.home().canonicalize().expect("the home is there");
    let text = |path: &Path| path.to_str().expect("its path is text").to_owned();
    output
        .transcript()
        .replace(&text(&home), "~")
        .replace(&text(workshop.home()), "~")
}

/// Sizes and digests differ from compiler to compiler.
fn without_figures(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(", ") {
        Some((start, rest)) if line.contains("SHA-256") => {
            assert!(rest.contains("KiB, SHA-256 "), "{line}");
            format!("{start}, [size], SHA-256 [digest]\n")
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// What `cargo publish` would upload, unpacked: the paths of the repository must not be needed.
#[test]
fn a_plugin_builds_from_the_packages() {
    let workshop = Workshop::new();
    let packages = workshop.home().join("packages");
    let mut package = workshop.cargo();
    package
        .current_dir(paths::root())
        .args(["package", "--no-verify", "--allow-dirty", "--quiet"])
        .arg("--target-dir")
        .arg(&packages);
    let names = ["toolbay-manifest", "toolbay-sdk-macros", "toolbay-sdk"];
    for name in names {
        package.args(["--package", name]);
    }
    let packaged = run_within(package, BUILD);
    assert_eq!(packaged.code, Some(0), "{}", packaged.transcript());

    let folder = workshop.home().join("packed");
    let made = workshop.run(&["new", "packed", "--sdk-version", "0.1.0"]);
    assert_eq!(made.code, Some(0), "{}", made.transcript());
    let mut patch = "[patch.crates-io]\n".to_owned();
    for name in names {
        let archive = packages.join(format!("package/{name}-0.1.0.crate"));
        let mut unpack = Command::new("tar");
        unpack.arg("-xzf").arg(&archive).arg("-C").arg(&packages);
        assert_eq!(
            run_within(unpack, BUILD).code,
            Some(0),
            "{}",
            archive.display()
        );
        let place = packages.join(format!("{name}-0.1.0"));
        patch.push_str(&format!("{name} = {{ path = '{}' }}\n", place.display()));
    }
    fs::create_dir(folder.join(".cargo")).unwrap();
    fs::write(folder.join(".cargo/config.toml"), patch).unwrap();
    let built = workshop.run(&["build", "packed"]);
    assert_eq!(built.code, Some(0), "{}", built.transcript());
    assert!(built.stdout.contains("packed_measure"), "{}", built.stdout);
}
