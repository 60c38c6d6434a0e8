//! What telemetry gets to know of a call: which one it is, and how it ended.

use super::{CallRequest, Wants};
use crate::catalog::Found;
use crate::host::Host;
use crate::telemetry::{About, Span, TracePlace};

/// A call's span, where spans are sent anywhere. One that is dropped has ended without anybody saying how.
pub(crate) struct CallSpan(Span);

impl CallSpan {
    pub(super) fn begin(host: &Host, found: &Found, request: &CallRequest<'_>) -> Option<Self> {
        let telemetry = host.telemetry.as_ref()?;
        let method = match request.wants {
            Wants::Tool { .. } => "tools/call",
            Wants::Prompt { .. } => "prompts/get",
            Wants::Read { .. } => "resources/read",
            Wants::List { .. } => "resources/list",
            Wants::Health { .. } => "toolbay/health",
            Wants::Complete { .. } => "completion/complete",
        };
        let about = About {
            method,
            name: &found.tool.full_name,
            plugin: &found.tool.label.plugin,
            digest: found.plugin.digest.as_str(),
            principal: &request.principal.name,
        };
        let span = match &request.within {
            Some(within) => telemetry.begin_within(&about, within.trace.as_ref()),
            None => telemetry.begin(&about, request.client.trace().as_ref()),
        };
        Some(Self(span))
    }

    /// For what is called within it.
    pub(super) fn place(&self) -> TracePlace {
        self.0.place()
    }

    pub(super) fn end(self, error: Option<&'static str>) {
        self.0.end(error);
    }
}
