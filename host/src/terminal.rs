//! The one place that prints for people and scripts: data to standard output, talk to standard error. Never used while serving.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

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
    io::stderr().is_terminal() && are_colours_wanted()
}

/// The same for what is printed.
pub(crate) fn colours_on_stdout() -> bool {
    stdout_is_terminal() && are_colours_wanted()
}

/// See <https://no-color.org>.
fn are_colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
}

/// The text in a colour, where colours are on.
pub(crate) fn paint(text: &str, colour: Colour, on: bool) -> String {
    let code = match colour {
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
    };
    if on {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A line on standard error that says how far something is, where that is a terminal. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    pub(crate) fn new(what: &str) -> Self {
        Self {
            what: text::escape(what),
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// So many bytes of so many, as far as that is known.
    pub(crate) fn show(&mut self, done: u64, all: Option<u64>) {
        const PAUSE: Duration = Duration::from_millis(100);
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            return;
        }
        self.shown = Some(Instant::now());
        let all = all.map(|all| format!(" of {}", text::bytes(all)));
        let done = text::bytes(done);
        say(&format!(
            "\r\x1b[K{}: {done}{}",
            self.what,
            all.unwrap_or_default()
        ));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            say("\r\x1b[K");
        }
    }
}

/// Whoever reads our output has read enough.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
