//! Where tasks are kept: the plugin's key-value state, a key for each task, which the host keeps apart for each caller.

use toolbay_sdk::{ToolError, kv};

use super::Task;

/// Counts the tasks that ever were, so that no id is used twice.
const COUNTER: &str = "counter";
const PREFIX: &str = "task/";

/// Keys are in the order of their ids, also beyond 9.
fn key(id: u64) -> String {
    format!("{PREFIX}{id:020}")
}

pub(crate) fn add(title: &str, description: Option<&str>, priority: u8) -> Result<Task, ToolError> {
    let id = kv::update(COUNTER, |last: Option<u64>| last.unwrap_or_default() + 1)?;
    let task = Task {
        id,
        title: title.to_owned(),
        description: description.map(str::to_owned),
        priority,
        done: false,
    };
    kv::set(&key(id), &task)?;
    Ok(task)
}

/// How many tasks there ever were.
pub(crate) fn count() -> Result<u64, ToolError> {
    Ok(kv::get(COUNTER)?.unwrap_or_default())
}

pub(crate) fn find(id: u64) -> Result<Task, ToolError> {
    kv::get(&key(id))?.ok_or_else(|| missing(id))
}

/// At most so many tasks of those that are wanted, from behind this id on.
pub(crate) fn after(
    id: Option<u64>,
    most: usize,
    is_wanted: impl Fn(&Task) -> bool,
) -> Result<Vec<Task>, ToolError> {
    let mut found = Vec::new();
    for name in kv::keys(PREFIX) {
        let name = name?;
        if id.is_some_and(|id| name <= key(id)) {
            continue;
        }
        // It may have been deleted since its key was listed.
        let task: Option<Task> = kv::get(&name)?;
        found.extend(task.filter(&is_wanted));
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

pub(crate) fn change(id: u64, change: impl Fn(Task) -> Task) -> Result<Task, ToolError> {
    kv::try_update(&key(id), |task: Option<Task>| match task {
        Some(task) => Ok(change(task)),
        None => Err(missing(id)),
    })
}

pub(crate) fn remove(id: u64) -> Result<Task, ToolError> {
    let task = find(id)?;
    if kv::delete(&key(id))? {
        Ok(task)
    } else {
        Err(missing(id))
    }
}

fn missing(id: u64) -> ToolError {
    ToolError::not_found(format!(
        "there is no task {id}; `list` returns those that there are"
    ))
}
