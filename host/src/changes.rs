//! What guests say that they changed, for whoever has subscribed to it.

use std::sync::Arc;

use tokio::sync::broadcast;

/// How many changes a subscriber may be behind before it misses some; it then takes everything to have changed.
const BACKLOG: usize = 1024;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) plugin: Arc<str>,
    /// For whom it changed: a caller for whom a guest ran. Nobody in particular where it is seen by all, such as a file.
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The contents of the resource of this URI.
    Updated(Arc<str>),
    /// Which resources there are.
    List,
}

/// Where changes are told and heard. Clones are of one.
#[derive(Debug, Clone)]
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Changes {
    pub(crate) fn tell(&self, change: Change) {
        // Nobody may be listening.
        let _ = self.0.send(change);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
