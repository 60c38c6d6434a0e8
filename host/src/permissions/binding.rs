//! Which folders may be bound to a mount.

use std::path::{Path, PathBuf};

use crate::config::Config;

pub(crate) struct Forbidden {}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BindingError(String);

impl BindingError {
    pub(crate) fn hint(&self) -> &'static str {
        "name an existing folder"
    }
}

impl Forbidden {
    pub(crate) fn of(_config: &Config) -> Self {
        Self {}
    }
}

pub(crate) fn check(folder: &Path, _forbidden: &Forbidden) -> Result<PathBuf, BindingError> {
    std::fs::canonicalize(folder).map_err(|error| BindingError(error.to_string()))
}
