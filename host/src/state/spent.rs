//! What is good once and was used, until it would have expired anyway.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior, params};

use super::StateError;

/// Says whether it was the first time.
pub(super) fn spend(
    connection: &mut Connection,
    nonce: [u8; 16],
    expires: u64,
) -> Result<bool, StateError> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "DELETE FROM spent WHERE expires < ?1",
        params![seconds(now)],
    )?;
    let added = transaction.execute(
        "INSERT OR IGNORE INTO spent (nonce, expires) VALUES (?1, ?2)",
        params![nonce.as_slice(), seconds(expires)],
    )?;
    transaction.commit()?;
    Ok(added == 1)
}
