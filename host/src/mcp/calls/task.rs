//! A call that is answered with a task: it goes on by itself, and its end is fetched with `tasks/get`.

use std::sync::Arc;

use rmcp::model::{CreateTaskResult, ErrorData, JsonObject, RequestId, TaskPayload};
use serde_json::Value;

use super::super::client::{CallClient, capabilities};
use super::super::convert;
use super::super::guard::answering_panics;
use super::super::session::Era;
use super::super::tasks::{RunningTask, Tasks};
use super::{Answered, result_of};
use crate::audit;
use crate::call::{Call, CallEnd, CallError, ErrorCode, Output, UnderWay};
use crate::client::Abilities;
use crate::host::Host;

/// Makes a call that is under way a task, and answers with its name.
pub(super) fn start(
    host: &Arc<Host>,
    tasks: &Arc<Tasks>,
    client: &CallClient,
    id: &RequestId,
    under_way: UnderWay,
    arguments: &str,
) -> Answered {
    let cancel = host.closing.child_token();
    let Some((task, running)) = tasks.create(under_way.timeout(), cancel) else {
        let error = CallError::new(
            ErrorCode::LimitExceeded,
            "too many tasks of this caller are running".to_owned(),
        )
        .hint("wait for one to end, or cancel one with `tasks/cancel`");
        return Answered::line(convert::call_line(id, Err(&error), Era::Modern));
    };
    let running = Arc::new(running);
    client.becomes(running.clone());
    let hash = host.audit.hash(arguments);
    let host = host.clone();
    tokio::spawn(async move {
        let work = answering_panics(run(&host, &running, under_way));
        let (payload, called) = match work.await {
            Ok((payload, called)) => (payload, called),
            Err(error) => (failed(&error), None),
        };
        running.end(payload);
        if let Some(mut called) = called {
            called.arguments = hash;
            host.audit.record(audit::Event::Called(called)).await;
        }
    });
    let result = serde_json::to_value(CreateTaskResult::new(task)).unwrap_or_default();
    Answered::line(convert::result_line(id, result))
}

async fn run(
    host: &Host,
    task: &RunningTask,
    under_way: UnderWay,
) -> Result<(TaskPayload, Option<Box<audit::Call>>), ErrorData> {
    let mut call = under_way.go_on(&task.cancel).await;
    loop {
        let mut paused = match call {
            Call::Ended(end) => {
                let payload = payload(&end);
                if let Some(remains) = end.remains {
                    host.sandbox.dispose(remains);
                }
                return Ok((payload, end.audit));
            }
            Call::Asks(paused) => paused,
        };
        paused.release_slot();
        let answered = task.ask(&paused.questions).await;
        call = paused.answer(answered, &task.cancel).await;
    }
}

/// What `tasks/get` tells of the end. A failure that is the caller's or the tool's is a result as it would be without a task; one inside the plugin or the host is a failed
/// task.
fn payload(end: &CallEnd) -> TaskPayload {
    let outcome = match &end.outcome {
        Ok(Output::Tool(output)) => Ok(output),
        Ok(_) => {
            return failed(&ErrorData::internal_error(
                "the guest answered another question",
                None,
            ));
        }
        Err(error) if error.code == ErrorCode::Cancelled => return TaskPayload::Cancelled,
        Err(_) if end.lacked != Abilities::default() => {
            return failed(&ErrorData::missing_required_client_capability(
                capabilities(end.lacked),
            ));
        }
        Err(error) if error.code == ErrorCode::Internal => {
            return failed(&convert::rpc_error(error));
        }
        Err(error) => Err(error),
    };
    let line = convert::call_line(&RequestId::Number(0), outcome, Era::Modern);
    match result_of(&line) {
        Ok(Value::Object(result)) => TaskPayload::Completed { result },
        Ok(_) => TaskPayload::Completed {
            result: JsonObject::new(),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &ErrorData) -> TaskPayload {
    let error = match serde_json::to_value(error) {
        Ok(Value::Object(error)) => error,
        _ => JsonObject::new(),
    };
    TaskPayload::Failed { error }
}
