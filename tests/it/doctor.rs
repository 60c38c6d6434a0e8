//! `toolbay doctor`: a machine where all is well, and one where nothing is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{Output, run, toolbay};
use crate::support::{assembled, paths};

fn home() -> TempDir {
    let home = TempDir::new().expect("a temporary folder can be made");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    home
}

fn write(home: &Path, name: &str, bytes: &[u8]) {
    let path = home.join(name);
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
    fs::write(&path, bytes).expect("a file can be written");
}

fn set_mode(home: &Path, name: &str, mode: u32) {
    fs::set_permissions(home.join(name), fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn doctor(home: &Path, arguments: &[&str]) -> Output {
    let mut command = toolbay(home);
    command
        .env("TOOLBAY_SECRETS", "file")
        .env("TOOLBAY_CACHE_DIR", home.join("cache"));
    command.arg("doctor").args(arguments);
    run(command)
}

fn shown(output: &Output, home: &Path) -> String {
    let transcript = output.transcript();
    // Whether plugins can be built is the machine's own.
    let (lines, mut is_own) = (transcript.lines(), false);
    let lines = lines.filter(|line| {
        is_own = line.contains("  target    ") || (is_own && line.starts_with(' '));
        !is_own
    });
    let lines: Vec<&str> = lines.collect();
    format!("{}\n", lines.join("\n"))
        .replace(&paths::host().display().to_string(), "/opt/toolbay")
        .replace(&home.display().to_string(), "/home/ada")
}

/// Sizes are the machine's own, and those of the log the calls' durations'.
fn filters() -> Vec<(&'static str, &'static str)> {
    [
        crate::filters(),
        vec![
            (r"[\d.]+ [KM]iB in \d+ files", "[size]"),
            (r"[\d.]+ (bytes|KiB)", "[size]"),
        ],
    ]
    .concat()
}

fn asking() -> Vec<u8> {
    let manifest = json!({
        "manifest-version": 1,
        "plugin": {"name": "keeper", "version": "0.1.0", "description": "Keeps things"},
        "tools": {
            "count": {"description": "Counts.", "input-schema": {"type": "object"}, "kv": true},
        },
    });
    assembled::bake(&assembled::bare("plain"), &manifest)
}

#[test]
fn a_new_machine_has_nothing_wrong_with_it() {
    let home = home();
    let output = doctor(home.path(), &[]);
    insta::with_settings!({filters => filters()}, {
        assert_snapshot!(shown(&output, home.path()), @"
        exit: 0
        --- stdout
        ok       program   toolbay 0.1.0, /opt/toolbay
        ok       variable  TOOLBAY_CACHE_DIR=/home/ada/cache
        ok       variable  TOOLBAY_CONFIG_DIR=/home/ada/config
        ok       variable  TOOLBAY_SECRETS=file
        ok       variable  TOOLBAY_STATE_DIR=/home/ada/state
        ok       config    /home/ada/config (made when it is needed)
        ok       state     /home/ada/state (made when it is needed)
        ok       cache     /home/ada/cache (made when it is needed)
        warning  folder    /home/ada/.local/share/toolbay/plugins is not there
                           hint: `toolbay add FILE` makes it and puts a plugin there
        ok       grants    nothing is granted and no plugin pinned yet; /home/ada/config/grants.toml
        ok       secrets   no secrets; new ones go to /home/ada/config/secrets.toml
        ok       tokens    no tokens for callers over HTTP; /home/ada/config/tokens.toml
        warning  client    none of the clients that are known starts toolbay
                           hint: `toolbay client-config CLIENT --write`, where CLIENT is claude-code, cursor, vscode or another that `toolbay client-config --help` names
        no problems, 2 warnings
        --- stderr
        ");
    });
}

#[test]
fn a_machine_in_use() {
    let home = home();
    let plugins = ".local/share/toolbay/plugins";
    write(
        home.path(),
        &format!("{plugins}/plain.wasm"),
        &assembled::guest("plain"),
    );
    for folder in ["config", "state"] {
        fs::create_dir(home.path().join(folder)).expect("a folder can be made");
        set_mode(home.path(), folder, 0o700);
    }
    set_mode(home.path(), plugins, 0o755);
    for arguments in [
        &["call", "plain_run"][..],
        &["client-config", "cursor", "--write"],
    ] {
        let mut command = toolbay(home.path());
        command.args(arguments);
        let output = run(command);
        assert_eq!(output.code, Some(0), "{}", output.transcript());
    }
    let output = doctor(home.path(), &[]);
    insta::with_settings!({filters => filters()}, {
        assert_snapshot!(shown(&output, home.path()), @"
        exit: 0
        --- stdout
        ok       program   toolbay 0.1.0, /opt/toolbay
        ok       variable  TOOLBAY_CACHE_DIR=/home/ada/cache
        ok       variable  TOOLBAY_CONFIG_DIR=/home/ada/config
        ok       variable  TOOLBAY_SECRETS=file
        ok       variable  TOOLBAY_STATE_DIR=/home/ada/state
        ok       config    /home/ada/config
        ok       state     /home/ada/state
        ok       cache     /home/ada/cache (made when it is needed)
        ok       folder    /home/ada/.local/share/toolbay/plugins
        ok       log       /home/ada/state/audit.jsonl, [size] in 1 file
        ok       plugin    plain 0.1.0, 1 tool, /home/ada/.local/share/toolbay/plugins/plain.wasm
        ok       grants    no grants, 1 pinned plugin without one, /home/ada/config/grants.toml
        ok       secrets   no secrets; new ones go to /home/ada/config/secrets.toml
        ok       tokens    no tokens for callers over HTTP; /home/ada/config/tokens.toml
        ok       client    Cursor (/home/ada/.cursor/mcp.json) has `toolbay`: /opt/toolbay serve /home/ada/.local/share/toolbay/plugins
        no problems, no warnings
        --- stderr
        ");
    });
}

#[test]
fn a_machine_with_everything_wrong() {
    let home = home();
    let plugins = ".local/share/toolbay/plugins";
    write(home.path(), &format!("{plugins}/keeper.wasm"), &asking());
    write(home.path(), &format!("{plugins}/half.wasm"), b"\0asm");
    set_mode(home.path(), plugins, 0o777);
    let folder = fs::canonicalize(home.path().join(plugins)).expect("it is there");
    let grants = format!(
        "version = 1\n[[grant]]\nfolder = '{0}'\nplugin = 'gone'\n[grant.tools.run]\nkv = true\n\
         [[grant]]\nfolder = '{0}'\nplugin = 'keeper'\n[grant.tools.count]\nexpires = '2026-01-01T00:00:00Z'\nkv = true\n",
        folder.display()
    );
    write(home.path(), "config/grants.toml", grants.as_bytes());
    set_mode(home.path(), "config", 0o775);
    write(home.path(), "state/state.db", b"this is no database, and long enough to be looked at as one by its first hundred bytes, which are these");
    set_mode(home.path(), "state", 0o755);
    write(home.path(), ".cursor/mcp.json", b"{\"mcpServers\": {\"toolbay\": {\"command\": \"/nowhere/toolbay\", \"args\": [\"serve\"]}}}");
    write(
        home.path(),
        ".codex/config.toml",
        b"[mcp_servers.mine]\ncommand = \"toolbay\"\n",
    );
    write(home.path(), ".gemini/settings.json", b"{ nope }");
    let mut command = toolbay(home.path());
    command
        .env("TOOLBAY_SECRETS", "file")
        .env("TOOLBAY_CACHE_DIR", home.path().join("cache"))
        .env("TOOLBAY_CONFIGDIR", "/x")
        .env("TOOLBAY_LOG", "much=too=much")
        .env("PATH", "/usr/bin:/bin")
        .args(["doctor", "--dir", plugins, "--dir", "nowhere"]);
    let output = run(command);
    insta::with_settings!({filters => filters()}, {
        assert_snapshot!(shown(&output, home.path()), @"
        exit: 1
        --- stdout
        ok       program   toolbay 0.1.0, /opt/toolbay
        ok       variable  TOOLBAY_CACHE_DIR=/home/ada/cache
        warning  variable  TOOLBAY_CONFIGDIR=/x is not read
                           hint: did you mean TOOLBAY_CONFIG_DIR?
        ok       variable  TOOLBAY_CONFIG_DIR=/home/ada/config
        warning  variable  TOOLBAY_LOG=much=too=much is not understood, so it is not used
                           hint: write error, warn, info, debug or trace
        ok       variable  TOOLBAY_SECRETS=file
        ok       variable  TOOLBAY_STATE_DIR=/home/ada/state
        problem  config    /home/ada/config is not yours alone: other users can write to it
                           hint: chmod 700 /home/ada/config
        warning  state     /home/ada/state can be read by other users (mode 755)
                           hint: chmod 700 /home/ada/state
        ok       cache     /home/ada/cache (made when it is needed)
        warning  folder    /home/ada/.local/share/toolbay/plugins is not yours alone: other users can write to it
                           hint: chmod go-w /home/ada/.local/share/toolbay/plugins, or use another folder
        warning  folder    /home/ada/nowhere is not there
                           hint: check the name; `toolbay add FILE --dir /home/ada/nowhere` makes it
        problem  state     /home/ada/state/state.db: the file `state.db` is damaged
                           hint: move state.db, state.db-wal and state.db-shm elsewhere; then an empty state is begun
        warning  plugin    keeper 0.1.0, 1 tool, /home/ada/.local/share/toolbay/plugins/keeper.wasm; waits for you: keeper_count, which was granted for a time that is over
                           hint: toolbay grant keeper --dir '/home/ada/.local/share/toolbay/plugins'
        problem  plugin    /home/ada/.local/share/toolbay/plugins/half.wasm: it ends in the middle: unexpected end-of-file (at byte [place])
                           hint: copy or build it again; copying to another name first and renaming avoids half-written files
        ok       grants    2 grants, no pinned plugins without one, /home/ada/config/grants.toml
        warning  grants    the plugin `gone` is gone from /home/ada/.local/share/toolbay/plugins, and what was granted to it stays
                           hint: toolbay revoke gone --dir '/home/ada/.local/share/toolbay/plugins'
        warning  grants    the time is over for which `keeper` was granted count
                           hint: grant it anew, or: toolbay revoke keeper --dir '/home/ada/.local/share/toolbay/plugins'
        ok       secrets   no secrets; new ones go to /home/ada/config/secrets.toml
        ok       tokens    no tokens for callers over HTTP; /home/ada/config/tokens.toml
        problem  client    Cursor (/home/ada/.cursor/mcp.json) has `toolbay`, which starts /nowhere/toolbay, and there is no such program
                           hint: toolbay client-config cursor --write
        warning  client    Gemini CLI (/home/ada/.gemini/settings.json) cannot be read: line 1 is not what the client can read: expected string for object property
                           hint: correct that line first
        problem  client    Codex (/home/ada/.codex/config.toml) has `mine`, which starts `toolbay`, and there is no such program
                           hint: toolbay client-config codex --name mine --write
        5 problems, 9 warnings
        --- stderr
        ");
    });
}

#[test]
fn the_same_as_json() {
    let home = home();
    let output = doctor(home.path(), &["--json"]);
    let report: Value = serde_json::from_str(&output.stdout).expect("stdout is JSON");
    assert_eq!(report["state"], "warning");
    let checks = report["checks"].as_array().expect("there are checks");
    assert!(
        checks
            .iter()
            .all(|check| check["found"].is_string() && check["area"].is_string())
    );
    assert!(
        checks
            .iter()
            .all(|check| (check["state"] == "ok") != check["hint"].is_string())
    );
}
