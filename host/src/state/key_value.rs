//! Small values by key, kept apart for each plugin and each caller, within the limits of `wit/kv.wit`.
//!
//! Each write is one transaction that begins by taking the store's only write lock, so that what it read is still so when it writes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{StateError, Store};
use crate::text::bytes;

/// The longest key, in bytes.
const MAX_KEY: usize = 512;

/// The largest value, in bytes.
const MAX_VALUE: usize = 1 << 20;

/// What one space may have: the bytes of its keys and values.
const MAX_SPACE: u64 = 16 << 20;

/// The most keys that are listed at once.
pub(super) const MAX_KEYS: u32 = 1000;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Space {
    /// The plugin's folder, so that plugins of the same name in two folders are two.
    pub(crate) scope: Arc<str>,
    pub(crate) plugin: Arc<str>,
    pub(crate) principal: Arc<str>,
}

/// The key-value state of one space.
#[derive(Debug)]
pub(crate) struct KeyValues<'a> {
    store: &'a Store,
    space: Space,
}

impl<'a> KeyValues<'a> {
    pub(super) fn new(store: &'a Store, space: Space) -> Self {
        Self { store, space }
    }

    /// The value of a key, or nothing.
    pub(crate) async fn get(self, key: String) -> Result<Option<Vec<u8>>, StateError> {
        check_key(&key)?;
        let space = self.space;
        self.store
            .with(move |connection| match number(connection, &space)? {
                Some(number) => value(connection, number, &key),
                None => Ok(None),
            })
            .await
    }

    /// Sets a key, whatever it was.
    pub(crate) async fn set(self, key: String, value: Vec<u8>) -> Result<(), StateError> {
        check_key(&key)?;
        check_value(&value)?;
        self.write(move |transaction, space| put(transaction, space, &key, Some(&value)).map(drop))
            .await
    }

    /// Sets or removes a key only if its value is still the expected one. Says whether it did.
    pub(crate) async fn compare_and_set(
        self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<bool, StateError> {
        check_key(&key)?;
        new.as_deref().map_or(Ok(()), check_value)?;
        self.write(move |transaction, space| {
            let current = match number(transaction, space)? {
                Some(number) => value(transaction, number, &key)?,
                None => None,
            };
            if current != expected {
                return Ok(false);
            }
            put(transaction, space, &key, new.as_deref())?;
            Ok(true)
        })
        .await
    }

    /// Removes a key. Says whether it was there.
    pub(crate) async fn delete(self, key: String) -> Result<bool, StateError> {
        check_key(&key)?;
        self.write(move |transaction, space| put(transaction, space, &key, None))
            .await
    }

    /// The keys that begin with `prefix` and come after `after`, in the order of their bytes: at most `limit`, and never more than [`MAX_KEYS`].
    pub(crate) async fn keys(
        self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<String>, StateError> {
        let space = self.space;
        let limit = limit.min(MAX_KEYS) as usize;
        self.store
            .with(move |connection| match number(connection, &space)? {
                Some(number) => keys(connection, number, &prefix, after.as_deref(), limit),
                None => Ok(Vec::new()),
            })
            .await
    }

    async fn write<T: Send + 'static>(
        self,
        work: impl FnOnce(&Transaction<'_>, &Space) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let space = self.space;
        self.store
            .with(move |connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let outcome = work(&transaction, &space)?;
                transaction.commit()?;
                Ok(outcome)
            })
            .await
    }
}

fn check_key(key: &str) -> Result<(), StateError> {
    let problem = if key.is_empty() {
        "a key has at least 1 byte".to_owned()
    } else if key.len() > MAX_KEY {
        format!(
            "a key has at most {MAX_KEY} bytes, and this one has {}",
            key.len()
        )
    } else if key.chars().any(char::is_control) {
        "a key has no control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(StateError::Invalid(problem))
}

fn check_value(value: &[u8]) -> Result<(), StateError> {
    if value.len() <= MAX_VALUE {
        return Ok(());
    }
    Err(StateError::Invalid(format!(
        "a value has at most {}, and this one has {}",
        bytes(MAX_VALUE as u64),
        bytes(value.len() as u64)
    )))
}

/// How many bytes the spaces of a plugin have.
pub(super) fn kept_by(
    connection: &Connection,
    scope: &str,
    plugin: &str,
) -> Result<u64, StateError> {
    let bytes: i64 = connection.query_row(
        "SELECT coalesce(sum(bytes), 0) FROM space WHERE scope = ?1 AND plugin = ?2",
        params![scope, plugin],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Deletes the spaces of a plugin.
pub(super) fn forget(
    connection: &mut Connection,
    scope: &str,
    plugin: &str,
) -> Result<(), StateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "DELETE FROM entry WHERE space IN (SELECT id FROM space WHERE scope = ?1 AND plugin = ?2)",
        params![scope, plugin],
    )?;
    transaction.execute(
        "DELETE FROM space WHERE scope = ?1 AND plugin = ?2",
        params![scope, plugin],
    )?;
    Ok(transaction.commit()?)
}

/// The number of a space in the store, or nothing where it has never had an entry.
fn number(connection: &Connection, space: &Space) -> Result<Option<i64>, StateError> {
    let found = connection.query_row(
        "SELECT id FROM space WHERE scope = ?1 AND plugin = ?2 AND principal = ?3",
        params![space.scope, space.plugin, space.principal],
        |row| row.get(0),
    );
    Ok(found.optional()?)
}

fn value(connection: &Connection, space: i64, key: &str) -> Result<Option<Vec<u8>>, StateError> {
    let found = connection.query_row(
        "SELECT value FROM entry WHERE space = ?1 AND key = ?2",
        params![space, key],
        |row| row.get(0),
    );
    Ok(found.optional()?)
}

fn keys(
    connection: &Connection,
    space: i64,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StateError> {
    let start = after.map_or(prefix, |after| after.max(prefix));
    // Texts are compared by their bytes. What has the prefix lies together from the start on, and is read only as far as it is wanted.
    let mut statement =
        connection.prepare("SELECT key FROM entry WHERE space = ?1 AND key >= ?2 ORDER BY key")?;
    let mut rows = statement.query(params![space, start])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        if Some(key.as_str()) != after {
            found.push(key);
        }
    }
    Ok(found)
}

/// Sets or removes a key and counts the space's size. Says whether the key was there.
fn put(
    transaction: &Transaction<'_>,
    space: &Space,
    key: &str,
    value: Option<&[u8]>,
) -> Result<bool, StateError> {
    let number = match (number(transaction, space)?, value) {
        (Some(number), _) => number,
        (None, None) => return Ok(false),
        (None, Some(_)) => {
            transaction.execute(
                "INSERT INTO space (scope, plugin, principal) VALUES (?1, ?2, ?3)",
                params![space.scope, space.plugin, space.principal],
            )?;
            transaction.last_insert_rowid()
        }
    };
    let length: Option<i64> = transaction
        .query_row(
            "SELECT length(value) FROM entry WHERE space = ?1 AND key = ?2",
            params![number, key],
            |row| row.get(0),
        )
        .optional()?;
    let entry = |value: i64| value + signed(key.len());
    let before = length.map_or(0, entry);
    let after = value.map_or(0, |value| entry(signed(value.len())));
    match value {
        Some(value) => {
            check_quota(transaction, number, after - before)?;
            transaction.execute(
                "INSERT INTO entry (space, key, value) VALUES (?1, ?2, ?3) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value",
                params![number, key, value],
            )?
        }
        None => transaction.execute(
            "DELETE FROM entry WHERE space = ?1 AND key = ?2",
            params![number, key],
        )?,
    };
    if after != before {
        transaction.execute(
            "UPDATE space SET bytes = bytes + ?2 WHERE id = ?1",
            params![number, after - before],
        )?;
    }
    Ok(length.is_some())
}

/// What makes a space smaller is allowed also where it is too large already.
fn check_quota(connection: &Connection, space: i64, growth: i64) -> Result<(), StateError> {
    if growth <= 0 {
        return Ok(());
    }
    let size: i64 =
        connection.query_row("SELECT bytes FROM space WHERE id = ?1", [space], |row| {
            row.get(0)
        })?;
    let wanted = u64::try_from(size.saturating_add(growth)).unwrap_or_default();
    if wanted > MAX_SPACE {
        return Err(StateError::Quota {
            limit: MAX_SPACE,
            wanted,
        });
    }
    Ok(())
}

/// Lengths here are bounded by the limits of keys and values.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
