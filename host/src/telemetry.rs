//! OpenTelemetry: a span for each call, sent over OTLP to the collector that the user names in `toolbay.toml`. Owns what a span holds, which is names, codes and
//! times, and never an argument or a result; and that nobody waits for the collector. It knows nothing of MCP's messages or of guests.
//!
//! Names are those of OpenTelemetry's conventions for MCP servers, where these have one.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use url::Url;

use crate::client::TraceParent;
use crate::outbound;

/// How long the collector may take for one batch.
const SENDING: Duration = Duration::from_secs(10);

/// The most that is read of what it answers.
const MAX_ANSWER: usize = 64 << 10;

/// How long the end of the host waits for the last batch.
const ENDING: Duration = Duration::from_secs(2);

/// Makes spans and sends them.
#[derive(Debug)]
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Which call a span is of.
pub(crate) struct About<'a> {
    /// MCP's method.
    pub(crate) method: &'static str,
    /// The full name of the tool or prompt; a resource's is its plugin's and its own.
    pub(crate) name: &'a str,
    pub(crate) plugin: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) principal: &'a str,
}

/// The span of a call under way.
pub(crate) struct Span(opentelemetry_sdk::trace::Span);

/// Where a call stands in a trace.
#[derive(Debug, Clone)]
pub(crate) struct TracePlace(SpanContext);

impl Telemetry {
    /// Sends to this collector, in the background: it need not be there. Must be called on a tokio runtime, which the sending runs on.
    ///
    /// # Errors
    ///
    /// Where a variable of OpenTelemetry's, such as `OTEL_EXPORTER_OTLP_HEADERS`, cannot be used, or no thread can be started.
    pub(crate) fn start(collector: &Url) -> Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Sender::new(Handle::current()))
            .with_endpoint(traces(collector))
            .with_timeout(SENDING)
            .build()
            .context("telemetry cannot be sent")?;
        let resource = Resource::builder()
            .with_service_name(service_name())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("toolbay");
        Ok(Self { provider, tracer })
    }

    /// For a call that a client makes, from where it stands in the client's trace.
    pub(crate) fn begin(&self, about: &About<'_>, parent: Option<&TraceParent>) -> Span {
        let parent = parent.map(|parent| TraceContextPropagator::new().extract(&Carried(parent)));
        self.span(about, SpanKind::Server, &parent.unwrap_or_default())
    }

    /// For a call that is made within another.
    pub(crate) fn begin_within(&self, about: &About<'_>, outer: Option<&TracePlace>) -> Span {
        let parent =
            outer.map(|TracePlace(outer)| Context::new().with_remote_span_context(outer.clone()));
        self.span(about, SpanKind::Internal, &parent.unwrap_or_default())
    }

    fn span(&self, about: &About<'_>, kind: SpanKind, parent: &Context) -> Span {
        let attribute = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        let mut attributes = vec![
            KeyValue::new("mcp.method.name", about.method),
            attribute("toolbay.plugin", about.plugin),
            attribute("toolbay.digest", about.digest),
            attribute("toolbay.principal", about.principal),
        ];
        match about.method {
            "tools/call" => {
                attributes.push(KeyValue::new("gen_ai.operation.name", "execute_tool"));
                attributes.push(attribute("gen_ai.tool.name", about.name));
            }
            "prompts/get" => attributes.push(attribute("gen_ai.prompt.name", about.name)),
            _ => attributes.push(attribute("toolbay.name", about.name)),
        }
        let span = self
            .tracer
            .span_builder(format!("{} {}", about.method, about.name))
            .with_kind(kind)
            .with_attributes(attributes);
        Span(self.tracer.build_with_context(span, parent))
    }

    /// Waits a moment until what has ended is sent. Blocks.
    pub(crate) fn finish(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(ENDING) {
            tracing::debug!(%error, "the last spans are not sent");
        }
    }
}

impl Span {
    /// For what is called within it.
    pub(crate) fn place(&self) -> TracePlace {
        TracePlace(self.0.span_context().clone())
    }

    /// The call has ended, with this code where it failed.
    pub(crate) fn end(mut self, error: Option<&'static str>) {
        if let Some(code) = error {
            self.0.set_attribute(KeyValue::new("error.type", code));
            self.0.set_status(Status::Error {
                description: Cow::Borrowed(code),
            });
        }
        self.0.end();
    }
}

/// The collector's address for traces, from its own: `http://127.0.0.1:4318` becomes `http://127.0.0.1:4318/v1/traces`.
fn traces(collector: &Url) -> String {
    format!("{}/v1/traces", collector.as_str().trim_end_matches('/'))
}

/// As OpenTelemetry's own variable has it, so that two hosts can be told apart.
fn service_name() -> String {
    std::env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "toolbay".into())
}

/// Reads a place in a trace from the texts that a client sends.
struct Carried<'a>(&'a TraceParent);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(&self.0.parent),
            "tracestate" => self.0.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Sends batches on the host's runtime. The exporter's own thread waits for them.
struct Sender {
    runtime: Handle,
    /// Whether the last batch was not taken: that is said once, and not for each.
    failing: AtomicBool,
}

impl Sender {
    fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            failing: AtomicBool::new(false),
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let url = request.uri().to_string();
        let sending = self.runtime.spawn(async move {
            let url = Url::parse(&request.uri().to_string())?;
            let answer = outbound::send(&url, request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            anyhow::Ok(Response::from_parts(head, body))
        });
        let answer = sending.await.unwrap_or_else(|error| Err(error.into()));
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(format!("{error:#}")),
        };
        let failed = problem.is_some();
        if self.failing.swap(failed, Ordering::Relaxed) != failed {
            match problem {
                Some(problem) => tracing::warn!(
                    url,
                    "spans cannot be sent to the collector that `telemetry.otlp` in toolbay.toml names: {problem}"
                ),
                None => tracing::info!(url, "spans are sent to the collector again"),
            }
        }
        answer
    }
}

impl HttpClient for Sender {
    fn send_bytes<'this, 'sending>(
        &'this self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sending>>
    where
        'this: 'sending,
        Self: 'sending,
    {
        Box::pin(async move { self.send(request).await.map_err(HttpError::from) })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}
