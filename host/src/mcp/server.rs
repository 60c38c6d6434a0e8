//! Every request but `tools/call`: the handshakes, the lists, the subscriptions. Converts, and leaves the rest to the host.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use rmcp::model::{
    CancelTaskParams, CustomRequest, CustomResult, ErrorCode, ErrorData, GetTaskParams,
    GetTaskResult, Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ServerCapabilities, ServerConfig, SubscribeRequestParams, SubscriptionFilter,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

use super::client::abilities;
use super::convert::listed;
use super::pages::{self, Listing, Place};
use super::session::{Era, Session};
use super::{resources, subscriptions};
use crate::host::Host;
use crate::status::{self, STATUS_TOOL};

/// What a model is told about the server as a whole. At most 2,048 characters.
const INSTRUCTIONS: &str = "Toolbay runs each tool as a sandboxed WebAssembly plugin. Tool names are PLUGIN_TOOL. A failed call says in its first text what to \
     do, and in its second the error as JSON with `error_code`. On `permission_denied`, tell the user which permission is asked for: you cannot grant it. Tools \
     can come and go while you are connected; call `toolbay_status` when one is missing or misbehaves, and pass on what it advises.";

/// Of the legacy era alone.
pub(super) const SET_LEVEL: &str = "logging/setLevel";

/// Methods that rmcp knows. A request of such a method reaches [`Server::on_custom_request`] only if its parameters are malformed.
const KNOWN_METHODS: [&str; 14] = [
    SET_LEVEL,
    "initialize",
    "ping",
    "prompts/list",
    "resources/list",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/update",
    "tools/list",
];

/// Methods of the legacy era alone; a request that says that it is of the modern one has none of these.
pub(super) const LEGACY_METHODS: [&str; 5] = [
    SET_LEVEL,
    "initialize",
    "ping",
    "resources/subscribe",
    "resources/unsubscribe",
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

    /// Waits until the folders were looked at for the first time.
    pub(super) async fn scanned(&self) {
        if !self.host.is_scanned() {
            self.host.scanned_catalog().await;
        }
    }

    /// Something was answered: what took longer can begin.
    pub(super) fn answered(&self) {
        self.host.asked.cancel();
    }

    /// Where a list goes on, and whether it is at its beginning.
    fn after(
        &self,
        listing: Listing,
        request: Option<PaginatedRequestParams>,
    ) -> Result<(Place, bool), ErrorData> {
        let Some(cursor) = request.and_then(|request| request.cursor) else {
            return Ok((Place::default(), true));
        };
        let place = pages::open(&self.host.seal, self.principal(), listing, &cursor)?;
        Ok((place, false))
    }

    fn cursor(&self, listing: Listing, next: Option<Place>) -> Option<String> {
        Some(pages::seal(
            &self.host.seal,
            self.principal(),
            listing,
            &next?,
        ))
    }

    fn principal(&self) -> &str {
        &self.session.principal.name
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
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .enable_tasks()
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
        let mut result = self.negotiate_initialize(&request)?;
        // What it names is of the modern era.
        result.capabilities.extensions = None;
        let mut client = request;
        client.protocol_version = result.protocol_version.clone();
        // Calls do not come through rmcp, and may come at once.
        let capabilities = serde_json::to_value(&client.capabilities).unwrap_or_default();
        self.session.set_abilities(abilities(&capabilities));
        self.session.set_peer(context.peer.clone());
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
        let catalog = self.host.scanned_catalog().await;
        let (after, is_first) = self.after(Listing::Tools, request)?;
        let own: Vec<_> = match is_first {
            true => iter::once(STATUS_TOOL)
                .chain(status::alias(&self.host, &catalog))
                .map(listed::status_tool)
                .collect(),
            false => Vec::new(),
        };
        let (tools, next) = pages::page(catalog.tools(), &after, |tool| Some(listed::tool(tool)));
        let names: BTreeSet<String> = catalog
            .tools()
            .map(|listed| listed.tool.full_name.clone())
            .collect();
        self.session.set_listed(names, catalog.generation.tools);
        let mut result = ListToolsResult::with_all_items(own.into_iter().chain(tools).collect());
        result.next_cursor = self.cursor(Listing::Tools, next);
        Ok(result)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let catalog = self.host.scanned_catalog().await;
        let (after, _) = self.after(Listing::Prompts, request)?;
        let (prompts, next) = pages::page(catalog.prompts(), &after, listed::prompt);
        self.session.prompts_listed(catalog.generation.prompts);
        let mut result = ListPromptsResult::with_all_items(prompts);
        result.next_cursor = self.cursor(Listing::Prompts, next);
        Ok(result)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let catalog = self.host.scanned_catalog().await;
        let (after, _) = self.after(Listing::Resources, request)?;
        self.session.resources_listed(catalog.generation.resources);
        let (resources, next) = resources::list(
            &self.host,
            &self.session.principal,
            &catalog,
            after,
            &context.ct,
        )
        .await;
        let mut result = ListResourcesResult::with_all_items(resources);
        result.next_cursor = self.cursor(Listing::Resources, next);
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let catalog = self.host.scanned_catalog().await;
        let (after, _) = self.after(Listing::Templates, request)?;
        self.session.resources_listed(catalog.generation.resources);
        let (templates, next) = pages::page(catalog.resources(), &after, listed::template);
        let mut result = ListResourceTemplatesResult::with_all_items(templates);
        result.next_cursor = self.cursor(Listing::Templates, next);
        Ok(result)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let catalog = self.host.scanned_catalog().await;
        if catalog.find_resource(&request.uri).is_none() {
            return Err(unknown_resource(&request.uri));
        }
        self.session
            .subscriptions
            .add(&self.host, &request.uri)
            .map_err(|why| ErrorData::invalid_params(why, None))
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session.subscriptions.remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        // A resource that is not there is not promised; before the first scan nobody knows.
        let catalog = self.host.catalog();
        let is_there =
            |uri: &&String| !self.host.is_scanned() || catalog.find_resource(uri).is_some();
        let uris = requested.resource_subscriptions.iter().flatten();
        let uris = uris.filter(is_there);
        let uris: Vec<String> = uris.take(subscriptions::MAX_URIS).cloned().collect();
        self.session.preparing.prepare(&self.host, uris.clone());
        let filter = SubscriptionFilter::builder()
            .tools_list_changed()
            .prompts_list_changed()
            .resources_list_changed()
            .resource_subscriptions(uris);
        Some(filter.build())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let task = self.session.tasks.get(&request.task_id)?;
        Ok(GetTaskResult::new(task))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let (tasks, id) = (&self.session.tasks, &request.task_id);
        tasks.update(id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session.tasks.cancel(&request.task_id)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        subscriptions::listen(&self.host, &self.session, context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let is_modern = matches!(self.session.era(Some(&context.meta)), Ok(Era::Modern));
        if is_modern && LEGACY_METHODS.contains(&request.method.as_str()) {
            return Err(method_not_found(&request.method));
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

fn unknown_resource(uri: &str) -> ErrorData {
    let uri = crate::text::shorten(&crate::text::escape(uri), 200);
    ErrorData::invalid_params(
        format!("unknown resource: {uri}"),
        Some(serde_json::json!({ "uri": uri })),
    )
}
