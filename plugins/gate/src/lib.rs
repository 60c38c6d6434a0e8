//! Middleware: two tools that the user puts around the calls of all plugins, and one that tells what they saw.

use toolbay_sdk::kv;
use toolbay_sdk::prelude::*;

plugin!(check, note, count);

/// How the calls of one tool went.
#[data]
#[derive(Default)]
pub struct Count {
    /// All of them
    pub calls: u64,
    /// Those that failed
    pub failed: u64,
    /// The longest that one took, in milliseconds
    pub slowest_ms: f64,
}

/// Refuses the call of a tool that stands in the variable `GATE_REFUSES`, where names are separated by commas; any other may run.
#[tool]
pub fn check(
    /// The full name of the tool that is about to be called
    #[schemars(length(min = 1, max = 4096))]
    tool: &str,
) -> Result<String, ToolError> {
    let refused = std::env::var("GATE_REFUSES").unwrap_or_default();
    if refused.split(',').any(|name| name.trim() == tool) {
        return Err(ToolError::permission_denied(format!(
            "whoever runs this server does not let `{tool}` be called"
        )));
    }
    Ok(format!("`{tool}` may run"))
}

/// Counts a call that has ended, and returns how the calls of its tool went so far.
#[tool]
pub fn note(
    /// The full name of the tool that was called
    #[schemars(length(min = 1, max = 4096))]
    tool: &str,
    /// Whether it did what it should
    success: bool,
    /// How long it took, in milliseconds
    #[schemars(range(min = 0.0, max = 86_400_000.0))]
    duration_ms: f64,
) -> Result<Count, ToolError> {
    kv::update(&key(tool), |count: Option<Count>| {
        let count = count.unwrap_or_default();
        Count {
            calls: count.calls + 1,
            failed: count.failed + u64::from(!success),
            slowest_ms: count.slowest_ms.max(duration_ms),
        }
    })
}

/// Tells how the calls of one tool went so far: how many, how many of them failed, and how long the slowest took.
#[tool(title = "Count calls")]
pub fn count(
    /// The tool's full name, as `tasks_create`
    #[schemars(length(min = 1, max = 200))]
    tool: &str,
) -> Result<Count, ToolError> {
    kv::get(&key(tool))?
        .ok_or_else(|| ToolError::not_found(format!("no call of `{tool}` was counted")))
}

fn key(tool: &str) -> String {
    format!("count/{tool}")
}
