//! A host as a child process, spoken to in lines. Every wait has an end, and so has the child.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How much of the newest log is kept.
const MAX_LOG: usize = 256 << 10;

/// How long a command may take that does not serve; building a component takes some minutes at worst.
const COMMAND_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long the log of a host that has ended is still waited for.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The newest of what a process writes to its standard error.
#[derive(Default)]
struct Log {
    bytes: Mutex<Vec<u8>>,
    changed: Condvar,
}

pub(super) struct Child {
    process: Process,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: Arc<Log>,
    /// Hears when all of the log was read.
    log_read: Receiver<()>,
    last_id: u64,
    limit: Duration,
}

impl Child {
    #[track_caller]
    pub(super) fn start(mut command: Command, limit: Duration) -> Self {
        let mut process = match spawn(&mut command) {
            Ok(process) => process,
            Err(error) => panic!("{error}"),
        };
        let (sender, lines) = channel();
        if let Some(output) = process.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let log = Arc::<Log>::default();
        let (end, log_read) = channel();
        if let Some(errors) = process.stderr.take() {
            let log = log.clone();
            thread::spawn(move || {
                log.keep(errors);
                drop(end);
            });
        }
        Self {
            input: process.stdin.take(),
            process,
            lines,
            log,
            log_read,
            last_id: 0,
            limit,
        }
    }

    /// Sends a request and waits for its result, or the sentence of its error.
    #[track_caller]
    pub(super) fn request(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = json!(self.last_id);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let deadline = Instant::now() + self.limit;
        loop {
            let mut message = self.receive(method, deadline);
            let is_request = message.get("method").is_some();
            match message.get("id") {
                Some(own) if *own == id && !is_request => {
                    return match message.get_mut("result") {
                        Some(result) => Ok(result.take()),
                        None => Err(sentence(&message)),
                    };
                }
                // The host asks for something of the client's, which a test has not.
                Some(theirs) if is_request => {
                    let error = json!({"code": -32601, "message": "a test answers no requests"});
                    self.send(&json!({"jsonrpc": "2.0", "id": theirs, "error": error}));
                }
                _ => {}
            }
        }
    }

    /// Waits for a notification of this kind, until the deadline at most.
    pub(super) fn hears(&mut self, method: &str, deadline: Instant) {
        let is_it = |line: &str| {
            let message: Option<Value> = serde_json::from_str(line).ok();
            message.is_some_and(|message| message.get("method") == Some(&method.into()))
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if !is_it(&line) => {}
                _ => return,
            }
        }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    #[track_caller]
    pub(super) fn notify(&mut self, method: &str) {
        self.send(&json!({"jsonrpc": "2.0", "method": method}));
    }

    pub(super) fn log(&self) -> String {
        self.log.text()
    }

    /// The log once this is in it.
    #[track_caller]
    pub(super) fn wait_for_log(&self, text: &str) -> String {
        let is_missing = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let bytes = self
            .log
            .bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .log
            .changed
            .wait_timeout_while(bytes, self.limit, is_missing);
        let (bytes, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            panic!("`{text}` was not logged within {:?}", self.limit);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[track_caller]
    fn send(&mut self, message: &Value) {
        let written = match &mut self.input {
            Some(input) => input.write_all(format!("{message}\n").as_bytes()),
            None => Err(ErrorKind::BrokenPipe.into()),
        };
        // Where nobody reads any more, no answer comes either, which says more.
        drop(written);
    }

    #[track_caller]
    fn receive(&mut self, method: &str, deadline: Instant) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = match self.lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no answer to {method} within {:?}", self.limit)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let ended = self.process.wait();
                let ended =
                    ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                // Its last words are on their way; a process that it left behind may keep the pipe open.
                let _ = self.log_read.recv_timeout(LAST_WORDS);
                panic!("the host has ended ({ended})\n{}", self.log())
            }
        };
        match serde_json::from_str(&line) {
            Ok(message) => message,
            Err(error) => panic!("the host wrote a line that is no JSON ({error}): {line}"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = self.log();
            #[expect(clippy::print_stderr, reason = "shown with a failed test's own output")]
            {
                eprintln!("--- the log of the sandbox\n{log}---");
            }
        }
    }
}

/// Runs a command to its end, with this on its standard input, and gives what it prints, or why it failed.
pub(super) fn run(mut command: Command, input: &str) -> Result<String, String> {
    let mut process = spawn(&mut command)?;
    if let Some(mut stdin) = process.stdin.take() {
        // A command that does not read leaves it.
        let _ = stdin.write_all(input.as_bytes());
    }
    let (sender, output) = channel();
    if let Some(mut stdout) = process.stdout.take() {
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stdout.read_to_end(&mut text);
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
        });
    }
    let log = Log::default();
    let output = thread::scope(|scope| {
        let errors = process.stderr.take();
        let reading = errors.map(|errors| scope.spawn(|| log.keep(errors)));
        let output = output.recv_timeout(COMMAND_LIMIT);
        if output.is_err() {
            let _ = process.kill();
        }
        drop(reading.map(thread::ScopedJoinHandle::join));
        output
    });
    let status = process.wait().map_err(|error| error.to_string())?;
    match output {
        Ok(output) if status.success() => Ok(output),
        Ok(_) => Err(log.text().trim_end().to_owned()),
        Err(_) => Err(format!("{command:?} did not end within {COMMAND_LIMIT:?}")),
    }
}

fn spawn(command: &mut Command) -> Result<Process, String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        match error.kind() {
            ErrorKind::NotFound => format!(
                "there is no program `{program}`\nhint: run the tests with `toolbay test`, or put toolbay on the PATH or its path into TOOLBAY_BIN"
            ),
            _ => format!("cannot start `{program}`: {error}"),
        }
    })
}

impl Log {
    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Takes in all that comes, to the end.
    fn keep(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let surplus = bytes.len().saturating_sub(MAX_LOG);
            bytes.drain(..surplus);
            self.changed.notify_all();
        }
    }
}

fn sentence(message: &Value) -> String {
    let said = message.pointer("/error/message").and_then(Value::as_str);
    said.map_or_else(|| message.to_string(), str::to_owned)
}
