//! Compiles components in a child process and keeps the code in a private ahead-of-time cache.
//!
//! A child, because compiling a hostile component can take memory and time without bound, and a child can be limited and killed; the
//! serving process stays small. The child gets the bytes on its standard input and gives the code on its standard output, so it touches no
//! file. Only code that this cache wrote itself is ever mapped: wasmtime trusts it blindly.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::engine::{compatibility_key, compiling_engine};
use crate::digest::Digest;
use crate::files::{Unfinished, remove_leftovers};
use crate::text;

/// The hidden command of the host's program that compiles.
pub(crate) const COMPILE_COMMAND: &str = "__compile";

/// The child's share of the processor, memory (bytes) and wall-clock time. A 3 MB component takes about 3 s.
const MAX_CPU_SECONDS: u64 = 120;
const MAX_CHILD_MEMORY: u64 = 3 << 30;
const COMPILE_TIMEOUT: Duration = Duration::from_secs(150);

/// No component that the host accepts makes more code than this.
const MAX_CODE: u64 = 1 << 30;

/// How much lower the child's priority is (the Unix "nice" value) where several are at work, as at the first start on a full folder. One alone compiles what somebody
/// waits for, a plugin that was replaced, and at a lower priority takes half as long again beside a busy client.
const CHILD_NICENESS: i32 = 5;

/// How many children compile at once. Each uses several threads already.
const CHILDREN: usize = 2;

/// Why there is no compiled code.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CompileError {
    /// The component is at fault.
    #[error("it does not compile: {0}")]
    Component(String),
    /// It took more time or memory than compiling may take.
    #[error("compiling it was stopped: {0}")]
    Limit(String),
    /// The machine is at fault.
    #[error("the compiler could not be run: {0}")]
    Host(String),
}

/// A component's code, mapped.
pub(super) struct Compiled {
    pub(super) component: Component,
    /// The code's file, where it was just made and is not in the cache under its name yet.
    unsaved: Option<Unfinished>,
}

impl Compiled {
    /// Lets later starts use the code. Not waited for: a busy disk takes its time.
    pub(super) fn save(self) -> Option<tokio::task::JoinHandle<()>> {
        let unsaved = self.unsaved?;
        Some(tokio::task::spawn_blocking(move || {
            if let Some(folder) = unsaved.path().parent() {
                remove_leftovers(folder);
            }
            if let Err(error) = unsaved.finish_durably() {
                tracing::warn!(%error, "compiled code cannot be kept in the cache");
            }
        }))
    }
}

/// What is started to compile.
#[derive(Debug, Clone)]
pub(crate) struct CompilerProgram {
    /// The host's own program.
    pub(crate) path: PathBuf,
    /// Whether it compiles quickly rather than well.
    pub(crate) quick: bool,
}

pub(super) struct Compiler {
    program: CompilerProgram,
    folder: PathBuf,
    children: Semaphore,
    /// One lock a digest, so that two calls of one new plugin compile it once.
    in_progress: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

/// Somebody who compiles a digest, or waits for whoever does. Each may give up; the last one clears up.
struct Turn<'a> {
    compiler: &'a Compiler,
    digest: &'a Digest,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut in_progress = self.compiler.in_progress();
        // One is the table's and one is this.
        if Arc::strong_count(&self.lock) <= 2 {
            in_progress.remove(self.digest);
        }
    }
}

impl Compiler {
    /// `program` is started again for each compilation.
    pub(super) fn new(engine: &Engine, cache: &Path, program: CompilerProgram) -> Self {
        Self {
            program,
            folder: cache.join("compiled").join(compatibility_key(engine)),
            children: Semaphore::new(CHILDREN),
            in_progress: Mutex::default(),
        }
    }

    /// Whether what is compiled is compiled quickly rather than well. Both run on the same engine, so the cache holds both.
    pub(super) fn is_quick(&self) -> bool {
        self.program.quick
    }

    pub(super) fn is_cached(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// The component's code, from the cache or compiled from these bytes, which must be the ones that the digest is of.
    pub(super) async fn component(
        &self,
        engine: &Engine,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<Compiled, CompileError> {
        if let Some(compiled) = self.cached(engine, digest).await {
            return Ok(compiled);
        }
        let turn = self.turn(digest);
        let _compiling = turn.lock.lock().await;
        match self.cached(engine, digest).await {
            Some(compiled) => Ok(compiled),
            None => self.compile_and_map(engine, digest, bytes).await,
        }
    }

    fn turn<'a>(&'a self, digest: &'a Digest) -> Turn<'a> {
        let lock = self
            .in_progress()
            .entry(digest.clone())
            .or_default()
            .clone();
        Turn {
            compiler: self,
            digest,
            lock,
        }
    }

    fn in_progress(&self) -> MutexGuard<'_, HashMap<Digest, Arc<tokio::sync::Mutex<()>>>> {
        self.in_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn compile_and_map(
        &self,
        engine: &Engine,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<Compiled, CompileError> {
        let code = {
            let _slot = self
                .children
                .acquire()
                .await
                .map_err(|error| CompileError::Host(error.to_string()))?;
            let aside = self.children.available_permits() < CHILDREN - 1;
            let started = std::time::Instant::now();
            let code = tokio::time::timeout(COMPILE_TIMEOUT, self.compile(bytes, aside))
                .await
                .unwrap_or_else(|_| {
                    Err(CompileError::Limit(format!(
                        "it took longer than {}",
                        text::duration(COMPILE_TIMEOUT)
                    )))
                })?;
            tracing::debug!(
                digest = digest.short(),
                millis = started.elapsed().as_millis(),
                code = code.len(),
                "compiled"
            );
            code
        };
        let target = self.path(digest);
        let written = tokio::task::spawn_blocking(move || Unfinished::write(&target, &code)).await;
        let unsaved = written
            .map_err(io::Error::other)
            .and_then(|written| written)
            .map_err(|error| {
                CompileError::Host(format!("its code cannot be written to the cache: {error}"))
            })?;
        let component = map(engine, unsaved.path())
            .await
            .map_err(CompileError::Component)?;
        Ok(Compiled {
            component,
            unsaved: Some(unsaved),
        })
    }

    async fn compile(&self, bytes: &[u8], aside: bool) -> Result<Vec<u8>, CompileError> {
        let host = |error: io::Error| {
            CompileError::Host(format!("{}: {error}", self.program.path.display()))
        };
        let mut child = tokio::process::Command::new(&self.program.path)
            .arg(COMPILE_COMMAND)
            .args(self.program.quick.then_some("--quick"))
            .args(aside.then_some("--aside"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear()
            .kill_on_drop(true)
            .spawn()
            .map_err(host)?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(CompileError::Host(
                "its standard streams are not pipes".into(),
            ));
        };
        let feed = async {
            // A child that refuses the component early closes its input; what it says then counts, not this error.
            let _ = stdin.write_all(bytes).await;
            drop(stdin);
        };
        let (mut code, mut complaint) = (Vec::new(), Vec::new());
        let mut stdout = stdout.take(MAX_CODE);
        let mut stderr = stderr.take(64 << 10);
        let ((), read, _) = tokio::join!(
            feed,
            stdout.read_to_end(&mut code),
            stderr.read_to_end(&mut complaint)
        );
        read.map_err(host)?;
        let status = child.wait().await.map_err(host)?;
        let complaint = text::shorten(
            &text::escape(String::from_utf8_lossy(&complaint).trim()),
            600,
        );
        match status.code() {
            Some(0) if !code.is_empty() => Ok(code),
            Some(1) => Err(CompileError::Component(complaint)),
            Some(_) => Err(CompileError::Host(format!(
                "it ended with {status}: {complaint}"
            ))),
            None => Err(CompileError::Limit(format!(
                "it used more memory or time than compiling may take ({status})"
            ))),
        }
    }

    /// The code from the cache. A file that cannot be used is removed, so that it is made anew.
    pub(super) async fn cached(&self, engine: &Engine, digest: &Digest) -> Option<Compiled> {
        let path = self.path(digest);
        if !path.exists() {
            return None;
        }
        match map(engine, &path).await {
            Ok(component) => Some(Compiled {
                component,
                unsaved: None,
            }),
            Err(error) => {
                tracing::warn!(path = %path.display(), "removing compiled code that cannot be used: {error}");
                let _ = std::fs::remove_file(path);
                None
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.cwasm"))
    }
}

/// Maps code that the cache wrote.
async fn map(engine: &Engine, path: &Path) -> Result<Component, String> {
    let (engine, path) = (engine.clone(), path.to_owned());
    let mapped = tokio::task::spawn_blocking(move || {
        // SAFETY: the file lies in this user's private cache folder (mode 0700), under the key of exactly these engine settings, and was
        // written by this cache from its own compiler's output: either this process has just written it under a temporary
        // name, or it got its name when its content was on the disk. Whoever can change it can change this program too.
        let component = unsafe { Component::deserialize_file(&engine, &path) };
        component.map_err(|error| text::shorten(&text::escape(&format!("{error:#}")), 600))
    });
    mapped.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// The child's side: compiles what comes on `input` and writes the code to `output`.
///
/// # Errors
///
/// An error of the first kind says that the component is at fault, one of the second that the machine is.
pub(crate) fn compile_from_stdin(
    mut input: impl Read,
    mut output: impl Write,
    quick: bool,
    aside: bool,
) -> Result<Result<(), String>, io::Error> {
    limit_this_process();
    if aside {
        let _ = rustix::process::nice(CHILD_NICENESS);
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let engine = compiling_engine(quick).map_err(|error| io::Error::other(format!("{error:#}")))?;
    match engine.precompile_component(&bytes) {
        Ok(code) => {
            output.write_all(&code)?;
            output.flush()?;
            Ok(Ok(()))
        }
        Err(error) => Ok(Err(format!("{error:#}"))),
    }
}

fn limit_this_process() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Each of these only bounds the damage; where one is not allowed, compiling still works.
    let _ = setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(MAX_CPU_SECONDS),
            maximum: Some(MAX_CPU_SECONDS + 5),
        },
    );
    let _ = setrlimit(
        Resource::Data,
        Rlimit {
            current: Some(MAX_CHILD_MEMORY),
            maximum: Some(MAX_CHILD_MEMORY),
        },
    );
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
}
