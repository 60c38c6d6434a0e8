//! Log messages to clients: which ones they want, and what those of the legacy era are told of plugins that are being developed.

#![expect(
    deprecated,
    reason = "the newest revision of the protocol has no such messages; the older ones that are spoken here do"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, RequestMetaObject};
use rmcp::service::Peer;

use super::session::Session;
use crate::client::LogLevel;
use crate::dev::Failing;
use crate::host::Host;

/// The least severe messages that a client wants to have; all of them, as long as it has not said: there are few.
#[derive(Debug, Default)]
pub(super) struct SessionLevel(AtomicU8);

/// The levels, the least severe first.
const LEVELS: [LogLevel; 8] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Notice,
    LogLevel::Warning,
    LogLevel::Error,
    LogLevel::Critical,
    LogLevel::Alert,
    LogLevel::Emergency,
];

impl SessionLevel {
    pub(super) fn set(&self, level: LoggingLevel) {
        let place = LEVELS.iter().position(|one| *one == core_level(level));
        let place = place.and_then(|place| u8::try_from(place).ok());
        self.0.store(place.unwrap_or_default(), Ordering::Relaxed);
    }

    /// What a client of the legacy era gets to hear.
    pub(super) fn filter(&self) -> LogFilter {
        let place = usize::from(self.0.load(Ordering::Relaxed));
        LogFilter(LEVELS.get(place).copied())
    }
}

/// The least severe messages that somebody gets to hear; none at all where there is no level.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogFilter(Option<LogLevel>);

impl LogFilter {
    #[cfg(test)]
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    /// What a request of the modern era asks for itself.
    pub(super) fn of_request(meta: Option<&RequestMetaObject>) -> Self {
        const KEY: &str = "io.modelcontextprotocol/logLevel";
        let level = meta.and_then(|meta| meta.0.0.get(KEY)).cloned();
        let level = level.and_then(|level| serde_json::from_value(level).ok());
        Self(level.map(core_level))
    }

    pub(super) fn includes(self, level: LogLevel) -> bool {
        self.0.is_some_and(|least| level >= least)
    }
}

fn core_level(level: LoggingLevel) -> LogLevel {
    match level {
        LoggingLevel::Debug => LogLevel::Debug,
        LoggingLevel::Info => LogLevel::Info,
        LoggingLevel::Notice => LogLevel::Notice,
        LoggingLevel::Warning => LogLevel::Warning,
        LoggingLevel::Error => LogLevel::Error,
        LoggingLevel::Critical => LogLevel::Critical,
        LoggingLevel::Alert => LogLevel::Alert,
        LoggingLevel::Emergency => LogLevel::Emergency,
    }
}

/// A level as it is spelled on the wire.
pub(super) fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Notice => "notice",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
        LogLevel::Critical => "critical",
        LogLevel::Alert => "alert",
        LogLevel::Emergency => "emergency",
    }
}

/// Tells a client of the legacy era, as a log message, when a plugin that is being developed does not build, and when it does again. In the modern
/// era log messages belong to requests that ask for them; there `toolbay_status` says the same.
pub(super) async fn announce_builds(
    host: Arc<Host>,
    session: Arc<Session>,
    peer: Peer<RoleServer>,
) {
    let mut builds = host.developing();
    let mut failing: BTreeMap<String, Failing> = BTreeMap::new();
    loop {
        tokio::select! {
            () = host.closing.cancelled() => return,
            changed = builds.changed() => if changed.is_err() { return },
        }
        let notes = builds.borrow_and_update().clone();
        failing.retain(|plugin, _| notes.iter().any(|note| note.plugin == *plugin));
        for note in notes {
            let before = failing.get(&note.plugin);
            let level = match (before, &note.failing) {
                (before, Some(now)) if before.is_none_or(|before| before.error != now.error) => {
                    LoggingLevel::Error
                }
                (Some(_), None) => LoggingLevel::Info,
                _ => continue,
            };
            match &note.failing {
                Some(now) => failing.insert(note.plugin.clone(), now.clone()),
                None => failing.remove(&note.plugin),
            };
            if !session.is_initialized() || !session.log_level.filter().includes(core_level(level))
            {
                continue;
            }
            let message = LoggingMessageNotificationParam::new(level, note.sentence().into())
                .with_logger("toolbay dev");
            if peer.notify_logging_message(message).await.is_err() {
                return;
            }
        }
    }
}
