//! One running `toolbay serve`: started over a wire of the test's choice, spoken to in lines, always ended.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::ledger::shorten;
use super::reader::{Shared, lock, read_lines, read_stderr};
use super::{Folder, PATIENCE, Wire, command};

/// How a host is to be started.
pub(crate) struct Start {
    folders: Vec<PathBuf>,
    wire: Wire,
    cache: Option<PathBuf>,
    state: Option<PathBuf>,
    settings: Option<PathBuf>,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Start {
    /// Over pipes, on this folder of plugins, with the cache that the tests share and a state of its own.
    pub(crate) fn new(folder: &Folder) -> Self {
        Self::on(&[folder.path()])
    }

    pub(crate) fn on(folders: &[&Path]) -> Self {
        let folders = folders.iter().map(|folder| folder.to_path_buf()).collect();
        Self {
            folders,
            wire: Wire::Pipes,
            cache: None,
            state: None,
            settings: None,
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Compiled components go here instead of to the shared place.
    pub(crate) fn cache(mut self, folder: &Path) -> Self {
        self.cache = Some(folder.to_path_buf());
        self
    }

    pub(crate) fn state(mut self, folder: &Path) -> Self {
        self.state = Some(folder.to_path_buf());
        self
    }

    /// Grants lie here instead of in a folder of the test's own.
    pub(crate) fn settings(mut self, folder: &Path) -> Self {
        self.settings = Some(folder.to_path_buf());
        self
    }

    /// One more argument after `serve`.
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn start(self) -> Host {
        let home = TempDir::new().expect("a temporary folder can be made");
        let ends = self.wire.open().expect("a channel can be opened");
        let mut command = self.command(home.path());
        command
            .stdin(Stdio::from(ends.child_stdin))
            .stdout(Stdio::from(ends.child_stdout))
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        // The child's ends are in the command still: only when they are closed here does the end of one become visible.
        drop(command);

        let shared = Shared::new();
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let messages = read_lines(ends.output, Arc::clone(&shared));
        let stderr_end = read_stderr(stderr, Arc::clone(&shared));
        let exited = announce_exit(&child);
        Host {
            child,
            exited,
            input: Some(ends.input),
            messages,
            early: VecDeque::new(),
            shared,
            stderr_end,
            _home: home,
        }
    }

    /// The command that starts it, with a home of its own where nothing else was said.
    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = command::toolbay(home);
        command
            .arg("serve")
            .args(&self.arguments)
            .args(&self.folders);
        if let Some(cache) = &self.cache {
            command.env("TOOLBAY_CACHE_DIR", cache);
        }
        if let Some(state) = &self.state {
            command.env("TOOLBAY_STATE_DIR", state);
        }
        if let Some(settings) = &self.settings {
            command.env("TOOLBAY_CONFIG_DIR", settings);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A host under test. Dropping it kills it, and fails the test if any line that it wrote was wrong.
pub(crate) struct Host {
    child: Child,
    /// Closes when the process has ended.
    exited: Receiver<()>,
    input: Option<File>,
    messages: Receiver<Value>,
    /// What came while the test waited for something else, in its order.
    early: VecDeque<Value>,
    shared: Arc<Shared>,
    /// Closes when nobody holds the host's stderr any more.
    stderr_end: Receiver<()>,
    _home: TempDir,
}

impl Host {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one message as a line.
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\n").as_bytes());
    }

    /// Writes bytes as they are. What ends in mid-line is continued by the next.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        lock(&self.shared.ledger).sent(bytes);
        self.send_unaccounted(bytes)
            .expect("the host reads its stdin");
    }

    /// Writes bytes that the ledger has been told of already or must not know, such as part of a line.
    pub(crate) fn send_unaccounted(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.input
            .as_mut()
            .expect("stdin is still open")
            .write_all(bytes)
    }

    /// Tells the ledger what is going to be sent in pieces.
    pub(crate) fn account(&self, bytes: &[u8]) {
        lock(&self.shared.ledger).sent(bytes);
    }

    /// Lets as many answers without an id come in addition.
    pub(crate) fn expect_anonymous(&self, count: usize) {
        lock(&self.shared.ledger).expect_anonymous(count);
    }

    /// Writes everything from another thread, since a host that cannot get rid of its answers stops reading.
    pub(crate) fn send_from_a_thread(&self, bytes: Vec<u8>) -> JoinHandle<std::io::Result<()>> {
        lock(&self.shared.ledger).sent(&bytes);
        let mut input = self
            .input
            .as_ref()
            .expect("stdin is still open")
            .try_clone()
            .expect("stdin can be shared");
        thread::spawn(move || input.write_all(&bytes))
    }

    /// Stops reading what the host writes.
    pub(crate) fn pause_reading(&self) {
        self.shared.set_appetite(0);
    }

    /// Reads on, so many bytes at a time.
    pub(crate) fn read_by(&self, bytes: usize) {
        self.shared.set_appetite(bytes);
    }

    /// The first message that `wanted` accepts; the others stay for later.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let message = self.wait_until(Instant::now() + PATIENCE, &wanted);
        message.unwrap_or_else(|| {
            let seen: Vec<String> = self
                .early
                .iter()
                .map(|message| shorten(&message.to_string()))
                .collect();
            panic!("{what} did not come; what else came: [{}]", seen.join("\n"))
        })
    }

    /// Like `wait_for`, but gives nothing where it does not come in time.
    pub(crate) fn wait_until(
        &mut self,
        deadline: Instant,
        wanted: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        if let Some(place) = self.early.iter().position(&wanted) {
            return self.early.remove(place);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) if wanted(&message) => return Some(message),
                Ok(message) => self.early.push_back(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The answer to the request with this id.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        self.wait_for(&format!("an answer to {id}"), |message| {
            message.get("method").is_none() && message["id"] == *id
        })
    }

    /// The same of a host that may be killed meanwhile: nothing comes then.
    pub(crate) fn try_answer(&mut self, id: &Value) -> Option<Value> {
        self.wait_until(Instant::now() + PATIENCE, |message| {
            message.get("method").is_none() && message["id"] == *id
        })
    }

    /// An error that belongs to no request.
    pub(crate) fn anonymous_error(&mut self) -> Value {
        self.wait_for("an error without an id", |message| {
            message.get("id").is_none() && message.get("error").is_some()
        })
    }

    /// Whatever came and was not asked for, without waiting for more.
    pub(crate) fn left_over(&mut self) -> Vec<Value> {
        self.early.extend(self.messages.try_iter());
        self.early.drain(..).collect()
    }

    /// Closes stdin, as a client does that is done.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process and says how long that took. Everything that it wrote has been checked then.
    pub(crate) fn wait_for_exit(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let ended = self.exited.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout);
        assert!(
            ended,
            "the host is still running {PATIENCE:?} after it should have ended"
        );
        let took = start.elapsed();
        let status = self
            .child
            .wait()
            .expect("the host was started by this test");
        self.read_to_the_end();
        (status, took)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.exited.try_recv() == Err(TryRecvError::Empty)
    }

    /// Ends the process at once, whatever it is doing.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// What the host has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&lock(&self.shared.stderr)).into_owned()
    }

    /// How much memory the process holds, in bytes: what belongs to it alone and could not be read again from a file.
    pub(crate) fn memory(&self) -> u64 {
        self.kilobytes("smaps_rollup", "Anonymous:") << 10
    }

    /// The memory that the system's own tools show for the process, in bytes, its program included.
    pub(crate) fn resident(&self) -> u64 {
        self.kilobytes("status", "VmRSS:") << 10
    }

    fn kilobytes(&self, file: &str, label: &str) -> u64 {
        let path = format!("/proc/{}/{file}", self.id());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .expect("the kernel says it");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number of kilobytes")
    }

    /// How much processor time the process has used, in the kernel's ticks.
    pub(crate) fn processor_time(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.id());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
        let (_, fields) = text.rsplit_once(')').expect("a name in brackets");
        fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().expect("a number of ticks"))
            .sum()
    }

    /// The most memory that the process held until it had nothing more to do: until it has used no processor time for a
    /// while, which here is long enough not to mistake a host for idle that only has to wait its turn.
    pub(crate) fn most_memory_until_idle(&self) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        let (mut most, mut last, mut idle_since) = (0, 0, Instant::now());
        while idle_since.elapsed() < Duration::from_millis(500) {
            most = most.max(self.memory());
            let used = self.processor_time();
            if used != last {
                (last, idle_since) = (used, Instant::now());
            }
            assert!(Instant::now() < deadline, "the host does not come to rest");
            thread::yield_now();
        }
        most
    }

    /// For a host whose answers nobody read to the end: its last line may be cut off.
    pub(crate) fn forgive_an_unfinished_line(&self) {
        lock(&self.shared.ledger).forgive_an_unfinished_line();
    }

    /// Waits until all that the host wrote is checked. A process that it left behind with its streams in hand would make
    /// this endless, so that is a fault as well.
    fn read_to_the_end(&mut self) {
        self.shared.set_appetite(1 << 16);
        let deadline = Instant::now() + PATIENCE;
        let left = || deadline.saturating_duration_since(Instant::now());
        let stdout = loop {
            match self.messages.recv_timeout(left()) {
                Ok(message) => self.early.push_back(message),
                Err(end) => break end,
            }
        };
        let stderr = self.stderr_end.recv_timeout(left());
        if stdout == RecvTimeoutError::Timeout || stderr == Err(RecvTimeoutError::Timeout) {
            lock(&self.shared.ledger).fault(
                "something still holds the host's stdout or stderr after its end".to_owned(),
            );
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
        self.read_to_the_end();
        let faults = lock(&self.shared.ledger).faults().join("\n");
        if thread::panicking() {
            eprintln!("the host's stderr:\n{}", shorten(&self.stderr()));
            if !faults.is_empty() {
                eprintln!("wrong lines:\n{faults}");
            }
        } else {
            assert!(
                faults.is_empty(),
                "wrong lines:\n{faults}\nthe host's stderr:\n{}",
                shorten(&self.stderr())
            );
        }
    }
}

/// Closes the channel when the process has ended, and leaves it to be reaped by its owner: so its number cannot come to mean
/// another process before that.
pub(crate) fn announce_exit(child: &Child) -> Receiver<()> {
    let (sender, receiver) = channel();
    let id = child.id();
    thread::spawn(move || {
        // SAFETY: `waitid` fills the structure that it is given, for which all zeroes are a valid value.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(
                libc::P_PID,
                id,
                &raw mut info,
                libc::WEXITED | libc::WNOWAIT,
            );
        }
        drop(sender);
    });
    receiver
}
