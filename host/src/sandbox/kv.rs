//! The import `kv`: a plugin's own durable state. Holds each guest to what its tool may do; what is kept, and within which limits, is
//! [`crate::state`]'s.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::kv::toolbay::plugin::kv::{self, Host, KvError};
use super::guest::GuestState;
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
        self.reach.usage.wrote();
        Ok(readable)
    }

    fn refuse(&self, what: &str, line: &str) -> KvError {
        let what = format!("{} {what}", self.label.named());
        let denied = KvError::Denied(format!("{what}: add `{line}` to {}", self.label.table()));
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
            | StateError::Unusable { .. } => Self::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::Surroundings;
    use super::super::client::Line;
    use super::super::descriptors::Descriptors;
    use super::super::files::GuestFiles;
    use super::super::guest::Ends;
    use super::super::http::HttpClient;
    use super::super::run::{GuestLimits, Label};
    use super::*;
    use crate::permissions::access::ToolAccess;
    use crate::permissions::reach::Reach;
    use crate::permissions::usage::Used;
    use crate::state::Store;

    fn guest(store: &Store, kv: bool, read_only: bool) -> GuestState {
        let access = ToolAccess {
            kv,
            read_only,
            ..ToolAccess::default()
        };
        let reach = Reach {
            access: Arc::new(access),
            ..Reach::nothing()
        };
        let limits = GuestLimits {
            timeout: Duration::from_secs(1),
            memory: 1 << 20,
            max_result: 1 << 20,
        };
        let surroundings = Surroundings {
            descriptors: Descriptors::new(),
            local: crate::sandbox::LocalFolders::default(),
            state: store.clone(),
            seal: Arc::new(crate::seal::Seal::new(
                std::path::Path::new("/nowhere"),
                store.clone(),
            )),
            http: Arc::new(HttpClient::new(Vec::new())),
            changes: crate::changes::Changes::default(),
            clock: None,
        };
        let files = GuestFiles::default();
        GuestState::new(
            Label::new("notes", "keep"),
            limits,
            reach,
            files,
            Ends {
                client: crate::client::nobody(),
                callees: None,
                line: Line::idle(),
            },
            &surroundings,
        )
    }

    fn refusal<T: std::fmt::Debug>(outcome: Result<T, KvError>) -> String {
        match outcome {
            Err(KvError::Denied(text)) => text,
            outcome => panic!("not denied: {outcome:?}"),
        }
    }

    fn used(guest: &GuestState) -> (bool, Vec<(String, Option<String>)>) {
        let Used { kv, denials, .. } = guest.reach.usage.snapshot();
        let denials = denials.into_iter();
        (
            kv,
            denials.map(|denial| (denial.what, denial.remedy)).collect(),
        )
    }

    #[tokio::test]
    async fn a_tool_that_did_not_ask_can_do_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut guest = guest(&Store::new(&state), false, false);
        let refusals = [
            refusal(guest.get("key".into()).await),
            refusal(guest.set("key".into(), vec![]).await),
            refusal(guest.compare_and_set("key".into(), None, None).await),
            refusal(guest.delete("key".into()).await),
            refusal(guest.keys(String::new(), None, 1).await),
        ];
        for refusal in refusals {
            assert_eq!(
                refusal,
                "tool `keep` may not use its plugin's key-value state: add `kv = true` to [tools.keep]"
            );
        }
        let what = "tool `keep` may not use its plugin's key-value state".to_owned();
        assert_eq!(
            used(&guest),
            (false, vec![(what, Some("kv = true".to_owned()))])
        );
        assert!(!state.exists(), "the store was not even opened");
    }

    #[tokio::test]
    async fn a_read_only_tool_can_only_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let mut writer = guest(&store, true, false);
        writer.set("key".into(), b"value".to_vec()).await.unwrap();
        let mut reader = guest(&store, true, true);
        assert_eq!(reader.get("key".into()).await.unwrap().unwrap(), b"value");
        assert_eq!(reader.keys(String::new(), None, 9).await.unwrap(), ["key"]);
        let refusals = [
            refusal(reader.set("key".into(), vec![]).await),
            refusal(reader.compare_and_set("key".into(), None, None).await),
            refusal(reader.delete("key".into()).await),
        ];
        for refusal in refusals {
            assert_eq!(
                refusal,
                "tool `keep` is read-only and may not change its plugin's key-value state: add `read-only = false` to [tools.keep]"
            );
        }
        assert_eq!(writer.get("key".into()).await.unwrap().unwrap(), b"value");
        assert!(used(&reader).0);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = guest(&Store::new(folder.path()), true, false);
        assert!(matches!(
            writer.set(String::new(), vec![]).await,
            Err(KvError::Invalid(_))
        ));
        for number in 0..15 {
            let value = vec![0; 1 << 20];
            writer.set(number.to_string(), value).await.unwrap();
        }
        assert!(matches!(
            writer.set("more".into(), vec![0; 1 << 20]).await,
            Err(KvError::QuotaExceeded(_))
        ));
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let mut lost = guest(&Store::new(&folder.path().join("file")), true, false);
        assert!(matches!(
            lost.get("key".into()).await,
            Err(KvError::Unavailable(_))
        ));
    }
}
