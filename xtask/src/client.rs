//! A small MCP client for the demo: one line of JSON per message over a child's pipes, and a limit on every wait.
//!
//! It speaks the era with a handshake, where a server sends its notices unasked.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use wait_timeout::ChildExt;

/// The first call of a plugin compiles it, which takes seconds on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
const EXIT_LIMIT: Duration = Duration::from_secs(5);
/// How much of the host's log an error shows.
const LOG_LINES: usize = 12;

pub(crate) struct Client {
    child: Child,
    /// Closed by dropping it.
    stdin: Option<ChildStdin>,
    messages: Receiver<Result<Message>>,
    /// Notices that came while something else was waited for.
    notices: VecDeque<Notice>,
    log: PathBuf,
    last_id: u64,
}

struct Message {
    at: Instant,
    value: Value,
}

/// A notification, and when it came.
pub(crate) struct Notice {
    pub(crate) at: Instant,
    pub(crate) method: String,
}

/// The server's answer to one request, and how long it took.
pub(crate) struct Answer {
    pub(crate) result: Result<Value, Value>,
    pub(crate) took: Duration,
}

impl Client {
    /// Starts a server, whose log goes to a file.
    pub(crate) fn start(server: &mut Command, log: &Path) -> Result<Self> {
        let log_file =
            File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut child = server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .context("the host does not start")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the host has no stdout")?;
        let messages = read_messages(stdout);
        Ok(Self {
            child,
            stdin,
            messages,
            notices: VecDeque::new(),
            log: log.to_path_buf(),
            last_id: 0,
        })
    }

    /// Sends a request and waits for its answer; notices on the way are kept.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Answer> {
        self.last_id += 1;
        let id = self.last_id;
        let start = Instant::now();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let Some(message) = self.receive(start + ANSWER_LIMIT)? else {
                return Err(self.with_log(&format!(
                    "no answer to {method} within {} s",
                    ANSWER_LIMIT.as_secs()
                )));
            };
            match classify(message)? {
                Incoming::Notice(notice) => self.notices.push_back(notice),
                Incoming::Answer {
                    id: answered,
                    result,
                    at,
                } if answered == id => {
                    return Ok(Answer {
                        result,
                        took: at - start,
                    });
                }
                Incoming::Answer { id: answered, .. } => {
                    bail!("an answer to {answered}, which was answered before")
                }
            }
        }
    }

    pub(crate) fn notify(&mut self, method: &str) -> Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method}))
    }

    /// The next notice, if one comes in time.
    pub(crate) fn notice(&mut self, limit: Duration) -> Result<Option<Notice>> {
        if let Some(notice) = self.notices.pop_front() {
            return Ok(Some(notice));
        }
        let Some(message) = self.receive(Instant::now() + limit)? else {
            return Ok(None);
        };
        match classify(message)? {
            Incoming::Notice(notice) => Ok(Some(notice)),
            Incoming::Answer { id, .. } => bail!("an answer to {id}, which was answered before"),
        }
    }

    /// Ends the input and waits until the server is gone.
    pub(crate) fn finish(mut self) -> Result<Duration> {
        let start = Instant::now();
        drop(self.stdin.take());
        let Some(status) = self.child.wait_timeout(EXIT_LIMIT)? else {
            return Err(self.with_log(&format!(
                "the host still runs {} s after the end of its input",
                EXIT_LIMIT.as_secs()
            )));
        };
        let took = start.elapsed();
        if !status.success() {
            return Err(self.with_log(&format!("the host ended with {status}")));
        }
        Ok(took)
    }

    /// An error with the last lines of the host's log.
    pub(crate) fn with_log(&self, message: &str) -> anyhow::Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(LOG_LINES));
        let shown: Vec<String> = last.map(|line| format!("  {line}")).collect();
        anyhow!(
            "{message}\nthe end of {}:\n{}",
            self.log.display(),
            shown.join("\n")
        )
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let stdin = self.stdin.as_mut().context("the input has ended")?;
        let line = format!("{message}\n");
        if let Err(error) = stdin
            .write_all(line.as_bytes())
            .and_then(|()| stdin.flush())
        {
            return Err(self.with_log(&format!("the host does not read: {error}")));
        }
        Ok(())
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<Message>> {
        match self
            .messages
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(message) => message.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.with_log("the host closed its output")),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Ends it where the demo stopped midway; a process that has ended already is no concern.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

enum Incoming {
    Answer {
        id: u64,
        result: Result<Value, Value>,
        at: Instant,
    },
    Notice(Notice),
}

fn classify(Message { at, mut value }: Message) -> Result<Incoming> {
    if let Some(method) = value.get("method").and_then(Value::as_str) {
        if value.get("id").is_some() {
            bail!("the host sent a request that this client did not offer to take: {method}");
        }
        return Ok(Incoming::Notice(Notice {
            at,
            method: method.to_owned(),
        }));
    }
    let id = value
        .get("id")
        .and_then(Value::as_u64)
        .with_context(|| format!("a message that answers nothing: {value}"))?;
    let mut take = |key: &str| value.get_mut(key).map(Value::take);
    let result = match (take("result"), take("error")) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        _ => bail!("an answer with neither or both of result and error"),
    };
    Ok(Incoming::Answer { id, result, at })
}

/// Reads on a thread of its own, so that the time of a message is when it came, not when it was looked at.
fn read_messages(stdout: ChildStdout) -> Receiver<Result<Message>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let at = Instant::now();
            let message = line.map_err(anyhow::Error::from).and_then(|line| {
                let value = serde_json::from_str(&line)
                    .with_context(|| format!("not JSON on the host's stdout: {line}"))?;
                Ok(Message { at, value })
            });
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}
