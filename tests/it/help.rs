//! The help of every command, in one file to be read as a user would. The commands are asked of the program's own definition, so a new one is in it.

use clap::CommandFactory;
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::command::{run, toolbay};

/// The commands below this one, hidden ones left out, each by the words that are typed.
fn commands(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        let mut words = words.to_vec();
        words.push(inner.get_name().to_owned());
        all.push(words.clone());
        commands(inner, &words, all);
    }
}

#[test]
fn help_of_every_command() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut all = vec![Vec::new()];
    commands(&toolbay::cli::Cli::command(), &[], &mut all);
    let mut text = String::new();
    for words in all {
        let mut command = toolbay(home.path());
        command.args(&words).arg("--help");
        let output = run(command);
        assert_eq!(output.code, Some(0), "{words:?}: {}", output.transcript());
        assert!(
            output.stderr.is_empty(),
            "{words:?}: {}",
            output.transcript()
        );
        assert!(
            output.stdout.contains("\nExample"),
            "the help of {words:?} has no example"
        );
        text.push_str(&format!(
            "$ {} --help\n{}\n",
            [&["toolbay".to_owned()], words.as_slice()]
                .concat()
                .join(" "),
            output.stdout
        ));
    }
    assert_snapshot!("help", text);
}

#[test]
fn completions_of_every_shell() {
    let home = TempDir::new().expect("a temporary folder can be made");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let mut command = toolbay(home.path());
        command.args(["completions", shell]);
        let output = run(command);
        assert_eq!(output.code, Some(0), "{}", output.transcript());
        assert!(output.stderr.is_empty(), "{}", output.transcript());
        for word in ["client-config", "completions", "serve"] {
            assert!(output.stdout.contains(word), "{shell} does not know {word}");
        }
    }
}
