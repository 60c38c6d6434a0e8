//! What clients want to hear of: lists that change, and resources whose contents do. In the legacy era it is the session's, in the modern one a request's that
//! stays open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ErrorData, ResourceUpdatedNotificationParam};
use rmcp::service::{Peer, SubscriptionContext};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::session::Session;
use crate::cache::fits;
use crate::changes::{Change, What};
use crate::file_changes::Watched;
use crate::host::Host;

/// So many resources can be subscribed to on one connection, or with one request.
pub(super) const MAX_URIS: usize = 1000;

/// The resources that a session has subscribed to.
#[derive(Default)]
pub(super) struct Subscriptions(Mutex<HashMap<String, Option<Watched>>>);

impl std::fmt::Debug for Subscriptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Subscriptions")
    }
}

impl Subscriptions {
    /// # Errors
    ///
    /// Where there are too many already.
    pub(super) fn add(&self, host: &Arc<Host>, uri: &str) -> Result<(), String> {
        let watched = host.file_changes.watch(&host.catalog(), uri);
        let mut uris = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uris.len() >= MAX_URIS && !uris.contains_key(uri) {
            return Err(format!(
                "this client is subscribed to {MAX_URIS} resources, and more are not kept: unsubscribe from some first"
            ));
        }
        uris.insert(uri.to_owned(), watched);
        Ok(())
    }

    pub(super) fn remove(&self, uri: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uri);
    }

    fn has(&self, uri: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(uri)
    }

    fn all(&self) -> Vec<String> {
        let uris = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uris.keys().cloned().collect()
    }
}

/// Whether a change is for this caller's eyes.
fn concerns(change: &Change, principal: &str) -> bool {
    change
        .principal
        .as_deref()
        .is_none_or(|whose| whose == principal)
}

/// Tells a client of the legacy era when a list that it was shown has changed, or a resource that it has subscribed to. One of the modern era asks for it with
/// `subscriptions/listen`.
pub(super) async fn announce(host: Arc<Host>, session: Arc<Session>, peer: Peer<RoleServer>) {
    let mut definitions = host.definitions();
    let mut changes = host.changes.subscribe();
    loop {
        let sent = tokio::select! {
            () = host.closing.cancelled() => return,
            changed = definitions.changed() => {
                if changed.is_err() { return }
                let generation = *definitions.borrow_and_update();
                if !session.is_initialized() { continue }
                announce_lists(&session, &peer, generation).await
            }
            change = changes.recv() => {
                if !session.is_initialized() { continue }
                match change {
                    Err(RecvError::Closed) => return,
                    // Some were missed, so everything may have changed.
                    Err(RecvError::Lagged(_)) => {
                        let mut sent = Ok(());
                        for uri in session.subscriptions.all() {
                            sent = sent.and(notify_updated(&peer, &uri).await);
                        }
                        sent
                    }
                    Ok(change) if !concerns(&change, &session.principal.name) => Ok(()),
                    Ok(Change { what: What::List, .. }) => {
                        peer.notify_resource_list_changed().await
                    }
                    Ok(Change { what: What::Matching(pattern), .. }) => {
                        let uris = session.subscriptions.all();
                        let mut sent = Ok(());
                        for uri in uris.iter().filter(|uri| fits(&pattern, uri)) {
                            sent = sent.and(notify_updated(&peer, uri).await);
                        }
                        sent
                    }
                    Ok(Change { what: What::Updated(uri), .. }) if session.subscriptions.has(&uri) => {
                        notify_updated(&peer, &uri).await
                    }
                    Ok(_) => Ok(()),
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn announce_lists(
    session: &Session,
    peer: &Peer<RoleServer>,
    generation: crate::catalog::Generation,
) -> Result<(), rmcp::service::ServiceError> {
    let older = session.older_lists(generation);
    if older.tools {
        peer.notify_tool_list_changed().await?;
    }
    if older.resources {
        peer.notify_resource_list_changed().await?;
    }
    if older.prompts {
        peer.notify_prompt_list_changed().await?;
    }
    Ok(())
}

async fn notify_updated(
    peer: &Peer<RoleServer>,
    uri: &str,
) -> Result<(), rmcp::service::ServiceError> {
    peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri))
        .await
}

/// What a request to listen will hear, from before it is acknowledged: a client may change a file as soon as it has the acknowledgement.
pub(super) struct Prepared {
    uris: Vec<String>,
    changes: Receiver<Change>,
    watched: Vec<Watched>,
}

impl Prepared {
    fn new(host: &Arc<Host>, uris: Vec<String>) -> Self {
        let catalog = host.catalog();
        Self {
            changes: host.changes.subscribe(),
            watched: uris
                .iter()
                .filter_map(|uri| host.file_changes.watch(&catalog, uri))
                .collect(),
            uris,
        }
    }
}

/// Those whose requests are about to be acknowledged.
#[derive(Default)]
pub(super) struct Preparing(Mutex<Vec<Prepared>>);

/// More are not on their way at once; whoever finds none prepared hears a little later.
const MAX_PREPARING: usize = 64;

impl std::fmt::Debug for Preparing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Preparing")
    }
}

impl Preparing {
    pub(super) fn prepare(&self, host: &Arc<Host>, uris: Vec<String>) {
        let prepared = Prepared::new(host, uris);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_PREPARING {
            // One that was never begun, and whose client is gone.
            all.remove(0);
        }
        all.push(prepared);
    }

    /// Two that ask for the same hear the same, so it makes no difference whose it is.
    fn take(&self, host: &Arc<Host>, uris: &[String]) -> Prepared {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|prepared| prepared.uris == uris);
        let prepared = place.map(|place| all.remove(place));
        drop(all);
        prepared.unwrap_or_else(|| Prepared::new(host, uris.to_vec()))
    }
}

/// Answers `subscriptions/listen`: tells what it asks for until it is cancelled.
pub(super) async fn listen(
    host: &Arc<Host>,
    session: &Session,
    context: SubscriptionContext,
) -> Result<(), ErrorData> {
    // What the first scan finds is no change: nobody was shown a list before it.
    let catalog = host.scanned_catalog().await;
    let mut announced = catalog.generation;
    let mut definitions = host.definitions();
    definitions.mark_changed();
    let principal = &session.principal;
    let accepted = context.accepted().clone();
    let uris = accepted.resource_subscriptions.unwrap_or_default();
    let Prepared {
        mut changes,
        watched: _watched,
        ..
    } = session.preparing.take(host, &uris);
    let wants = |wanted: Option<bool>| wanted == Some(true);
    let (tools, prompts, resources) = (
        wants(accepted.tools_list_changed),
        wants(accepted.prompts_list_changed),
        wants(accepted.resources_list_changed),
    );
    let sink = context.sink().clone();
    loop {
        let sent = tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = host.closing.cancelled() => return Ok(()),
            changed = definitions.changed() => {
                if changed.is_err() { return Ok(()) }
                let now = *definitions.borrow_and_update();
                let before = std::mem::replace(&mut announced, now);
                let mut sent = Ok(());
                if tools && now.tools > before.tools {
                    sent = sent.and(sink.notify_tool_list_changed().await);
                }
                if prompts && now.prompts > before.prompts {
                    sent = sent.and(sink.notify_prompt_list_changed().await);
                }
                if resources && now.resources > before.resources {
                    sent = sent.and(sink.notify_resource_list_changed().await);
                }
                sent
            }
            change = changes.recv() => match change {
                Err(RecvError::Closed) => return Ok(()),
                Err(RecvError::Lagged(_)) => {
                    let mut sent = Ok(());
                    for uri in &uris {
                        sent = sent.and(sink.notify_resource_updated(uri).await);
                    }
                    sent
                }
                Ok(change) if !concerns(&change, &principal.name) => Ok(()),
                Ok(Change { what: What::List, .. }) if resources => {
                    sink.notify_resource_list_changed().await
                }
                Ok(Change { what: What::Matching(pattern), .. }) => {
                    let mut sent = Ok(());
                    for uri in uris.iter().filter(|uri| fits(&pattern, uri)) {
                        sent = sent.and(sink.notify_resource_updated(uri).await);
                    }
                    sent
                }
                Ok(Change { what: What::Updated(uri), .. }) if uris.iter().any(|one| **one == *uri) => {
                    sink.notify_resource_updated(&*uri).await
                }
                Ok(_) => Ok(()),
            },
        };
        if sent.is_err() {
            return Ok(());
        }
    }
}
