//! `sdk/README.md`, followed to the letter: each file is written, each command run, and what is shown below a command is what it printed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::author::{BUILD, Developing, Workshop};
use crate::support::command::{converse, run_within};
use crate::support::paths;

/// A block of code in the text.
enum Block<'a> {
    /// A file of the crate: its path and its whole text.
    File(&'a str, &'a str),
    /// Commands, each with the output that is shown below it.
    Commands(Vec<(&'a str, String)>),
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once("\n```") {
        let (kind, from) = from.split_once('\n').expect("a block has lines");
        let (content, after) = from.split_once("\n```").expect("a block ends");
        rest = after;
        blocks.push(match kind {
            "console" => Block::Commands(commands(content)),
            "rust" | "toml" => {
                let (first, _) = content.split_once('\n').expect("a file has lines");
                let path = first.trim_start_matches(['/', '#']).trim();
                assert!(
                    path.contains('.'),
                    "the file of this block has no name: {first}"
                );
                Block::File(path, content)
            }
            other => panic!("a block of a kind that is not followed: {other}"),
        });
    }
    blocks
}

fn commands(content: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in content.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, String::new())),
            (None, Some((_, shown))) => *shown += &format!("{line}\n"),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    commands
}

/// A person with an empty home, who follows the text.
struct Reader {
    workshop: Workshop,
    folder: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let workshop = Workshop::new();
        let folder = workshop.home().to_owned();
        let programs = folder.join("bin");
        fs::create_dir_all(folder.join(".local/share/toolbay/plugins"))
            .and_then(|()| fs::create_dir(&programs))
            .and_then(|()| symlink(paths::host(), programs.join("toolbay")))
            .expect("a home can be furnished");
        Self { workshop, folder }
    }

    /// A command line, as a shell would run it.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env_clear();
        for (name, value) in self.workshop.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.workshop.home().join("bin");
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.current_dir(&self.folder);
        command
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a folder can be made");
        }
        fs::write(path, text).expect("a file can be written");
    }

    fn follow(&mut self, command: &str, shown: &str) {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.folder.push(folder);
            // The versions that the plugins of this repository have: nothing is to be looked up and compiled anew.
            fs::copy(
                paths::root().join("plugins/Cargo.lock"),
                self.folder.join("Cargo.lock"),
            )
            .expect("a file can be copied");
        } else if command.starts_with("toolbay new ") {
            let sdk = paths::root().join("sdk");
            self.run(&format!("{command} --sdk '{}'", sdk.display()), shown);
        } else if command.starts_with("toolbay grant ") {
            let (said, code) = converse(self.shell(command), &[("Type yes", "yes")]);
            assert_eq!(code, Some(0), "$ {command}\n{said}");
        } else if command.starts_with("toolbay dev ") {
            self.develop(command);
        } else {
            self.run(command, shown);
        }
    }

    /// Runs a command to its end. Where output is shown, it has to be that; where none is, it has to succeed or to be an answer of a tool's.
    fn run(&self, command: &str, shown: &str) {
        let output = run_within(self.shell(command), BUILD);
        let said = format!("{}{}", output.stdout, output.stderr);
        let is_call = command.starts_with("toolbay call ");
        assert!(output.code == Some(0) || is_call, "$ {command}\n{said}");
        if !shown.is_empty() {
            assert_eq!(said, shown, "$ {command}");
        }
    }

    /// Runs it until it has published the plugin.
    fn develop(&self, command: &str) {
        let plugins = self.workshop.home().join(".local/share/toolbay/plugins");
        let mut developing = Developing::in_pipes(self.shell(&format!("exec {command}")));
        developing.wait_for("trips");
        let deadline = Instant::now() + BUILD;
        while !plugins.join("trips.wasm").is_file() {
            assert!(
                Instant::now() < deadline,
                "$ {command}: nothing was published"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        developing.end();
    }
}

#[test]
fn the_tutorial_is_followed_to_the_letter() {
    let text = fs::read_to_string(Path::new(&paths::root()).join("sdk/README.md"))
        .expect("the tutorial is there");
    let mut reader = Reader::new();
    let mut followed = 0;
    for block in blocks(&text) {
        match block {
            Block::File(path, content) => reader.write(path, &format!("{content}\n")),
            Block::Commands(commands) => {
                for (command, shown) in commands {
                    reader.follow(command, &shown);
                    followed += 1;
                }
            }
        }
    }
    assert!(followed > 10, "only {followed} commands were found");
}
