//! The imports through which a guest speaks to whoever called it: progress, log messages, whether it is cancelled, what it changed, and questions.
//! Holds each guest to what its tool may ask; what becomes of it is for the [`Client`](crate::client::Client) and for whoever runs the guest.

mod line;
mod questions;

use wasmtime::component::{HasSelf, Linker};

pub(super) use self::line::Line;
use super::bindings::client::cancellation::toolbay::plugin::cancellation;
use super::bindings::client::changes::toolbay::plugin::changes;
use super::bindings::client::input::toolbay::plugin::input::{self, Abilities, AskError};
use super::bindings::client::logging::toolbay::plugin::logging::{self, Level};
use super::bindings::client::progress::toolbay::plugin::progress;
use super::guest::GuestState;
use crate::changes::{Change, What};
use crate::client::LogLevel;
use crate::permissions::usage::Denial;
use crate::text::{escape, escape_lines, shorten};

/// The longest message of a progress report, in characters.
const MAX_MESSAGE: usize = 1000;

/// The most bytes of a log message's data that are passed on.
const MAX_LOG_DATA: usize = 64 << 10;

/// The longest URI that a change is told of.
const MAX_URI: usize = 8192;

/// Offers the imports to every component. Whether they may be used is asked at each use.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    progress::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cancellation::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    logging::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    changes::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    input::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl progress::Host for GuestState {
    fn report(&mut self, done: f64, total: Option<f64>, message: Option<String>) {
        // JSON has no such numbers.
        if !done.is_finite() {
            return;
        }
        let total = total.filter(|total| total.is_finite());
        let message = message.map(|message| shorten(&escape_lines(&message), MAX_MESSAGE));
        self.client.progress(done, total, message.as_deref());
    }
}

impl cancellation::Host for GuestState {
    fn is_cancelled(&mut self) -> bool {
        self.line.is_cancelled()
    }
}

impl logging::Host for GuestState {
    fn message(&mut self, level: Level, logger: Option<String>, data: String) {
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Notice => LogLevel::Notice,
            Level::Warning => LogLevel::Warning,
            Level::Error => LogLevel::Error,
            Level::Critical => LogLevel::Critical,
            Level::Alert => LogLevel::Alert,
            Level::Emergency => LogLevel::Emergency,
        };
        let data = if data.len() > MAX_LOG_DATA {
            shorten(&data, MAX_LOG_DATA).into()
        } else {
            crate::json::parse(&data).unwrap_or_else(|_| data.into())
        };
        let own = logger.unwrap_or_default();
        let logger = if own.is_empty() {
            self.label.plugin.to_string()
        } else {
            format!("{}/{}", self.label.plugin, shorten(&escape(&own), 100))
        };
        self.client.log(level, &logger, data);
    }
}

impl changes::Host for GuestState {
    fn resource_updated(&mut self, uri: String) {
        if uri.len() <= MAX_URI {
            self.tell_change(What::Updated(uri.into()));
        }
    }

    fn resource_list_changed(&mut self) {
        self.tell_change(What::List);
    }
}

impl GuestState {
    fn tell_change(&self, what: What) {
        // What changes nothing has nothing to tell, and a resource whose reading says that it changed would be read for ever.
        if self.reach.access.read_only {
            return;
        }
        self.reach.usage.wrote();
        self.changes.tell(Change {
            plugin: self.label.plugin.clone(),
            principal: Some(self.reach.principal.clone()),
            what,
        });
    }
}

impl input::Host for GuestState {
    fn supported(&mut self) -> Abilities {
        let able = self.client.abilities();
        [
            (able.form, Abilities::FORM),
            (able.page, Abilities::PAGE),
            (able.sample, Abilities::SAMPLE),
            (able.roots, Abilities::ROOTS),
        ]
        .into_iter()
        .filter(|(can, _)| *can)
        .fold(Abilities::empty(), |flags, (_, flag)| flags | flag)
    }

    async fn ask(&mut self, asked: Vec<input::Question>) -> Result<Vec<input::Answer>, AskError> {
        let questions = questions::read(asked).map_err(AskError::Invalid)?;
        for question in &questions {
            self.may_ask(&question.asks)?;
        }
        let able = self.client.abilities();
        let beyond = |question: &crate::client::Question| question.asks.beyond(able);
        if let Some(unable) = questions.iter().find_map(beyond) {
            let lacked = questions
                .iter()
                .filter(|question| beyond(question).is_some());
            lacked.for_each(|question| self.reach.usage.lacked(&question.asks));
            return Err(AskError::Unsupported(format!(
                "the client cannot {unable}; tell the user, or go on without it"
            )));
        }
        let expected = questions.len();
        match self.line.ask(questions).await {
            Ok(answers) if answers.len() == expected => {
                Ok(answers.into_iter().map(questions::write).collect())
            }
            Ok(_) => Err(AskError::Failed("the client gave too few answers".into())),
            Err(why) => Err(AskError::Failed(why)),
        }
    }
}

impl GuestState {
    fn may_ask(&self, asks: &crate::client::Asks) -> Result<(), AskError> {
        use crate::client::Asks;
        let access = &self.reach.access;
        let (allowed, what, line) = match asks {
            Asks::Form { .. } | Asks::Page { .. } => {
                (access.elicit, "ask the user anything", "elicit = true")
            }
            Asks::Sample(_) => (access.sample, "ask the client's model", "sample = true"),
            Asks::Roots => (
                access.roots,
                "learn which folders the client works in",
                "roots = true",
            ),
        };
        if allowed {
            return Ok(());
        }
        let what = format!("{} may not {what}", self.label.named());
        let denied = AskError::Denied(format!("{what}: add `{line}` to {}", self.label.table()));
        self.reach.usage.denied(Denial {
            what,
            remedy: Some(line.into()),
        });
        Err(denied)
    }
}
