//! The store's file: made for its owner alone, opened, brought into the form that this version knows.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StateError, keyed};

/// How long a host waits for others that write.
const PATIENCE: Duration = Duration::from_secs(5);

/// The form of the tables, kept in the file as its `user_version`. A file of a higher one is left alone.
const FORM: i64 = 3;

/// Sizes are counted as entries change, so that a quota costs no reading of all of them. An entry's own table has the short number of its
/// space in its key instead of three long texts.
const TABLES: &str = "
    CREATE TABLE space (
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        plugin TEXT NOT NULL,
        principal TEXT NOT NULL,
        bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (scope, plugin, principal)
    ) STRICT;
    CREATE TABLE entry (
        space INTEGER NOT NULL REFERENCES space (id),
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (space, key)
    ) STRICT;
";

/// What came with form 2.
const SPENT: &str = "
    CREATE TABLE spent (
        nonce BLOB PRIMARY KEY,
        expires INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Tells a file from another that has taken its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

/// Opens the store, making it first where there is none.
pub(super) fn open(path: &Path) -> Result<(Connection, FileId), StateError> {
    make_if_missing(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    let file = FileId::of(path)?;
    connection.busy_timeout(PATIENCE)?;
    write_ahead(&connection)?;
    // A power cut may lose the last writes and damages nothing; each write would wait for the disk otherwise.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Damage is told instead of read on over.
    connection.pragma_update(None, "cell_size_check", "ON")?;
    // What a burst of writes has left is given back.
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    bring_into_form(&mut connection)?;
    Ok((connection, file))
}

/// Makes an empty file under a temporary name and links it into place, so that it is its owner's alone from the start and the one
/// that several hosts make at once is one. It is closed before it gets its name: closing a file drops all locks that the process
/// holds on it, also those of a connection.
fn make_if_missing(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.mode() & 0o077 != 0 => {
            return fs::set_permissions(path, Permissions::from_mode(0o600));
        }
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    crate::files::create_private_folder(folder)?;
    let empty = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(folder)?
        .into_temp_path();
    match empty.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// Readers and one writer at a time do not hold each other up in this mode. It is a property of the file, which one host alone can set.
fn write_ahead(connection: &Connection) -> Result<(), StateError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let set = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match set.map_err(StateError::from) {
            // SQLite does not wait for this lock itself.
            Err(StateError::Busy) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
            // A file system that cannot do it keeps another mode, which is as safe and slower.
            Ok(_) => return Ok(()),
        }
    }
}

fn bring_into_form(connection: &mut Connection) -> Result<(), StateError> {
    if form(connection)? == FORM {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match form(&transaction)? {
        FORM => {}
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(SPENT)?;
            transaction.execute_batch(keyed::TABLE)?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        2 => {
            transaction.execute_batch(keyed::TABLE)?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        1 => {
            transaction.execute_batch(SPENT)?;
            transaction.execute_batch(keyed::TABLE)?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        found => return Err(StateError::Newer { found, known: FORM }),
    }
    Ok(transaction.commit()?)
}

fn form(connection: &Connection) -> Result<i64, StateError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
