//! Whether a person sits at the terminal: what widens a grant is done by nobody else.

use std::ffi::OsStr;
use std::io::IsTerminal;

use anyhow::{Result, bail};

/// Variables that coding assistants set in the shells that they start.
const ASSISTANTS: [&str; 13] = [
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CLINE_ACTIVE",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "COPILOT_AGENT",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "GOOSE_TERMINAL",
    "OPENCODE",
    "OPENHANDS_AGENT",
    "WINDSURF_AGENT",
];

/// How many processes above this one are looked at.
const MAX_ANCESTORS: usize = 64;

/// # Errors
///
/// Where the command was not started by a person at a terminal; the message says what to do.
pub(super) fn require(command: &str) -> Result<()> {
    let own = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = ASSISTANTS.iter().find(|name| own(name)) {
        bail!(assistant(command, name));
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        bail!(
            "`{command}` needs a terminal: a person has to read what is asked and to answer\nhint: run it yourself in a terminal, without a pipe; servers and CI pass a reviewed file instead: `toolbay serve --policy FILE`"
        );
    }
    if let Some(name) = among_ancestors() {
        bail!(assistant(command, name));
    }
    Ok(())
}

fn assistant(command: &str, name: &str) -> String {
    format!(
        "`{command}` does not run in an assistant's shell ({name} is set): only the user may grant\nhint: open a terminal of your own and run it there"
    )
}

/// An assistant may clear the variable for the command, but not in the shell that it runs the command in.
fn among_ancestors() -> Option<&'static str> {
    let mut process = std::os::unix::process::parent_id();
    for _ in 0..MAX_ANCESTORS {
        // Other platforms have no such files; the check is one more hurdle where it can be had.
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let names = environment
            .split(|byte| *byte == 0)
            .filter_map(|entry| entry.split(|byte| *byte == b'=').next());
        let found = names
            .filter_map(|name| {
                ASSISTANTS
                    .iter()
                    .find(|known| OsStr::new(**known).as_encoded_bytes() == name)
            })
            .next();
        if let Some(name) = found {
            return Some(name);
        }
        process = parent_of(process)?;
    }
    None
}

/// The fourth field of `/proc/PID/stat`; the second is the name in parentheses, which may itself hold spaces and parentheses.
fn parent_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let parent = rest.split(' ').nth(1)?.parse().ok()?;
    (parent > 0).then_some(parent)
}
