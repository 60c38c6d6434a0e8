//! `toolbay secret`: where values come from, where they go, and what is said when they cannot be kept.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::command::{Output, run, run_at_a_prompt, run_with_input, toolbay};
use crate::support::paths;

const VALUE: &str = "tok-1234567890";

fn home() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

/// `toolbay secret`, with secrets in the file and nowhere else.
fn secret(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = toolbay(home.path());
    command.env("TOOLBAY_SECRETS", "file");
    command.arg("secret").args(arguments);
    command
}

/// The same with a keyring where this bus has one.
fn with_bus(home: &TempDir, bus: &Path, arguments: &[&str]) -> Command {
    let mut command = secret(home, arguments);
    command.env_remove("TOOLBAY_SECRETS");
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", bus.display()),
    );
    command
}

fn file(home: &TempDir) -> PathBuf {
    home.path().join("config/secrets.toml")
}

fn assert_transcript(output: &Output, check: impl FnOnce(String)) {
    insta::with_settings!({filters => crate::filters()}, { check(output.transcript()) });
}

#[test]
fn a_value_comes_from_stdin_and_only_names_go_out() {
    let home = home();
    let set = run_with_input(
        secret(&home, &["set", "web", "api-key"]),
        b"tok-1234567890\n",
    );
    assert_transcript(&set, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    --- stderr
    secret `api-key` of plugin `web` is kept in the file [temporary]/config/secrets.toml
    ")
    });
    let written = fs::read_to_string(file(&home)).expect("the file is there");
    assert_snapshot!(written, @r#"
    # The secrets of Toolbay's plugins, written by `toolbay secret set`, which keeps no comments.

    [web]
    api-key = "tok-1234567890"
    "#);
    let mode = fs::metadata(file(&home))
        .expect("the file is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    run_with_input(secret(&home, &["set", "notes", "token"]), b"tok-1234567890");

    let list = run(secret(&home, &["list"]));
    assert_transcript(&list, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    notes  token  in the file
    web  api-key  in the file
    new secrets go to the file [temporary]/config/secrets.toml
    --- stderr
    ")
    });
    let list = run(secret(&home, &["list", "web", "--json"]));
    assert_transcript(&list, |text| {
        assert_snapshot!(text, @r#"
    exit: 0
    --- stdout
    {
      "secrets": [
        {
          "plugin": "web",
          "name": "api-key",
          "kept_in": "file"
        }
      ],
      "new_secrets_go_to": "file",
      "file": "[temporary]/config/secrets.toml"
    }
    --- stderr
    "#)
    });

    let remove = run(secret(&home, &["remove", "web", "api-key"]));
    assert_transcript(&remove, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    --- stderr
    secret `api-key` of plugin `web` is removed
    ")
    });
    let again = run(secret(&home, &["remove", "web", "api-key"]));
    assert_transcript(&again, |text| {
        assert_snapshot!(text, @"
    exit: 1
    --- stdout
    --- stderr
    error: plugin `web` has no secret `api-key`
    hint: `toolbay secret list` shows the ones that there are
    ")
    });

    let log = fs::read_to_string(home.path().join("state/audit.jsonl")).expect("there is a log");
    assert!(!log.contains(VALUE), "{log}");
    insta::with_settings!({filters => crate::filters()}, { assert_snapshot!(log, @r#"
    {"event":"secret_set","time":"[time]","plugin":"web","secret":"api-key","kept_in":"file"}
    {"event":"secret_set","time":"[time]","plugin":"notes","secret":"token","kept_in":"file"}
    {"event":"secret_removed","time":"[time]","plugin":"web","secret":"api-key"}
    "#) });
}

#[test]
fn a_value_is_typed_at_a_prompt_and_not_shown() {
    let home = home();
    let (code, shown) = run_at_a_prompt(secret(&home, &["set", "web", "api-key"]), VALUE);
    let shown = shown
        .replace('\r', "")
        .replace(&home.path().display().to_string(), "[home]");
    assert_snapshot!(shown, @"
    value of secret `api-key` of plugin `web` (it is not shown): 
    secret `api-key` of plugin `web` is kept in the file [home]/config/secrets.toml
    ");
    assert_eq!(code, Some(0));
    let written = fs::read_to_string(file(&home)).expect("the file is there");
    assert!(
        written.contains(&format!("api-key = \"{VALUE}\"")),
        "{written}"
    );
}

#[test]
fn a_value_as_an_argument_is_refused() {
    let home = home();
    let output = run_with_input(
        secret(&home, &["set", "web", "api-key", VALUE]),
        VALUE.as_bytes(),
    );
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @"
    exit: 2
    --- stdout
    --- stderr
    error: a secret is not given as an argument, where other programs and the shell's history see it
    hint: run the command without it and type or paste the secret at the prompt, or pipe it in; a value that was typed here is best replaced
    ")
    });
    for arguments in [
        &["set", "web", "api-key", "--value", VALUE][..],
        &["set", "web"],
        &["set", "web", "api-key", VALUE, "more"],
        &[],
    ] {
        assert_eq!(run(secret(&home, arguments)).code, Some(2), "{arguments:?}");
    }
    assert!(!file(&home).exists());
}

#[test]
fn one_line_break_at_the_end_is_not_part_of_it() {
    let home = home();
    for (input, code) in [
        ("tok-1234567890", 0),
        ("tok-1234567890\n", 0),
        ("tok-1234567890\r\n", 0),
        ("tok-1234567890\n\n", 1),
        ("two\nlines of it", 1),
        ("short", 1),
        ("", 1),
    ] {
        let output = run_with_input(secret(&home, &["set", "web", "api-key"]), input.as_bytes());
        assert_eq!(
            output.code,
            Some(code),
            "{input:?}: {}",
            output.transcript()
        );
        let written = fs::read_to_string(file(&home)).expect("the file is there");
        assert!(
            written.ends_with("\n[web]\napi-key = \"tok-1234567890\"\n"),
            "{written}"
        );
    }
    let long = vec![b'x'; 100_000];
    let output = run_with_input(secret(&home, &["set", "web", "api-key"]), &long);
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @"
    exit: 1
    --- stdout
    --- stderr
    error: the value is longer than 16 KiB, which servers do not take in a header
    hint: give the secret alone: the plugin's manifest says what is put around it
    ")
    });
}

#[test]
fn names_that_no_manifest_can_have_are_refused() {
    let home = home();
    for (plugin, name) in [
        ("Web", "api-key"),
        ("web", "API_KEY"),
        ("toolbay", "api-key"),
    ] {
        let output = run_with_input(secret(&home, &["set", plugin, name]), VALUE.as_bytes());
        assert_eq!(output.code, Some(1), "{}", output.transcript());
    }
    let output = run(secret(&home, &["set", "we\u{1b}[2Jb", "api-key"]));
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @r#"
    exit: 1
    --- stdout
    --- stderr
    error: `we\u{1b}[2Jb` is not a plugin's name
    hint: write the plugin's name as `toolbay list` shows it: lower-case letters, digits and `-`
    "#)
    });
}

#[test]
fn a_file_that_others_can_read_is_not_used() {
    let home = home();
    run_with_input(secret(&home, &["set", "web", "api-key"]), VALUE.as_bytes());
    fs::set_permissions(file(&home), Permissions::from_mode(0o644)).expect("the file is there");
    let output = run(secret(&home, &["list"]));
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @"
    exit: 1
    --- stdout
    --- stderr
    error: [temporary]/config/secrets.toml is not safe: its mode is 644, so other users can read or change it
    hint: run `chmod 600 [temporary]/config/secrets.toml`, and replace the secrets in it if others may have read them
    ")
    });
}

#[test]
fn without_a_session_bus_it_goes_to_the_file_and_says_so() {
    let home = home();
    let nowhere = home.path().join("nowhere");
    let start = Instant::now();
    let set = run_with_input(
        with_bus(&home, &nowhere, &["set", "web", "api-key"]),
        VALUE.as_bytes(),
    );
    let list = run(with_bus(&home, &nowhere, &["list"]));
    let remove = run(with_bus(&home, &nowhere, &["remove", "web", "api-key"]));
    // Three commands, none of which may wait for it.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_transcript(&set, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    --- stderr
    secret `api-key` of plugin `web` is kept in the file [temporary]/config/secrets.toml
    note: not in a keyring, since there is none here: no session bus (entity not found)
    ")
    });
    assert_transcript(&list, |text| {
        assert_snapshot!(text, @"
    exit: 0
    --- stdout
    web  api-key  in the file
    new secrets go to the file [temporary]/config/secrets.toml, since there is no keyring here: no session bus (entity not found)
    --- stderr
    ")
    });
    assert_eq!(remove.code, Some(0), "{}", remove.transcript());
}

#[test]
fn a_keyring_that_was_asked_for_is_not_replaced_by_the_file() {
    let home = home();
    let mut command = with_bus(
        &home,
        &home.path().join("nowhere"),
        &["set", "web", "api-key"],
    );
    command.env("TOOLBAY_SECRETS", "keyring");
    let output = run_with_input(command, VALUE.as_bytes());
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @"
    exit: 1
    --- stdout
    --- stderr
    error: there is no keyring here: no session bus (entity not found)
    hint: start one, or unset TOOLBAY_SECRETS, so that secrets are kept in a file where there is none
    ")
    });
    assert!(!file(&home).exists());
}

#[test]
fn a_bus_that_does_not_answer_is_not_waited_for_long() {
    let home = home();
    let path = home.path().join("bus");
    let _bus = UnixListener::bind(&path).expect("a socket can be made");
    let start = Instant::now();
    let output = run_with_input(
        with_bus(&home, &path, &["set", "web", "api-key"]),
        VALUE.as_bytes(),
    );
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_transcript(&output, |text| {
        assert_snapshot!(text, @"
    exit: 1
    --- stdout
    --- stderr
    error: the keyring did not answer in time
    hint: see whether it waits for an answer somewhere on the desktop, or keep secrets in a file: set TOOLBAY_SECRETS=file where Toolbay is started, and set them there
    ")
    });
    assert!(
        !file(&home).exists(),
        "a keyring in trouble is no reason to write into a file"
    );
}

#[test]
fn another_place_than_there_is_cannot_be_named() {
    let home = home();
    let mut command = secret(&home, &["list"]);
    command.env("TOOLBAY_SECRETS", "vault");
    assert_transcript(&run(command), |text| {
        assert_snapshot!(text, @r#"
        exit: 2
        --- stdout
        --- stderr
        error: TOOLBAY_SECRETS is "vault", which is none of `keyring`, `file` and `either`; or unset it
        "#)
    });
}

/// A session with GNOME's keyring, where the machine has it. What is between its commands is shell.
const SESSION: &str = r#"
    export TOOLBAY_SECRETS=
    printf 'password' | gnome-keyring-daemon --unlock --components=secrets > keyring.log 2>&1
    say() { echo "$ $*"; "$@" 2>&1 < "${INPUT:-/dev/null}"; echo "exit: $?"; }
    printf 'first value' > first; printf 'second value' > second
    INPUT=first; say $TOOLBAY secret set web api-key
    INPUT=second; say $TOOLBAY secret set web api-key
    INPUT=first; say $TOOLBAY secret set notes token
    INPUT=
    say $TOOLBAY secret list
    say $TOOLBAY secret remove web api-key
    say $TOOLBAY secret remove web api-key
    # What is in the file already moves to the keyring when it is set anew.
    INPUT=first; TOOLBAY_SECRETS=file say $TOOLBAY secret set notes other
    INPUT=second; say $TOOLBAY secret set notes other
    INPUT=
    say $TOOLBAY secret list --json
    gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
        --method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" > lock.log 2>&1
    say $TOOLBAY secret list
"#;

#[test]
fn a_real_keyring() {
    let there = |program: &&str| {
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        })
    };
    let needed = ["dbus-run-session", "gnome-keyring-daemon", "gdbus"];
    if !needed.iter().all(there) {
        eprintln!("skipped: {needed:?} are not all there");
        return;
    }
    let home = home();
    let mut command = secret(&home, &[]);
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new("dbus-run-session");
    command
        .env_clear()
        .envs(environment)
        .env("TOOLBAY", paths::host())
        .env("XDG_RUNTIME_DIR", home.path())
        .args(["--", "sh", "-c", SESSION])
        .current_dir(home.path());
    let output = run(command);
    let shown = output
        .stdout
        .replace(&paths::host().display().to_string(), "toolbay");
    insta::with_settings!({filters => crate::filters()}, { assert_snapshot!(shown, @r#"
    $ toolbay secret set web api-key
    secret `api-key` of plugin `web` is kept in the system's keyring
    exit: 0
    $ toolbay secret set web api-key
    secret `api-key` of plugin `web` is kept in the system's keyring
    exit: 0
    $ toolbay secret set notes token
    secret `token` of plugin `notes` is kept in the system's keyring
    exit: 0
    $ toolbay secret list
    notes  token  in the keyring
    web  api-key  in the keyring
    new secrets go to the system's keyring
    exit: 0
    $ toolbay secret remove web api-key
    secret `api-key` of plugin `web` is removed
    exit: 0
    $ toolbay secret remove web api-key
    error: plugin `web` has no secret `api-key`
    hint: `toolbay secret list` shows the ones that there are
    exit: 1
    $ toolbay secret set notes other
    secret `other` of plugin `notes` is kept in the file [temporary]/config/secrets.toml
    exit: 0
    $ toolbay secret set notes other
    secret `other` of plugin `notes` is kept in the system's keyring
    exit: 0
    $ toolbay secret list --json
    {
      "secrets": [
        {
          "plugin": "notes",
          "name": "other",
          "kept_in": "keyring"
        },
        {
          "plugin": "notes",
          "name": "token",
          "kept_in": "keyring"
        }
      ],
      "new_secrets_go_to": "keyring",
      "file": "[temporary]/config/secrets.toml"
    }
    exit: 0
    $ toolbay secret list
    error: the keyring is locked
    hint: unlock it by logging in to the desktop or in its own program, or keep secrets in a file: set TOOLBAY_SECRETS=file where Toolbay is started, and set them there
    exit: 1
    "#) });
}
