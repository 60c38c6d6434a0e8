//! The stage of a call that looks whether its answer is kept, and what is kept and made stale after it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::{CallError, busy};
use super::output::Output;
use crate::cache::{Cache, Found as Looked, Subject, Ticket};
use crate::catalog::Found;
use crate::changes::{Change, Changes, What};
use crate::digest::Digest;
use crate::host::Host;
use crate::json::canonical;
use crate::permissions::access::ToolAccess;
use crate::sandbox::Request;

/// The answers that are kept.
pub(crate) type Answers = Cache<Output>;

/// How an answer came about, for whoever passes it on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Whether it was kept, where that is done at all.
    pub(crate) cache: Option<Kept>,
    /// Whether it is the result of an earlier call with the same key.
    pub(crate) replay: bool,
}

/// Whether an answer was kept, and how long it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) hit: bool,
    pub(crate) left: Duration,
}

/// What becomes of a call's answer.
pub(super) enum Keeping {
    /// Nothing: it is not of a kind that is kept.
    No,
    /// It is here already.
    Hit(Output),
    /// It is to be found out and kept.
    Miss(Ticket<Output>),
}

/// Looks for the answer, where the tool or resource has a cache. Waits for whoever is finding out the same.
pub(super) async fn look_up(
    host: &Host,
    found: &Found,
    access: &ToolAccess,
    principal: &Arc<str>,
    asked: &Request,
    cancel: &CancellationToken,
) -> Result<Keeping, CallError> {
    let Some((subject, question)) = found
        .tool
        .services
        .cache
        .and_then(|_| question(found, access, principal, asked))
    else {
        return Ok(Keeping::No);
    };
    let looking = host.answers.look_up(&question, &subject);
    let looked = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(CallError::cancelled()),
        looked = tokio::time::timeout(found.tool.limits.timeout, looking) => looked,
    };
    Ok(
        match looked.map_err(|_| busy(&found.tool, found.tool.limits.timeout))? {
            Looked::Hit(output, left) => {
                let mut output = (*output).clone();
                output.note(|notes| notes.cache = Some(Kept { hit: true, left }));
                Keeping::Hit(output)
            }
            Looked::Miss(ticket) => Keeping::Miss(ticket),
        },
    )
}

/// What is asked, by whom, of which build, and with which permissions: the same in all of that is the same question.
fn question(
    found: &Found,
    access: &ToolAccess,
    principal: &Arc<str>,
    asked: &Request,
) -> Option<(Subject, Digest)> {
    let (name, what) = match asked {
        Request::Tool { name, arguments } => (name.clone(), canonical(arguments)?),
        Request::Read { uri, .. } => (uri.as_str().into(), uri.clone()),
        _ => return None,
    };
    let (plugin, label) = (&found.plugin, &found.tool.label);
    let question = (
        principal,
        &plugin.scope,
        &label.plugin,
        &label.tool,
        plugin.digest.as_str(),
        what,
        format!("{access:?}"),
    );
    let subject = Subject {
        plugin: label.plugin.clone(),
        name,
    };
    Some((subject, Digest::of(&serde_json::to_vec(&question).ok()?)))
}

/// What is still to be done with a call's answer; nothing for most.
#[derive(Default)]
pub(super) struct Afterwards {
    ticket: Option<Ticket<Output>>,
    stale: Option<(Arc<Answers>, Changes)>,
}

impl Afterwards {
    pub(super) fn new(host: &Host, found: &Found, ticket: Option<Ticket<Output>>) -> Self {
        let makes_stale = !found.tool.services.invalidates.is_empty();
        let stale = makes_stale.then(|| (host.answers.clone(), host.changes.clone()));
        Self { ticket, stale }
    }

    /// The guest asks its user something, so the answer is of this moment alone, and nobody is to wait for it.
    pub(super) fn keeps_nothing(&mut self) {
        self.ticket = None;
    }

    /// Keeps a success, and makes stale what it has changed.
    pub(super) fn succeeded(self, found: &Found, output: &mut Output) {
        let services = &found.tool.services;
        if let (Some(ticket), Some(cache)) = (self.ticket, services.cache) {
            let left = cache.ttl.duration();
            ticket.keep(output.clone(), left, output.weight());
            output.note(|notes| notes.cache = Some(Kept { hit: false, left }));
        }
        let Some((answers, changes)) = self.stale else {
            return;
        };
        let plugin = &found.tool.label.plugin;
        answers.invalidate(plugin, &services.invalidates);
        for pattern in &services.invalidates {
            changes.tell(Change {
                plugin: plugin.clone(),
                principal: None,
                what: What::Matching(pattern.as_str().into()),
            });
        }
    }
}
