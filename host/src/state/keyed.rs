//! Calls that have a key, so that a repeated one gives the first one's result instead of running again.
//!
//! A row is there before the guest may do anything, and on the disk: whoever finds it knows that the call was begun. Its owner is the host that runs the call; what became of a call
//! whose owner is gone nobody can know.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::StateError;

/// The call that a key belongs to. The same key of another tool or caller is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyOf {
    pub(crate) scope: String,
    pub(crate) plugin: String,
    pub(crate) tool: String,
    pub(crate) principal: String,
    pub(crate) key: String,
}

/// What a host finds that wants to run a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody has run it; now it is this host's.
    Yours,
    /// This host of the user runs it at the moment.
    Running(String),
    /// It ended well, with this result; nothing where that was too large to keep.
    Done(Option<Vec<u8>>),
    /// It was begun, and nobody knows what became of it.
    Unknown,
    /// The key was used for a call with other arguments.
    OtherArguments,
}

/// A call that was begun and whose end is unknown or not there yet, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyedCall {
    pub(crate) of: KeyOf,
    pub(crate) state: &'static str,
    /// Seconds since 1970.
    pub(crate) begun: i64,
}

pub(super) const TABLE: &str = "
    CREATE TABLE keyed (
        scope TEXT NOT NULL,
        plugin TEXT NOT NULL,
        tool TEXT NOT NULL,
        principal TEXT NOT NULL,
        key TEXT NOT NULL,
        arguments TEXT NOT NULL,
        state INTEGER NOT NULL,
        owner TEXT NOT NULL,
        result BLOB,
        begun INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (scope, plugin, tool, principal, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keyed_expires ON keyed (expires);
";

const RUNNING: i64 = 0;
const DONE: i64 = 1;
const UNKNOWN: i64 = 2;

const WHERE: &str = "scope = ?1 AND plugin = ?2 AND tool = ?3 AND principal = ?4 AND key = ?5";

/// Claims a call for `owner`, or tells what has become of it. `is_gone` says of another owner whether it has ended.
pub(super) fn claim(
    connection: &mut Connection,
    of: &KeyOf,
    arguments: &str,
    owner: &str,
    seconds: u64,
    is_gone: impl Fn(&str) -> bool,
) -> Result<Claim, StateError> {
    in_transaction(connection, true, |transaction| {
        let now = now();
        transaction.execute("DELETE FROM keyed WHERE expires < ?1", params![now])?;
        let found = transaction
            .query_row(
                &format!("SELECT arguments, state, owner, result FROM keyed WHERE {WHERE}"),
                params![of.scope, of.plugin, of.tool, of.principal, of.key],
                |row| {
                    let (arguments, state): (String, i64) = (row.get(0)?, row.get(1)?);
                    let (owner, result): (String, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
                    Ok((arguments, state, owner, result))
                },
            )
            .optional()?;
        let Some((known, state, known_owner, result)) = found else {
            let expires = now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
            transaction.execute(
                "INSERT INTO keyed (scope, plugin, tool, principal, key, arguments, state, owner, begun, expires) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![of.scope, of.plugin, of.tool, of.principal, of.key, arguments, RUNNING, owner, now, expires],
            )?;
            return Ok(Claim::Yours);
        };
        if known != arguments {
            return Ok(Claim::OtherArguments);
        }
        Ok(match state {
            DONE => Claim::Done(result),
            RUNNING if known_owner == owner || !is_gone(&known_owner) => {
                Claim::Running(known_owner)
            }
            _ => Claim::Unknown,
        })
    })
}

/// The call has ended well. A result that is not given is not kept.
pub(super) fn done(
    connection: &mut Connection,
    of: &KeyOf,
    owner: &str,
    result: Option<&[u8]>,
    seconds: u64,
) -> Result<(), StateError> {
    in_transaction(connection, true, |transaction| {
        let expires = now().saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
        transaction.execute(
            &format!("UPDATE keyed SET state = ?6, result = ?7, expires = ?8 WHERE {WHERE} AND owner = ?9"),
            params![of.scope, of.plugin, of.tool, of.principal, of.key, DONE, result, expires, owner],
        )?;
        Ok(())
    })
}

/// The call has ended without having done anything: its key is free again.
pub(super) fn free(connection: &mut Connection, of: &KeyOf, owner: &str) -> Result<(), StateError> {
    in_transaction(connection, false, |transaction| {
        transaction.execute(
            &format!("DELETE FROM keyed WHERE {WHERE} AND owner = ?6 AND state = ?7"),
            params![
                of.scope,
                of.plugin,
                of.tool,
                of.principal,
                of.key,
                owner,
                RUNNING
            ],
        )?;
        Ok(())
    })
}

/// The call was ended in the middle, and may have done something.
pub(super) fn unknown(
    connection: &mut Connection,
    of: &KeyOf,
    owner: &str,
) -> Result<(), StateError> {
    in_transaction(connection, false, |transaction| {
        transaction.execute(
            &format!("UPDATE keyed SET state = ?6 WHERE {WHERE} AND owner = ?7 AND state = ?8"),
            params![
                of.scope,
                of.plugin,
                of.tool,
                of.principal,
                of.key,
                UNKNOWN,
                owner,
                RUNNING
            ],
        )?;
        Ok(())
    })
}

/// All calls that are running or whose end is unknown.
pub(super) fn open_ones(
    connection: &Connection,
    is_gone: impl Fn(&str) -> bool,
) -> Result<Vec<KeyedCall>, StateError> {
    let mut statement = connection.prepare(
        "SELECT scope, plugin, tool, principal, key, state, owner, begun FROM keyed \
         WHERE state <> ?1 AND expires >= ?2 ORDER BY begun",
    )?;
    let rows = statement.query_map(params![DONE, now()], |row| {
        let (state, owner): (i64, String) = (row.get(5)?, row.get(6)?);
        let of = KeyOf {
            scope: row.get(0)?,
            plugin: row.get(1)?,
            tool: row.get(2)?,
            principal: row.get(3)?,
            key: row.get(4)?,
        };
        let runs = state == RUNNING && !is_gone(&owner);
        Ok(KeyedCall {
            of,
            state: if runs { "running" } else { "unknown" },
            begun: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Frees a key whose call's end is unknown, by the tool's and the caller's name. Says how many there were.
pub(super) fn clear(
    connection: &mut Connection,
    plugin: &str,
    tool: &str,
    principal: &str,
    key: &str,
    is_gone: impl Fn(&str) -> bool,
) -> Result<usize, StateError> {
    let open = open_ones(connection, is_gone)?;
    let wanted = open.into_iter().filter(|call| {
        let of = &call.of;
        call.state == "unknown"
            && of.plugin == plugin
            && of.tool == tool
            && of.principal == principal
            && of.key == key
    });
    let wanted: Vec<KeyedCall> = wanted.collect();
    in_transaction(connection, true, |transaction| {
        for KeyedCall { of, .. } in &wanted {
            transaction.execute(
                &format!("DELETE FROM keyed WHERE {WHERE} AND state <> ?6"),
                params![of.scope, of.plugin, of.tool, of.principal, of.key, DONE],
            )?;
        }
        Ok(wanted.len())
    })
}

/// One write. `on_disk` waits until it cannot be lost, not even with the power.
fn in_transaction<T>(
    connection: &mut Connection,
    on_disk: bool,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StateError>,
) -> Result<T, StateError> {
    if on_disk {
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    let written = (|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = work(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    })();
    if on_disk {
        connection.pragma_update(None, "synchronous", "NORMAL")?;
    }
    written
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
