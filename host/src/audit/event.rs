//! What can happen, and the line that it becomes. A line holds names and codes and never a value.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::arguments::ArgumentsHash;
use crate::digest::Digest;
use crate::permissions::usage::Used;
use crate::text;

/// Something that is written down. Every text may come from a plugin's author or from a model.
#[derive(Debug)]
pub(crate) enum Event {
    /// A tool was called, whatever became of it.
    Called(Box<Call>),
    /// The user granted a plugin what it asks for.
    Granted {
        plugin: String,
        /// The folder that the grant is for.
        folder: String,
        digest: Digest,
        /// The tools that it is for.
        tools: Vec<String>,
        /// In words, as they were shown.
        permissions: Vec<String>,
        /// When it ends by itself.
        until: Option<SystemTime>,
    },
    /// The user took a grant back.
    Revoked {
        plugin: String,
        folder: String,
        tools: Vec<String>,
    },
    SecretSet {
        plugin: String,
        secret: String,
        kept_in: &'static str,
    },
    SecretRemoved {
        plugin: String,
        secret: String,
    },
    /// The user made a token for callers over HTTP.
    TokenAdded {
        token: String,
        scopes: Vec<String>,
    },
    TokenRemoved {
        token: String,
    },
}

/// One call of a tool.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) principal: Arc<str>,
    pub(crate) plugin: Arc<str>,
    pub(crate) digest: Digest,
    pub(crate) tool: Arc<str>,
    /// The code of its error; nothing where it succeeded.
    pub(crate) error: Option<&'static str>,
    pub(crate) duration: Duration,
    pub(crate) arguments: Option<ArgumentsHash>,
    pub(crate) used: Used,
    /// The tool that called it; nothing where it was a client.
    pub(crate) by: Option<Arc<str>>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Call {
        time: String,
        principal: &'a str,
        plugin: &'a str,
        digest: &'a Digest,
        tool: &'a str,
        outcome: &'a str,
        duration_us: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        called_by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments_hash: Option<String>,
        #[serde(skip_serializing_if = "is_empty")]
        hosts: &'a [String],
        #[serde(skip_serializing_if = "is_empty")]
        mounts: &'a [String],
        #[serde(skip_serializing_if = "is_empty")]
        secrets: &'a [String],
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        kv: bool,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        denials: Vec<&'a str>,
    },
    Granted {
        time: String,
        plugin: &'a str,
        folder: &'a str,
        digest: &'a Digest,
        tools: &'a [String],
        permissions: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    Revoked {
        time: String,
        plugin: &'a str,
        folder: &'a str,
        tools: &'a [String],
    },
    SecretSet {
        time: String,
        plugin: &'a str,
        secret: &'a str,
        kept_in: &'a str,
    },
    SecretRemoved {
        time: String,
        plugin: &'a str,
        secret: &'a str,
    },
    TokenAdded {
        time: String,
        token: &'a str,
        #[serde(skip_serializing_if = "is_empty")]
        scopes: &'a [String],
    },
    TokenRemoved {
        time: String,
        token: &'a str,
    },
    /// So many lines are missing before this one.
    Lost {
        time: String,
        lines: u64,
    },
}

fn is_empty(list: &&[String]) -> bool {
    list.is_empty()
}

impl Event {
    /// Appends the event's line.
    pub(super) fn write(&self, time: SystemTime, lines: &mut Vec<u8>) {
        let time = rfc3339(time);
        append(&self.line(time), lines);
    }

    fn line(&self, time: String) -> Line<'_> {
        match self {
            Self::Called(call) => Line::Call {
                time,
                principal: &call.principal,
                plugin: &call.plugin,
                digest: &call.digest,
                tool: &call.tool,
                outcome: call.error.unwrap_or("ok"),
                duration_us: u64::try_from(call.duration.as_micros()).unwrap_or(u64::MAX),
                called_by: call.by.as_deref(),
                arguments_hash: call.arguments.map(|hash| hash.to_string()),
                hosts: &call.used.hosts,
                mounts: &call.used.mounts,
                secrets: &call.used.secrets,
                kv: call.used.kv,
                denials: call
                    .used
                    .denials
                    .iter()
                    .map(|denial| denial.what.as_str())
                    .collect(),
            },
            Self::Granted {
                plugin,
                folder,
                digest,
                tools,
                permissions,
                until,
            } => Line::Granted {
                time,
                plugin,
                folder,
                digest,
                tools,
                permissions,
                until: until.map(rfc3339),
            },
            Self::Revoked {
                plugin,
                folder,
                tools,
            } => Line::Revoked {
                time,
                plugin,
                folder,
                tools,
            },
            Self::SecretSet {
                plugin,
                secret,
                kept_in,
            } => Line::SecretSet {
                time,
                plugin,
                secret,
                kept_in,
            },
            Self::SecretRemoved { plugin, secret } => Line::SecretRemoved {
                time,
                plugin,
                secret,
            },
            Self::TokenAdded { token, scopes } => Line::TokenAdded {
                time,
                token,
                scopes,
            },
            Self::TokenRemoved { token } => Line::TokenRemoved { time, token },
        }
    }
}

/// Appends the line that says that lines are missing.
pub(super) fn write_lost(count: u64, lines: &mut Vec<u8>) {
    let line = Line::Lost {
        time: rfc3339(SystemTime::now()),
        lines: count,
    };
    append(&line, lines);
}

fn append(line: &Line<'_>, lines: &mut Vec<u8>) {
    let start = lines.len();
    if serde_json::to_writer(&mut *lines, line).is_err() {
        lines.truncate(start);
        return;
    }
    // JSON may hold characters that a terminal would act on or hide; the same JSON without them is safe to look at.
    let plain = lines
        .get(start..)
        .is_some_and(|line| line.iter().all(|byte| matches!(byte, b' '..=b'~')));
    if !plain {
        let escaped = lines
            .get(start..)
            .and_then(|line| std::str::from_utf8(line).ok())
            .map(text::escape_json);
        lines.truncate(start);
        lines.extend_from_slice(escaped.unwrap_or_default().as_bytes());
    }
    lines.push(b'\n');
}

/// In UTC, with milliseconds.
fn rfc3339(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}
