//! Every request but `tools/call`: the handshakes, the lists, the subscriptions. Converts, and leaves the rest to the host.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use rmcp::model::{
    CustomRequest, CustomResult, ErrorCode, ErrorData, Implementation, InitializeRequestParams,
    InitializeResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities,
    ServerConfig, SubscriptionFilter,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

use super::convert;
use super::session::{Era, Session};
use crate::host::Host;
use crate::status::STATUS_TOOL;

/// What a model is told about the server as a whole. At most 2,048 characters.
const INSTRUCTIONS: &str = "Toolbay runs each tool as a sandboxed WebAssembly plugin. Tool names are PLUGIN_TOOL. A failed call says in its first text what to \
     do, and in its second the error as JSON with `error_code`. On `permission_denied`, tell the user which permission is asked for: you cannot grant it. Tools \
     can come and go while you are connected; call `toolbay_status` when one is missing or misbehaves, and pass on what it advises.";

/// Of the legacy era alone.
pub(super) const SET_LEVEL: &str = "logging/setLevel";

/// Methods that rmcp knows. A request of such a method reaches [`Server::on_custom_request`] only if its parameters are malformed.
const KNOWN_METHODS: [&str; 6] = [
    SET_LEVEL,
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "subscriptions/listen",
];

/// The requests of one connection.
pub(super) struct Server {
    host: Arc<Host>,
    session: Arc<Session>,
}

impl Server {
    pub(super) fn new(host: Arc<Host>, session: Arc<Session>) -> Self {
        Self { host, session }
    }
}

/// Toolbay, as it introduces itself.
pub(super) fn implementation() -> Implementation {
    Implementation::new("toolbay", env!("CARGO_PKG_VERSION")).with_title("Toolbay")
}

impl ServerHandler for Server {
    #[expect(
        deprecated,
        reason = "the newest revision of the protocol has no log messages; the older ones that are spoken here do"
    )]
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(implementation())
            .with_instructions(INSTRUCTIONS)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let result = self.negotiate_initialize(&request)?;
        let mut client = request;
        client.protocol_version = result.protocol_version.clone();
        context.peer.set_peer_info(client);
        self.session.set_initialized();
        Ok(result)
    }

    #[expect(
        deprecated,
        reason = "the newest revision of the protocol has no log messages; the older ones that are spoken here do"
    )]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session.log_level.set(request.level);
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if let Some(cursor) = request.and_then(|request| request.cursor) {
            return Err(ErrorData::invalid_params(
                format!(
                    "unknown cursor `{}`: the list of tools has one page",
                    crate::text::shorten(&crate::text::escape(&cursor), 80)
                ),
                None,
            ));
        }
        let catalog = self.host.scanned_catalog().await;
        let tools: Vec<_> = std::iter::once(convert::status_tool())
            .chain(catalog.tools().map(convert::tool))
            .collect();
        let names: BTreeSet<String> = tools
            .iter()
            .map(|tool| tool.name.to_string())
            .filter(|name| name != STATUS_TOOL)
            .collect();
        self.session.set_listed(names, catalog.generation);
        Ok(ListToolsResult::with_all_items(tools))
    }

    // rmcp answers these with empty lists where a server has none of the kind, although it did not declare them.
    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::ListPromptsResult, ErrorData> {
        Err(method_not_found("prompts/list"))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::ListResourcesResult, ErrorData> {
        Err(method_not_found("resources/list"))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::ListResourceTemplatesResult, ErrorData> {
        Err(method_not_found("resources/templates/list"))
    }

    async fn complete(
        &self,
        _request: rmcp::model::CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::CompleteResult, ErrorData> {
        Err(method_not_found("completion/complete"))
    }

    fn accepted_subscription_filter(
        &self,
        _requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        // What the first scan finds is no change: nobody was shown a list before it.
        let mut announced = self.host.scanned_catalog().await.generation;
        let mut definitions = self.host.definitions();
        definitions.mark_changed();
        let wants_tools = context.accepted().tools_list_changed == Some(true);
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.host.closing.cancelled() => return Ok(()),
                changed = definitions.changed() => if changed.is_err() { return Ok(()) },
            }
            let generation = *definitions.borrow_and_update();
            let is_new = generation > announced;
            announced = announced.max(generation);
            if wants_tools && is_new && context.sink().notify_tool_list_changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let is_modern = matches!(self.session.era(Some(&context.meta)), Ok(Era::Modern));
        if is_modern && request.method == SET_LEVEL {
            return Err(method_not_found(SET_LEVEL));
        }
        if KNOWN_METHODS.contains(&request.method.as_str()) {
            return Err(ErrorData::invalid_params(
                format!("the parameters of `{}` are malformed", request.method),
                None,
            ));
        }
        Err(method_not_found(&request.method))
    }
}

pub(super) fn method_not_found(method: &str) -> ErrorData {
    let method = crate::text::shorten(&crate::text::escape(method), 100);
    ErrorData::new(
        ErrorCode::METHOD_NOT_FOUND,
        Cow::Owned(format!("unknown method: {method}")),
        None,
    )
}
