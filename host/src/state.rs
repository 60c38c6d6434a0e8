//! The small durable store that all hosts of a user share: one SQLite file, opened at first use and by nobody who does not need it.
//!
//! It owns the file, its form, and what may be said when it cannot be used; what is kept in it lives in the modules below. It knows
//! nothing of guests, permissions or MCP. Its sentences reach plugins and models, so they name no path: those are in the log.

mod file;
mod key_value;
mod keyed;
mod spent;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tokio::sync::Mutex;

use self::file::FileId;
pub(crate) use self::key_value::{KeyValues, Space};
pub(crate) use self::keyed::{Claim, KeyOf, KeyedCall};
use crate::text::bytes;

/// The store's name in the state folder.
const FILE: &str = "state.db";

/// A handle on the store. Clones share one connection, whose users take turns.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: Arc<Path>,
    open: Arc<Mutex<Option<Open>>>,
    /// Whether the log has been told of the trouble that there is.
    complained: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    file: FileId,
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// A key or a value is not one that can be kept.
    #[error("{0}")]
    Invalid(String),
    #[error(
        "the state of one plugin and caller may have {} and would have {}; hint: delete keys first",
        bytes(*.limit),
        bytes(*.wanted)
    )]
    Quota { limit: u64, wanted: u64 },
    #[error(
        "the state was written by a newer Toolbay (form {found}, and this one knows up to {known}); hint: update this Toolbay, which the user can do"
    )]
    Newer { found: i64, known: i64 },
    #[error(
        "the file `{FILE}` is damaged; hint: the user can move {FILE}, {FILE}-wal and {FILE}-shm out of Toolbay's state folder, whose path is in its log; then an empty state is begun"
    )]
    Damaged(#[source] rusqlite::Error),
    #[error("the state is in use by other hosts and did not become free in time; hint: try again")]
    Busy,
    #[error("the state cannot be used: {what}; hint: Toolbay's log says where it is and why")]
    Unusable {
        /// Without a path.
        what: String,
        /// As the system told it, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Store {
    /// The store in this folder. Nothing is opened or made yet.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE).into(),
            open: Arc::default(),
            complained: Arc::default(),
        }
    }

    /// The key-value state of one plugin and caller.
    pub(crate) fn key_values(&self, space: Space) -> KeyValues<'_> {
        KeyValues::new(self, space)
    }

    /// The store's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes a plugin of a folder keeps, for all callers together. Makes no store where there is none.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn kept_by(&self, scope: &str, plugin: &str) -> Result<u64, StateError> {
        if !self.path.exists() {
            return Ok(0);
        }
        let (scope, plugin) = (scope.to_owned(), plugin.to_owned());
        self.with(move |connection| key_value::kept_by(connection, &scope, &plugin))
            .await
    }

    /// Deletes what a plugin of a folder keeps.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn forget(&self, scope: &str, plugin: &str) -> Result<(), StateError> {
        if !self.path.exists() {
            return Ok(());
        }
        let (scope, plugin) = (scope.to_owned(), plugin.to_owned());
        self.with(move |connection| key_value::forget(connection, &scope, &plugin))
            .await
    }

    /// Puts on record that something that is good once was used, until it expires (seconds since 1970). Says whether it was the first time.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used: nobody knows then.
    pub(crate) async fn spend(&self, nonce: [u8; 16], expires: u64) -> Result<bool, StateError> {
        self.with(move |connection| spent::spend(connection, nonce, expires))
            .await
    }

    /// Claims a call with a key for a host, for so many seconds, or tells what has become of it. `is_gone` says of another host whether it has ended.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used: nobody knows then, and nothing may be begun.
    pub(crate) async fn claim(
        &self,
        of: KeyOf,
        arguments: String,
        owner: String,
        seconds: u64,
        is_gone: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<Claim, StateError> {
        self.with(move |connection| {
            keyed::claim(connection, &of, &arguments, &owner, seconds, is_gone)
        })
        .await
    }

    /// Puts a claimed call's result on record, for so many seconds.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn keyed_done(
        &self,
        of: KeyOf,
        owner: String,
        result: Option<Vec<u8>>,
        seconds: u64,
    ) -> Result<(), StateError> {
        self.with(move |connection| {
            keyed::done(connection, &of, &owner, result.as_deref(), seconds)
        })
        .await
    }

    /// Frees the key of a claimed call that has done nothing.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn keyed_free(&self, of: KeyOf, owner: String) -> Result<(), StateError> {
        self.with(move |connection| keyed::free(connection, &of, &owner))
            .await
    }

    /// Puts on record that nobody knows what became of a claimed call.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn keyed_unknown(&self, of: KeyOf, owner: String) -> Result<(), StateError> {
        self.with(move |connection| keyed::unknown(connection, &of, &owner))
            .await
    }

    /// The calls with keys that run, or whose end is unknown.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn keyed_open(
        &self,
        is_gone: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<Vec<KeyedCall>, StateError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        self.with(move |connection| keyed::open_ones(connection, is_gone))
            .await
    }

    /// Frees the key of a call whose end is unknown. Says how many such calls there were.
    ///
    /// # Errors
    ///
    /// Where the store cannot be used.
    pub(crate) async fn keyed_clear(
        &self,
        of: KeyOf,
        is_gone: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<usize, StateError> {
        if !self.path.exists() {
            return Ok(0);
        }
        self.with(move |connection| {
            keyed::clear(
                connection,
                &of.plugin,
                &of.tool,
                &of.principal,
                &of.key,
                is_gone,
            )
        })
        .await
    }

    /// Runs `work` with the connection where it may block. What was begun is finished, also when the caller stops waiting for it.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        // Whoever waits for their turn waits here, where that costs no thread.
        let mut open = self.open.clone().lock_owned().await;
        let path = PathBuf::from(&*self.path);
        let task = tokio::task::spawn_blocking(move || {
            // A file that was moved away or removed is no longer the store: what is written to it would be lost.
            let current = open
                .take()
                .filter(|open| FileId::of(&path).is_ok_and(|file| file == open.file));
            let mut connected = match current {
                Some(connected) => connected,
                None => {
                    let (connection, file) = file::open(&path)?;
                    Open { connection, file }
                }
            };
            let outcome = work(&mut connected.connection);
            // After these the file is looked at anew.
            if !matches!(
                outcome,
                Err(StateError::Damaged(_) | StateError::Unusable { .. })
            ) {
                *open = Some(connected);
            }
            outcome
        });
        let outcome = task
            .await
            .unwrap_or_else(|error| Err(StateError::unusable("the host failed", error)));
        self.complain(outcome.as_ref().err());
        outcome
    }

    /// Tells the log of trouble with the file once, not at each of a guest's attempts.
    fn complain(&self, error: Option<&StateError>) {
        let troubled = matches!(
            error,
            Some(StateError::Newer { .. } | StateError::Damaged(_) | StateError::Unusable { .. })
        );
        let before = self.complained.swap(troubled, Ordering::Relaxed);
        if let Some(error) = error
            && troubled
            && !before
        {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(path = %self.path.display(), cause, "plugins cannot use their key-value state: {error}");
        }
    }
}

impl StateError {
    fn unusable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unusable {
            what: what.into(),
            source: source.into(),
        }
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::unusable("the disk is full", error),
            // The error's own text may hold the file's path.
            Some(code) => Self::unusable(format!("SQLite says {code:?}"), error),
            None => Self::unusable("SQLite failed", error),
        }
    }
}

impl From<std::io::Error> for StateError {
    fn from(error: std::io::Error) -> Self {
        Self::unusable(error.kind().to_string(), error)
    }
}

#[cfg(test)]
mod tests;
