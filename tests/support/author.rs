//! An author at work: crates made by `toolbay new`, built with the machine's own cargo, and `toolbay dev` running beside the test.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::command::{Output, open_terminal, run_within, toolbay};
use super::paths;

/// How long a build may take. The first of a kind makes the standard library too.
pub(crate) const BUILD: Duration = Duration::from_secs(420);

/// A home in which plugins are written.
pub(crate) struct Workshop {
    home: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        // What xtask set up for building guests serves here too.
        let toolchain = paths::shared_cache().join("toolchain");
        if let Err(error) = std::os::unix::fs::symlink(paths::root().join("target"), &toolchain) {
            assert!(toolchain.exists(), "{}: {error}", toolchain.display());
        }
        Self {
            home: TempDir::new().expect("a temporary folder can be made"),
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The program, with cargo and the build folder of the guests at hand.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = toolbay(self.home());
        command.args(arguments);
        with_rust(&mut command);
        command
    }

    /// The machine's own cargo.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home());
        with_rust(&mut command);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run_within(self.command(arguments), BUILD)
    }

    /// Makes a crate with this repository's SDK and gives its folder.
    pub(crate) fn scaffold(&self, name: &str, template: &str) -> PathBuf {
        let sdk = paths::root().join("sdk");
        let sdk = sdk.to_str().expect("the project's path is text");
        let made = self.run(&["new", name, "--template", template, "--sdk", sdk]);
        assert_eq!(made.code, Some(0), "{}", made.transcript());
        let folder = self.home().join(name);
        // The versions that the other guests have: nothing is to be looked up and compiled anew.
        fs::copy(
            paths::root().join("plugins/Cargo.lock"),
            folder.join("Cargo.lock"),
        )
        .expect("a file can be copied");
        folder
    }
}

/// Where cargo and rustup keep what they need, which lies in the real home, and the build folder of the guests.
fn with_rust(command: &mut Command) {
    let real_home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let place = std::env::var_os(variable).unwrap_or_else(|| real_home.join(folder).into());
        command.env(variable, place);
    }
    command.env("CARGO_TARGET_DIR", paths::root().join("target/guests"));
}

/// Changes one text in a file to another, as an editor does that writes to a new file and renames it.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("a source can be read");
    assert!(text.contains(from), "`{from}` is not in {}", file.display());
    save(file, &text.replacen(from, to, 1));
}

pub(crate) fn save(file: &Path, text: &str) {
    let beside = file.with_extension("rs.tmp");
    fs::write(&beside, text).expect("a source can be written");
    fs::rename(&beside, file).expect("a source can be renamed");
}

/// A running `toolbay dev`. Dropping it ends it.
pub(crate) struct Developing {
    child: Child,
    keyboard: Option<File>,
    pieces: Receiver<String>,
    shown: String,
    looked_at: usize,
}

impl Developing {
    /// In pipes, where no person is asked.
    pub(crate) fn in_pipes(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        let also = writer.try_clone().expect("a pipe can be shared");
        command.stdin(Stdio::null()).stdout(writer).stderr(also);
        Self::start(command, None, reader)
    }

    /// At a terminal of its own.
    pub(crate) fn at_a_terminal(mut command: Command) -> Self {
        let (seeing, showing) = open_terminal();
        let share = || Stdio::from(showing.try_clone().expect("a terminal can be shared"));
        command.stdin(share()).stdout(share()).stderr(share());
        let keyboard = seeing.try_clone().expect("a terminal can be shared");
        Self::start(command, Some(keyboard), seeing)
    }

    fn start(
        mut command: Command,
        keyboard: Option<File>,
        mut output: impl Read + Send + 'static,
    ) -> Self {
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        drop(command);
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let piece = String::from_utf8_lossy(&buffer[..count]).replace('\r', "");
                if sender.send(piece).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            pieces,
            shown: String::new(),
            looked_at: 0,
        }
    }

    /// Waits until this was shown after what was waited for last, and gives what was shown since then.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + BUILD;
        loop {
            if let Some(at) = self.shown[self.looked_at..].find(text) {
                let end = self.looked_at + at + text.len();
                let since = self.shown[self.looked_at..end].to_owned();
                self.looked_at = end;
                return since;
            }
            let wait = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(wait) {
                Ok(piece) => self.shown.push_str(&piece),
                Err(_) => panic!("`{text}` was not shown; shown: {}", self.shown),
            }
        }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        let keyboard = self.keyboard.as_mut().expect("it runs at a terminal");
        writeln!(keyboard, "{line}").expect("a terminal takes what is typed");
    }

    /// Ends it as Ctrl-C does, and gives all that was shown and the exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        let process = i32::try_from(self.child.id()).expect("process numbers are small");
        // SAFETY: only sends a signal to a child that was not waited for.
        unsafe { libc::kill(process, libc::SIGINT) };
        let deadline = Instant::now() + BUILD;
        while let Ok(piece) = self
            .pieces
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.shown.push_str(&piece);
        }
        let status = self.child.wait().expect("it was started here");
        (std::mem::take(&mut self.shown), status.code())
    }
}

impl Drop for Developing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
