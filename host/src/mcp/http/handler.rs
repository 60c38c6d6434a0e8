//! What rmcp calls for a session of the legacy era, or for one request of the modern era. It adds who calls, and hands every request to the [`Guard`] or, what
//! guests answer, to [`calls`], as standard input does.

#![expect(
    deprecated,
    reason = "the newest revision of the protocol has no log levels and no `resources/subscribe`; the older ones that are spoken here do"
)]

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelTaskRequest,
    CancelledNotification, CancelledNotificationParam, ClientNotification, ClientRequest,
    CustomNotification, CustomRequest, CustomResult, DiscoverRequest, DiscoverRequestParams,
    DiscoverResult, ErrorData, GetTaskParams, GetTaskRequest, GetTaskResult, InitializeRequest,
    InitializeRequestParams, InitializeResult, InitializedNotification, ListPromptsRequest,
    ListPromptsResult, ListResourceTemplatesRequest, ListResourceTemplatesResult,
    ListResourcesRequest, ListResourcesResult, ListToolsRequest, ListToolsResult,
    PaginatedRequestParams, PingRequest, ProgressNotification, ProgressNotificationParam,
    ProtocolVersion, RequestOptionalParam, RootsListChangedNotification, ServerConfig,
    ServerNotification, ServerResult, SetLevelRequest, SetLevelRequestParams, SubscribeRequest,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequest, UnsubscribeRequestParams,
    UpdateTaskParams, UpdateTaskRequest,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, Service, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::guard::{Guard, answering_panics};
use super::super::server::{Server, method_not_found};
use super::super::session::Session;
use super::super::stdio::CallMethod;
use super::super::tasks::TasksByPrincipal;
use super::super::{calls, convert, logging, subscriptions};
use crate::host::Host;
use crate::principal::Principal;

tokio::task_local! {
    /// Whose request rmcp is handling when it makes a handler.
    pub(super) static CALLER: Caller;
}

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) principal: Principal,
}

/// A call's parameters as the client wrote them, among the extensions of its request.
#[derive(Clone)]
pub(super) struct CallParams(pub(super) Arc<RawValue>);

/// So many notifications of a call wait for the client to take those before.
const UNSAID: usize = 256;

/// The mark of an input schema's property that a client repeats in a header.
const IN_HEADER: &str = "x-mcp-header";

pub(super) struct Handler {
    host: Arc<Host>,
    session: Arc<Session>,
    guard: Guard,
    /// Ends what was begun for the session when rmcp drops it.
    over: CancellationToken,
    _end: DropGuard,
}

impl Handler {
    /// For the caller of the moment.
    ///
    /// # Errors
    ///
    /// Where there is none, which would be a fault of ours.
    pub(super) fn new(host: &Arc<Host>, tasks: &TasksByPrincipal) -> io::Result<Self> {
        let caller = CALLER
            .try_with(Caller::clone)
            .map_err(|_| io::Error::other("nobody calls"))?;
        let tasks = tasks.of(&caller.principal.name);
        let session = Arc::new(Session::of(caller.principal, tasks));
        let server = Server::new(host.clone(), session.clone());
        let over = CancellationToken::new();
        Ok(Self {
            guard: Guard::new(server, session.clone()),
            host: host.clone(),
            session,
            _end: over.clone().drop_guard(),
            over,
        })
    }

    async fn guarded(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        self.guard.handle_request(request, context).await
    }

    async fn told(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) {
        if let Err(error) = self.guard.handle_notification(notification, context).await {
            tracing::debug!(%error, "a notification could not be handled");
        }
    }

    /// A request that guests answer. What they say meanwhile goes out before the answer, in its order.
    async fn call(
        &self,
        method: CallMethod,
        context: RequestContext<RoleServer>,
    ) -> Result<Value, ErrorData> {
        let params = context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<CallParams>())
            .map(|params| params.0.clone());
        let (said, mut to_say) = mpsc::channel(UNSAID);
        let caller = calls::Caller {
            host: &self.host,
            session: &self.session,
            peer: Some(&context.peer),
            notify: Box::new(move |method, params| {
                // A client that does not read misses what a guest says, and never the answer.
                let _ = said.try_send((method, params));
            }),
            cancel: &context.ct,
        };
        let calling = calls::result(&self.host, caller, &context.id, method, params.as_deref());
        let mut calling = std::pin::pin!(calling);
        let result = loop {
            tokio::select! {
                biased;
                Some((method, params)) = to_say.recv() => say(&context.peer, method, params).await,
                result = &mut calling => break result,
            }
        };
        while let Ok((method, params)) = to_say.try_recv() {
            say(&context.peer, method, params).await;
        }
        result
    }

    /// What a client of the legacy era is told unasked.
    fn announce(&self, peer: Peer<RoleServer>) {
        let (host, session) = (&self.host, &self.session);
        session.set_peer(peer.clone());
        let changes = subscriptions::announce(host.clone(), session.clone(), peer.clone());
        let builds = logging::announce_builds(host.clone(), session.clone(), peer);
        let over = self.over.clone();
        tokio::spawn(async move {
            over.run_until_cancelled(async { tokio::join!(changes, builds) })
                .await;
        });
    }
}

/// Sends a notification of a call's. A client that is gone misses it.
async fn say(peer: &Peer<RoleServer>, method: &'static str, params: Value) {
    let notification = serde_json::json!({ "method": method, "params": params });
    match serde_json::from_value::<ServerNotification>(notification) {
        Ok(notification) => drop(peer.send_notification(notification).await),
        Err(error) => tracing::warn!(%error, "a notification cannot be sent"),
    }
}

/// Whether some argument of the tool that is called is repeated in a header.
pub(super) fn names_arguments_in_headers(host: &Host, params: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    params
        .and_then(|params| serde_json::from_str::<Named<'_>>(params.get()).ok())
        .is_some_and(|named| schema_for_headers(host, &named.name).is_some())
}

fn schema_for_headers(host: &Host, tool: &str) -> Option<Tool> {
    let catalog = host.catalog();
    let listed = catalog
        .tools()
        .find(|listed| listed.tool.full_name == tool)?;
    let schema = listed.tool.advertised_input.to_string();
    schema
        .contains(IN_HEADER)
        .then(|| convert::listed::tool(listed))
}

fn mixed_up() -> ErrorData {
    ErrorData::internal_error("the answer is of another kind than the request", None)
}

/// Requests that pass the guard as they are: the method, its parameters, the request, the kinds of results and what becomes of each.
macro_rules! pass_the_guard {
    ($($method:ident($params:ty) -> $result:ty: $request:expr, $($kind:ident => $made:expr),+;)+) => {$(
        async fn $method(
            &self,
            params: $params,
            context: RequestContext<RoleServer>,
        ) -> Result<$result, ErrorData> {
            let request: fn($params) -> ClientRequest = $request;
            match self.guarded(request(params), context).await? {
                $(ServerResult::$kind(result) => { let made: fn(_) -> $result = $made; Ok(made(result)) })+
                _ => Err(mixed_up()),
            }
        }
    )+};
}

/// The same for a request for a list, whose parameters may be missing.
fn paged<M: Default>(
    params: Option<PaginatedRequestParams>,
) -> RequestOptionalParam<M, PaginatedRequestParams> {
    RequestOptionalParam {
        method: M::default(),
        params,
        extensions: rmcp::model::Extensions::default(),
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        Service::get_info(&self.guard)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::supported_protocol_versions(&self.guard)
    }

    async fn initialize(
        &self,
        params: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let is_first = !self.session.is_initialized();
        let peer = context.peer.clone();
        let request = ClientRequest::InitializeRequest(InitializeRequest::new(params));
        let ServerResult::InitializeResult(result) = self.guarded(request, context).await? else {
            return Err(mixed_up());
        };
        if is_first {
            self.announce(peer);
        }
        Ok(result)
    }

    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        let request = ClientRequest::PingRequest(PingRequest::default());
        self.guarded(request, context).await.map(drop)
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let request =
            ClientRequest::DiscoverRequest(DiscoverRequest::new(DiscoverRequestParams::default()));
        match self.guarded(request, context).await? {
            ServerResult::DiscoverResult(result) => Ok(result),
            _ => Err(mixed_up()),
        }
    }

    pass_the_guard! {
        set_level(SetLevelRequestParams) -> ():
            |params| ClientRequest::SetLevelRequest(SetLevelRequest::new(params)),
            EmptyResult => drop;
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult:
            |params| ClientRequest::ListPromptsRequest(paged::<_>(params) as ListPromptsRequest),
            ListPromptsResult => |result| result;
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult:
            |params| ClientRequest::ListResourcesRequest(paged::<_>(params) as ListResourcesRequest),
            ListResourcesResult => |result| result;
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult:
            |params| ClientRequest::ListResourceTemplatesRequest(paged::<_>(params) as ListResourceTemplatesRequest),
            ListResourceTemplatesResult => |result| result;
        subscribe(SubscribeRequestParams) -> ():
            |params| ClientRequest::SubscribeRequest(SubscribeRequest::new(params)),
            EmptyResult => drop;
        unsubscribe(UnsubscribeRequestParams) -> ():
            |params| ClientRequest::UnsubscribeRequest(UnsubscribeRequest::new(params)),
            EmptyResult => drop;
        get_task(GetTaskParams) -> GetTaskResult:
            |params| ClientRequest::GetTaskRequest(GetTaskRequest::new(params)),
            GetTaskResult => |result| result;
        update_task(UpdateTaskParams) -> ():
            |params| ClientRequest::UpdateTaskRequest(UpdateTaskRequest::new(params)),
            TaskAckResult => drop;
        cancel_task(CancelTaskParams) -> ():
            |params| ClientRequest::CancelTaskRequest(CancelTaskRequest::new(params)),
            TaskAckResult => drop;
        list_tools(Option<PaginatedRequestParams>) -> ListToolsResult:
            |params| ClientRequest::ListToolsRequest(paged::<_>(params) as ListToolsRequest),
            ListToolsResult => |result| result;
    }

    /// The schema against which rmcp checks headers that repeat arguments.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        schema_for_headers(&self.host, name)
    }

    /// Calls come to [`on_custom_request`](Self::on_custom_request), in the form that [`super::body`] gives them.
    async fn call_tool(
        &self,
        _params: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Err(mixed_up())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if let Some(method) = CallMethod::of(&request.method) {
            return self.call(method, context).await.map(CustomResult::new);
        }
        // One that is well formed opens a session. This one says that it is of the era that has no handshake.
        if request.method == "initialize" && context.meta.protocol_version().is_some() {
            return Err(method_not_found(&request.method));
        }
        match self
            .guarded(ClientRequest::CustomRequest(request), context)
            .await?
        {
            ServerResult::CustomResult(result) => Ok(result),
            _ => Err(mixed_up()),
        }
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.guard.server().accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        answering_panics(self.guard.server().listen(context)).await
    }

    async fn on_cancelled(
        &self,
        params: CancelledNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        let told = CancelledNotification::new(params);
        self.told(ClientNotification::CancelledNotification(told), context)
            .await;
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        let told = ProgressNotification::new(params);
        self.told(ClientNotification::ProgressNotification(told), context)
            .await;
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let told = InitializedNotification::default();
        self.told(ClientNotification::InitializedNotification(told), context)
            .await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        let told = RootsListChangedNotification::default();
        self.told(
            ClientNotification::RootsListChangedNotification(told),
            context,
        )
        .await;
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        self.told(
            ClientNotification::CustomNotification(notification),
            context,
        )
        .await;
    }
}
