//! One value that is in force, and where it came from.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::file::At;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Origin {
    /// The command line.
    Flag {
        name: &'static str,
    },
    /// A variable of the environment.
    Variable {
        name: &'static str,
    },
    /// `toolbay.toml`, on this line.
    File {
        line: usize,
    },
    Default,
}

/// A value that is in force.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What the places that go before the file say: the first that says something counts.
pub(super) struct Before<T> {
    pub(super) flag: Option<(&'static str, T)>,
    pub(super) variable: Option<(&'static str, T)>,
}

impl<T> Default for Before<T> {
    fn default() -> Self {
        Self {
            flag: None,
            variable: None,
        }
    }
}

/// Finds each value and keeps where it came from.
#[derive(Debug, Default)]
pub(super) struct Settings(pub(super) Vec<Setting>);

impl Settings {
    /// The value in force: the command line's, the environment's, the file's, or the default.
    pub(super) fn pick<T>(
        &mut self,
        key: &'static str,
        before: Before<T>,
        file: Option<At<T>>,
        default: impl FnOnce() -> anyhow::Result<T>,
        show: impl FnOnce(&T) -> Value,
    ) -> anyhow::Result<T> {
        let (value, origin) = match (before.flag, before.variable, file) {
            (Some((name, value)), ..) => (value, Origin::Flag { name }),
            (None, Some((name, value)), _) => (value, Origin::Variable { name }),
            (None, None, Some(At { value, line })) => (value, Origin::File { line }),
            (None, None, None) => (default()?, Origin::Default),
        };
        self.0.push(Setting {
            key,
            value: show(&value),
            origin,
        });
        Ok(value)
    }
}

pub(super) fn path(path: &Path) -> Value {
    path.display().to_string().into()
}
