//! Outside the sandbox the state is a map in memory, one for each thread, with the limits that the interface names.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::__private::bindings::toolbay::plugin::kv::KvError;

const MAX_KEY_BYTES: usize = 512;
const MAX_VALUE_BYTES: usize = 1 << 20;
const MAX_BYTES: usize = 16 << 20;
const MAX_KEYS_AT_ONCE: u32 = 1000;

thread_local! {
    static STATE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
}

pub(super) fn get(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    check_key(key)?;
    Ok(STATE.with_borrow(|state| state.get(key).cloned()))
}

pub(super) fn set(key: &str, value: &[u8]) -> Result<(), KvError> {
    check_key(key)?;
    if value.len() > MAX_VALUE_BYTES {
        return Err(KvError::Invalid(format!(
            "the value of `{key}` is larger than 1 MiB"
        )));
    }
    STATE.with_borrow_mut(|state| {
        let others: usize = state
            .iter()
            .filter(|(other, _)| *other != key)
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if others + key.len() + value.len() > MAX_BYTES {
            return Err(KvError::QuotaExceeded(
                "the plugin's state would be larger than 16 MiB".to_owned(),
            ));
        }
        state.insert(key.to_owned(), value.to_vec());
        Ok(())
    })
}

pub(super) fn compare_and_set(
    key: &str,
    expected: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Result<bool, KvError> {
    if get(key)?.as_deref() != expected {
        return Ok(false);
    }
    match value {
        Some(value) => set(key, value)?,
        None => {
            delete(key)?;
        }
    }
    Ok(true)
}

pub(super) fn delete(key: &str) -> Result<bool, KvError> {
    check_key(key)?;
    Ok(STATE.with_borrow_mut(|state| state.remove(key).is_some()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "in the sandbox the host may say no"
)]
pub(super) fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, KvError> {
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    let limit = usize::try_from(limit.min(MAX_KEYS_AT_ONCE)).unwrap_or(0);
    Ok(STATE.with_borrow(|state| {
        state
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(limit)
            .cloned()
            .collect()
    }))
}

fn check_key(key: &str) -> Result<(), KvError> {
    let why = if key.is_empty() {
        "is empty"
    } else if key.len() > MAX_KEY_BYTES {
        "is longer than 512 bytes"
    } else if key.chars().any(char::is_control) {
        "has a control character in it"
    } else {
        return Ok(());
    };
    Err(KvError::Invalid(format!(
        "the key `{}` {why}",
        key.escape_debug()
    )))
}
