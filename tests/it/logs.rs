//! `toolbay logs`: the audit log as people read it, and as it grows.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::PATIENCE;
use crate::support::command::{Output, run, toolbay};

const LINES: &str = r#"{"event":"granted","time":"2026-03-01T09:59:00.000Z","plugin":"notes","folder":"/p","digest":"00","tools":["search","create"],"permissions":["read ~/Notes"],"until":"2026-03-01T18:00:00.000Z"}
{"event":"call","time":"2026-03-01T10:00:00.120Z","principal":"local","plugin":"notes","digest":"00","tool":"search","outcome":"ok","duration_us":1234}
{"event":"call","time":"2026-03-01T10:00:01.000Z","principal":"local","plugin":"web","digest":"00","tool":"page","outcome":"permission_denied","duration_us":84,"denials":["GET https://example.com/\u001b[2J"]}
torn {"event":
{"event":"call","time":"2026-03-01T10:00:02.000Z","principal":"local","plugin":"clock","digest":"00","tool":"now","outcome":"timeout","duration_us":10000000}
{"event":"lost","time":"2026-03-01T10:00:03.000Z","lines":3}
{"event":"secret_set","time":"2026-03-01T10:00:04.000Z","plugin":"web","secret":"api-key","kept_in":"keyring"}
{"event":"secret_removed","time":"2026-03-01T10:00:05.000Z","plugin":"web","secret":"api-key"}
{"event":"revoked","time":"2026-03-01T10:00:06.000Z","plugin":"notes","folder":"/p","tools":[]}
"#;

/// A home whose log has these lines, the first ones in a file that was put aside.
fn home() -> TempDir {
    let home = TempDir::new().expect("a temporary folder can be made");
    let state = home.path().join("state");
    fs::create_dir(&state).expect("a folder can be made");
    let (aside, current) = LINES.split_at(LINES.find("torn").expect("it is there"));
    fs::write(state.join("audit.1.jsonl"), aside).expect("a file can be written");
    fs::write(state.join("audit.jsonl"), current).expect("a file can be written");
    home
}

fn logs(home: &Path, arguments: &[&str]) -> Output {
    let mut command = toolbay(home);
    command.arg("logs").args(arguments);
    run(command)
}

#[test]
fn a_line_for_each_call_and_decision() {
    let home = home();
    assert_snapshot!(logs(home.path(), &[]).transcript(), @r"
    exit: 0
    --- stdout
    2026-03-01 09:59:00  granted notes: search, create, until 2026-03-01 18:00:00
    2026-03-01 10:00:00  notes_search  ok  1.2 ms
    2026-03-01 10:00:01  web_page  permission_denied  0.1 ms  refused: GET https://example.com/\u{1b}[2J
    2026-03-01 10:00:02  clock_now  timeout  10 s
    2026-03-01 10:00:03  3 lines are missing here
    2026-03-01 10:00:04  secret api-key of web set, in the keyring
    2026-03-01 10:00:05  secret api-key of web removed
    2026-03-01 10:00:06  revoked notes
    --- stderr
    note: left out what is not understood: 1 line of the log
    ");
}

#[test]
fn narrowed_to_a_plugin_a_tool_failures_and_the_last() {
    let home = home();
    let cases: [&[&str]; 7] = [
        &["notes"],
        &["web_page"],
        &["--errors"],
        &["-n", "2"],
        &["clock", "--json"],
        &["--since", "7d"],
        &["--since", "soon"],
    ];
    let all: String = cases
        .iter()
        .map(|arguments| {
            format!(
                "=== {arguments:?}\n{}",
                logs(home.path(), arguments).transcript()
            )
        })
        .collect();
    assert_snapshot!(all, @r#"
    === ["notes"]
    exit: 0
    --- stdout
    2026-03-01 09:59:00  granted notes: search, create, until 2026-03-01 18:00:00
    2026-03-01 10:00:00  notes_search  ok  1.2 ms
    2026-03-01 10:00:06  revoked notes
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["web_page"]
    exit: 0
    --- stdout
    2026-03-01 10:00:01  web_page  permission_denied  0.1 ms  refused: GET https://example.com/\u{1b}[2J
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["--errors"]
    exit: 0
    --- stdout
    2026-03-01 10:00:01  web_page  permission_denied  0.1 ms  refused: GET https://example.com/\u{1b}[2J
    2026-03-01 10:00:02  clock_now  timeout  10 s
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["-n", "2"]
    exit: 0
    --- stdout
    2026-03-01 10:00:05  secret api-key of web removed
    2026-03-01 10:00:06  revoked notes
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["clock", "--json"]
    exit: 0
    --- stdout
    {"event":"call","time":"2026-03-01T10:00:02.000Z","principal":"local","plugin":"clock","digest":"00","tool":"now","outcome":"timeout","duration_us":10000000}
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["--since", "7d"]
    exit: 0
    --- stdout
    --- stderr
    note: left out what is not understood: 1 line of the log
    === ["--since", "soon"]
    exit: 2
    --- stdout
    --- stderr
    error: --since is `soon`, which is not a time
    hint: write a whole number and a unit: 90s, 30m, 8h, 7d
    "#);
}

#[test]
fn nothing_is_logged_yet() {
    let home = TempDir::new().expect("a temporary folder can be made");
    assert_snapshot!(logs(home.path(), &[]).transcript().replace(&home.path().display().to_string(), "/home/ada"), @"
    exit: 0
    --- stdout
    --- stderr
    nothing is logged in /home/ada/state yet
    ");
}

/// A `toolbay logs -f` and the lines that it has printed.
struct Following {
    child: Child,
    lines: Receiver<String>,
    state: PathBuf,
}

impl Following {
    fn start(home: &Path) -> Self {
        let mut command = toolbay(home);
        command.args(["logs", "-f"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program can be started");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            state: home.join("state"),
        }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line comes")
    }

    fn append(&self, text: &str) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.state.join("audit.jsonl"));
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("the log can be written");
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(tool: &str) -> String {
    format!(
        "{{\"event\":\"call\",\"time\":\"2026-03-01T11:00:00.000Z\",\"plugin\":\"p\",\"tool\":\"{tool}\",\"outcome\":\"ok\",\"duration_us\":1}}\n"
    )
}

#[test]
fn follows_the_log_over_its_rotation() {
    let home = TempDir::new().expect("a temporary folder can be made");
    fs::create_dir(home.path().join("state")).expect("a folder can be made");
    let following = Following::start(home.path());
    // The file is made only now.
    following.append(&call("one"));
    assert!(following.next().contains("p_one"));
    // A line whose end comes later is one line.
    let two = call("two");
    let (start, end) = two.split_at(20);
    following.append(start);
    following.append(end);
    assert!(following.next().contains("p_two"));
    let log = following.state.join("audit.jsonl");
    following.append(&call("three"));
    fs::rename(&log, following.state.join("audit.1.jsonl")).expect("it can be renamed");
    following.append(&call("four"));
    assert!(following.next().contains("p_three"));
    assert!(following.next().contains("p_four"));
}

#[test]
fn whoever_reads_no_more_is_no_failure() {
    let home = TempDir::new().expect("a temporary folder can be made");
    fs::create_dir(home.path().join("state")).expect("a folder can be made");
    let mut following = Following::start(home.path());
    following.append(&call("one"));
    assert!(following.next().contains("p_one"));
    let (sender, gone) = channel();
    // The thread that reads ends, and with it the pipe.
    drop(std::mem::replace(&mut following.lines, channel().1));
    following.append(&call("two"));
    std::thread::scope(|scope| {
        let child = &mut following.child;
        scope.spawn(move || sender.send(child.wait().map(|status| status.code())));
        let mut code = None;
        let deadline = std::time::Instant::now() + PATIENCE;
        while code.is_none() && std::time::Instant::now() < deadline {
            // Each line is one more attempt to write.
            let log = following.state.join("audit.jsonl");
            let file = OpenOptions::new().append(true).open(log);
            file.and_then(|mut file| file.write_all(call("more").as_bytes()))
                .expect("the log can be written");
            code = gone.recv_timeout(std::time::Duration::from_millis(50)).ok();
        }
        assert_eq!(
            code.expect("it ends").expect("it was started here"),
            Some(0)
        );
    });
}
