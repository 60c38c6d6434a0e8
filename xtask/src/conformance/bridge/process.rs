//! A host on pipes: lines in, lines out, and a log for its stderr and for what it said to nobody.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use toolbay_build::process::program;

use super::routes::{Era, Routes};

/// The host ends promptly at the end of its input.
const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// How the host is started.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    /// Where its stderr goes, after what is there already.
    pub(crate) log: PathBuf,
}

impl Launch {
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = program(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn log(&self) -> Result<File> {
        File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("{} cannot be written", self.log.display()))
    }
}

/// A running host. It lives until its input ends; the tasks that serve it end it when the bridge does.
pub(super) struct HostProcess {
    era: Era,
    routes: Mutex<Routes>,
    /// Closed by taking it.
    input: Mutex<Option<UnboundedSender<Value>>>,
    log: Mutex<File>,
}

/// A request on its way. Dropping it before the answer tells the host that nobody waits any more.
pub(super) struct Pending {
    host: Arc<HostProcess>,
    sent_id: Value,
}

impl HostProcess {
    pub(super) fn start(launch: &Launch, era: Era) -> Result<Arc<Self>> {
        let log = launch.log()?;
        let mut child = Command::from(launch.command())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .kill_on_drop(true)
            .spawn()
            .context("the host does not start")?;
        let stdin = child.stdin.take().context("the host has no stdin")?;
        let stdout = child.stdout.take().context("the host has no stdout")?;
        let (input, messages) = mpsc::unbounded_channel();
        let host = Arc::new(Self {
            era,
            routes: Mutex::new(Routes::new(era)),
            input: Mutex::new(Some(input)),
            log: Mutex::new(log),
        });
        tokio::spawn(write(stdin, messages));
        tokio::spawn(Arc::clone(&host).read(stdout, child));
        Ok(host)
    }

    pub(super) fn is_modern(&self) -> bool {
        self.era == Era::Modern
    }

    /// Sends a request; what comes back about it is received, the answer last.
    pub(super) fn ask(self: &Arc<Self>, mut request: Value) -> (Pending, UnboundedReceiver<Value>) {
        let (sent_id, mut said) = self.routes().open(&mut request);
        if !self.send(request) {
            said.close();
        }
        let host = Arc::clone(self);
        (Pending { host, sent_id }, said)
    }

    /// Sends what has no answer; says whether the host still reads.
    pub(super) fn send(&self, message: Value) -> bool {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        input
            .as_ref()
            .is_some_and(|input| input.send(message).is_ok())
    }

    /// The stream for what belongs to no request; nothing if a client has it open.
    pub(super) fn listen(&self) -> Option<UnboundedReceiver<Value>> {
        self.routes().listen()
    }

    /// Ends its input.
    pub(super) fn end(&self) {
        self.input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is no reason to stop.
        let _ = writeln!(log, "bridge: {what}");
    }

    async fn read(self: Arc<Self>, stdout: ChildStdout, mut child: Child) {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(message) = serde_json::from_str(&line) else {
                self.note(&format!("not JSON on stdout: {line}"));
                continue;
            };
            if let Err(lost) = self.routes().route(message) {
                self.note(&format!("nobody to tell: {lost}"));
            }
        }
        self.end();
        self.routes().close();
        match tokio::time::timeout(EXIT_LIMIT, child.wait()).await {
            Ok(Ok(status)) if status.success() => {}
            Ok(Ok(status)) => self.note(&format!("the host ended with {status}")),
            Ok(Err(error)) => self.note(&format!("the host cannot be waited for: {error}")),
            Err(_) => self.note("the host closed its output and still runs: it is killed"),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let running = self.host.routes().forget(&self.sent_id);
        // In the modern era a client that closes the stream cancels; before, it may come back for the rest.
        if running && self.host.era == Era::Modern {
            self.host.send(json!({
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": self.sent_id, "reason": "the client closed the stream"}
            }));
        }
    }
}

async fn write(mut stdin: ChildStdin, mut messages: UnboundedReceiver<Value>) {
    while let Some(message) = messages.recv().await {
        let line = format!("{message}\n");
        // A host that no longer reads has ended, which its reader sees.
        if stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}
