//! The import `calls`: other tools, called by a guest. Holds each guest to the tools that it may call; how they are called is for whoever started the guest.

use std::pin::Pin;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::calls::toolbay::plugin::calls::{self, Host};
use super::bindings::tools::types::{ErrorCode, ToolError, ToolResult};
use super::guest::GuestState;
use crate::permissions::usage::Denial;
use crate::text::{escape, shorten};

/// Calls other tools for a guest.
pub(crate) trait Callees: Send + Sync {
    fn call(
        &self,
        name: String,
        arguments: String,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + '_>>;
}

/// What came of calling a tool.
pub(crate) struct Called {
    pub(crate) outcome: Result<ToolResult, ToolError>,
    /// Whether anything was changed, or may have been.
    pub(crate) wrote: bool,
}

/// Offers the import to every component. Whether it may be used is asked at each use.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    calls::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl Host for GuestState {
    async fn call_tool(
        &mut self,
        name: String,
        arguments: String,
    ) -> Result<ToolResult, ToolError> {
        let may = self.reach.access.calls.contains(&name);
        let Some(callees) = self.callees.clone().filter(|_| may) else {
            return Err(self.may_not_call(&name));
        };
        // Nothing is changed by a guest that is stopped before this.
        let called = self.line.waits_for(callees.call(name, arguments)).await;
        if called.wrote {
            self.reach.usage.wrote();
        }
        called.outcome
    }
}

impl GuestState {
    fn may_not_call(&self, name: &str) -> ToolError {
        let name = shorten(&escape(name), 80);
        let what = format!("{} may not call `{name}`", self.label.named());
        let line = format!("calls = [\"{name}\"]");
        let message = format!("{what}: add `{line}` to {}", self.label.table());
        self.reach.usage.denied(Denial {
            what,
            remedy: Some(line),
        });
        ToolError {
            code: ErrorCode::PermissionDenied,
            message,
            details: None,
            retry_after_ms: None,
            meta: None,
        }
    }
}
