//! One call of a guest, top to bottom: every stage of it is visible in order in [`stages`]. Mostly it is a tool's; a resource that is read, a prompt that is filled in
//! and an argument that is completed pass the same stages.

mod admit;
mod authorize;
mod compose;
mod error;
mod kept;
mod keyed;
mod large;
mod middleware;
mod output;
mod paused;
mod reach;
mod redact;
mod slot;
mod span;
mod wants;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use toolbay_manifest::TaskSupport;

use self::admit::{admit, tell_breaker};
use self::authorize::authorize;
use self::compose::Composing;
pub(crate) use self::compose::Within;
pub(crate) use self::error::{CallError, ErrorCode};
use self::error::{guest_failure, in_words, not_ready};
use self::kept::{Afterwards, Keeping, look_up as look_up_answer};
pub(crate) use self::kept::{Answers, Notes};
pub(crate) use self::keyed::REPLAY;
use self::keyed::{Keyed, claim};
pub(crate) use self::large::read_result;
use self::large::{Place, is_large, next_part};
pub(crate) use self::middleware::{Hearer, Middleware};
use self::middleware::{before, hearer};
use self::output::check;
pub(crate) use self::output::{Output, PromptOutput, ReadOutput, ToolOutput};
pub(crate) use self::paused::{Paused, Round, UnderWay};
use self::reach::{reach, tell_denials};
use self::redact::redact;
pub(crate) use self::slot::Slot;
use self::slot::slot;
use self::span::CallSpan;
pub(crate) use self::wants::{Unknown, Wanted, Wants, look_up};
use crate::audit;
use crate::catalog::Found;
use crate::client::{Abilities, Client};
use crate::digest::Digest;
use crate::host::Host;
use crate::json;
use crate::permissions::usage::Used;
use crate::plugin::Tool;
use crate::principal::Principal;
use crate::sandbox::{Answer, Finished, GuestCall, GuestLimits, Prepared, Remains};
use crate::telemetry::TracePlace;

/// What a caller asks for.
pub(crate) struct CallRequest<'a> {
    pub(crate) wants: Wants<'a>,
    /// Whether the user allowed this one call.
    pub(crate) consent: bool,
    pub(crate) principal: Principal,
    /// Whoever made the call.
    pub(crate) client: Arc<dyn Client>,
    /// What the guest asked when the same call was made before, with the answers.
    pub(crate) recorded: Vec<Round>,
    pub(crate) cancel: &'a CancellationToken,
    /// The calls that it is made within, where a guest makes it.
    pub(crate) within: Option<Within>,
}

/// How far a call came.
#[expect(
    clippy::large_enum_variant,
    reason = "most calls end without a question, and are spared an allocation"
)]
pub(crate) enum Call {
    Ended(CallEnd),
    /// The guest asks something.
    Asks(Box<Paused>),
}

/// The end of a call. What remains of the guest is to be given to [`Host::dispose`](crate::sandbox::Sandbox::dispose) after the answer was sent.
pub(crate) struct CallEnd {
    pub(crate) outcome: Result<Output, CallError>,
    pub(crate) remains: Option<Remains>,
    /// The call's place among its tool's concurrent ones. Kept until the answer is on its way, so that a client that does not read
    /// holds up the calls and not the memory.
    pub(crate) slot: Option<Slot>,
    used: Used,
    /// What the client would have had to be able to, where the guest asked for it in vain.
    pub(crate) lacked: Abilities,
    /// What the audit log gets to know, once the answer is sent.
    pub(crate) audit: Option<Box<audit::Call>>,
    /// Whether an error is what its guest said, and not what became of it.
    pub(crate) said: bool,
    /// Where it was refused and the user may be asked to allow this one call: about what.
    pub(crate) question: Option<Question>,
}

/// What a user is asked about one call.
pub(crate) struct Question {
    /// In plain words.
    pub(crate) message: String,
    pub(crate) component: Digest,
}

/// Runs a call through all its stages, or to the guest's first question.
///
/// # Errors
///
/// [`Unknown`] only; everything else about the call is its outcome.
pub(crate) async fn run(host: &Host, request: CallRequest<'_>) -> Result<Call, Unknown> {
    Ok(match begin(host, &request).await? {
        Ok(under_way) => under_way.go_on(request.cancel).await,
        Err(end) => Call::Ended(*end),
    })
}

/// Runs a call through the stages before its guest runs: to a guest that only waits to be gone on with, or to an early end.
///
/// # Errors
///
/// [`Unknown`] only; everything else about the call is its outcome.
pub(crate) async fn begin(
    host: &Host,
    request: &CallRequest<'_>,
) -> Result<Result<UnderWay, Box<CallEnd>>, Unknown> {
    let started = Instant::now();
    let (found, wanted) = look_up(host, &request.wants, request.within.is_some()).await?;
    let label = (found.tool.clone(), found.plugin.digest.clone());
    let span = CallSpan::begin(host, &found, request);
    let trace = span.as_ref().map(|span| span.place());
    let hearer = hearer(host, &found, request, trace.as_ref());
    let watching = Watching { hearer, span };
    let mut begun = stages(host, found, wanted, request, trace, started).await;
    match &mut begun {
        Ok(under_way) => under_way.watching = watching,
        Err(end) => {
            let caller = &request.principal.name;
            record(caller, &label.0, &label.1, watching, end, started.elapsed());
        }
    }
    Ok(begun)
}

/// Everything that comes before the guest runs.
async fn stages(
    host: &Host,
    found: Found,
    wanted: Wanted,
    request: &CallRequest<'_>,
    trace: Option<TracePlace>,
    started: Instant,
) -> Result<UnderWay, Box<CallEnd>> {
    if let Some(within) = &request.within {
        within.check(&found.tool)?;
    }
    let allowance = authorize(host, &found, request)?.into_owned();
    needs_a_task(&found.tool, request.client.abilities())?;
    let Found { plugin, tool, .. } = &found;
    let asked = wanted.validate(tool)?;
    let caller = &request.principal.name;
    // What few calls need is boxed, so that the others are not larger for it.
    if host.results.is_used()
        && let Some(output) = Box::pin(next_part(host, tool, caller, &asked)).await
    {
        return Err(Box::new(CallEnd::with(output)));
    }
    admit(host, &found, caller, request.within.is_some())?;
    before(host, &found, request, trace.as_ref()).await?;
    let ticket = if tool.services.cache.is_some() {
        let access = &allowance.access;
        let looking = look_up_answer(host, &found, access, caller, &asked, request.cancel);
        match Box::pin(looking).await? {
            Keeping::No => None,
            Keeping::Miss(ticket) => Some(ticket),
            Keeping::Hit(output) => return Err(Box::new(CallEnd::with(output))),
        }
    } else {
        None
    };
    let mut claimed = if tool.services.idempotency.is_some() {
        match Box::pin(claim(host, &found, caller, &asked, request.cancel)).await? {
            Keyed::No => None,
            Keyed::First(claimed) => Some(claimed),
            Keyed::Replay(output) => return Err(Box::new(CallEnd::with(output))),
        }
    } else {
        None
    };
    let slot = slot(host, &found, caller, request).await?;
    let prepared = match plugin.is_prepared() {
        Some(prepared) => prepared,
        None => Box::pin(prepared(host, &found, request.cancel)).await?,
    };
    let reach = reach(
        host,
        &found,
        &allowance.access,
        &request.principal,
        claimed.is_some(),
    )
    .await?;
    if allowance.unpinned {
        host.pin(plugin);
    }
    let timeout = match &request.within {
        Some(within) => tool.limits.timeout.min(
            within
                .deadline
                .saturating_duration_since(Instant::now().into()),
        ),
        None => tool.limits.timeout,
    };
    let call = GuestCall {
        label: tool.label.clone(),
        request: asked,
        limits: GuestLimits {
            timeout,
            memory: tool.limits.memory,
            max_result: tool.limits.max_result,
        },
        reach: reach.clone(),
        client: request.client.clone(),
        callees: Composing::of(
            host,
            &found,
            request,
            trace,
            (Instant::now() + timeout).into(),
        ),
    };
    let running = host
        .sandbox
        .start(prepared, call, request.cancel)
        .await
        .map_err(|failure| guest_failure(tool, &failure))?;
    if let Some(claimed) = &mut claimed {
        claimed.begins();
    }
    Ok(UnderWay {
        running,
        reach,
        slot: Some(slot),
        recorded: request.recorded.clone().into(),
        started,
        afterwards: Afterwards::new(host, &found, ticket),
        claimed,
        place: Place::of(host),
        callers_places: host.places.clone(),
        watching: Watching::default(),
        found,
    })
}

/// The runnable component, once it is one.
async fn prepared<'a>(
    host: &Host,
    found: &'a Found,
    cancel: &CancellationToken,
) -> Result<&'a Arc<Prepared>, CallError> {
    let prepared = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(CallError::cancelled()),
        prepared = found.plugin.prepared(&host.sandbox) => prepared,
    };
    prepared.map_err(|error| not_ready(&found.tool, &error))
}

/// Everything that comes after the guest has run.
async fn conclude(under_way: UnderWay, finished: Finished) -> CallEnd {
    let UnderWay {
        found,
        reach,
        slot,
        started,
        afterwards,
        claimed,
        place,
        watching,
        ..
    } = under_way;
    let tool = &found.tool;
    tell_breaker(&found.plugin, &reach.principal, finished.end.as_ref().err());
    // A guest that says what went wrong has left things as it says.
    let in_order = finished.end.is_ok();
    let said = matches!(
        finished.end,
        Ok(Answer::Tool(Err(_)) | Answer::Read(Err(_)) | Answer::Prompt(Err(_)))
    );
    let outcome = match finished.end {
        Ok(Answer::Tool(Ok(result))) if is_large(tool, &result) => {
            match Box::pin(place.fit(tool, &reach, result)).await {
                Ok(result) => check(tool, Answer::Tool(Ok(result))),
                Err(error) => Err(error),
            }
        }
        Ok(answer) => check(tool, answer),
        Err(failure) => Err(guest_failure(tool, &failure)),
    };
    let mut outcome = redact(&reach, outcome);
    let used = reach.usage.snapshot();
    if let Some(claimed) = claimed {
        match &outcome {
            Ok(output) => {
                if let Err(error) = Box::pin(claimed.succeeded(tool, output)).await {
                    outcome = Err(error);
                }
            }
            Err(_) => Box::pin(claimed.failed(in_order, used.wrote)).await,
        }
    }
    match &mut outcome {
        Ok(output) => afterwards.succeeded(&found, output),
        Err(error) => tell_denials(&found, &used.denials, error),
    }
    let mut end = CallEnd {
        outcome,
        remains: Some(finished.remains),
        slot,
        question: None,
        lacked: used.lacked,
        used,
        audit: None,
        said,
    };
    record(
        &reach.principal,
        tool,
        &found.plugin.digest,
        watching,
        &mut end,
        started.elapsed(),
    );
    end
}

/// Whoever calls a tool that takes long by nature must be able to fetch the result later.
fn needs_a_task(tool: &Tool, able: Abilities) -> Result<(), Box<CallEnd>> {
    if tool.services.task != Some(TaskSupport::Required) || able.task {
        return Ok(());
    }
    let message = format!(
        "{} runs as a task only, and this client has none",
        tool.named()
    );
    let error = CallError::new(ErrorCode::Unavailable, message).hint(
        "it takes long: use a client that declares the extension `io.modelcontextprotocol/tasks`, or `toolbay call` in a terminal",
    );
    let mut end = CallEnd::from(error);
    end.lacked.task = true;
    Err(Box::new(end))
}

/// Checks the arguments against the tool's input schema and gives their JSON text for the guest.
fn validate(tool: &Tool, arguments: Option<Box<RawValue>>) -> Result<String, CallError> {
    let text = arguments.map_or_else(|| "{}".to_owned(), |text| Box::<str>::from(text).into());
    let value = json::parse(&text).map_err(|error| {
        CallError::new(ErrorCode::Validation, format!("the arguments of `{}` cannot be read: {error}", tool.full_name))
            .hint("name each argument once, nest less deep, and keep numbers within what a double can hold")
    })?;
    let schema = tool.input().map_err(|error| {
        CallError::new(
            ErrorCode::Internal,
            format!("{} has an unusable input schema: {error}", tool.named()),
        )
    })?;
    let faults = schema.faults(&value);
    if faults.is_empty() {
        return Ok(text);
    }
    Err(CallError::new(ErrorCode::Validation, format!("the arguments of `{}` are wrong: {}", tool.full_name, in_words(&faults)))
        .hint("correct these and call again")
        .details(serde_json::json!({ "errors": faults.iter().map(|fault| serde_json::json!({"pointer": fault.pointer, "message": fault.message})).collect::<Vec<_>>() })))
}

/// Who hears how one call ends, besides its caller.
#[derive(Default)]
pub(crate) struct Watching {
    hearer: Option<Box<Hearer>>,
    span: Option<CallSpan>,
}

/// Says in the log what became of the call, and what the audit log is to say. Arguments hold private data and stay out of it.
fn record(
    caller: &Arc<str>,
    tool: &Arc<Tool>,
    digest: &Digest,
    watching: Watching,
    end: &mut CallEnd,
    took: Duration,
) {
    let (plugin, name, micros) = (&tool.label.plugin, &tool.label.tool, took.as_micros());
    match &end.outcome {
        Ok(_) => tracing::debug!(%plugin, tool = %name, micros, "call completed"),
        Err(error) => {
            tracing::info!(%plugin, tool = %name, micros, code = error.code.as_str(), "call failed")
        }
    }
    let code = end.outcome.as_ref().err().map(|error| error.code.as_str());
    tool.metrics.count(code, took);
    if let Some(span) = watching.span {
        span.end(code);
    }
    if let Some(hearer) = watching.hearer {
        hearer.tell(code, took);
    }
    end.audit = Some(Box::new(audit::Call {
        principal: caller.clone(),
        plugin: plugin.clone(),
        digest: digest.clone(),
        tool: name.clone(),
        error: code,
        duration: took,
        // Whoever has the text adds its hash when nobody waits for it.
        arguments: None,
        used: std::mem::take(&mut end.used),
        by: None,
    }));
}

impl CallEnd {
    /// The end of a call for which nothing had to run.
    fn with(output: Output) -> Self {
        Self::of(Ok(output))
    }

    fn of(outcome: Result<Output, CallError>) -> Self {
        Self {
            outcome,
            remains: None,
            slot: None,
            question: None,
            lacked: Abilities::default(),
            used: Used::default(),
            audit: None,
            said: false,
        }
    }
}

impl From<CallError> for CallEnd {
    fn from(error: CallError) -> Self {
        Self::of(Err(error))
    }
}

impl From<CallError> for Box<CallEnd> {
    fn from(error: CallError) -> Self {
        Self::new(error.into())
    }
}
