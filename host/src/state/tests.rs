//! The store: limits, many writers at once, and what becomes of a file that cannot be used.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::key_value::MAX_KEYS;
use super::*;

struct Fixture {
    folder: TempDir,
    store: Store,
    runtime: Runtime,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Store::new(&folder.path().join("state")),
            folder,
            runtime: runtime(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("state").join(FILE)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let kv = self.store.key_values(space("a"));
        self.runtime.block_on(kv.get(key.into()))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StateError> {
        let kv = self.store.key_values(space("a"));
        self.runtime.block_on(kv.set(key.into(), value.into()))
    }

    fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        let kv = self.store.key_values(space("a"));
        self.runtime
            .block_on(kv.keys(prefix.into(), after.map(str::to_owned), limit))
            .unwrap()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn space(principal: &str) -> Space {
    Space {
        scope: "/plugins".into(),
        plugin: "notes".into(),
        principal: principal.into(),
    }
}

#[test]
fn nothing_is_made_before_the_first_use() {
    let fixture = Fixture::new();
    assert!(!fixture.file().exists());
    assert_eq!(fixture.get("key").unwrap(), None);
    for (path, mode) in [
        (fixture.file(), 0o600),
        (fixture.folder.path().join("state"), 0o700),
    ] {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{path:?}");
    }
    // What SQLite puts beside it is for the same eyes.
    fixture.set("key", b"value").unwrap();
    let log = fixture.file().with_extension("db-wal");
    assert_eq!(
        fs::metadata(log).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_file_that_others_can_read_is_closed_to_them() {
    let fixture = Fixture::new();
    fixture.set("key", b"value").unwrap();
    fs::set_permissions(fixture.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let again = Store::new(&fixture.folder.path().join("state"));
    let value = fixture
        .runtime
        .block_on(again.key_values(space("a")).get("key".into()));
    assert_eq!(value.unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(
        fs::metadata(fixture.file()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn plugins_folders_and_callers_are_kept_apart() {
    let fixture = Fixture::new();
    let spaces = [
        space("a"),
        space("b"),
        Space {
            plugin: "web".into(),
            ..space("a")
        },
        Space {
            scope: "/other".into(),
            ..space("a")
        },
    ];
    for (number, space) in spaces.iter().enumerate() {
        let kv = fixture.store.key_values(space.clone());
        fixture
            .runtime
            .block_on(kv.set("key".into(), vec![number as u8]))
            .unwrap();
    }
    for (number, space) in spaces.iter().enumerate() {
        let kv = fixture.store.key_values(space.clone());
        let value = fixture.runtime.block_on(kv.get("key".into())).unwrap();
        assert_eq!(value, Some(vec![number as u8]));
    }
}

#[test]
fn keys_and_values_have_limits() {
    let fixture = Fixture::new();
    let refusal = |key: &str, value: &[u8]| match fixture.set(key, value) {
        Err(StateError::Invalid(why)) => why,
        outcome => panic!("{key:?}: {outcome:?}"),
    };
    assert_eq!(refusal("", b""), "a key has at least 1 byte");
    assert_eq!(
        refusal(&"é".repeat(257), b""),
        "a key has at most 512 bytes, and this one has 514"
    );
    assert_eq!(refusal("a\0b", b""), "a key has no control characters");
    assert_eq!(refusal("a\u{85}b", b""), "a key has no control characters");
    assert_eq!(
        refusal("a", &[0; (1 << 20) + 1]),
        "a value has at most 1 MiB, and this one has 1.0 MiB"
    );
    fixture.set(&"é".repeat(256), &[7; 1 << 20]).unwrap();
    assert_eq!(
        fixture.get(&"é".repeat(256)).unwrap(),
        Some(vec![7; 1 << 20])
    );
    assert!(matches!(fixture.get(""), Err(StateError::Invalid(_))));
}

#[test]
fn the_quota_counts_what_is_there() {
    const MIB: usize = 1 << 20;
    let fixture = Fixture::new();
    for key in [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o",
    ] {
        fixture.set(key, &[0; MIB]).unwrap();
    }
    // Fifteen keys of one byte stand beside their values, and so does this one.
    fixture.set("p", &vec![0; MIB - 16]).unwrap();
    let over = fixture.set("p", &vec![0; MIB - 15]).unwrap_err();
    assert_eq!(
        over.to_string(),
        "the state of one plugin and caller may have 16 MiB and would have 16.0 MiB; hint: delete keys first"
    );
    assert!(matches!(
        fixture.set("q", b""),
        Err(StateError::Quota { .. })
    ));
    // Nothing of a refused write is there, and another caller has a quota of their own.
    assert_eq!(fixture.get("q").unwrap(), None);
    let other = fixture.store.key_values(space("b"));
    fixture
        .runtime
        .block_on(other.set("q".into(), vec![0]))
        .unwrap();
    let same = fixture.store.key_values(space("a"));
    assert!(fixture.runtime.block_on(same.delete("a".into())).unwrap());
    fixture.set("q", &[0; MIB]).unwrap();
}

#[test]
fn keys_are_listed_in_pages() {
    let fixture = Fixture::new();
    let mut transaction = Vec::new();
    for number in 0..1200 {
        transaction.push(format!("n/{number:04}"));
    }
    for key in ["a", "n", "n/", "n0", "ž"]
        .iter()
        .map(ToString::to_string)
        .chain(transaction.clone())
    {
        fixture.set(&key, b"").unwrap();
    }
    let first = fixture.keys("n/", None, u32::MAX);
    assert_eq!(first.len(), MAX_KEYS as usize);
    assert_eq!((first[0].as_str(), first[1].as_str()), ("n/", "n/0000"));
    let rest = fixture.keys("n/", Some(first.last().unwrap()), u32::MAX);
    assert_eq!(first.len() + rest.len(), 1201);
    assert_eq!(rest.last().unwrap(), "n/1199");
    assert_eq!(fixture.keys("", Some("n0"), 10), ["ž"]);
    assert_eq!(fixture.keys("n0", Some("a"), 10), ["n0"]);
    assert!(fixture.keys("n/", Some("z"), 10).is_empty());
    assert!(fixture.keys("", None, 0).is_empty());
    assert!(fixture.keys("\0", None, 10).is_empty());
}

#[test]
fn counting_by_compare_and_set_loses_nothing() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 250;
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                // A connection of its own, as another process has.
                let store = Store::new(folder.path());
                runtime().block_on(async {
                    for _ in 0..EACH {
                        while !increment(&store).await {}
                    }
                });
            });
        }
    });
    let store = Store::new(folder.path());
    let value = runtime().block_on(store.key_values(space("a")).get("count".into()));
    assert_eq!(number(value.unwrap().as_deref()), WRITERS * EACH);
}

async fn increment(store: &Store) -> bool {
    let kv = || store.key_values(space("a"));
    let before = kv().get("count".into()).await.unwrap();
    let after = number(before.as_deref()) + 1;
    kv().compare_and_set("count".into(), before, Some(after.to_string().into()))
        .await
        .unwrap()
}

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| {
        std::str::from_utf8(value).unwrap().parse().unwrap()
    })
}

#[test]
fn a_write_is_finished_also_when_its_caller_is_gone() {
    let fixture = Fixture::new();
    fixture.runtime.block_on(async {
        let kv = fixture.store.key_values(space("a"));
        let mut write = Box::pin(kv.set("key".into(), b"value".to_vec()));
        // The first poll hands the work over; then nobody waits for it any more.
        let _ = futures::poll!(&mut write);
    });
    assert_eq!(fixture.get("key").unwrap().as_deref(), Some(&b"value"[..]));
}

#[test]
fn a_damaged_file_is_told_and_left_alone() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.folder.path().join("state")).unwrap();
    let junk =
        b"nothing that SQLite has written, and more than a header's length of it: ".repeat(3);
    fs::write(fixture.file(), &junk).unwrap();
    let error = fixture.set("key", b"value").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file `state.db` is damaged; hint: the user can move state.db, state.db-wal and state.db-shm out of Toolbay's state folder, whose path is in its log; then an empty state is begun"
    );
    assert_eq!(fs::read(fixture.file()).unwrap(), junk);
    // What the hint says works without a restart.
    fs::rename(fixture.file(), fixture.folder.path().join("aside")).unwrap();
    fixture.set("key", b"value").unwrap();
    assert_eq!(fixture.get("key").unwrap().as_deref(), Some(&b"value"[..]));
}

#[test]
fn damage_inside_is_told() {
    let fixture = Fixture::new();
    for number in 0..64 {
        fixture.set(&format!("key{number}"), &[1; 9000]).unwrap();
    }
    let Fixture {
        folder,
        store,
        runtime,
    } = fixture;
    drop(store);
    let path = folder.path().join("state").join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    assert!(
        bytes.len() > 64 * 9000,
        "the last connection has moved everything here"
    );
    for page in bytes.chunks_mut(4096).skip(1) {
        page[..64].fill(0xff);
    }
    fs::write(&path, bytes).unwrap();
    let store = Store::new(&folder.path().join("state"));
    let outcome = runtime.block_on(store.key_values(space("a")).get("key1".into()));
    assert!(
        matches!(outcome, Err(StateError::Damaged(_))),
        "{outcome:?}"
    );
}

#[test]
fn a_newer_form_is_left_alone() {
    let fixture = Fixture::new();
    fixture.set("key", b"value").unwrap();
    let newer = Connection::open(fixture.file()).unwrap();
    newer.pragma_update(None, "user_version", 4).unwrap();
    let store = Store::new(&fixture.folder.path().join("state"));
    let outcome = fixture
        .runtime
        .block_on(store.key_values(space("a")).get("key".into()));
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "the state was written by a newer Toolbay (form 4, and this one knows up to 3); hint: update this Toolbay, which the user can do"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let store = Store::new(&folder.path().join("file/state"));
    let outcome = runtime().block_on(store.key_values(space("a")).get("key".into()));
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "the state cannot be used: not a directory; hint: Toolbay's log says where it is and why"
    );
}

#[derive(Debug, Clone)]
enum Operation {
    Get(String),
    Set(String, Vec<u8>),
    CompareAndSet(String, Option<Vec<u8>>, Option<Vec<u8>>),
    Delete(String),
    Keys(String, Option<String>, u32),
}

/// Few keys, so that operations meet; some of their bytes above ASCII.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab/é]{1,3}",
        Just("a".to_owned()),
        Just("\u{10ffff}".to_owned())
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(0..3u8, 0..3)
}

fn operation() -> impl Strategy<Value = Operation> {
    let maybe = || proptest::option::of(value());
    prop_oneof![
        key().prop_map(Operation::Get),
        (key(), value()).prop_map(|(key, value)| Operation::Set(key, value)),
        (key(), maybe(), maybe())
            .prop_map(|(key, expected, new)| Operation::CompareAndSet(key, expected, new)),
        key().prop_map(Operation::Delete),
        ("[ab/é]{0,2}", proptest::option::of(key()), 0..6u32)
            .prop_map(|(prefix, after, limit)| Operation::Keys(prefix, after, limit)),
    ]
}

/// Does the same to the model and gives what the store has to give.
fn expected(model: &mut BTreeMap<String, Vec<u8>>, operation: &Operation) -> String {
    match operation.clone() {
        Operation::Get(key) => format!("{:?}", model.get(&key)),
        Operation::Set(key, value) => {
            model.insert(key, value);
            "()".into()
        }
        Operation::CompareAndSet(key, expected, new) => {
            let matches = model.get(&key) == expected.as_ref();
            match new {
                Some(new) if matches => drop(model.insert(key, new)),
                None if matches => drop(model.remove(&key)),
                _ => {}
            }
            format!("{matches:?}")
        }
        Operation::Delete(key) => format!("{:?}", model.remove(&key).is_some()),
        Operation::Keys(prefix, after, limit) => {
            let keys: Vec<&String> = model
                .keys()
                .filter(|key| {
                    key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after)
                })
                .take(limit as usize)
                .collect();
            format!("{keys:?}")
        }
    }
}

async fn given(kv: KeyValues<'_>, operation: Operation) -> String {
    match operation {
        Operation::Get(key) => format!("{:?}", kv.get(key).await.unwrap()),
        Operation::Set(key, value) => format!("{:?}", kv.set(key, value).await.unwrap()),
        Operation::CompareAndSet(key, expected, new) => {
            format!(
                "{:?}",
                kv.compare_and_set(key, expected, new).await.unwrap()
            )
        }
        Operation::Delete(key) => format!("{:?}", kv.delete(key).await.unwrap()),
        Operation::Keys(prefix, after, limit) => {
            format!("{:?}", kv.keys(prefix, after, limit).await.unwrap())
        }
    }
}

#[test]
fn behaves_like_a_map() {
    let fixture = Fixture::new();
    let cases = AtomicUsize::new(0);
    proptest!(ProptestConfig::with_cases(64), |(operations in vec(operation(), 1..40))| {
        let space = space(&cases.fetch_add(1, Ordering::Relaxed).to_string());
        let mut model = BTreeMap::new();
        for operation in operations {
            let wanted = expected(&mut model, &operation);
            let kv = fixture.store.key_values(space.clone());
            let got = fixture.runtime.block_on(given(kv, operation.clone()));
            prop_assert_eq!(got, wanted, "{:?}", operation);
        }
        // The running total is what is there.
        let size: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
        let counted = Connection::open(fixture.file()).unwrap().query_row(
            "SELECT coalesce(sum(bytes), 0) FROM space WHERE principal = ?1",
            [&*space.principal],
            |row| row.get::<_, i64>(0),
        );
        prop_assert_eq!(counted.unwrap(), size as i64);
    });
}
