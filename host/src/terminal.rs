//! The one place that prints for people and scripts: data to standard output, talk to standard error. Never used while serving.

use std::io::{self, IsTerminal, Write};

use crate::text;

/// Prints data.
///
/// # Errors
///
/// Whatever writing says; a broken pipe is told apart by [`is_broken_pipe`].
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = raw_stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints JSON. On a terminal, characters that it would act on or hide are written as escapes, which is the same JSON.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    if stdout_is_terminal() {
        text = text::escape_json(&text);
    }
    text.push('\n');
    Ok(print(&text)?)
}

/// Says something about the work.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Asks a person at the terminal and gives the answer without the spaces around it; nothing at the end of input.
///
/// # Errors
///
/// Whatever reading says.
pub(crate) fn ask(question: &str) -> io::Result<Option<String>> {
    say(question);
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer)?;
    Ok((read > 0).then(|| answer.trim().to_owned()))
}

/// Prints an error with its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    say(&format!("error: {error:#}\n"));
}

/// Standard output itself.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that commands print through"
)]
pub(crate) fn raw_stdout() -> io::Stdout {
    io::stdout()
}

pub(crate) fn stdout_is_terminal() -> bool {
    raw_stdout().is_terminal()
}

/// Colours only where somebody sees them and did not ask for none.
pub(crate) fn colours_on_stderr() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whoever reads our output has read enough.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
