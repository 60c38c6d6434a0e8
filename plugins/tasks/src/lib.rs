//! Tasks, kept for each caller: the plugin that shows every pattern of a production-ready server, each as a line in plugin.toml or a type. This file holds what the host sees; where
//! tasks are kept is in `store`.

mod store;

use toolbay_sdk::prelude::*;
use toolbay_sdk::serde_json::json;
use toolbay_sdk::{DateTime, Fields, Health, Partial, ToolCall, call_tool, log};

plugin!(create, get, list, update, complete, delete, store_works; resources(task); prompts(plan));

/// A task.
#[data]
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What the other tools know it by
    pub id: u64,
    /// What is to be done
    pub title: String,
    /// More about it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 1 is the most urgent, 5 the least
    pub priority: u8,
    /// Whether it is done
    pub done: bool,
}

/// Says in the log how each call went, without what was in it.
fn logged<T>(
    call: &ToolCall<'_>,
    next: impl FnOnce() -> Result<T, ToolError>,
) -> Result<T, ToolError> {
    let outcome = next();
    match &outcome {
        Ok(_) => log::info!("{} went well", call.name()),
        Err(error) => log::warn!("{} failed: {}", call.name(), error.code()),
    }
    outcome
}

/// Creates a task in the caller's list and returns it with the id that the other tools take.
///
/// Takes what is to be done, and if wanted more about it and how urgent it is.
#[tool(title = "Create a task", around = logged)]
pub fn create(
    /// What is to be done, such as "Buy milk"
    #[schemars(length(min = 1, max = 200))]
    title: &str,
    /// What else is to be known to do it, such as where and for whom
    #[schemars(length(max = 2000))]
    description: Option<&str>,
    /// 1 is the most urgent, 5 the least
    #[schemars(range(min = 1, max = 5))]
    #[default(3)]
    priority: u8,
    /// A text of your own that is new for a new task and the same for a retry: a retry then returns the first task
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<&str>,
) -> Result<Task, ToolError> {
    // The host has dealt with it before this runs.
    let _ = idempotency_key;
    store::add(title, description, priority)
}

/// Looks up one task of the caller's and returns it whole. Takes the task's id.
#[tool(title = "Get a task", around = logged)]
pub fn get(
    /// The task's id, as `create` and `list` return it
    id: u64,
) -> Result<Task, ToolError> {
    store::find(id)
}

/// Returns tasks in the order in which they were created, a page at a time.
#[tool(title = "List tasks", around = logged)]
pub fn list(
    /// Whether to return done ones only, or open ones only; all of them without it
    done: Option<bool>,
    /// Which members of each task to return; all where none is named
    fields: Fields<Task>,
    /// How many to return: 1 to 100, and what is beyond is taken as the nearest of these
    limit: Limit,
    cursor: Option<Cursor<u64>>,
) -> Result<Page<Partial<Task>, u64>, ToolError> {
    let after = cursor.map(Cursor::into_position);
    // One more than the page has tells whether there is another page.
    let found = store::after(after, limit.plus_one(), |task| {
        done.is_none_or(|done| task.done == done)
    })?;
    fields.pick_page(Page::after(found, limit, |task| task.id))
}

/// Changes a task of the caller's and returns it as it is then. Takes the task's id and what is to change; what is left out stays as it is.
#[tool(title = "Update a task", around = logged)]
pub fn update(
    /// Which task, by the number that `create` and `list` return
    id: u64,
    /// What is to be done instead, such as "Buy bread"
    #[schemars(length(min = 1, max = 200))]
    title: Option<&str>,
    /// What else is to be known to do it, in place of what was said before
    #[schemars(length(max = 2000))]
    description: Option<&str>,
    /// The new priority: 1 is the most urgent, 5 the least
    #[schemars(range(min = 1, max = 5))]
    priority: Option<u8>,
    /// Whether it is done
    done: Option<bool>,
) -> Result<Task, ToolError> {
    store::change(id, |task| Task {
        title: title.map_or(task.title, str::to_owned),
        description: description.map(str::to_owned).or(task.description),
        priority: priority.unwrap_or(task.priority),
        done: done.unwrap_or(task.done),
        ..task
    })
}

/// Marks a task of the caller's as done and returns it. Takes the task's id; one that is done already stays so.
#[tool(title = "Complete a task", around = logged)]
pub fn complete(
    /// Which task, by the number that `create` and `list` return
    id: u64,
) -> Result<Task, ToolError> {
    // It is an update, and passes everything that one passes: its limits, and what it makes stale.
    call_tool("update", json!({"id": id, "done": true}))
}

/// Deletes a task of the caller's for good and returns it as it was. Takes the task's id.
#[tool(title = "Delete a task", around = logged)]
pub fn delete(
    /// Which task, by the number that `create` and `list` return
    id: u64,
) -> Result<Task, ToolError> {
    store::remove(id)
}

/// Tells whether tasks can be kept: the host asks when somebody wants to know its status.
#[tool(title = "Check the store")]
pub fn store_works() -> Result<Health, ToolError> {
    store::count()?;
    Ok(Health::healthy())
}

/// One task of the caller's with its title, description, priority and state, as JSON.
#[resource("tasks://task/{id}", title = "Task", mime_type = "application/json")]
pub fn task(id: u64) -> Result<Json<Task>, ToolError> {
    store::find(id).map(Json)
}

/// Asks for a plan of what to do first, with the open tasks in it.
#[prompt(title = "Plan the day")]
pub fn plan(
    /// By when everything is to be done, as 2026-05-01T18:00:00Z
    deadline: Option<DateTime>,
) -> Result<Vec<PromptMessage>, ToolError> {
    let open = store::after(None, 100, |task| !task.done)?;
    let mut text = "Order these tasks by what to do first, and say why.".to_owned();
    if let Some(deadline) = deadline {
        text += &format!(" All of it is to be done by {deadline}.");
    }
    for task in open {
        text += &format!(
            "\n- [{}] priority {}: {}",
            task.id, task.priority, task.title
        );
    }
    Ok(vec![PromptMessage::user(text)])
}
