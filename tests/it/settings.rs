//! `toolbay.toml`: what it changes, what is said where it is wrong, and `toolbay config`.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{Output, run, toolbay};
use crate::support::paths::shared_cache;
use crate::support::session::tool_error;
use crate::support::{Era, Folder, Session, Start};

/// A home with this file in the place where toolbay looks for it.
fn home(file: &str) -> TempDir {
    let home = TempDir::new().expect("a temporary folder can be made");
    let folder = home.path().join("config");
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join("toolbay.toml"), file).expect("a file can be written");
    home
}

fn toolbay_in(home: &Path, arguments: &[&str]) -> Output {
    let mut command = toolbay(home);
    command.args(arguments);
    run(command)
}

fn shown(home: &Path, arguments: &[&str]) -> String {
    let said = toolbay_in(home, arguments).transcript();
    let mut said = said
        .replace(&home.display().to_string(), "/home/ada")
        .replace(&shared_cache().display().to_string(), "/cache");
    // How wide a column is depends on where the test runs.
    while said.contains("   ") {
        said = said.replace("   ", "  ");
    }
    said
}

/// A server with what it is told in its file.
fn serving(folder: &Folder, file: &str) -> (Session, TempDir) {
    let settings = TempDir::new().expect("a temporary folder can be made");
    fs::write(settings.path().join("toolbay.toml"), file).expect("a file can be written");
    let start = Start::new(folder).settings(settings.path());
    (Session::open(start.start(), Era::LEGACY), settings)
}

#[test]
fn what_is_in_force_is_shown_with_where_it_came_from() {
    let home = home(
        "folders = [\"~/plugins\", \"/opt/plugins\"]\nlog = \"warn\"\n\n[limits]\nrate = \"600/m\"\n\n[http]\nhosts = [\"tools.example.com\"]\n",
    );
    assert_snapshot!(shown(home.path(), &["config"]), @r#"
    exit: 0
    --- stdout
    /home/ada/config/toolbay.toml

    folders  ["/home/ada/plugins","/opt/plugins"]  toolbay.toml, line 1
    cache  "/cache"  TOOLBAY_CACHE_DIR
    state  "/home/ada/state"  TOOLBAY_STATE_DIR
    secrets  "either"  default
    log  "warn"  toolbay.toml, line 2
    ask  false  default
    http.hosts  ["tools.example.com"]  toolbay.toml, line 8
    limits.rate  "600/m"  toolbay.toml, line 5
    limits.concurrency  none  default
    middleware.before  none  default
    middleware.after  none  default
    status.alias  none  default
    telemetry.otlp  none  default
    --- stderr
    "#);
    let output = toolbay_in(home.path(), &["config", "--dir", "/srv/plugins", "--json"]);
    let said: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let of = |key: &str| {
        let all = said["settings"].as_array().expect("a list");
        let found = all.iter().find(|setting| setting["key"] == key);
        found.cloned().unwrap_or_default()
    };
    assert_eq!(of("folders")["value"], json!(["/srv/plugins"]));
    assert_eq!(
        of("folders")["origin"],
        json!({"kind": "flag", "name": "DIR"})
    );
    assert_eq!(
        of("limits.rate")["origin"],
        json!({"kind": "file", "line": 5})
    );
    assert_eq!(
        of("ask"),
        json!({"key": "ask", "value": false, "origin": {"kind": "default"}})
    );
}

#[test]
fn the_example_is_a_file_that_changes_nothing() {
    let home = home("");
    let example = toolbay_in(home.path(), &["config", "--example"]).stdout;
    let without = shown(home.path(), &["config"]);
    fs::write(home.path().join("config/toolbay.toml"), example).expect("it can be written");
    assert_eq!(shown(home.path(), &["config"]), without);
}

#[test]
fn a_wrong_file_is_refused_by_servers_and_explained_by_the_doctor() {
    let home = home("[limits]\nrat = \"600/m\"\n");
    assert_snapshot!(shown(home.path(), &["serve"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: /home/ada/config/toolbay.toml, line 2: unknown key `limits.rat`
    hint: did you mean `limits.rate`?
    ");
    let doctor = shown(home.path(), &["doctor"]);
    let lines = doctor.lines().skip_while(|line| !line.contains("settings"));
    assert_snapshot!(lines.take(2).collect::<Vec<_>>().join("\n"), @"
    problem  settings  /home/ada/config/toolbay.toml, line 2: unknown key `limits.rat`
      hint: until it is mended no server of yours starts; did you mean `limits.rate`?
    ");
}

#[test]
fn a_callers_rate_counts_all_tools_together() {
    let folder = Folder::with(&["echo", "scribe"]);
    let (mut session, _settings) = serving(&folder, "[limits]\nrate = \"3/h\"\n");
    for _ in 0..3 {
        let result = session.call("echo_text", json!({"text": "Ada"}));
        assert_eq!(result["isError"], false, "{result}");
    }
    let (code, sentence) = tool_error(&session.call("scribe_letters", json!({})));
    assert_eq!(code, "rate_limited");
    let asked = "all tools together may be called 3/h by one caller\nhint: in 1";
    assert!(sentence.starts_with(asked), "{sentence}");
}

#[test]
fn the_status_has_a_second_name_where_nothing_else_has_it() {
    let folder = Folder::with(&["echo"]);
    let (mut session, _settings) = serving(&folder, "[status]\nalias = \"health_check\"\n");
    let listed = session.tool_names();
    assert!(listed.contains(&"health_check".to_owned()), "{listed:?}");
    assert!(listed.contains(&"toolbay_status".to_owned()), "{listed:?}");
    let status = session.call("health_check", json!({}));
    assert_eq!(status["structuredContent"]["status"], "healthy", "{status}");

    let (mut session, _settings) = serving(&folder, "[status]\nalias = \"echo_text\"\n");
    let greeted = session.call("echo_text", json!({"text": "Ada"}));
    assert_eq!(greeted["isError"], false, "{greeted}");
    let status = session.call("toolbay_status", json!({}));
    let warnings = &status["structuredContent"]["warnings"];
    assert!(warnings.to_string().contains("status.alias"), "{warnings}");
}
