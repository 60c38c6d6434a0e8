//! The operating system's keyring: the Secret Service on the session's D-Bus, or macOS's keychain.
//!
//! Reading never makes it ask the user for anything, since a model's call would then open a dialog. It is spoken to directly and not
//! through a crate that stands for all keyrings: those unlock whatever they read, and wait without a limit for the answer.

use std::time::Duration;

#[cfg(target_os = "macos")]
mod keychain;
#[cfg(not(target_os = "macos"))]
mod secret_service;

#[cfg(target_os = "macos")]
pub(super) use self::keychain::{get, list, remove, set};
#[cfg(not(target_os = "macos"))]
pub(super) use self::secret_service::{get, list, remove, set};

/// How long the keyring may take for anything that needs no answer from the user.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the user may take to unlock it.
const DIALOG: Duration = Duration::from_secs(120);

/// Why the keyring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyringError {
    /// There is none here. This alone is a reason to keep secrets elsewhere.
    #[error("there is no keyring here: {0}")]
    Absent(String),
    #[error("the keyring is locked")]
    Locked,
    #[error("the keyring stayed locked: its dialog was closed, or not answered in time")]
    NotUnlocked,
    /// It has never been set up.
    #[error("the keyring has no place to keep secrets in yet")]
    Empty,
    #[error("the keyring did not answer in time")]
    TimedOut,
    #[error("the keyring cannot be used: {0}")]
    Failed(String),
}

impl KeyringError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> String {
        const INSTEAD: &str = "or keep secrets in a file: set TOOLBAY_SECRETS=file where Toolbay is started, and set them there";
        match self {
            Self::Absent(_) => {
                "start one, or unset TOOLBAY_SECRETS, so that secrets are kept in a file where there is none".into()
            }
            Self::Locked => format!("unlock it by logging in to the desktop or in its own program, {INSTEAD}"),
            Self::NotUnlocked => format!("try again and answer the dialog, {INSTEAD}"),
            Self::Empty => format!("make a default keyring in the desktop's program for passwords, {INSTEAD}"),
            Self::TimedOut => format!("see whether it waits for an answer somewhere on the desktop, {INSTEAD}"),
            Self::Failed(_) => format!("see whether other programs can use it, {INSTEAD}"),
        }
    }
}
