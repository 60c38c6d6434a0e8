//! In the sandbox everything goes to the host. Each function calls its import and nothing else, so that a component imports only what its code uses.

use super::LogLevel;
use crate::__private::bindings::toolbay::plugin::{
    cancellation, changes, input, logging, progress,
};
use crate::ask::Supports;

#[derive(Debug, Default)]
pub(super) struct Client;

#[expect(
    clippy::unused_self,
    reason = "outside the sandbox these are kept in memory"
)]
impl Client {
    pub(super) fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        progress::report(done, total, message);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        cancellation::is_cancelled()
    }

    pub(super) fn message(&self, level: LogLevel, logger: Option<&str>, data: &str) {
        logging::message(level.into_wire(), logger, data);
    }

    pub(super) fn resource_updated(&self, uri: &str) {
        changes::resource_updated(uri);
    }

    pub(super) fn resource_list_changed(&self) {
        changes::resource_list_changed();
    }

    pub(super) fn supported(&self) -> Supports {
        Supports::of(input::supported())
    }

    pub(super) fn ask(
        &self,
        questions: Vec<input::Question>,
    ) -> Result<Vec<input::Answer>, input::AskError> {
        input::ask(&questions)
    }
}
