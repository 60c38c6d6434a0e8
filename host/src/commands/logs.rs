//! `toolbay logs`: the audit log, a line a call or decision.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use notify::{RecursiveMode, Watcher};
use toolbay_manifest::TimeSpan;

use crate::audit::reader::{Reader, Recorded};
use crate::cli::Logs;
use crate::config::Config;
use crate::files::create_private_folder;
use crate::principal::LOCAL;
use crate::terminal::{self, Colour};
use crate::text::{duration, escape};

/// Lines are printed when there is so much of them.
const BATCH: usize = 64 << 10;

pub(crate) fn run(arguments: &Logs) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&[])?;
    let folder = &config.state;
    let view = View {
        arguments,
        not_before: arguments.since.as_deref().map(since).transpose()?,
        colours: terminal::colours_on_stdout(),
    };
    // From before the first line is read, so that none is missed between.
    let changes = arguments.follow.then(|| watch(folder)).transpose()?;
    let in_folder = || format!("cannot read the log in {}", folder.display());
    let mut reader = Reader::open(folder).with_context(in_folder)?;
    let mut found = Found::default();
    reader.read(|line| {
        found.lines += 1;
        match view.line(line) {
            Line::Shown(line) => found.push(&line, arguments.lines),
            Line::Hidden => Ok(()),
            Line::NotUnderstood => {
                found.not_understood += 1;
                Ok(())
            }
        }
    })?;
    terminal::print(&found.rest(arguments.lines))?;
    if found.lines == 0 && !arguments.follow {
        terminal::say(&format!("nothing is logged in {} yet\n", folder.display()));
    }
    if found.not_understood > 0 {
        terminal::say(&format!(
            "note: left out what is not understood: {} of the log\n",
            match found.not_understood {
                1 => "1 line".to_owned(),
                more => format!("{more} lines"),
            }
        ));
    }
    let Some((_watcher, changes)) = changes else {
        return Ok(super::OK);
    };
    loop {
        let mut new = String::new();
        reader.read(|line| {
            if let Line::Shown(line) = view.line(line) {
                new.push_str(&line);
            }
            anyhow::Ok(())
        })?;
        if !new.is_empty() {
            terminal::print(&new)?;
        }
        changes
            .recv()
            .context("the folder of the log is watched no longer")?;
        // Several changes that came together are one.
        while changes.try_recv().is_ok() {}
    }
}

type Changes = std::sync::mpsc::Receiver<()>;

/// Tells whenever something in the folder has changed, until the watcher is dropped.
fn watch(folder: &Path) -> Result<(notify::RecommendedWatcher, Changes)> {
    create_private_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (sender, changes) = std::sync::mpsc::channel();
    let tell = move |event: notify::Result<notify::Event>| {
        // Our own reading is one of the events.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.send(());
        }
    };
    let mut watcher =
        notify::recommended_watcher(tell).context("folders cannot be watched here")?;
    watcher
        .watch(folder, RecursiveMode::NonRecursive)
        .with_context(|| format!("cannot watch {}", folder.display()))?;
    Ok((watcher, changes))
}

/// What was read and is still to be printed.
#[derive(Default)]
struct Found {
    lines: u64,
    not_understood: u64,
    batch: String,
    last: std::collections::VecDeque<String>,
}

impl Found {
    fn push(&mut self, line: &str, only_last: Option<usize>) -> Result<()> {
        if let Some(count) = only_last {
            self.last.push_back(line.to_owned());
            if self.last.len() > count {
                self.last.pop_front();
            }
            return Ok(());
        }
        self.batch.push_str(line);
        if self.batch.len() >= BATCH {
            terminal::print(&std::mem::take(&mut self.batch))?;
        }
        Ok(())
    }

    fn rest(&mut self, only_last: Option<usize>) -> String {
        match only_last {
            Some(_) => self.last.drain(..).collect(),
            None => std::mem::take(&mut self.batch),
        }
    }
}

/// The moment that was so long ago.
fn since(text: &str) -> Result<DateTime<Utc>> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok());
    let span = match (days, text.parse::<TimeSpan>()) {
        (Some(days), _) => std::time::Duration::from_secs(u64::from(days) * 24 * 3600),
        (None, Ok(span)) => span.duration(),
        (None, Err(_)) => bail!(
            "--since is `{}`, which is not a time\nhint: write a whole number and a unit: 90s, 30m, 8h, 7d",
            escape(text)
        ),
    };
    let start = chrono::Duration::from_std(span)
        .ok()
        .and_then(|span| Utc::now().checked_sub_signed(span));
    Ok(start.unwrap_or(DateTime::<Utc>::MIN_UTC))
}

/// What is shown, and how.
struct View<'a> {
    arguments: &'a Logs,
    not_before: Option<DateTime<Utc>>,
    colours: bool,
}

enum Line {
    Shown(String),
    Hidden,
    NotUnderstood,
}

impl View<'_> {
    fn line(&self, line: &str) -> Line {
        let Ok(recorded) = serde_json::from_str::<Recorded>(line) else {
            return Line::NotUnderstood;
        };
        let Ok(time) = DateTime::parse_from_rfc3339(&recorded.time) else {
            return Line::NotUnderstood;
        };
        let old = self.not_before.is_some_and(|start| time < start);
        let other = self
            .arguments
            .plugin
            .as_deref()
            .is_some_and(|wanted| !concerns(&recorded, wanted));
        if old || other || (self.arguments.errors && !failed(&recorded)) {
            return Line::Hidden;
        }
        if self.arguments.json {
            return Line::Shown(format!("{line}\n"));
        }
        let what = describe(&recorded);
        let what = escape(&what);
        let what = if failed(&recorded) {
            terminal::paint(&what, Colour::Red, self.colours)
        } else {
            what
        };
        Line::Shown(format!("{}  {what}\n", short(&time)))
    }
}

fn short(time: &DateTime<chrono::FixedOffset>) -> String {
    time.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn concerns(recorded: &Recorded, wanted: &str) -> bool {
    let plugin = recorded.plugin.as_deref();
    match wanted.split_once('_') {
        Some((name, tool)) => plugin == Some(name) && recorded.tool.as_deref() == Some(tool),
        None => plugin == Some(wanted),
    }
}

fn failed(recorded: &Recorded) -> bool {
    recorded.event == "call" && recorded.outcome.as_deref() != Some("ok")
}

fn describe(recorded: &Recorded) -> String {
    let plugin = recorded.plugin.as_deref().unwrap_or("?");
    let tools = if recorded.tools.is_empty() {
        String::new()
    } else {
        format!(": {}", recorded.tools.join(", "))
    };
    let secret = recorded.secret.as_deref().unwrap_or("?");
    let token = recorded.token.as_deref().unwrap_or("?");
    match recorded.event.as_str() {
        "call" => {
            let mut text = format!(
                "{plugin}_{}  {}  {}",
                recorded.tool.as_deref().unwrap_or("?"),
                recorded.outcome.as_deref().unwrap_or("?"),
                duration_of(recorded.duration_us)
            );
            if let Some(caller) = recorded.principal.as_deref().filter(|name| *name != LOCAL) {
                let _ = write!(text, "  by {caller}");
            }
            if !recorded.denials.is_empty() {
                let _ = write!(text, "  refused: {}", recorded.denials.join("; "));
            }
            text
        }
        "granted" => {
            let until = recorded.until.as_deref().map(|time| {
                let parsed = DateTime::parse_from_rfc3339(time);
                let time = parsed.map_or_else(|_| time.to_owned(), |time| short(&time));
                format!(", until {time}")
            });
            format!("granted {plugin}{tools}{}", until.unwrap_or_default())
        }
        "revoked" => format!("revoked {plugin}{tools}"),
        "secret_set" => {
            let place = recorded.kept_in.as_deref().unwrap_or("?");
            format!("secret {secret} of {plugin} set, in the {place}")
        }
        "secret_removed" => format!("secret {secret} of {plugin} removed"),
        "token_added" => format!("token {token} added"),
        "token_removed" => format!("token {token} removed"),
        "lost" => format!("{} lines are missing here", recorded.lines),
        other => format!("{other} {plugin}"),
    }
}

fn duration_of(micros: u64) -> String {
    if micros < 10_000 {
        format!("{:.1} ms", micros as f64 / 1000.0)
    } else {
        duration(std::time::Duration::from_micros(micros))
    }
}
