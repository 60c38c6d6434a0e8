//! Log messages to clients of the legacy era: which ones they want, and what is told of plugins that are being developed.

#![expect(
    deprecated,
    reason = "the newest revision of the protocol has no such messages; the older ones that are spoken here do"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
use rmcp::service::Peer;

use super::session::Session;
use crate::dev::Failing;
use crate::host::Host;

/// The least severe messages that a client wants to have; all of them, as long as it has not said: there are few.
#[derive(Debug, Default)]
pub(super) struct LogLevel(AtomicU8);

impl LogLevel {
    pub(super) fn set(&self, level: LoggingLevel) {
        self.0.store(severity(level), Ordering::Relaxed);
    }

    fn includes(&self, level: LoggingLevel) -> bool {
        severity(level) >= self.0.load(Ordering::Relaxed)
    }
}

/// The levels of RFC 5424, the least severe first.
fn severity(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
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
            if !session.is_initialized() || !session.log_level.includes(level) {
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
