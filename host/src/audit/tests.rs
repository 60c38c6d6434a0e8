//! The log: its lines, many writers at once, rotation, and what happens when it cannot be written.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::log_file::LogFile;
use super::*;
use crate::digest::Digest;
use crate::permissions::usage::{Denial, Used};

/// Long enough for any machine, and never waited for where all is well.
const LONG: Duration = Duration::from_secs(60);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn audit(folder: &Path, max_file: u64) -> Audit {
    Audit::in_folder(folder.to_owned(), max_file)
}

fn call(tool: &str) -> Event {
    Event::Called(Box::new(Call {
        principal: "local".into(),
        plugin: "notes".into(),
        digest: Digest::of(b"code"),
        tool: tool.into(),
        error: None,
        duration: Duration::from_micros(1234),
        arguments: None,
        used: Used::default(),
        by: None,
    }))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// All lines that there are, oldest file first.
fn lines(folder: &Path) -> Vec<Value> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with("jsonl"))
        .collect();
    // audit.5.jsonl … audit.1.jsonl, audit.jsonl
    names.sort();
    names.reverse();
    names.sort_by_key(|name| name == FILE);
    let text: String = names
        .iter()
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .collect();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn one_line(event: &Event) -> String {
    let mut lines = Vec::new();
    event.write(
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_539_661_007),
        &mut lines,
    );
    String::from_utf8(lines).unwrap()
}

#[test]
fn a_line_says_what_was_used_and_holds_no_value() {
    let used = Used {
        hosts: vec!["api.example.com:443".into()],
        mounts: vec!["vault".into()],
        secrets: vec!["api-token".into()],
        kv: true,
        denials: vec![Denial {
            what: "POST https://evil.example/ is not among its network permissions".into(),
            remedy: Some("network = [\"POST https://evil.example/\"]".into()),
        }],
        ..Used::default()
    };
    let folder = folder();
    fs::write(folder.path().join("audit.key"), "00".repeat(32)).unwrap();
    let event = Event::Called(Box::new(Call {
        principal: "local".into(),
        plugin: "notes".into(),
        digest: Digest::of(b"code"),
        tool: "publish".into(),
        error: Some("network_error"),
        duration: Duration::from_micros(1_234_567),
        arguments: audit(folder.path(), MAX_FILE).hash(r#"{"text":"private"}"#),
        used,
        by: None,
    }));
    insta::assert_snapshot!(one_line(&event), @r#"{"event":"call","time":"2026-11-24T17:01:01.007Z","principal":"local","plugin":"notes","digest":"5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b","tool":"publish","outcome":"network_error","duration_us":1234567,"arguments_hash":"a0ee57f7df5c9c40bba887f76f98e1d8","hosts":["api.example.com:443"],"mounts":["vault"],"secrets":["api-token"],"kv":true,"denials":["POST https://evil.example/ is not among its network permissions"]}"#);
    insta::assert_snapshot!(one_line(&call("search")), @r#"{"event":"call","time":"2026-11-24T17:01:01.007Z","principal":"local","plugin":"notes","digest":"5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b","tool":"search","outcome":"ok","duration_us":1234}"#);
}

#[test]
fn lines_of_decisions() {
    let granted = Event::Granted {
        plugin: "notes".into(),
        folder: "/home/me/plugins".into(),
        digest: Digest::of(b"code"),
        tools: vec!["search".into()],
        permissions: vec!["mounts vault (read)".into()],
        until: Some(SystemTime::UNIX_EPOCH),
    };
    insta::assert_snapshot!(one_line(&granted), @r#"{"event":"granted","time":"2026-11-24T17:01:01.007Z","plugin":"notes","folder":"/home/me/plugins","digest":"5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b","tools":["search"],"permissions":["mounts vault (read)"],"until":"1970-01-01T00:00:00.000Z"}"#);
    let revoked = Event::Revoked {
        plugin: "notes".into(),
        folder: "/home/me/plugins".into(),
        tools: vec!["search".into()],
    };
    insta::assert_snapshot!(one_line(&revoked), @r#"{"event":"revoked","time":"2026-11-24T17:01:01.007Z","plugin":"notes","folder":"/home/me/plugins","tools":["search"]}"#);
    let set = Event::SecretSet {
        plugin: "notes".into(),
        secret: "api-token".into(),
        kept_in: "file",
    };
    insta::assert_snapshot!(one_line(&set), @r#"{"event":"secret_set","time":"2026-11-24T17:01:01.007Z","plugin":"notes","secret":"api-token","kept_in":"file"}"#);
}

#[test]
fn a_line_stays_one_and_harmless() {
    let line = one_line(&call("a\"\n\u{1b}[2J\u{202e}\u{7f}ž"));
    assert_eq!(line.matches('\n').count(), 1);
    assert!(
        line.contains(r#""tool":"a\"\n\u001b[2J\u202e\u007fž""#),
        "{line}"
    );
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["tool"], "a\"\n\u{1b}[2J\u{202e}\u{7f}ž");
}

#[test]
fn nothing_is_made_before_the_first_event() {
    let folder = folder();
    let state = folder.path().join("state");
    drop(audit(&state, MAX_FILE));
    assert!(!state.exists());
    let audit = audit(&state, MAX_FILE);
    block_on(audit.record(call("search")));
    drop(audit);
    assert_eq!(lines(&state).len(), 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join(FILE))), (0o700, 0o600));
}

#[test]
fn four_hosts_lose_no_line_while_files_are_put_aside() {
    const WRITERS: usize = 4;
    const EACH: usize = 10_000;
    // Some five files for all of the lines, so that none is removed yet.
    const MAX: u64 = 2 << 20;
    let folder = folder();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let folder = folder.path();
            scope.spawn(move || {
                let audit = audit(folder, MAX);
                block_on(async {
                    for number in 0..EACH {
                        audit.record(call(&format!("{writer}:{number}"))).await;
                    }
                });
                assert!(audit.flush(LONG));
            });
        }
    });
    let lines = lines(folder.path());
    assert_eq!(lines.len(), WRITERS * EACH);
    let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
    for line in &lines {
        let (writer, number) = line["tool"].as_str().unwrap().split_once(':').unwrap();
        let numbers = seen.entry(writer.into()).or_default();
        numbers.push(number.parse().unwrap());
    }
    for numbers in seen.values_mut() {
        numbers.sort_unstable();
        assert_eq!(*numbers, (0..EACH).collect::<Vec<_>>());
    }
    for number in 1..=3 {
        let path = folder.path().join(format!("audit.{number}.jsonl"));
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        // Whoever does not get the lock goes on writing to the file that is about to be put aside.
        assert!(metadata.len() <= 2 * MAX, "{}", metadata.len());
    }
}

#[test]
fn five_files_are_kept() {
    let folder = folder();
    let mut file = LogFile::new(folder.path().to_owned(), 4);
    for number in 1..=9 {
        file.append(format!("{number}\n\n\n").as_bytes()).unwrap();
    }
    let content = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(content("audit.jsonl"), "9\n\n\n");
    assert_eq!(content("audit.1.jsonl"), "8\n\n\n");
    assert_eq!(content("audit.5.jsonl"), "4\n\n\n");
    assert!(!folder.path().join("audit.6.jsonl").exists());
}

#[test]
fn a_file_that_was_renamed_or_removed_is_made_anew() {
    let folder = folder();
    let path = folder.path().join(FILE);
    let mut file = LogFile::new(folder.path().to_owned(), MAX_FILE);
    file.append(b"1\n").unwrap();
    fs::rename(&path, folder.path().join("aside")).unwrap();
    file.append(b"2\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    fs::remove_file(&path).unwrap();
    file.append(b"3\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
}

#[test]
fn whoever_holds_the_lock_does_not_hold_up_the_others() {
    let folder = folder();
    let held = crate::lock::Lock::try_take(&folder.path().join("audit.lock")).unwrap();
    let mut file = LogFile::new(folder.path().to_owned(), 2);
    file.append(b"1\n").unwrap();
    file.append(b"2\n").unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join(FILE)).unwrap(),
        "1\n2\n"
    );
    drop(held);
    file.append(b"3\n").unwrap();
    assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "3\n");
}

#[test]
fn what_is_no_file_is_not_written_to() {
    let folder = folder();
    let path = folder.path().join(FILE);
    let mut file = LogFile::new(folder.path().to_owned(), MAX_FILE);
    fs::write(folder.path().join("target"), "").unwrap();
    std::os::unix::fs::symlink("target", &path).unwrap();
    assert!(file.append(b"1\n").is_err());
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert!(file.append(b"1\n").is_err());
    assert_eq!(fs::read(folder.path().join("target")).unwrap(), b"");
}

#[test]
fn calls_go_on_without_the_folder_and_the_gap_is_told() {
    let folder = folder();
    let state = folder.path().join("state");
    fs::write(&state, "a file in its place").unwrap();
    let audit = audit(&state, MAX_FILE);
    block_on(async {
        audit.record(call("first")).await;
        assert!(audit.hash("{}").is_none());
        audit.record(call("second")).await;
    });
    assert!(audit.flush(LONG));
    fs::remove_file(&state).unwrap();
    audit.record_blocking(call("third"));
    assert!(audit.flush(LONG));
    let lines = lines(&state);
    let brief: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["event"].as_str().unwrap(),
                &line["lines"],
                &line["tool"],
            )
        })
        .collect();
    let (two, third) = (Value::from(2), Value::from("third"));
    assert_eq!(
        brief,
        [("lost", &two, &Value::Null), ("call", &Value::Null, &third)]
    );
}

#[test]
fn a_full_queue_is_waited_for() {
    let folder = folder();
    let audit = audit(folder.path(), MAX_FILE);
    let (sender, mut receiver) = channel(1);
    audit.writer.set(Some(sender)).unwrap();
    block_on(async {
        audit.record(call("first")).await;
        let second = audit.record(call("second"));
        tokio::pin!(second);
        let waits = tokio::time::timeout(Duration::ZERO, &mut second).await;
        assert!(waits.is_err());
        assert!(receiver.recv().await.is_some());
        second.await;
        assert!(receiver.recv().await.is_some());
    });
    assert_eq!(audit.lost.load(Ordering::Relaxed), 0);
    drop(receiver);
    audit.record_blocking(call("third"));
    assert_eq!(audit.lost.load(Ordering::Relaxed), 1);
}

#[test]
fn hosts_that_start_at_once_have_one_key() {
    let folder = folder();
    let state = folder.path().join("state");
    let hashes: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| audit(&state, MAX_FILE).hash("{}").unwrap().to_string()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert_eq!(hashes[0].len(), 32);
    let key = fs::metadata(state.join("audit.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert_ne!(
        audit(&state, MAX_FILE).hash("{ }").unwrap().to_string(),
        hashes[0]
    );
    // Another installation has another key, and a damaged one is replaced.
    let other = tempfile::tempdir().unwrap();
    assert_ne!(
        audit(other.path(), MAX_FILE)
            .hash("{}")
            .unwrap()
            .to_string(),
        hashes[0]
    );
    fs::write(state.join("audit.key"), "damaged").unwrap();
    let anew = audit(&state, MAX_FILE).hash("{}").unwrap();
    assert_ne!(anew.to_string(), hashes[0]);
    assert_eq!(audit(&state, MAX_FILE).hash("{}").unwrap(), anew);
}

#[test]
fn the_hash_is_hmac_sha_256() {
    let folder = folder();
    // Test case 2 of RFC 4231, its key padded with the zeros that HMAC would add.
    let key = format!("{}{}", "4a656665", "00".repeat(28));
    fs::write(folder.path().join("audit.key"), key).unwrap();
    let hash = audit(folder.path(), MAX_FILE).hash("what do ya want for nothing?");
    assert_eq!(
        hash.unwrap().to_string(),
        "5bdcc146bf60754e6a042426089575c7"
    );
}
