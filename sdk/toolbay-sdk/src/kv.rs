//! The plugin's own durable state: small values by key, kept apart for each plugin and each caller. Owns how values are written (as JSON) and
//! how they are changed safely; where they are kept is the host's.
//!
//! Each call of a tool runs in a fresh sandbox, so what one call should leave for the next goes here. The tool asks for it in `plugin.toml`:
//!
//! ```toml
//! [tools.visit]
//! kv = true
//! ```
//!
//! ```
//! use toolbay_sdk::{ToolError, kv};
//!
//! fn visit(name: &str) -> Result<u32, ToolError> {
//!     kv::update(&format!("visits/{name}"), |visits| visits.unwrap_or(0) + 1)
//! }
//! assert_eq!(visit("ada")?, 1);
//! assert_eq!(visit("ada")?, 2);
//! assert_eq!(kv::get::<u32>("visits/bo")?, None);
//! # Ok::<(), ToolError>(())
//! ```
//!
//! Outside the sandbox, as in `cargo test`, each thread has a map of its own in memory that keeps the same limits: so each test begins with nothing.
//!
//! # Limits
//! A key has 1 to 512 bytes and no control characters, a value at most 1 MiB, and all keys and values of one plugin and caller together at most 16 MiB.
//!
//! # Errors
//! `permission_denied` where the tool may not do this (a read-only tool can only read), `validation_error` for a key or value that cannot be kept,
//! `limit_exceeded` beyond the quota, `unavailable` while the store cannot be used, and `internal` for a value that is not what was stored.

#[cfg_attr(not(target_family = "wasm"), path = "kv/memory.rs")]
#[cfg_attr(target_family = "wasm", path = "kv/sandbox.rs")]
mod store;

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::__private::bindings::toolbay::plugin::kv::KvError;
use crate::error::ToolError;

/// How often a change is tried again where others change the same key.
const MAX_TRIES: u32 = 100;

/// How many keys are asked for at once.
const KEYS_AT_ONCE: u32 = 500;

/// The value of a key, or nothing.
///
/// ```
/// # use toolbay_sdk::kv;
/// assert_eq!(kv::get::<u32>("visits")?, None);
/// kv::set("visits", &7)?;
/// assert_eq!(kv::get("visits")?, Some(7));
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As the [module](self) says.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, ToolError> {
    get_bytes(key)?.map(|bytes| decode(key, &bytes)).transpose()
}

/// Sets a key, whatever it was.
///
/// Where the new value depends on the old one, [`update`] is the right way: another call may run at the same time.
///
/// # Errors
/// As the [module](self) says.
pub fn set<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), ToolError> {
    set_bytes(key, &encode(key, value)?)
}

/// Changes the value of a key from what it was, or from nothing, and returns the new one.
///
/// The closure may run several times: when another call changed the key meanwhile, it gets the newer value.
///
/// ```
/// # use toolbay_sdk::kv;
/// let list = kv::update("shopping", |list: Option<Vec<String>>| {
///     let mut list = list.unwrap_or_default();
///     list.push("milk".to_owned());
///     list
/// })?;
/// assert_eq!(list, ["milk"]);
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As the [module](self) says, and `conflict` if the key was changed by others a hundred times over.
pub fn update<T>(key: &str, mut change: impl FnMut(Option<T>) -> T) -> Result<T, ToolError>
where
    T: Serialize + DeserializeOwned,
{
    try_update(key, |old| Ok(change(old)))
}

/// As [`update`], with a closure that may fail: then nothing is changed.
///
/// ```
/// # use toolbay_sdk::{ToolError, kv};
/// fn take_one(item: &str) -> Result<u32, ToolError> {
///     kv::try_update(item, |stock| match stock {
///         Some(stock @ 1..) => Ok(stock - 1),
///         _ => Err(ToolError::conflict(format!("there is no `{item}` left"))),
///     })
/// }
/// kv::set("apple", &1)?;
/// assert_eq!(take_one("apple")?, 0);
/// assert!(take_one("apple").is_err());
/// # Ok::<(), ToolError>(())
/// ```
///
/// # Errors
/// As [`update`], and the closure's own.
pub fn try_update<T>(
    key: &str,
    mut change: impl FnMut(Option<T>) -> Result<T, ToolError>,
) -> Result<T, ToolError>
where
    T: Serialize + DeserializeOwned,
{
    for _ in 0..MAX_TRIES {
        let old = get_bytes(key)?;
        let value = old.as_deref().map(|bytes| decode(key, bytes)).transpose()?;
        let new = change(value)?;
        if compare_and_set_bytes(key, old.as_deref(), Some(&encode(key, &new)?))? {
            return Ok(new);
        }
    }
    Err(ToolError::conflict(format!(
        "`{key}` was changed by others all the time; try again"
    )))
}

/// Removes a key. Says whether it was there.
///
/// ```
/// # use toolbay_sdk::kv;
/// kv::set("visits", &7)?;
/// assert!(kv::delete("visits")?);
/// assert!(!kv::delete("visits")?);
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As the [module](self) says.
pub fn delete(key: &str) -> Result<bool, ToolError> {
    store::delete(key).map_err(error)
}

/// The keys that begin with `prefix`, in the order of their bytes. They are fetched some hundreds at a time, so keys that are set or deleted meanwhile may
/// or may not be among them.
///
/// ```
/// # use toolbay_sdk::kv;
/// kv::set("note/b", "milk")?;
/// kv::set("note/a", "honey")?;
/// kv::set("other", &1)?;
/// assert_eq!(kv::keys("note/").collect::<Result<Vec<_>, _>>()?, ["note/a", "note/b"]);
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// Each item may be an error, as the [module](self) says; it is the last one then.
pub fn keys(prefix: impl Into<String>) -> Keys {
    Keys {
        prefix: prefix.into(),
        after: None,
        fetched: VecDeque::new(),
        ended: false,
    }
}

/// The bytes of a key, as [`set_bytes`] or [`set`] wrote them.
///
/// # Errors
/// As the [module](self) says.
pub fn get_bytes(key: &str) -> Result<Option<Vec<u8>>, ToolError> {
    store::get(key).map_err(error)
}

/// Sets a key to these bytes, whatever it was.
///
/// ```
/// # use toolbay_sdk::kv;
/// kv::set_bytes("logo", &[1, 2, 3])?;
/// assert_eq!(kv::get_bytes("logo")?.as_deref(), Some([1, 2, 3].as_slice()));
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As the [module](self) says.
pub fn set_bytes(key: &str, value: &[u8]) -> Result<(), ToolError> {
    store::set(key, value).map_err(error)
}

/// Sets a key to these bytes, or removes it where `value` is nothing, only if it still has the bytes `expected`, where nothing means that there is no such
/// key. Says whether it did.
///
/// ```
/// # use toolbay_sdk::kv;
/// assert!(kv::compare_and_set_bytes("lock", None, Some(b"mine"))?);
/// assert!(!kv::compare_and_set_bytes("lock", None, Some(b"theirs"))?);
/// assert!(kv::compare_and_set_bytes("lock", Some(b"mine"), None)?);
/// assert_eq!(kv::get_bytes("lock")?, None);
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As the [module](self) says.
pub fn compare_and_set_bytes(
    key: &str,
    expected: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Result<bool, ToolError> {
    store::compare_and_set(key, expected, value).map_err(error)
}

/// The keys of [`keys`].
///
/// ```
/// # use toolbay_sdk::kv;
/// let mut keys: kv::Keys = kv::keys("note/");
/// assert!(keys.next().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
    after: Option<String>,
    fetched: VecDeque<String>,
    ended: bool,
}

impl Iterator for Keys {
    type Item = Result<String, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.is_empty() && !self.ended {
            match store::keys(&self.prefix, self.after.as_deref(), KEYS_AT_ONCE) {
                Ok(keys) => {
                    self.after = keys.last().cloned();
                    // The host may give fewer than were asked for, so only none means that there are no more.
                    self.ended = keys.is_empty();
                    self.fetched = keys.into();
                }
                Err(failure) => {
                    self.ended = true;
                    return Some(Err(error(failure)));
                }
            }
        }
        self.fetched.pop_front().map(Ok)
    }
}

fn encode<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>, ToolError> {
    serde_json::to_vec(value).map_err(|error| {
        ToolError::internal(format!(
            "the value of `{key}` cannot be written as JSON: {error}"
        ))
    })
}

fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, ToolError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ToolError::internal(format!(
            "what is stored under `{key}` is not what this version of the plugin stores there: {error}"
        ))
    })
}

fn error(error: KvError) -> ToolError {
    match error {
        KvError::Denied(text) => ToolError::permission_denied(text),
        KvError::Invalid(text) => ToolError::validation(text),
        KvError::QuotaExceeded(text) => ToolError::limit_exceeded(text),
        KvError::Unavailable(text) => ToolError::unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn values_come_back_as_they_were_set() {
        set("a", &("x", 1)).unwrap();
        assert_eq!(get::<(String, u8)>("a").unwrap(), Some(("x".to_owned(), 1)));
        assert_eq!(
            get_bytes("a").unwrap().as_deref(),
            Some(br#"["x",1]"#.as_slice())
        );
        assert!(delete("a").unwrap());
        assert!(!delete("a").unwrap());
        assert_eq!(get::<u8>("a").unwrap(), None);
    }

    #[test]
    fn a_value_of_another_kind_is_a_fault_of_the_plugin() {
        set("a", "text").unwrap();
        let error = get::<u8>("a").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        insta::assert_snapshot!(error, @r#"what is stored under `a` is not what this version of the plugin stores there: invalid type: string "text", expected u8 at line 1 column 6"#);
    }

    #[test]
    fn a_change_begins_anew_when_another_was_faster() {
        let mut seen = Vec::new();
        let new = update("n", |old: Option<u32>| {
            seen.push(old);
            if seen.len() < 3 {
                set("n", &(10 * seen.len())).unwrap();
            }
            old.unwrap_or(0) + 1
        });
        assert_eq!(new.unwrap(), 21);
        assert_eq!(seen, [None, Some(10), Some(20)]);
        assert_eq!(get::<u32>("n").unwrap(), Some(21));
    }

    #[test]
    fn a_change_that_is_never_the_faster_one_ends() {
        let mut tries = 0;
        let error = update("n", |_: Option<u32>| {
            tries += 1;
            set("n", &(1000 + tries)).unwrap();
            tries
        });
        assert_eq!(error.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(tries, MAX_TRIES);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        set("n", &1).unwrap();
        let error = try_update("n", |_: Option<u32>| Err(ToolError::conflict("no"))).unwrap_err();
        assert_eq!(error, ToolError::conflict("no"));
        assert_eq!(get::<u32>("n").unwrap(), Some(1));
    }

    #[test]
    fn all_keys_come_however_many_there_are() {
        let many: Vec<String> = (0..1234).map(|index| format!("k/{index:04}")).collect();
        for key in &many {
            set_bytes(key, b"").unwrap();
        }
        set_bytes("k", b"").unwrap();
        set_bytes("l", b"").unwrap();
        assert_eq!(keys("k/").collect::<Result<Vec<_>, _>>().unwrap(), many);
        assert_eq!(keys("").count(), many.len() + 2);
        assert_eq!(keys("m").count(), 0);
    }

    #[test]
    fn limits_are_those_of_the_host() {
        let code = |result: Result<(), ToolError>| result.unwrap_err().code();
        assert_eq!(code(set_bytes("", b"")), ErrorCode::ValidationError);
        assert_eq!(code(set_bytes("a\nb", b"")), ErrorCode::ValidationError);
        assert_eq!(
            code(set_bytes(&"k".repeat(513), b"")),
            ErrorCode::ValidationError
        );
        assert_eq!(
            code(set_bytes("k", &vec![0; (1 << 20) + 1])),
            ErrorCode::ValidationError
        );
        let value = vec![0; 1 << 20];
        let error = (0..17).find_map(|index| set_bytes(&format!("k{index}"), &value).err());
        assert_eq!(error.unwrap().code(), ErrorCode::LimitExceeded);
        // What was there may be replaced and removed when nothing more has room.
        set_bytes("k0", &value).unwrap();
        assert!(delete("k0").unwrap());
    }
}
