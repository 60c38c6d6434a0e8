//! `toolbay doctor`: looks at everything that toolbay uses and says what is wrong and what to do. Changes nothing but what listing plugins changes.

mod clients;
mod places;
mod plugins;

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::cli::Doctor;
use crate::host::Host;
use crate::terminal::{self, Colour};
use crate::text::escape;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    state: State,
    /// What kind of thing it is.
    area: &'static str,
    /// What was found.
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn ok(area: &'static str, found: impl Into<String>) -> Self {
        Self {
            state: State::Ok,
            area,
            found: found.into(),
            hint: None,
        }
    }

    fn warning(area: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            area,
            found: found.into(),
            hint: Some(hint.into()),
        }
    }

    fn problem(area: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Problem,
            ..Self::warning(area, found, hint)
        }
    }
}

pub(crate) fn run(arguments: &Doctor) -> Result<u8> {
    super::start_log("off");
    let mut checks = vec![program()];
    let (config, settings) = places::settings(&arguments.folders)?;
    checks.extend(settings);
    checks.extend(places::variables());
    checks.extend(places::folders(&config));
    let target = places::target(&config);
    let tokens = places::tokens(&config);
    let runtime = super::runtime()?;
    runtime.block_on(async {
        let host = Host::new(config)?;
        host.load_once(true).await;
        checks.extend(places::state(&host).await);
        checks.extend(plugins::plugins(&host));
        checks.extend(plugins::health(&host).await);
        checks.extend(plugins::grants(&host));
        checks.extend(plugins::secrets(&host));
        checks.push(tokens);
        anyhow::Ok(())
    })?;
    super::finish(runtime);
    checks.extend(clients::clients());
    checks.push(target);
    if arguments.json {
        terminal::print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "state": worst(&checks),
            "checks": checks,
        }))?;
    } else {
        terminal::print(&as_text(&checks, terminal::colours_on_stdout()))?;
    }
    Ok(match worst(&checks) {
        State::Problem => super::PROBLEM,
        State::Ok | State::Warning => super::OK,
    })
}

fn program() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    match super::client_config::own_program() {
        Ok(path) => Check::ok("program", format!("toolbay {version}, {}", path.display())),
        Err(error) => Check::warning(
            "program",
            format!("toolbay {version}, which is no longer where it was started from: {error}"),
            "start it anew from where it is",
        ),
    }
}

fn worst(checks: &[Check]) -> State {
    let has = |state| checks.iter().any(|check| check.state == state);
    if has(State::Problem) {
        State::Problem
    } else if has(State::Warning) {
        State::Warning
    } else {
        State::Ok
    }
}

fn as_text(checks: &[Check], colours: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let (word, colour) = match check.state {
            State::Ok => ("ok     ", Colour::Green),
            State::Warning => ("warning", Colour::Yellow),
            State::Problem => ("problem", Colour::Red),
        };
        let word = terminal::paint(word, colour, colours);
        let _ = writeln!(text, "{word}  {:<8}  {}", check.area, escape(&check.found));
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "                   hint: {}", escape(hint));
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let _ = writeln!(
        text,
        "{}, {}",
        number(count(State::Problem), "problem"),
        number(count(State::Warning), "warning")
    );
    text
}

/// So many of something: `no grants`, `1 grant`, `2 grants`.
fn number(count: usize, of: &str) -> String {
    match count {
        0 => format!("no {of}s"),
        1 => format!("1 {of}"),
        more => format!("{more} {of}s"),
    }
}
