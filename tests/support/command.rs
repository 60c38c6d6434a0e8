//! Commands of the program under test, in an environment that holds nothing of the machine's own.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::paths;

/// How long a command may take that does not serve.
const LIMIT: Duration = Duration::from_secs(40);

/// The program with an environment in which all of its own folders are below `home`, but for the shared cache.
pub(crate) fn toolbay(home: &Path) -> Command {
    let mut command = Command::new(paths::host());
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home);
    command.env("TOOLBAY_CACHE_DIR", paths::shared_cache());
    command.env("TOOLBAY_STATE_DIR", home.join("state"));
    command.env("TOOLBAY_CONFIG_DIR", home.join("config"));
    command.current_dir(home);
    command
}

/// What a command printed and how it ended.
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// All of it as one text, for a snapshot.
    pub(crate) fn transcript(&self) -> String {
        let code = self
            .code
            .map_or_else(|| "killed".to_owned(), |code| code.to_string());
        format!(
            "exit: {code}\n--- stdout\n{}--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

/// Runs a command to its end, with nothing on its stdin, and kills it where it does not come to one.
pub(crate) fn run(command: Command) -> Output {
    finish(command, Stdio::null(), LIMIT)
}

/// The same for a command that may take longer, such as one that compiles.
pub(crate) fn run_within(command: Command, limit: Duration) -> Output {
    finish(command, Stdio::null(), limit)
}

/// The same with this on its stdin.
pub(crate) fn run_with_input(command: Command, input: &[u8]) -> Output {
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
    let input = input.to_vec();
    // A command that does not read leaves the rest where it is.
    let typist = thread::spawn(move || drop(writer.write_all(&input)));
    let output = finish(command, Stdio::from(reader), LIMIT);
    typist.join().expect("writing does not panic");
    output
}

fn finish(mut command: Command, stdin: Stdio, limit: Duration) -> Output {
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = read_all(child.stdout.take().expect("stdout is a pipe"));
    let stderr = read_all(child.stderr.take().expect("stderr is a pipe"));
    // Both streams end when the process does, so waiting for them is waiting for it.
    let streams = stdout
        .recv_timeout(limit)
        .and_then(|stdout| Ok((stdout, stderr.recv_timeout(limit)?)));
    let Ok((stdout, stderr)) = streams else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} did not end within {limit:?}");
    };
    let status = child.wait().expect("the command was started here");
    // The command holds its end of the pipe, and whoever writes to the other one is to be told that nobody reads any more.
    drop(command);
    Output {
        code: status.code(),
        stdout,
        stderr,
    }
}

/// Runs a command with its output on a terminal and gives what that would have shown.
pub(crate) fn run_on_a_terminal(mut command: Command) -> String {
    let (mut terminal, of_command) = open_terminal();
    let error_stream = of_command.try_clone().expect("a terminal can be shared");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(of_command))
        .stderr(Stdio::from(error_stream));
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // The command holds the other end, which has to be closed for reading to come to an end.
    drop(command);
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // At its end a terminal gives an error instead of nothing; what was read until then is there all the same.
        let _ = terminal.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    let shown = receiver.recv_timeout(LIMIT);
    let _ = child.kill();
    let _ = child.wait();
    shown.unwrap_or_else(|_| panic!("the command did not end within {LIMIT:?}"))
}

/// Runs a command on a terminal as a person would: each answer is typed once its question has been shown. Gives all that
/// was shown and the exit code.
pub(crate) fn converse(mut command: Command, answers: &[(&str, &str)]) -> (String, Option<i32>) {
    let (terminal, of_command) = open_terminal();
    let share = |file: &File| Stdio::from(file.try_clone().expect("a terminal can be shared"));
    command
        .stdin(share(&of_command))
        .stdout(share(&of_command))
        .stderr(share(&of_command));
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    drop((command, of_command));
    let mut keyboard = terminal.try_clone().expect("a terminal can be shared");
    let pieces = read_pieces(terminal);
    let deadline = Instant::now() + LIMIT;
    let mut shown = String::new();
    let mut looked_at = 0;
    for (question, answer) in answers {
        while !shown[looked_at..].contains(question) {
            let wait = deadline.saturating_duration_since(Instant::now());
            let Ok(piece) = pieces.recv_timeout(wait) else {
                let _ = child.kill();
                let _ = child.wait();
                panic!("`{question}` was not asked; shown: {shown}");
            };
            shown.push_str(&piece);
        }
        looked_at = shown.len();
        writeln!(keyboard, "{answer}").expect("a terminal takes what is typed");
    }
    loop {
        match pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => shown.push_str(&piece),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the command did not end within {LIMIT:?}; shown: {shown}");
            }
        }
    }
    let status = child.wait().expect("the command was started here");
    (shown.replace("\r\n", "\n"), status.code())
}

/// What a terminal shows, piece by piece, until the command has closed it.
fn read_pieces(mut terminal: File) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // At its end a terminal gives an error instead of nothing.
        while let Ok(count @ 1..) = terminal.read(&mut buffer) {
            let piece = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if sender.send(piece).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Runs a command on a terminal of its own, answers its prompt once what is typed is no longer shown, and gives its exit code and what the
/// terminal has shown.
pub(crate) fn run_at_a_prompt(mut command: Command, answer: &str) -> (Option<i32>, String) {
    let (mut terminal, of_command) = open_terminal();
    let share = || Stdio::from(of_command.try_clone().expect("a terminal can be shared"));
    command.stdin(share()).stdout(share()).stderr(share());
    // SAFETY: only two system calls are made between fork and exec.
    unsafe {
        command.pre_exec(|| {
            // A session of its own, whose terminal is the one on its stdin.
            if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    drop(command);
    // Nothing tells of this change, so it has to be looked for.
    let deadline = Instant::now() + LIMIT;
    while shows_what_is_typed(&of_command) {
        assert!(Instant::now() < deadline, "there was no prompt");
        thread::sleep(Duration::from_millis(1));
    }
    terminal
        .write_all(format!("{answer}\n").as_bytes())
        .expect("a terminal can be typed at");
    drop(of_command);
    let shown = read_all(terminal).recv_timeout(LIMIT);
    let _ = child.kill();
    let status = child.wait().expect("the command was started here");
    let shown = shown.unwrap_or_else(|_| panic!("the command did not end within {LIMIT:?}"));
    (status.code(), shown)
}

fn shows_what_is_typed(terminal: &File) -> bool {
    let mut settings = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the place is valid for writing, and the descriptor is open.
    let outcome = unsafe { libc::tcgetattr(terminal.as_raw_fd(), settings.as_mut_ptr()) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the call has just filled it in.
    unsafe { settings.assume_init() }.c_lflag & libc::ECHO != 0
}

/// Both ends of a new terminal: the one that sees what is shown, and the one to show it on.
pub(crate) fn open_terminal() -> (File, File) {
    let (mut seeing, mut showing) = (-1, -1);
    // SAFETY: both places are valid for writing, and the null pointers ask for the defaults.
    let outcome = unsafe {
        libc::openpty(
            &raw mut seeing,
            &raw mut showing,
            std::ptr::null_mut(),
            std::ptr::null(),
            std::ptr::null(),
        )
    };
    assert_eq!(
        outcome,
        0,
        "a terminal can be made: {}",
        std::io::Error::last_os_error()
    );
    // SAFETY: the call has just opened both, and nobody else knows of them.
    let own = |descriptor| unsafe { File::from_raw_fd(descriptor) };
    (own(seeing), own(showing))
}

fn read_all(mut stream: impl Read + Send + 'static) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
