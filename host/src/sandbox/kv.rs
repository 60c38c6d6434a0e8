//! The import `kv`: a plugin's own durable state. Holds each guest to what its tool may do; what is kept, and within which limits, is
//! [`crate::state`]'s.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::kv::toolbay::plugin::kv::{self, Host, KvError};
use super::run::GuestState;
use crate::permissions::usage::Denial;
use crate::state::{KeyValues, Space, StateError};

/// Offers the import to every component. Whether it may be used is asked at each use.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    kv::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl Host for GuestState {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.readable()?.get(key).await?)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), KvError> {
        Ok(self.writable()?.set(key, value).await?)
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Result<bool, KvError> {
        Ok(self
            .writable()?
            .compare_and_set(key, expected, value)
            .await?)
    }

    async fn delete(&mut self, key: String) -> Result<bool, KvError> {
        Ok(self.writable()?.delete(key).await?)
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<String>, KvError> {
        Ok(self.readable()?.keys(prefix, after, limit).await?)
    }
}

impl GuestState {
    /// The state of this plugin and caller, where the tool may use it at all.
    fn readable(&self) -> Result<KeyValues<'_>, KvError> {
        if !self.reach.access.kv {
            return Err(self.refuse("may not use its plugin's key-value state", "kv = true"));
        }
        self.reach.usage.kv();
        Ok(self.store.key_values(Space {
            scope: self.reach.scope.clone(),
            plugin: self.label.plugin.clone(),
            principal: self.reach.principal.clone(),
        }))
    }

    /// The same for a tool that may also change it.
    fn writable(&self) -> Result<KeyValues<'_>, KvError> {
        let readable = self.readable()?;
        if self.reach.access.read_only {
            return Err(self.refuse(
                "is read-only and may not change its plugin's key-value state",
                "read-only = false",
            ));
        }
        Ok(readable)
    }

    fn refuse(&self, what: &str, line: &str) -> KvError {
        let tool = &self.label.tool;
        let what = format!("tool `{tool}` {what}");
        let denied = KvError::Denied(format!("{what}: add `{line}` to [tools.{tool}]"));
        self.reach.usage.denied(Denial {
            what,
            remedy: Some(line.into()),
        });
        denied
    }
}

impl From<StateError> for KvError {
    fn from(error: StateError) -> Self {
        let text = error.to_string();
        match error {
            StateError::Invalid(_) => Self::Invalid(text),
            StateError::Quota { .. } => Self::QuotaExceeded(text),
            StateError::Newer { .. }
            | StateError::Damaged(_)
            | StateError::Busy
            | StateError::Unusable(_) => Self::Unavailable(text),
        }
    }
}
