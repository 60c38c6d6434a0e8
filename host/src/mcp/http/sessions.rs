//! Whose each session of the legacy era is, what is going on in it, and when it has lain unused for too long. The sessions themselves are rmcp's.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::RequestId;

/// All sessions of a server.
#[derive(Debug)]
pub(super) struct Sessions {
    known: Mutex<Known>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<Arc<str>, Session>,
    /// Handshakes that are being answered.
    opening: usize,
}

#[derive(Debug)]
struct Session {
    /// The name of the principal that opened it.
    owner: Arc<str>,
    last_used: Instant,
    /// Requests and streams that are open in it.
    visits: usize,
    /// The ids of requests that are not answered yet.
    in_flight: HashSet<RequestId>,
}

/// Why a request does not get into a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoEntry {
    /// There is none of this id, or it is another's, which is the same to whoever asks.
    Unknown,
    /// It has a request of this id already.
    Duplicate,
}

impl Sessions {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::default(),
            limit,
        })
    }

    /// A place for a new session of this principal's. Where there is none left, the one of the principal's own that lay unused the longest makes room, and
    /// is to be closed. Nothing where there is no such one.
    pub(super) fn open(self: &Arc<Self>, owner: &Arc<str>) -> Option<(Opening, Option<Arc<str>>)> {
        let mut known = self.lock();
        let mut makes_room = None;
        if known.sessions.len() + known.opening >= self.limit {
            let unused = known
                .sessions
                .iter()
                .filter(|(_, session)| session.visits == 0 && session.owner == *owner)
                .min_by_key(|(_, session)| session.last_used)
                .map(|(id, _)| id.clone())?;
            known.sessions.remove(&unused);
            makes_room = Some(unused);
        }
        known.opening += 1;
        let opening = Opening {
            sessions: self.clone(),
            owner: owner.clone(),
        };
        Some((opening, makes_room))
    }

    /// Enters a session, with a request where it is one.
    pub(super) fn enter(
        self: &Arc<Self>,
        id: &str,
        principal: &str,
        request: Option<&RequestId>,
    ) -> Result<Visit, NoEntry> {
        let mut known = self.lock();
        let (id, session) = known
            .sessions
            .get_key_value(id)
            .filter(|(_, session)| &*session.owner == principal)
            .map(|(id, _)| id.clone())
            .and_then(|id| known.sessions.get_mut(&id).map(|session| (id, session)))
            .ok_or(NoEntry::Unknown)?;
        if let Some(request) = request
            && !session.in_flight.insert(request.clone())
        {
            return Err(NoEntry::Duplicate);
        }
        session.visits += 1;
        session.last_used = Instant::now();
        Ok(Visit {
            sessions: self.clone(),
            id,
            request: request.cloned(),
        })
    }

    /// Forgets a session that is closed.
    pub(super) fn forget(&self, id: &str) {
        self.lock().sessions.remove(id);
    }

    /// Forgets the sessions in which nothing has happened for so long, and gives their ids.
    pub(super) fn forget_idle(&self, idle: Duration) -> Vec<Arc<str>> {
        let mut forgotten = Vec::new();
        self.lock().sessions.retain(|id, session| {
            let is_idle = session.visits == 0 && session.last_used.elapsed() >= idle;
            if is_idle {
                forgotten.push(id.clone());
            }
            !is_idle
        });
        forgotten
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place for a session that is being opened; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Opening {
    sessions: Arc<Sessions>,
    owner: Arc<str>,
}

impl Opening {
    /// The session is there, under this id.
    pub(super) fn opened(self, id: &str) {
        let session = Session {
            owner: self.owner.clone(),
            last_used: Instant::now(),
            visits: 0,
            in_flight: HashSet::new(),
        };
        self.sessions.lock().sessions.insert(id.into(), session);
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut known = self.sessions.lock();
        known.opening = known.opening.saturating_sub(1);
    }
}

/// Something open in a session, until it is dropped.
#[derive(Debug)]
pub(super) struct Visit {
    sessions: Arc<Sessions>,
    id: Arc<str>,
    request: Option<RequestId>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(session) = self.sessions.lock().sessions.get_mut(&self.id) {
            session.visits = session.visits.saturating_sub(1);
            session.last_used = Instant::now();
            if let Some(request) = &self.request {
                session.in_flight.remove(request);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(sessions: &Arc<Sessions>, owner: &str, id: &str) -> Option<Arc<str>> {
        let (opening, makes_room) = sessions.open(&owner.into()).unwrap();
        opening.opened(id);
        makes_room
    }

    #[test]
    fn a_session_is_its_owners_alone() {
        let sessions = Sessions::new(8);
        opened(&sessions, "alice", "one");
        let unknown = |principal| sessions.enter("one", principal, None).err();
        assert_eq!(unknown("bob"), Some(NoEntry::Unknown));
        assert_eq!(unknown("alice"), None);
        assert_eq!(
            sessions.enter("two", "alice", None).err(),
            Some(NoEntry::Unknown)
        );
        sessions.forget("one");
        assert_eq!(unknown("alice"), Some(NoEntry::Unknown));
    }

    #[test]
    fn an_id_is_free_again_once_its_request_is_answered() {
        let sessions = Sessions::new(8);
        opened(&sessions, "alice", "one");
        let id = RequestId::Number(7);
        let visit = sessions.enter("one", "alice", Some(&id)).unwrap();
        let again = sessions.enter("one", "alice", Some(&id)).err();
        assert_eq!(again, Some(NoEntry::Duplicate));
        drop(visit);
        sessions.enter("one", "alice", Some(&id)).unwrap();
    }

    #[test]
    fn the_oldest_unused_one_makes_room_and_nobody_elses() {
        let sessions = Sessions::new(2);
        assert_eq!(opened(&sessions, "alice", "one"), None);
        assert_eq!(opened(&sessions, "alice", "two"), None);
        assert!(sessions.open(&"bob".into()).is_none());
        assert_eq!(opened(&sessions, "alice", "three"), Some("one".into()));
        let two = sessions.enter("two", "alice", None).unwrap();
        let three = sessions.enter("three", "alice", None).unwrap();
        assert!(sessions.open(&"alice".into()).is_none());
        drop((two, three));
        assert!(sessions.open(&"alice".into()).is_some());
    }

    #[test]
    fn what_is_in_use_is_not_idle() {
        let sessions = Sessions::new(8);
        opened(&sessions, "alice", "one");
        opened(&sessions, "alice", "two");
        let visit = sessions.enter("one", "alice", None).unwrap();
        assert!(sessions.forget_idle(Duration::from_secs(60)).is_empty());
        assert_eq!(sessions.forget_idle(Duration::ZERO), ["two".into()]);
        drop(visit);
        assert_eq!(sessions.forget_idle(Duration::ZERO), ["one".into()]);
    }
}
