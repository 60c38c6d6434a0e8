//! Child processes: each has a limit, and none sees what `cargo run` adds to the environment.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result, bail};
use wait_timeout::ChildExt;

/// Long enough for a release build from nothing on a slow machine.
pub const BUILD_LIMIT: Duration = Duration::from_secs(45 * 60);

/// How long a child's output may stay open after the child itself has ended, since a grandchild may hold it.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Captured {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A program with the environment as it was before `cargo run`: otherwise build scripts see this package's variables,
/// and the same crate is built again each time the way of calling cargo changes.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    for (variable, _) in env::vars_os() {
        let Some(name) = variable.to_str() else {
            continue;
        };
        let added_by_cargo_run = name.starts_with("CARGO_PKG_")
            || [
                "CARGO",
                "CARGO_MANIFEST_DIR",
                "CARGO_MANIFEST_PATH",
                "CARGO_PRIMARY_PACKAGE",
            ]
            .contains(&name);
        if added_by_cargo_run {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command whose output the developer sees as it comes.
pub fn run(command: &mut Command, limit: Duration) -> Result<()> {
    let shown = show(command);
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("`{shown}` does not start"))?;
    let status = wait(&mut child, limit, &shown)?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command that should say nothing unless it fails.
pub fn run_quietly(command: &mut Command, limit: Duration) -> Result<()> {
    let shown = show(command);
    let captured = capture(command, limit)?;
    if !captured.status.success() {
        bail!(
            "`{shown}` failed ({})\n{}{}",
            captured.status,
            captured.stdout,
            captured.stderr
        );
    }
    Ok(())
}

/// Runs a command and returns what it printed, whatever its exit code.
pub fn capture(command: &mut Command, limit: Duration) -> Result<Captured> {
    command.stderr(Stdio::piped());
    capture_stdout(command, limit)
}

/// Like [`capture`], but leaves stderr as the command has it: cargo's progress stays visible.
pub fn capture_stdout(command: &mut Command, limit: Duration) -> Result<Captured> {
    let shown = show(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{shown}` does not start"))?;
    let stdout = child.stdout.take().map(read_to_end);
    let stderr = child.stderr.take().map(read_to_end);
    let status = wait(&mut child, limit, &shown)?;
    Ok(Captured {
        status,
        stdout: collect(stdout),
        stderr: collect(stderr),
    })
}

/// What a program prints on stdout, if it is there and succeeds at once.
pub fn ask(command: &mut Command) -> Option<String> {
    let captured = capture(command, Duration::from_secs(20)).ok()?;
    captured
        .status
        .success()
        .then(|| captured.stdout.trim().to_owned())
}

/// What was read, as far as it comes before long.
pub(crate) fn collect(output: Option<mpsc::Receiver<String>>) -> String {
    output
        .and_then(|output| output.recv_timeout(OUTPUT_GRACE).ok())
        .unwrap_or_default()
}

pub(crate) fn read_to_end(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // Whatever came before an error is still worth showing.
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

pub(crate) fn wait(child: &mut Child, limit: Duration, shown: &str) -> Result<ExitStatus> {
    if let Some(status) = child.wait_timeout(limit)? {
        return Ok(status);
    }
    child.kill()?;
    child.wait()?;
    bail!(
        "`{shown}` was stopped: it did not end within {} s",
        limit.as_secs()
    )
}

/// The command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let mut words = vec![name];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_child_past_its_limit_is_stopped_and_named() {
        let error = capture(program("/bin/sleep").arg("60"), Duration::from_millis(50))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`sleep 60` was stopped: it did not end within 0 s"
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_failure_shows_what_the_command_said() {
        let error = run_quietly(
            program("/bin/sh").args(["-c", "echo reason >&2; exit 3"]),
            Duration::from_secs(10),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c echo reason >&2; exit 3` failed (exit status: 3)\nreason\n"
        );
    }
}
