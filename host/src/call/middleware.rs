//! Tools that the user put around all calls, in `toolbay.toml`: those before a call may refuse it, those after it hear how it ended. Each is an ordinary tool with its own
//! permissions and limits, which is told of the call what its arguments name, and is not called around itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::error::{CallError, ErrorCode};
use super::{Call, CallEnd, CallRequest, Wants, Within};
use crate::audit;
use crate::catalog::{Catalog, Found};
use crate::client::Waiting;
use crate::config::Config;
use crate::host::Host;
use crate::plugin::Tool;
use crate::principal::Principal;
use crate::telemetry::TracePlace;

/// What a tool before a call may be told, by the name of its argument.
const TOLD_BEFORE: [&str; 5] = ["tool", "plugin", "caller", "read_only", "arguments"];

/// What a tool after a call may be told.
const TOLD_AFTER: [&str; 8] = [
    "tool",
    "plugin",
    "caller",
    "read_only",
    "arguments",
    "success",
    "error_code",
    "duration_ms",
];

/// So many ends of calls are told at once or wait for it; where there are more, the newest are not told.
const MAX_UNTOLD: usize = 512;

/// How long the end of the host waits until they are.
const ENDING: Duration = Duration::from_secs(1);

/// The tools around all calls, by their full names.
#[derive(Debug)]
pub(crate) struct Middleware {
    host: Weak<Host>,
    before: Vec<String>,
    after: Vec<String>,
    room: Arc<Semaphore>,
    /// Ends that nobody was told of.
    missed: AtomicU64,
}

impl Middleware {
    /// Nothing where the user put nothing around calls.
    pub(crate) fn of(config: &Config, host: &Weak<Host>) -> Option<Arc<Self>> {
        let (before, after) = (&config.middleware_before, &config.middleware_after);
        if before.is_empty() && after.is_empty() {
            return None;
        }
        Some(Arc::new(Self {
            host: host.clone(),
            before: before.clone(),
            after: after.clone(),
            room: Arc::new(Semaphore::new(MAX_UNTOLD)),
            missed: AtomicU64::new(0),
        }))
    }

    /// What is wrong with it, for the user.
    pub(crate) fn problems(&self, catalog: &Catalog) -> Vec<String> {
        let before = self.before.iter().map(|name| (name, "before"));
        let after = self.after.iter().map(|name| (name, "after"));
        let all = before.chain(after);
        let problems = all.filter_map(|(name, key)| {
            let found = catalog.find(name);
            let problem = match &found {
                None => "which is not there".to_owned(),
                Some(found) => unusable(&found.tool, told(key))?,
            };
            let outcome = match key {
                "before" => "until then every call is refused",
                _ => "until then it hears of no call",
            };
            Some(format!(
                "`middleware.{key}` in toolbay.toml names `{name}`, {problem}; {outcome}"
            ))
        });
        problems.collect()
    }

    /// Waits a moment until all ends are told.
    pub(crate) async fn finish(&self) {
        let all = u32::try_from(MAX_UNTOLD).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(ENDING, self.room.acquire_many(all)).await;
    }
}

fn told(key: &str) -> &'static [&'static str] {
    match key {
        "before" => &TOLD_BEFORE,
        _ => &TOLD_AFTER,
    }
}

/// Why this tool cannot be put around calls.
fn unusable(tool: &Tool, told: &[&str]) -> Option<String> {
    let required = tool.advertised_input.get("required")?.as_array()?;
    let mut names = required.iter().filter_map(Value::as_str);
    let unknown = names.find(|name| !told.contains(name))?;
    Some(format!(
        "which wants `{}`, and is told {} only",
        crate::text::shorten(&crate::text::escape(unknown), 80),
        told.join(", ")
    ))
}

/// Asks the tools that the user put before all calls. Any of them may refuse this one, and one that cannot be asked lets nothing through.
pub(super) async fn before(
    host: &Host,
    found: &Found,
    request: &CallRequest<'_>,
    trace: Option<&TracePlace>,
) -> Result<(), CallError> {
    let Some(middleware) = around(host, found, request) else {
        return Ok(());
    };
    if middleware.before.is_empty() {
        return Ok(());
    }
    let about = About::of(found, request);
    let within = Within::around(request.within.as_ref(), found, trace);
    for name in &middleware.before {
        let told = about.before();
        let running = run(
            host,
            name,
            &about,
            told,
            &TOLD_BEFORE,
            within.clone(),
            request.cancel,
        );
        Box::pin(running).await?;
    }
    Ok(())
}

/// Who hears how this call ends, if anybody does.
pub(super) fn hearer(
    host: &Host,
    found: &Found,
    request: &CallRequest<'_>,
    trace: Option<&TracePlace>,
) -> Option<Box<Hearer>> {
    let middleware = around(host, found, request)?;
    if middleware.after.is_empty() {
        return None;
    }
    Some(Box::new(Hearer {
        about: About::of(found, request),
        // What is left of another call's time is not this one's.
        within: Within::around(None, found, trace),
        middleware: middleware.clone(),
    }))
}

/// What is around this call, if it is one that has something around it.
fn around<'a>(
    host: &'a Host,
    found: &Found,
    request: &CallRequest<'_>,
) -> Option<&'a Arc<Middleware>> {
    let middleware = host.middleware.as_ref()?;
    let mut around = middleware.before.iter().chain(&middleware.after);
    if around.any(|name| *name == found.tool.full_name) {
        return None;
    }
    let is_call = matches!(
        request.wants,
        Wants::Tool { .. } | Wants::Read { .. } | Wants::Prompt { .. }
    );
    let is_middleware = request.within.as_ref().is_some_and(Within::is_middleware);
    (is_call && !is_middleware).then_some(middleware)
}

/// Whoever hears how one call ends.
pub(crate) struct Hearer {
    middleware: Arc<Middleware>,
    about: About,
    within: Within,
}

impl Hearer {
    /// Tells it, without anybody waiting for that.
    pub(super) fn tell(self, error: Option<&'static str>, took: Duration) {
        let Self {
            middleware,
            about,
            within,
        } = self;
        let Ok(room) = middleware.room.clone().try_acquire_owned() else {
            if middleware.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(
                    "calls end faster than `middleware.after` is told; it is not told of all"
                );
            }
            return;
        };
        middleware.missed.store(0, Ordering::Relaxed);
        tokio::spawn(async move {
            let Some(host) = middleware.host.upgrade() else {
                return;
            };
            let cancel = CancellationToken::new();
            for name in &middleware.after {
                let told = about.after(error, took);
                let within = within.clone();
                let running = run(&host, name, &about, told, &TOLD_AFTER, within, &cancel);
                if let Err(error) = Box::pin(running).await {
                    tracing::warn!(tool = %name, code = error.code.as_str(), "a tool of `middleware.after` failed: {}", error.message);
                }
            }
            drop(room);
        });
    }
}

/// One call, as its middleware hears of it.
struct About {
    tool: String,
    plugin: Arc<str>,
    principal: Principal,
    read_only: bool,
    /// As the caller wrote them, so that they may be none.
    arguments: Option<Box<RawValue>>,
}

impl About {
    fn of(found: &Found, request: &CallRequest<'_>) -> Self {
        let arguments = match &request.wants {
            Wants::Tool { arguments, .. } => arguments.map(ToOwned::to_owned),
            Wants::Prompt { arguments, .. } => to_raw_value(arguments).ok(),
            Wants::Read { uri } => to_raw_value(&serde_json::json!({ "uri": uri })).ok(),
            _ => None,
        };
        Self {
            tool: found.tool.full_name.clone(),
            plugin: found.tool.label.plugin.clone(),
            principal: request.principal.clone(),
            read_only: found.tool.annotations.read_only,
            arguments,
        }
    }

    fn before(&self) -> Map<String, Value> {
        let arguments = self.arguments.as_ref();
        let arguments = arguments
            .and_then(|text| serde_json::from_str::<Map<String, Value>>(text.get()).ok())
            .unwrap_or_default();
        let told = [
            ("tool", self.tool.as_str().into()),
            ("plugin", (*self.plugin).into()),
            ("caller", (*self.principal.name).into()),
            ("read_only", self.read_only.into()),
            ("arguments", arguments.into()),
        ];
        told.into_iter()
            .map(|(name, value): (&str, Value)| (name.to_owned(), value))
            .collect()
    }

    fn after(&self, error: Option<&'static str>, took: Duration) -> Map<String, Value> {
        let mut told = self.before();
        told.insert("success".into(), error.is_none().into());
        if let Some(code) = error {
            told.insert("error_code".into(), code.into());
        }
        told.insert("duration_ms".into(), (took.as_secs_f64() * 1e3).into());
        told
    }
}

/// Calls one tool around a call, for the same caller.
async fn run(
    host: &Host,
    name: &str,
    about: &About,
    mut told: Map<String, Value>,
    may_be_told: &[&str],
    within: Within,
    cancel: &CancellationToken,
) -> Result<(), CallError> {
    let missing = |problem: &str| {
        let message = format!("`{name}`, which the user put around all calls, {problem}");
        let hint = "tell the user that `toolbay doctor` says why, and that `middleware` in toolbay.toml names it";
        CallError::new(ErrorCode::Unavailable, message).hint(hint)
    };
    let catalog = if host.is_scanned() {
        host.catalog()
    } else {
        host.scanned_catalog().await
    };
    let found = catalog.find(name).ok_or_else(|| missing("is not there"))?;
    if let Some(problem) = unusable(&found.tool, may_be_told) {
        return Err(missing(&format!("cannot be asked: it is a tool {problem}")));
    }
    // What it does not name it is not told: above all the arguments, which are private.
    let named = found.tool.advertised_input.get("properties");
    told.retain(|argument, _| named.is_some_and(|named| named.get(argument).is_some()));
    let arguments = to_raw_value(&told).map_err(|error| missing(&error.to_string()))?;
    let request = CallRequest {
        wants: Wants::Tool {
            name,
            arguments: Some(&arguments),
        },
        consent: false,
        principal: about.principal.clone(),
        client: Arc::new(Waiting),
        recorded: Vec::new(),
        cancel,
        within: Some(within),
    };
    let end = to_its_end(host, request)
        .await
        .map_err(|_gone| missing("is not there"))?;
    if let Some(remains) = end.remains {
        host.sandbox.dispose(remains);
    }
    if let Some(mut called) = end.audit {
        called.arguments = host.audit.hash(arguments.get());
        called.by = Some(about.tool.as_str().into());
        host.audit.record(audit::Event::Called(called)).await;
    }
    match end.outcome {
        Ok(_) => Ok(()),
        Err(error) if end.said => Err(error),
        Err(error) => {
            let mut refused = missing(&format!("could not be asked: {}", error.message));
            refused.retry_after_ms = error.retry_after_ms;
            Err(refused)
        }
    }
}

async fn to_its_end(host: &Host, request: CallRequest<'_>) -> Result<CallEnd, super::Unknown> {
    let cancel = request.cancel;
    let mut call = super::run(host, request).await?;
    loop {
        match call {
            Call::Ended(end) => return Ok(end),
            Call::Asks(paused) => {
                let refused = Err("a tool around a call cannot ask anybody".to_owned());
                call = paused.answer(refused, cancel).await;
            }
        }
    }
}
