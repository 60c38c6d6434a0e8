//! What guests say that they changed, for whoever has subscribed to it.

use std::sync::{Arc, OnceLock};

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
    /// Those of the resources whose URIs fit this pattern, in which `*` stands for anything.
    Matching(Arc<str>),
    /// Which resources there are.
    List,
}

/// What hears of a change before anybody else does.
type First = Box<dyn Fn(&Change) + Send + Sync>;

/// Where changes are told and heard. Clones are of one.
#[derive(Clone)]
pub(crate) struct Changes {
    sender: broadcast::Sender<Change>,
    first: Arc<OnceLock<First>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
            first: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Changes")
    }
}

impl Changes {
    /// Has this called with each change, by whoever tells it and before it is on its way. There is one such for good.
    pub(crate) fn before_all(&self, hear: impl Fn(&Change) + Send + Sync + 'static) {
        let _ = self.first.set(Box::new(hear));
    }

    pub(crate) fn tell(&self, change: Change) {
        if let Some(hear) = self.first.get() {
            hear(&change);
        }
        // Nobody may be listening.
        let _ = self.sender.send(change);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.sender.subscribe()
    }
}
