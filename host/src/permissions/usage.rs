//! What one call reached and what it was refused, for the audit log and for the answer. Written by the sandbox while the guest runs.

use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Abilities, Asks};

/// The most entries of a kind that are kept for one call.
const MAX_ENTRIES: usize = 32;

/// Shared between the call and its guest, so that it can be read also when the guest was stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage(Arc<Mutex<Used>>);

/// What was used, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// `host:port` of each connection.
    pub(crate) hosts: Vec<String>,
    /// Names of mounts in which something was opened, looked at or changed.
    pub(crate) mounts: Vec<String>,
    /// Names of secrets that were sent.
    pub(crate) secrets: Vec<String>,
    /// Whether the key-value state was read or written.
    pub(crate) kv: bool,
    /// Whether anything outside of the guest was changed, or may have been: a file, the state, a server by another method than GET or HEAD or by
    /// bytes over TCP.
    pub(crate) wrote: bool,
    /// What the client was to be asked and cannot be.
    pub(crate) lacked: Abilities,
    /// What was refused, oldest first.
    pub(crate) denials: Vec<Denial>,
}

/// One thing that a guest tried and was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// What it tried and why not, as a clause: `POST https://evil.example/ is not among its network permissions`. Escaped already.
    pub(crate) what: String,
    /// The line in `[tools.NAME]` of plugin.toml that would ask for it, or what the user would have to do; nothing where nothing can allow it.
    pub(crate) remedy: Option<String>,
}

impl Usage {
    pub(crate) fn host(&self, host: &str) {
        self.with(|used| remember(&mut used.hosts, host));
    }

    pub(crate) fn mount(&self, name: &str) {
        self.with(|used| remember(&mut used.mounts, name));
    }

    pub(crate) fn secret(&self, name: &str) {
        self.with(|used| remember(&mut used.secrets, name));
    }

    pub(crate) fn kv(&self) {
        self.with(|used| used.kv = true);
    }

    pub(crate) fn wrote(&self) {
        self.with(|used| used.wrote = true);
    }

    pub(crate) fn lacked(&self, asks: &Asks) {
        self.with(|used| match asks {
            Asks::Form { .. } => used.lacked.form = true,
            Asks::Page { .. } => used.lacked.page = true,
            Asks::Sample(_) => used.lacked.sample = true,
            Asks::Roots => used.lacked.roots = true,
        });
    }

    pub(crate) fn has_written(&self) -> bool {
        self.with(|used| used.wrote)
    }

    pub(crate) fn denied(&self, denial: Denial) {
        self.with(|used| {
            if used.denials.len() < MAX_ENTRIES && !used.denials.contains(&denial) {
                used.denials.push(denial);
            }
        });
    }

    /// What was used up to now.
    pub(crate) fn snapshot(&self) -> Used {
        self.with(|used| used.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Used) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn remember(list: &mut Vec<String>, entry: &str) {
    if list.len() < MAX_ENTRIES && !list.iter().any(|known| known == entry) {
        list.push(entry.to_owned());
    }
}
