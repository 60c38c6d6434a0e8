//! One run of `cargo build`, followed as it goes: what the compiler says, and which components came out.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// What a build came to.
#[derive(Debug, Default)]
pub struct Build {
    /// Whether cargo was content.
    pub succeeded: bool,
    /// The components, sorted by the name of their package.
    pub components: Vec<Component>,
    /// The compiler's first error.
    pub first_error: Option<Diagnostic>,
    /// What cargo wrote to its standard error, where that was kept.
    pub stderr: String,
}

/// A component as cargo left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The name of its package.
    pub package: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Whether cargo found it up to date.
    pub fresh: bool,
}

/// One message of the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error, rather than a warning or a note.
    pub is_error: bool,
    /// The message alone.
    pub message: String,
    /// `src/lib.rs:12:5`.
    pub place: Option<String>,
    /// As the compiler would print it, with colours where they were asked for.
    pub rendered: String,
}

/// What becomes of cargo's standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// The person sees it, with its progress bar.
    Shown,
    /// It is kept in [`Build::stderr`].
    Kept,
}

/// Runs a `cargo build` that still lacks its message format, and hands on each of the compiler's messages as it comes.
///
/// # Errors
///
/// If cargo does not start or does not end within `limit`. A build that fails is none.
pub fn build(
    command: &mut Command,
    colours: bool,
    stderr: Stderr,
    limit: Duration,
    mut diagnostic: impl FnMut(&Diagnostic),
) -> Result<Build> {
    let format = if colours {
        "json-diagnostic-rendered-ansi"
    } else {
        "json"
    };
    command
        .args(["--message-format", format])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(match stderr {
            Stderr::Shown => Stdio::inherit(),
            Stderr::Kept => Stdio::piped(),
        });
    let mut child = command
        .spawn()
        .with_context(|| format!("`{}` does not start", process::show(command)))?;
    let lines = child.stdout.take().map(lines);
    let kept = child.stderr.take().map(process::read_to_end);
    let deadline = Instant::now() + limit;
    let mut build = Build::default();
    if let Some(lines) = lines {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) => build.take(&line, &mut diagnostic),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    child.wait()?;
                    bail!(
                        "`{}` was stopped: it did not end within {} s",
                        process::show(command),
                        limit.as_secs()
                    );
                }
            }
        }
    }
    build.succeeded = process::wait(&mut child, limit, &process::show(command))?.success();
    build.stderr = process::collect(kept);
    build
        .components
        .sort_by(|one, other| one.package.cmp(&other.package));
    Ok(build)
}

fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Build {
    fn take(&mut self, line: &str, diagnostic: &mut impl FnMut(&Diagnostic)) {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            return;
        };
        match message.get("reason").and_then(Value::as_str) {
            Some("compiler-artifact") => self.components.extend(component(&message)),
            Some("compiler-message") => {
                let Some(said) = message.get("message").and_then(read_diagnostic) else {
                    return;
                };
                if said.is_error && self.first_error.is_none() {
                    self.first_error = Some(said.clone());
                }
                diagnostic(&said);
            }
            _ => {}
        }
    }
}

/// The component that one message of cargo tells of, if it does.
fn component(message: &Value) -> Option<Component> {
    let file = message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find(|file| file.ends_with(".wasm"))?;
    // `path+file:///a/folder/name#0.1.0`, or `…#name@0.1.0` where the folder has another name.
    let (folder, version) = message.get("package_id")?.as_str()?.rsplit_once('#')?;
    let package = match version.split_once('@') {
        Some((name, _)) => name,
        None => folder.rsplit('/').next()?,
    };
    Some(Component {
        package: package.to_owned(),
        file: file.into(),
        fresh: message.get("fresh").and_then(Value::as_bool) == Some(true),
    })
}

fn read_diagnostic(message: &Value) -> Option<Diagnostic> {
    let text = |key: &str| message.get(key).and_then(Value::as_str);
    let primary = message
        .get("spans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true));
    let place = primary.and_then(|span| {
        let number = |key: &str| span.get(key).and_then(Value::as_u64);
        Some(format!(
            "{}:{}:{}",
            span.get("file_name")?.as_str()?,
            number("line_start")?,
            number("column_start")?
        ))
    });
    Some(Diagnostic {
        is_error: text("level")?.starts_with("error"),
        message: text("message")?.to_owned(),
        place,
        rendered: text("rendered").unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_in_what_cargo_says() {
        let artifact = |package: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{package}","filenames":["{file}"]}}"#
            )
        };
        let cases = [
            (
                artifact("path+file:///w/plugins/jq#0.1.0", "/t/jq.wasm"),
                Some("jq"),
            ),
            (
                artifact(
                    "path+file:///w/guests/v1#greeter-v1@0.1.0",
                    "/t/greeter_v1.wasm",
                ),
                Some("greeter-v1"),
            ),
            (artifact("registry+x#serde@1.0.0", "/t/libserde.rlib"), None),
            (
                r#"{"reason":"build-finished","success":true}"#.to_owned(),
                None,
            ),
            ("not json".to_owned(), None),
        ];
        for (line, expected) in cases {
            let mut build = Build::default();
            build.take(&line, &mut |_| {});
            let packages: Vec<_> = build
                .components
                .iter()
                .map(|built| &*built.package)
                .collect();
            assert_eq!(packages, expected.into_iter().collect::<Vec<_>>(), "{line}");
        }
    }

    #[test]
    fn the_first_error_is_kept_with_its_place() {
        let message = |level: &str, text: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"level":"{level}","message":"{text}","rendered":"{level}: {text}\n","spans":[
                {{"is_primary":false,"file_name":"a.rs","line_start":1,"column_start":1}},
                {{"is_primary":true,"file_name":"src/lib.rs","line_start":12,"column_start":5}}]}}}}"#
            )
            .replace('\n', " ")
        };
        let mut build = Build::default();
        let mut seen = Vec::new();
        for (level, text) in [("warning", "unused"), ("error", "one"), ("error", "two")] {
            build.take(&message(level, text), &mut |said: &Diagnostic| {
                seen.push(said.message.clone());
            });
        }
        assert_eq!(seen, ["unused", "one", "two"]);
        let first = build.first_error.unwrap();
        assert_eq!(
            (first.message.as_str(), first.place.as_deref()),
            ("one", Some("src/lib.rs:12:5"))
        );
    }
}
