//! What holds for every request that goes through rmcp: a panic is answered, the era is known, and answers of the modern era say who gave them.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use rmcp::RoleServer;
use rmcp::model::{
    ClientNotification, ClientRequest, ErrorData, ProtocolVersion, RequestMetaObject, ServerConfig,
    ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, Service};

use super::server::{LEGACY_METHODS, Server, implementation, method_not_found};
use super::session::{Era, Session};

/// Wraps the handler; shared by all transports.
pub(super) struct Guard {
    server: Server,
    session: Arc<Session>,
}

impl Guard {
    pub(super) fn new(server: Server, session: Arc<Session>) -> Self {
        Self { server, session }
    }

    /// What it stands before, for what needs no era.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// A handshake makes the era known, and a ping is allowed before one; every other request must belong to an era.
    fn era(
        &self,
        request: &ClientRequest,
        context: &RequestContext<RoleServer>,
    ) -> Result<Era, ErrorData> {
        match request {
            ClientRequest::InitializeRequest(_) if !is_modern(&context.meta) => Ok(Era::Legacy),
            ClientRequest::PingRequest(_)
                if !self.session.is_initialized() && context.meta.protocol_version().is_none() =>
            {
                Ok(Era::Legacy)
            }
            _ => self.session.era(Some(&context.meta)),
        }
    }
}

impl Service<RoleServer> for Guard {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let era = self.era(&request, &context)?;
        if era == Era::Modern && LEGACY_METHODS.contains(&request.method()) {
            return Err(method_not_found(request.method()));
        }
        if era == Era::Legacy && request.method().starts_with("tasks/") {
            return Err(method_not_found(request.method()));
        }
        if matches!(request, ClientRequest::SubscriptionsListenRequest(_)) {
            // Which of the resources that it names are there is known only then.
            self.server.scanned().await;
        }
        let handling = Service::handle_request(&self.server, request, context);
        let mut result = answering_panics(handling).await?;
        self.server.answered();
        if era == Era::Modern {
            introduce(&mut result);
        }
        Ok(result)
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        answering_panics(Service::handle_notification(
            &self.server,
            notification,
            context,
        ))
        .await
    }

    fn get_info(&self) -> ServerConfig {
        Service::get_info(&self.server)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::supported_protocol_versions(&self.server)
    }
}

/// What results of the modern era have of their own: `serverInfo` in their metadata, where there is room for it (rmcp does it for `server/discover` alone), and no
/// offer of log messages.
fn introduce(result: &mut ServerResult) {
    if let ServerResult::DiscoverResult(discovered) = result {
        discovered.capabilities.logging = None;
    }
    let meta = match result {
        ServerResult::ListToolsResult(list) => &mut list.meta,
        ServerResult::ListPromptsResult(list) => &mut list.meta,
        ServerResult::ListResourcesResult(list) => &mut list.meta,
        ServerResult::ListResourceTemplatesResult(list) => &mut list.meta,
        ServerResult::GetTaskResult(task) => &mut task.meta,
        _ => return,
    };
    let info = serde_json::to_value(implementation()).unwrap_or_default();
    meta.get_or_insert_default()
        .0
        .insert("io.modelcontextprotocol/serverInfo".into(), info);
}

/// Whether a request says that it is of the modern era.
fn is_modern(meta: &RequestMetaObject) -> bool {
    meta.protocol_version()
        .is_some_and(|version| version == ProtocolVersion::V_2026_07_28)
}

/// Does the work, and answers for it where it panics: with an id to find the panic in the log by.
pub(super) async fn answering_panics<T>(
    work: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let panic = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => return done,
        Err(panic) => panic,
    };
    let id = incident();
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(incident = %id, "a request handler panicked: {}", crate::text::escape(&what));
    Err(ErrorData::internal_error(
        format!("internal error; Toolbay's log has more under incident {id}"),
        Some(serde_json::json!({ "incident": id })),
    ))
}

fn incident() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is seeded at random for each of these, which is all that a name in a log needs.
    let id = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    format!("{id:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_its_incident() {
        let mut countdown = vec![1];
        let error = answering_panics::<()>(async {
            countdown.pop();
            assert!(!countdown.is_empty(), "nothing is left");
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(error.code, rmcp::model::ErrorCode::INTERNAL_ERROR);
        let data = error.data.unwrap();
        let incident = data["incident"].as_str().unwrap();
        assert_eq!(incident.len(), 16);
        assert_eq!(
            error.message,
            format!("internal error; Toolbay's log has more under incident {incident}")
        );
        assert!(answering_panics(async { Ok(7) }).await.unwrap() == 7);
    }
}
