//! Secrets in the file: who may read it, what is kept, what is never said. The keyring has its tests where a whole session can be started.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn fixture() -> (TempDir, Secrets) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets {
        kept_in: SecretsIn::File,
        file: SecretFile::new(&folder.path().join("config")),
    };
    (folder, secrets)
}

fn get(secrets: &Secrets, plugin: &str, name: &str) -> Option<String> {
    let value = secrets.get(plugin, name).unwrap();
    value.map(|value| value.to_string())
}

/// The sentence and its hint, with the place of the file left out.
fn words(folder: &TempDir, error: &SecretError) -> String {
    format!("{error}\nhint: {}", error.hint())
        .replace(&folder.path().display().to_string(), "[temporary]")
}

/// A file with this text, as somebody might have written it.
fn written(text: &str) -> (TempDir, Secrets) {
    let (folder, secrets) = fixture();
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(secrets.file(), text).unwrap();
    fs::set_permissions(secrets.file(), Permissions::from_mode(0o600)).unwrap();
    (folder, secrets)
}

#[test]
fn what_is_set_is_there_until_it_is_removed() {
    let (folder, secrets) = fixture();
    assert_eq!(get(&secrets, "web", "api-key"), None);
    assert!(!secrets.remove("web", "api-key").unwrap());
    assert!(
        !folder.path().join("config").exists(),
        "looking makes nothing"
    );

    let tricky = r#"a"b\c = 'd' # [e] é"#.replace('é', "e");
    for (plugin, name, value) in [
        ("web", "api-key", "first value"),
        ("web", "other_1", &tricky),
        ("notes", "api-key", "third value"),
        ("web", "api-key", "replaced"),
    ] {
        let kept = secrets.set(plugin, name, value).unwrap();
        assert_eq!(kept.place, Place::File);
    }
    assert_eq!(get(&secrets, "web", "api-key").as_deref(), Some("replaced"));
    assert_eq!(get(&secrets, "web", "other_1"), Some(tricky));
    assert_eq!(
        get(&secrets, "notes", "api-key").as_deref(),
        Some("third value")
    );
    assert_eq!(get(&secrets, "notes", "other_1"), None);

    assert!(secrets.remove("web", "api-key").unwrap());
    assert!(!secrets.remove("web", "api-key").unwrap());
    let listing = secrets.list().unwrap();
    assert_eq!(
        (listing.place, listing.keyring_error),
        (Some(Place::File), None)
    );
    let names: Vec<_> = listing
        .secrets
        .iter()
        .map(|secret| (secret.plugin.as_str(), secret.name.as_str()))
        .collect();
    assert_eq!(names, [("notes", "api-key"), ("web", "other_1")]);
    for (path, mode) in [
        (secrets.file().to_owned(), 0o600),
        (folder.path().join("config"), 0o700),
    ] {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            mode,
            "{path:?}"
        );
    }
}

#[test]
fn many_at_once_lose_nothing() {
    let (folder, _) = fixture();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let settings = folder.path().join("config");
            scope.spawn(move || {
                let secrets = Secrets {
                    kept_in: SecretsIn::File,
                    file: SecretFile::new(&settings),
                };
                for turn in 0..5 {
                    secrets
                        .set("web", &format!("key{number}-{turn}"), "the value")
                        .unwrap();
                }
            });
        }
    });
    let file = SecretFile::new(&folder.path().join("config"));
    assert_eq!(file.list().unwrap().len(), 40);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let (folder, secrets) = written("[web]\napi-key = \"the value\"\n");
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(secrets.file(), Permissions::from_mode(mode)).unwrap();
        let error = secrets.get("web", "api-key").unwrap_err();
        assert_eq!(
            words(&folder, &error),
            format!(
                "[temporary]/config/secrets.toml is not safe: its mode is {mode:03o}, so other users can read or change it\nhint: run `chmod 600 [temporary]/config/secrets.toml`, and replace the secrets in it if others may have read them"
            )
        );
        assert!(secrets.set("web", "api-key", "another value").is_err());
        assert!(secrets.remove("web", "api-key").is_err());
        assert!(secrets.list().is_err());
    }
    fs::set_permissions(secrets.file(), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(
        get(&secrets, "web", "api-key").as_deref(),
        Some("the value")
    );
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (folder, secrets) = written("[web]\napi-key = \"the value\"\n");
    // Only root can give a file away; for others there is nothing to see here.
    if std::os::unix::fs::chown(secrets.file(), Some(12345), None).is_err() {
        return;
    }
    assert_eq!(
        words(&folder, &secrets.get("web", "api-key").unwrap_err()),
        "[temporary]/config/secrets.toml is not safe: it belongs to another user\nhint: run `sudo chown \"$USER\" [temporary]/config/secrets.toml` if you trust what is in it, else remove it"
    );
}

#[test]
fn a_damaged_file_is_told_without_what_is_in_it() {
    for text in [
        "[web]\nfine = \"the value\"\napi-key = hunter2hunter2\n",
        "[web]\nfine = \"the value\"\napi-key = [\"hunter2hunter2\"]\n",
        "[web]\nfine = \"the value\"\napi-key = \"hunter2hunter2\n",
        "[web]\nfine = \"the value\"\nfine = \"hunter2hunter2\"\n",
    ] {
        let (folder, secrets) = written(text);
        let error = secrets.get("web", "fine").unwrap_err();
        assert_eq!(
            words(&folder, &error),
            "line 3 of [temporary]/config/secrets.toml is not understood\nhint: correct that line; every secret is a line `name = \"value\"` below a line `[plugin]`"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
        assert!(secrets.set("web", "other", "the value").is_err());
        assert_eq!(fs::read_to_string(secrets.file()).unwrap(), text);
    }
}

#[test]
fn values_that_cannot_stand_in_a_header_are_refused() {
    let (_folder, secrets) = fixture();
    for (value, expected) in [
        (
            "short",
            "the value has fewer than 8 bytes, too few to be found again where it has to be hidden",
        ),
        (
            "two lines\nof it",
            "the value has line breaks or other control characters, which cannot stand in a header",
        ),
        (
            "a\ttab in it",
            "the value has line breaks or other control characters, which cannot stand in a header",
        ),
        (
            "delete\u{7f}it",
            "the value has line breaks or other control characters, which cannot stand in a header",
        ),
        (
            "žluťoučký kůň",
            "the value has characters beyond ASCII, which cannot stand in a header",
        ),
        (
            "a space at its end ",
            "the value begins or ends with a space",
        ),
        (
            &"x".repeat((16 << 10) + 1),
            "the value is longer than 16 KiB, which servers do not take in a header",
        ),
    ] {
        let error = secrets.set("web", "api-key", value).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    for value in ["8 bytes.", &"x".repeat(16 << 10)] {
        secrets.set("web", "api-key", value).unwrap();
    }
}

#[test]
fn a_value_that_was_written_by_hand_is_checked_too() {
    let (_folder, secrets) = written("[web]\napi-key = \"evil\\r\\nX-Header: 1\"\n");
    let error = secrets.get("web", "api-key").unwrap_err();
    assert_eq!(
        format!("{error}\nhint: {}", error.hint()),
        "the value that the file has for secret `api-key` of plugin `web` cannot be used\nhint: set it anew with `toolbay secret set web api-key`"
    );
}

#[test]
fn names_are_checked() {
    let (_folder, secrets) = fixture();
    for plugin in ["", "Web", "toolbay", "a/b", "web\n"] {
        assert!(
            matches!(secrets.get(plugin, "api-key"), Err(SecretError::Plugin(_))),
            "{plugin:?}"
        );
    }
    for name in ["", "Key", "1key", "a.b", "a\u{1b}", &"x".repeat(65)] {
        assert!(
            matches!(secrets.get("web", name), Err(SecretError::Name(_))),
            "{name:?}"
        );
    }
}

#[test]
fn values_stay_out_of_debug_output() {
    let (_folder, secrets) = fixture();
    secrets.set("web", "api-key", "hunter2hunter2").unwrap();
    let listing = secrets.list().unwrap();
    assert!(!format!("{secrets:?} {listing:?}").contains("hunter2"));
}

#[test]
fn paths_are_given_as_a_shell_takes_them() {
    assert_eq!(shell_word(Path::new("/a/b-c_1.toml")), "/a/b-c_1.toml");
    assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
}
