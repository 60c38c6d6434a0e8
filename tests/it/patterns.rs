//! `sdk/PATTERNS.md`: each command in it is run, and what is shown below one is what it prints, where `…` stands for anything.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::author::Workshop;
use crate::support::command::{converse, run_within};
use crate::support::{PATIENCE, paths};

/// A person with the plugins' files and an empty home.
struct Reader {
    workshop: Workshop,
}

impl Reader {
    fn new() -> Self {
        let workshop = Workshop::new();
        let home = workshop.home();
        let programs = home.join("bin");
        fs::create_dir_all(home.join(".local/share/toolbay/plugins"))
            .and_then(|()| fs::create_dir(&programs))
            .and_then(|()| symlink(paths::host(), programs.join("toolbay")))
            .expect("a home can be furnished");
        for plugin in ["tasks", "orders", "gate"] {
            let file = format!("{plugin}.wasm");
            fs::copy(paths::plugin(plugin), home.join(file)).expect("a file can be copied");
        }
        Self { workshop }
    }

    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env_clear();
        for (name, value) in self.workshop.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.workshop.home().join("bin");
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.current_dir(self.workshop.home());
        command
    }

    fn said(&self, line: &str) -> String {
        if line.starts_with("toolbay grant ") {
            let (said, code) = converse(self.shell(line), &[("Type yes", "yes")]);
            assert_eq!(code, Some(0), "$ {line}\n{said}");
            return String::new();
        }
        let output = run_within(self.shell(line), PATIENCE);
        let is_call = line.contains("toolbay call ");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(output.code == Some(0) || is_call, "$ {line}\n{said}");
        said
    }
}

/// Whether a line is what is shown, where `…` stands for anything.
fn fits(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn every_command_of_the_page_does_what_is_shown() {
    let text =
        fs::read_to_string(paths::root().join("sdk/PATTERNS.md")).expect("the page is there");
    let reader = Reader::new();
    let mut followed = 0;
    let mut rest = text.as_str();
    while let Some((_, from)) = rest.split_once("\n```") {
        let (kind, from) = from.split_once('\n').expect("a block has lines");
        let (content, after) = from.split_once("\n```").expect("a block ends");
        rest = after;
        if kind == "json" {
            let file = reader.workshop.home().join("calls.jsonl");
            fs::write(file, format!("{content}\n")).expect("a file can be written");
            continue;
        }
        if kind == "toml" {
            let settings = reader.workshop.home().join("config");
            fs::create_dir_all(&settings)
                .and_then(|()| fs::write(settings.join("toolbay.toml"), content))
                .expect("settings can be written");
            continue;
        }
        assert_eq!(kind, "console");
        for command in content
            .strip_prefix("$ ")
            .expect("a command is first")
            .split("\n$ ")
        {
            let mut lines = command.lines();
            let line = lines.next().expect("it has a line");
            let said = reader.said(line);
            for shown in lines.filter(|shown| *shown != "…") {
                let is_there = said.lines().any(|said| fits(shown, said));
                assert!(is_there, "$ {line}\n{said}\nshows no line like {shown}");
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "only {followed} commands were found");
    // Each pattern has its row and its part.
    for number in 0..=9 {
        assert!(
            text.contains(&format!("\n| {number} |")) && text.contains(&format!("\n## {number}. "))
        );
    }
}
