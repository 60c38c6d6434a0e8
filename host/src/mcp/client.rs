//! The client of one call, as its guest sees it: what the guest says becomes notifications that belong to the call, and what the client can be asked comes from
//! its capabilities.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::{ClientCapabilities, ProgressToken, RequestMetaObject, TASKS_EXTENSION_ID};
use serde_json::{Value, json};

use super::logging::{LogFilter, level_name};
use super::tasks::RunningTask;
use crate::client::{Abilities, Asks, Client, LogLevel, TraceParent};
use crate::text::escape;

/// So many notifications of a call go out at once, and then one each [`PACE`]: a guest may report at every step of a loop.
const BURST: u32 = 64;
const PACE: Duration = Duration::from_millis(20);

/// How often the client hears that a call waits for its user, so that it goes on waiting for the call.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Sends a notification that belongs to one call: its method and parameters.
pub(super) type Notify = Box<dyn Fn(&'static str, Value) + Send + Sync>;

/// The client of one call.
pub(super) struct CallClient {
    notify: Notify,
    /// What progress is reported by, if the client asked for it.
    token: Option<ProgressToken>,
    trace: Option<TraceParent>,
    logs: LogFilter,
    abilities: Abilities,
    said: Mutex<Said>,
    /// Where it is told how far the call is, once that is a task: its request is answered then, and nothing belongs to it any more.
    task: OnceLock<Arc<RunningTask>>,
}

/// What the guest has said already.
struct Said {
    progress: Option<f64>,
    total: Option<f64>,
    /// Whether a report was let past the pace for being the last; there is one such in a call.
    last: bool,
    pace: Pace,
}

impl CallClient {
    pub(super) fn new(
        notify: Notify,
        meta: Option<&RequestMetaObject>,
        logs: LogFilter,
        abilities: Abilities,
    ) -> Arc<Self> {
        Arc::new(Self {
            notify,
            token: meta.and_then(RequestMetaObject::get_progress_token),
            trace: meta.and_then(trace),
            logs,
            abilities,
            said: Mutex::new(Said {
                progress: None,
                total: None,
                last: false,
                pace: Pace::new(),
            }),
            task: OnceLock::new(),
        })
    }

    /// The call goes on as a task.
    pub(super) fn becomes(&self, task: Arc<RunningTask>) {
        let _ = self.task.set(task);
    }

    /// Whether the client can be asked this.
    pub(super) fn can(&self, asks: &Asks) -> bool {
        asks.beyond(self.abilities).is_none()
    }

    /// Says that the call goes on although nothing is to be seen of it: a little more progress than before.
    pub(super) fn still_waiting(&self, message: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // Too little to be seen, and still more than before.
        let done = said.progress.unwrap_or(0.0);
        let done = done + (done.abs() * 1e-9).max(1e-6);
        said.progress = Some(done);
        let total = said.total;
        drop(said);
        self.report(done, total, Some(message));
    }

    fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let Some(token) = &self.token else { return };
        let mut params = json!({ "progressToken": token, "progress": number(done) });
        if let Value::Object(members) = &mut params {
            members.extend(total.map(|total| ("total".to_owned(), number(total))));
            members.extend(message.map(|message| ("message".to_owned(), message.into())));
        }
        (self.notify)("notifications/progress", params);
    }
}

impl Client for CallClient {
    fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        if let Some(task) = self.task.get() {
            task.says(&in_words(done, total, message));
            return;
        }
        if self.token.is_none() {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.progress.is_some_and(|before| done <= before) {
            return;
        }
        if !said.pace.allows() {
            // The last of a loop's reports is not the one to be left out.
            let is_last = total.is_some_and(|total| done >= total);
            if !is_last || std::mem::replace(&mut said.last, true) {
                return;
            }
        }
        said.progress = Some(done);
        said.total = total;
        drop(said);
        self.report(done, total, message);
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        if !self.logs.includes(level) || self.task.get().is_some() {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.pace.allows() {
            return;
        }
        drop(said);
        let params = json!({ "level": level_name(level), "logger": logger, "data": data });
        (self.notify)("notifications/message", params);
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn trace(&self) -> Option<TraceParent> {
        self.trace.clone()
    }
}

/// The client's place in its trace, as MCP has it: `traceparent` and `tracestate` in `_meta`. It is kept until a collector has it, so no more of it is taken than
/// W3C Trace Context asks for.
fn trace(meta: &RequestMetaObject) -> Option<TraceParent> {
    const MAX: usize = 512;
    let parent = meta.get_traceparent().filter(|text| text.len() <= MAX)?;
    let state = meta.get_tracestate().filter(|text| text.len() <= MAX);
    Some(TraceParent {
        parent: parent.to_owned(),
        state: state.map(str::to_owned),
    })
}

/// What a client says that it can be asked, by its capabilities as they are written.
pub(super) fn abilities(capabilities: &Value) -> Abilities {
    let has = |members: &Value, name: &str| members.get(name).is_some_and(|it| !it.is_null());
    let elicitation = capabilities.get("elicitation").unwrap_or(&Value::Null);
    let (form, page) = (has(elicitation, "form"), has(elicitation, "url"));
    Abilities {
        // One that names modes and not this one cannot.
        form: !elicitation.is_null() && (form || !page),
        page,
        sample: has(capabilities, "sampling"),
        roots: has(capabilities, "roots"),
        task: capabilities
            .get("extensions")
            .is_some_and(|extensions| has(extensions, TASKS_EXTENSION_ID)),
    }
}

/// The capabilities of a client that could be asked this.
pub(super) fn capabilities(abilities: Abilities) -> ClientCapabilities {
    let mut members = serde_json::Map::new();
    let mut modes = serde_json::Map::new();
    if abilities.form {
        modes.insert("form".into(), json!({}));
    }
    if abilities.page {
        modes.insert("url".into(), json!({}));
    }
    if !modes.is_empty() {
        members.insert("elicitation".into(), modes.into());
    }
    if abilities.sample {
        members.insert("sampling".into(), json!({}));
    }
    if abilities.roots {
        members.insert("roots".into(), json!({}));
    }
    if abilities.task {
        members.insert("extensions".into(), json!({ TASKS_EXTENSION_ID: {} }));
    }
    serde_json::from_value(members.into()).unwrap_or_default()
}

/// How far a task is: `3 of 10: copying`.
fn in_words(done: f64, total: Option<f64>, message: Option<&str>) -> String {
    let far = match total {
        Some(total) => format!("{} of {}", number(done), number(total)),
        None => number(done).to_string(),
    };
    match message {
        Some(message) => format!("{far}: {}", escape(message)),
        None => far,
    }
}

/// Whole numbers are written as such: what counts steps is read better without a point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is compared before, and is far from the limits"
)]
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        (value as i64).into()
    } else {
        value.into()
    }
}

/// A bucket of allowances that fills up with time.
struct Pace {
    left: u32,
    filled: Instant,
}

impl Pace {
    fn new() -> Self {
        Self {
            left: BURST,
            filled: Instant::now(),
        }
    }

    fn allows(&mut self) -> bool {
        let earned = self.filled.elapsed().as_millis() / PACE.as_millis();
        if earned > 0 {
            self.filled = Instant::now();
            let earned = u32::try_from(earned).unwrap_or(BURST);
            self.left = self.left.saturating_add(earned).min(BURST);
        }
        let allowed = self.left > 0;
        self.left -= u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(capabilities: Value) -> Abilities {
        abilities(&capabilities)
    }

    #[test]
    fn a_client_can_be_asked_what_it_says() {
        assert_eq!(of(json!({})), Abilities::default());
        let form = of(json!({"elicitation": {}}));
        assert!(form.form && !form.page);
        let page = of(json!({"elicitation": {"url": {}}}));
        assert!(!page.form && page.page);
        let both = of(json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}));
        assert!(both.form && both.page && both.sample && both.roots);
    }

    #[test]
    fn progress_only_grows_and_a_loops_reports_are_thinned() {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let meta: RequestMetaObject =
            serde_json::from_value(json!({"progressToken": "t"})).unwrap();
        let notify: Notify = {
            let sent = sent.clone();
            Box::new(move |method, params| sent.lock().unwrap().push((method, params)))
        };
        let client = CallClient::new(
            notify,
            Some(&meta),
            LogFilter::nothing(),
            Abilities::default(),
        );
        for step in 0..10_000 {
            client.progress(f64::from(step), Some(10_000.0), None);
        }
        client.progress(10.0, None, Some("back"));
        client.progress(10_000.0, Some(10_000.0), Some("done"));
        client.still_waiting("for you");
        let sent = sent.lock().unwrap().clone();
        assert!(sent.len() < 2000, "{}", sent.len());
        let values: Vec<f64> = sent
            .iter()
            .map(|(_, params)| params["progress"].as_f64().unwrap())
            .collect();
        assert!(values.is_sorted_by(|one, other| one < other), "{values:?}");
        assert_eq!(sent[sent.len() - 2].1["progress"], json!(10_000));
    }

    #[test]
    fn reports_that_are_all_the_last_are_thinned_too() {
        let sent = Arc::new(Mutex::new(0));
        let meta: RequestMetaObject =
            serde_json::from_value(json!({"progressToken": "t"})).unwrap();
        let notify: Notify = {
            let sent = sent.clone();
            Box::new(move |_, _| *sent.lock().unwrap() += 1)
        };
        let client = CallClient::new(
            notify,
            Some(&meta),
            LogFilter::nothing(),
            Abilities::default(),
        );
        for step in 1..10_000 {
            client.progress(f64::from(step), Some(0.0), None);
        }
        let sent = *sent.lock().unwrap();
        assert!(sent < 2000, "{sent}");
    }
}
