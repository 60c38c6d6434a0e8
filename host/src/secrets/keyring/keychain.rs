//! macOS's keychain: one generic password for each secret, its account `PLUGIN/NAME`.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use security_framework::base::Error;
use security_framework::item::{ItemClass, ItemSearchOptions, Limit};
use security_framework::passwords::{
    delete_generic_password, get_generic_password, set_generic_password,
};
use zeroize::{Zeroize, Zeroizing};

use super::{ANSWER, DIALOG, KeyringError};

const SERVICE: &str = "toolbay";

/// `errSecItemNotFound`, `errSecInteractionNotAllowed` and `errSecUserCanceled` of `SecBase.h`.
const NOT_FOUND: i32 = -25300;
const INTERACTION_NOT_ALLOWED: i32 = -25308;
const USER_CANCELED: i32 = -128;

pub(in crate::secrets) fn get(
    plugin: &str,
    name: &str,
) -> Result<Option<Zeroizing<String>>, KeyringError> {
    let account = account(plugin, name);
    let found = within(ANSWER, move || get_generic_password(SERVICE, &account))?;
    let Some(value) = if_found(found)? else {
        return Ok(None);
    };
    match String::from_utf8(value) {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(KeyringError::Failed(
                "what it has under this name is no text".into(),
            ))
        }
    }
}

pub(in crate::secrets) fn set(plugin: &str, name: &str, value: &str) -> Result<(), KeyringError> {
    let account = account(plugin, name);
    let value = Zeroizing::new(value.to_owned());
    within(DIALOG, move || {
        set_generic_password(SERVICE, &account, value.as_bytes())
    })?
    .map_err(|error| failed(&error))
}

/// Says whether it was there.
pub(in crate::secrets) fn remove(plugin: &str, name: &str) -> Result<bool, KeyringError> {
    let account = account(plugin, name);
    let removed = within(DIALOG, move || delete_generic_password(SERVICE, &account))?;
    Ok(if_found(removed)?.is_some())
}

/// Plugin and name of each.
pub(in crate::secrets) fn list() -> Result<Vec<(String, String)>, KeyringError> {
    let search = || {
        let found = ItemSearchOptions::new()
            .class(ItemClass::generic_password())
            .service(SERVICE)
            .limit(Limit::All)
            .load_attributes(true)
            .search()?;
        let account = |item: &security_framework::item::SearchResult| {
            let account = item.simplify_dict()?.remove("acct")?;
            let (plugin, name) = account.split_once('/')?;
            Some((plugin.to_owned(), name.to_owned()))
        };
        Ok(found.iter().filter_map(account).collect())
    };
    Ok(if_found(within(ANSWER, search)?)?.unwrap_or_default())
}

fn account(plugin: &str, name: &str) -> String {
    format!("{plugin}/{name}")
}

/// The keychain may ask the user whether this program may read an item, and its functions wait for the answer.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("toolbay-keyring".into())
        .spawn(move || {
            let _ = sender.send(work());
        })
        .map_err(|error| KeyringError::Failed(error.to_string()))?;
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => KeyringError::TimedOut,
        RecvTimeoutError::Disconnected => KeyringError::Failed("talking to it failed".into()),
    })
}

fn if_found<T>(outcome: Result<T, Error>) -> Result<Option<T>, KeyringError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &Error) -> KeyringError {
    match error.code() {
        INTERACTION_NOT_ALLOWED => KeyringError::Locked,
        USER_CANCELED => KeyringError::NotUnlocked,
        _ => KeyringError::Failed(crate::text::escape(&error.to_string())),
    }
}
