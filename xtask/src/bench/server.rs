//! A server under test: started over pipes or over socket pairs, pinned where its client is, and never outliving its limit.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use wait_timeout::ChildExt;

use super::lines::Lines;
use super::wire::{self, Era};
use toolbay_build::process::program;

/// The longest that a server is used.
const LIMIT: Duration = Duration::from_secs(15 * 60);
const EXIT_LIMIT: Duration = Duration::from_secs(10);

/// What a server's standard streams are. Clients written for Node give it sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    Pipes,
    Sockets,
}

impl Streams {
    pub(super) const BOTH: [Self; 2] = [Self::Pipes, Self::Sockets];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pipes => "pipes",
            Self::Sockets => "sockets",
        }
    }
}

/// One of those compared: how it is started, and what stands before its tools' names.
#[derive(Clone)]
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) tool_prefix: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, PathBuf)>,
    /// Where its stderr goes.
    pub(super) log: PathBuf,
}

impl Contestant {
    pub(super) fn tool(&self, name: &str) -> String {
        format!("{}{name}", self.tool_prefix)
    }
}

pub(super) struct Server {
    child: Arc<Mutex<Child>>,
    process: u32,
    started: Instant,
    input: Option<File>,
    lines: Lines,
    era: Era,
    last_id: u64,
    log: PathBuf,
    /// Dropping it calls the watchdog off.
    watchdog: Option<mpsc::Sender<()>>,
}

impl Server {
    /// Starts it on the processors that the calling thread may use, and sends nothing yet.
    pub(super) fn start(contestant: &Contestant, streams: Streams, era: Era) -> Result<Self> {
        let mut command = program(&contestant.program);
        command
            .args(&contestant.arguments)
            .envs(contestant.environment.iter().cloned())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&contestant.log)?,
            );
        let started = Instant::now();
        let (child, input, output) = match streams {
            Streams::Pipes => over_pipes(&mut command),
            Streams::Sockets => over_sockets(&mut command),
        }
        .with_context(|| format!("{} does not start", contestant.name))?;
        let process = child.id();
        let child = Arc::new(Mutex::new(child));
        Ok(Self {
            watchdog: Some(watch(Arc::clone(&child))),
            child,
            process,
            started,
            input: Some(input),
            lines: Lines::new(output),
            era,
            last_id: 0,
            log: contestant.log.clone(),
        })
    }

    /// Starts it and makes the acquaintance that its era asks for.
    pub(super) fn open(contestant: &Contestant, streams: Streams, era: Era) -> Result<Self> {
        let mut server = Self::start(contestant, streams, era)?;
        server.introduce()?;
        Ok(server)
    }

    /// The time from the start of the process to the answer to the first request.
    pub(super) fn introduce(&mut self) -> Result<Duration> {
        let (method, members) = self.era.opening();
        self.request(method, members)?;
        let took = self.started.elapsed();
        if self.era == Era::Legacy {
            self.send(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")?;
        }
        Ok(took)
    }

    /// How many tools it lists.
    pub(super) fn count_tools(&mut self) -> Result<usize> {
        let list = self.request("tools/list", "")?;
        let tools = list.get("tools").and_then(Value::as_array);
        tools.map(Vec::len).context("a list without tools")
    }

    pub(super) fn request(&mut self, method: &str, members: &str) -> Result<Value> {
        let id = self.new_id();
        self.send(&wire::request(self.era, id, method, members))?;
        wire::result(self.answer_to(id)?)
    }

    pub(super) fn era(&self) -> Era {
        self.era
    }

    /// An id that this connection has not used.
    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn send(&mut self, lines: &[u8]) -> Result<()> {
        let input = self.input.as_mut().context("the input has ended")?;
        let written = input.write_all(lines);
        written.map_err(|error| self.with_log(&format!("the server does not read: {error}")))
    }

    /// The next line that answers something.
    pub(super) fn next_answer(&mut self) -> Result<&[u8]> {
        // Checked in two steps, since the borrow of a line that is returned from a loop would outlast it.
        loop {
            match self.lines.next() {
                Ok(line) if wire::answered_id(line).is_none() => {}
                Ok(_) => break,
                Err(error) => return Err(self.with_log(&format!("{error:#}"))),
            }
        }
        Ok(self.lines.last())
    }

    /// The next line that answers something, if all of it has come already.
    pub(super) fn next_answer_if_there(&mut self) -> Option<&[u8]> {
        while let Some(line) = self.lines.next_if_there() {
            if wire::answered_id(line).is_some() {
                return Some(self.lines.last());
            }
        }
        None
    }

    /// The next answer, which must be to this request.
    pub(super) fn answer_to(&mut self, id: u64) -> Result<&[u8]> {
        let line = self.next_answer()?;
        if wire::answered_id(line) != Some(id) {
            bail!("another answer than the one to {id}: {}", wire::shown(line));
        }
        Ok(line)
    }

    /// The memory that it holds at this moment, in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse::<u64>().ok());
        kilobytes
            .map(|kilobytes| kilobytes * 1024)
            .context("the kernel does not say how much memory the server holds")
    }

    /// Ends its input and waits until it is gone.
    pub(super) fn stop(mut self) -> Result<()> {
        drop(self.input.take());
        let exited = lock(&self.child).wait_timeout(EXIT_LIMIT)?;
        if exited.is_none() {
            return Err(self.with_log("the server did not end with its input"));
        }
        Ok(())
    }

    fn with_log(&self, message: &str) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(8));
        let shown: Vec<String> = last.map(|line| format!("  {line}")).collect();
        anyhow!(
            "{message}\nthe end of {}:\n{}",
            self.log.display(),
            shown.join("\n")
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.take());
        let mut child = lock(&self.child);
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn lock(child: &Mutex<Child>) -> std::sync::MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the server when its time is up, which ends every wait for it.
fn watch(child: Arc<Mutex<Child>>) -> mpsc::Sender<()> {
    let (call_off, called_off) = mpsc::channel::<()>();
    thread::spawn(move || {
        if called_off.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            let _ = lock(&child).kill();
        }
    });
    call_off
}

fn over_pipes(command: &mut Command) -> Result<(Child, File, File)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take().context("there is no stdin")?;
    let stdout = child.stdout.take().context("there is no stdout")?;
    Ok((
        child,
        File::from(OwnedFd::from(stdin)),
        File::from(OwnedFd::from(stdout)),
    ))
}

/// One pair for each direction, as Node makes them.
fn over_sockets(command: &mut Command) -> Result<(Child, File, File)> {
    let (input, their_input) = UnixStream::pair()?;
    let (output, their_output) = UnixStream::pair()?;
    let child = command
        .stdin(OwnedFd::from(their_input))
        .stdout(OwnedFd::from(their_output))
        .spawn()?;
    // The command keeps its ends open, and with them the server's output would never end.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok((
        child,
        File::from(OwnedFd::from(input)),
        File::from(OwnedFd::from(output)),
    ))
}

/// Runs a client on a thread of its own. Pinned, it shares one processor with the servers that it starts.
pub(super) fn as_client<T: Send>(
    pinned: bool,
    client: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if pinned {
                let processor = core_affinity::get_core_ids()
                    .and_then(|processors| processors.last().copied())
                    .context("the processors are not known")?;
                if !core_affinity::set_for_current(processor) {
                    bail!("the client cannot be bound to one processor");
                }
            }
            client()
        });
        thread.join().map_err(|_| anyhow!("the client panicked"))?
    })
}

/// Removes a file of an earlier run.
pub(super) fn forget(log: &Path) {
    let _ = fs::remove_file(log);
}
