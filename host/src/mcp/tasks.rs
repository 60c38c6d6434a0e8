//! The tasks of a principal (the extension `io.modelcontextprotocol/tasks`, SEP-2663): calls that were answered with a name, and whose ends are fetched later.
//! This owns their states, the questions that they wait for, and the bounds; how a call becomes one is in `calls/task.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use indexmap::IndexMap;
use rmcp::model::{
    DetailedTask, ErrorData, InputRequests, JsonObject, Task, TaskPayload, TaskStatus,
};
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::dialogue;
use crate::client::{Answer, Answered, Question};
use crate::parked::PATIENCE;

/// So many tasks of one principal are there at once, ended ones included: a new one takes the place of the one that ended first.
const MAX_TASKS: usize = 128;

/// So many bytes of results are kept for one principal.
const MAX_KEPT: usize = 64 << 20;

/// How long a task is kept beyond the time that its tool may run.
const SPARE: Duration = Duration::from_secs(900);

/// How often a client is to look.
const POLL_MS: u64 = 500;

/// Characters of a status message.
const MAX_MESSAGE: usize = 300;

/// The tasks of each principal, where there are several.
#[derive(Default)]
pub(super) struct TasksByPrincipal(Mutex<HashMap<Arc<str>, Arc<Tasks>>>);

impl TasksByPrincipal {
    pub(super) fn of(&self, principal: &Arc<str>) -> Arc<Tasks> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(principal.clone()).or_default().clone()
    }
}

/// The tasks of one principal.
#[derive(Default)]
pub(super) struct Tasks(Mutex<Table>);

/// In the order in which they were made.
#[derive(Default)]
struct Table {
    entries: IndexMap<String, Entry>,
    kept: usize,
}

struct Entry {
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    born: Instant,
    ttl: Duration,
    message: Option<String>,
    /// What is asked at the moment, by the names that the client sees, each with its answer if that has come.
    questions: Vec<(String, Question, Option<Answer>)>,
    /// How often something was asked: a name is never used twice.
    rounds: usize,
    /// Where the answers go.
    answered: Option<oneshot::Sender<Vec<Answer>>>,
    end: Option<TaskPayload>,
    /// Bytes of what is kept for it.
    kept: usize,
    cancel: CancellationToken,
}

/// A task under way, for whoever runs it.
pub(super) struct RunningTask {
    id: String,
    tasks: Arc<Tasks>,
    pub(super) cancel: CancellationToken,
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tasks")
    }
}

impl Tasks {
    /// A new task, which `cancel` ends and which may run for so long. Nothing where too many run already.
    pub(super) fn create(
        self: &Arc<Self>,
        timeout: Duration,
        cancel: CancellationToken,
    ) -> Option<(Task, RunningTask)> {
        let mut table = self.lock();
        if table.entries.len() >= MAX_TASKS && !table.forget_one() {
            return None;
        }
        let id = name();
        let now = Utc::now();
        let entry = Entry {
            created: now,
            updated: now,
            born: Instant::now(),
            ttl: timeout + SPARE,
            message: None,
            questions: Vec::new(),
            rounds: 0,
            answered: None,
            end: None,
            kept: 0,
            cancel: cancel.clone(),
        };
        let task = entry.task(&id);
        table.entries.insert(id.clone(), entry);
        let running = RunningTask {
            id,
            tasks: self.clone(),
            cancel,
        };
        Some((task, running))
    }

    /// `tasks/get`.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub(super) fn get(&self, id: &str) -> Result<DetailedTask, ErrorData> {
        let table = self.lock();
        let entry = table.entries.get(id).ok_or_else(|| unknown(id))?;
        let payload = match &entry.end {
            Some(end) => end.clone(),
            None => entry.unanswered()?,
        };
        Ok(DetailedTask::new(entry.task(id), payload))
    }

    /// `tasks/update`: takes the answers that were waited for. Others are passed over, and one that cannot be used leaves its question open.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub(super) fn update(
        &self,
        id: &str,
        responses: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<(), ErrorData> {
        let mut table = self.lock();
        let entry = table.entries.get_mut(id).ok_or_else(|| unknown(id))?;
        for (key, response) in responses {
            let asked = entry.questions.iter_mut().find(|(name, ..)| *name == key);
            let Some((_, question, answer @ None)) = asked else {
                continue;
            };
            match dialogue::read(question, &response) {
                Ok(read) => *answer = Some(read),
                Err(why) => tracing::debug!(%key, %why, "an answer for a task cannot be used"),
            }
        }
        entry.updated = Utc::now();
        entry.pass_answers_on();
        Ok(())
    }

    /// `tasks/cancel`. One that has ended stays as it is.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub(super) fn cancel(&self, id: &str) -> Result<(), ErrorData> {
        let table = self.lock();
        let entry = table.entries.get(id).ok_or_else(|| unknown(id))?;
        entry.cancel.cancel();
        Ok(())
    }

    /// The table without what is too old.
    fn lock(&self) -> MutexGuard<'_, Table> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.forget_old();
        table
    }
}

impl Table {
    fn forget_old(&mut self) {
        let is_old = |entry: &Entry| entry.born.elapsed() >= entry.ttl;
        for entry in self.entries.values().filter(|entry| is_old(entry)) {
            // Whoever runs it gives it its end.
            entry.cancel.cancel();
        }
        self.entries
            .retain(|_, entry| entry.end.is_none() || !is_old(entry));
        self.kept = self.entries.values().map(|entry| entry.kept).sum();
    }

    /// Gives up the ended task that was made first.
    fn forget_one(&mut self) -> bool {
        let ended = self.entries.values().position(|entry| entry.end.is_some());
        let Some((_, entry)) = ended.and_then(|index| self.entries.shift_remove_index(index))
        else {
            return false;
        };
        self.kept -= entry.kept;
        true
    }
}

impl Entry {
    fn task(&self, id: &str) -> Task {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let status = match &self.end {
            Some(end) => end.status(),
            None => TaskStatus::Working,
        };
        let task = Task::new(id, status, time(self.created), time(self.updated))
            .with_ttl_ms(u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX))
            .with_poll_interval_ms(POLL_MS);
        match &self.message {
            Some(message) => task.with_status_message(message),
            None => task,
        }
    }

    /// What it is while it runs: working, or waiting for what is not answered yet.
    fn unanswered(&self) -> Result<TaskPayload, ErrorData> {
        let open = self
            .questions
            .iter()
            .filter(|(.., answer)| answer.is_none());
        let requests: Map<String, Value> = open
            .map(|(key, question, _)| (key.clone(), dialogue::request(question)))
            .collect();
        if requests.is_empty() {
            return Ok(TaskPayload::Working);
        }
        let input_requests: InputRequests = serde_json::from_value(requests.into())
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(TaskPayload::InputRequired { input_requests })
    }

    fn pass_answers_on(&mut self) {
        let answers = self.questions.iter().map(|(.., answer)| answer.clone());
        let Some(answers) = answers.collect::<Option<Vec<_>>>() else {
            return;
        };
        if let Some(answered) = self.answered.take() {
            self.questions.clear();
            let _ = answered.send(answers);
        }
    }
}

impl RunningTask {
    /// Says how far it is.
    pub(super) fn says(&self, message: &str) {
        let message = crate::text::shorten(message, MAX_MESSAGE);
        self.change(|entry| entry.message = Some(message));
    }

    /// Asks, and waits for the answers.
    pub(super) async fn ask(&self, questions: &[Question]) -> Answered {
        let (answered, answers) = oneshot::channel();
        self.change(|entry| {
            entry.rounds += 1;
            let round = entry.rounds;
            let named = questions.iter().map(|question| {
                let name = format!("{round}-{}", question.key);
                (name, question.clone(), None)
            });
            entry.questions = named.collect();
            entry.answered = Some(answered);
        });
        let answered = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err("the task was cancelled".to_owned()),
            answers = tokio::time::timeout(PATIENCE, answers) => match answers {
                Ok(Ok(answers)) => Ok(answers),
                Ok(Err(_)) => Err("nobody answered".to_owned()),
                Err(_) => Err(format!("nobody answered within {} s", PATIENCE.as_secs())),
            },
        };
        self.change(|entry| {
            entry.questions.clear();
            entry.answered = None;
        });
        answered
    }

    /// The end of it.
    pub(super) fn end(&self, payload: TaskPayload) {
        let kept = match &payload {
            TaskPayload::Completed { result: members } | TaskPayload::Failed { error: members } => {
                bytes(members)
            }
            _ => 0,
        };
        let mut table = self.tasks.lock();
        while table.kept + kept > MAX_KEPT && table.forget_one() {}
        table.kept += kept;
        drop(table);
        self.change(|entry| {
            if let TaskPayload::Failed { error } = &payload {
                let message = error.get("message").and_then(Value::as_str);
                entry.message = message.map(|message| crate::text::shorten(message, MAX_MESSAGE));
            }
            entry.kept = kept;
            entry.end = Some(payload);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut table = self.tasks.lock();
        if let Some(entry) = table.entries.get_mut(&self.id) {
            change(entry);
            entry.updated = Utc::now();
        }
    }
}

fn bytes(members: &JsonObject) -> usize {
    serde_json::to_vec(members).map_or(0, |text| text.len())
}

/// A name that nobody can guess.
fn name() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers it is only less than unguessable, and still bound to its principal.
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn unknown(id: &str) -> ErrorData {
    let id = crate::text::shorten(&crate::text::escape(id), 100);
    ErrorData::invalid_params(
        format!(
            "unknown task: {id}; a task is known to whoever made it, until its `ttlMs` is over"
        ),
        None,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::{Action, Asks};

    fn create(tasks: &Arc<Tasks>) -> RunningTask {
        let made = tasks.create(Duration::from_secs(10), CancellationToken::new());
        made.unwrap().1
    }

    fn text(text: &str) -> TaskPayload {
        let content = json!([{"type": "text", "text": text}]);
        let result = JsonObject::from_iter([("content".to_owned(), content)]);
        TaskPayload::Completed { result }
    }

    fn form(key: &str) -> Question {
        let schema = json!({"type": "object", "properties": {"yes": {"type": "boolean"}}});
        let message = "Sure?".to_owned();
        Question {
            key: key.to_owned(),
            asks: Asks::Form { message, schema },
        }
    }

    #[test]
    fn the_ended_ones_make_room_and_the_running_ones_do_not() {
        let tasks = Arc::<Tasks>::default();
        let mut running: Vec<_> = (0..MAX_TASKS).map(|_| create(&tasks)).collect();
        let cancel = CancellationToken::new();
        assert!(tasks.create(Duration::ZERO, cancel).is_none());
        let ended = running.remove(3);
        let id = ended.id.clone();
        ended.end(text("done"));
        assert_eq!(tasks.get(&id).unwrap().status(), TaskStatus::Completed);
        let newest = create(&tasks);
        assert!(tasks.get(&id).is_err());
        assert!(tasks.get(&newest.id).is_ok());
    }

    #[test]
    fn results_are_kept_up_to_a_bound() {
        let tasks = Arc::<Tasks>::default();
        let large = "x".repeat(MAX_KEPT / 2 - 1000);
        let ids: Vec<String> = (0..5)
            .map(|_| {
                let task = create(&tasks);
                let id = task.id.clone();
                task.end(text(&large));
                id
            })
            .collect();
        let kept = ids.iter().filter(|id| tasks.get(id).is_ok()).count();
        assert_eq!(kept, 2);
        assert!(tasks.get(&ids[4]).is_ok());
    }

    #[tokio::test]
    async fn answers_may_come_one_by_one_and_a_wrong_one_leaves_its_question_open() {
        let tasks = Arc::<Tasks>::default();
        let task = create(&tasks);
        let id = task.id.clone();
        let asking = tokio::spawn(async move { task.ask(&[form("a"), form("b")]).await });
        let open = |tasks: &Tasks| match tasks.get(&id).unwrap().payload {
            TaskPayload::InputRequired { input_requests } => input_requests.into_keys().collect(),
            _ => Vec::new(),
        };
        while open(&tasks).len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(open(&tasks), ["1-a", "1-b"]);
        let yes = json!({"action": "accept", "content": {"yes": true}});
        let wrong = json!({"action": "accept", "content": {"yes": "perhaps"}});
        let update = |key: &str, answer: &Value| {
            tasks
                .update(&id, [(key.to_owned(), answer.clone())])
                .unwrap();
        };
        update("1-b", &yes);
        update("1-a", &wrong);
        update("a", &yes);
        assert_eq!(open(&tasks), ["1-a"]);
        update("1-b", &json!({"action": "decline"}));
        update("1-a", &yes);
        let answers = asking.await.unwrap().unwrap();
        let accepted = Answer::Form {
            action: Action::Accept,
            content: Some(json!({"yes": true})),
        };
        assert_eq!(answers, [accepted.clone(), accepted]);
        assert!(open(&tasks).is_empty());
    }

    #[test]
    fn what_is_over_its_time_is_forgotten() {
        let tasks = Arc::<Tasks>::default();
        let (ended, running) = (create(&tasks), create(&tasks));
        let ids = [ended.id.clone(), running.id.clone()];
        ended.end(text("done"));
        for entry in tasks.0.lock().unwrap().entries.values_mut() {
            entry.ttl = Duration::ZERO;
        }
        assert!(tasks.get(&ids[0]).is_err());
        // It is told to end, and is there until it has.
        assert!(tasks.get(&ids[1]).is_ok());
        assert!(running.cancel.is_cancelled());
        running.end(TaskPayload::Cancelled);
        assert!(tasks.get(&ids[1]).is_err());
    }
}
