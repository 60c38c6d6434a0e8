//! `toolbay client-config`: the entry that makes a client start this program, printed or merged into the client's file. It grants nothing, so it needs
//! no person at a terminal.

pub(super) mod file;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use similar::TextDiff;

use self::file::ClientFile;
use crate::cli::{ClientConfig, Scope};
use crate::clients::edit::EditError;
use crate::clients::{LONG_NAME, Surroundings};
use crate::config::Config;
use crate::terminal::{self, Colour};
use crate::text::escape;

/// Variables of ours that clients do not pass on.
const OWN_FOLDERS: [&str; 3] = ["TOOLBAY_CONFIG_DIR", "TOOLBAY_STATE_DIR", "TOOLBAY_SECRETS"];

pub(crate) fn run(arguments: &ClientConfig) -> Result<u8> {
    super::start_log("error");
    if let Err(error) = check_name(&arguments.name) {
        return Ok(refuse(None, &error));
    }
    let around = Surroundings::own().context("no home folder is known; set HOME")?;
    let (client, scope) = (arguments.client, arguments.scope);
    let path = match client.file(scope, &around) {
        Ok(path) => path,
        Err(error) => return Ok(refuse(None, &error)),
    };
    let program = text_of(&own_program()?)?;
    let config = Config::resolve(&arguments.folders)?;
    let folders: Vec<String> = config
        .folders
        .iter()
        .map(|folder| text_of(folder))
        .collect::<Result<_>>()?;
    let fields = client.fields(&program, &folders);
    let place = format!(
        "{}, {} scope: {}",
        client.title(),
        scope.as_str(),
        escape(&path.display().to_string())
    );
    if !arguments.write {
        let snippet = client.merge("", &arguments.name, &fields);
        terminal::print(&snippet.map_err(anyhow::Error::new)?)?;
        terminal::say(&format!(
            "{place}\nhint: --write puts it there and leaves everything else in the file as it is\n"
        ));
        terminal::say(&notes(arguments, &config.folders));
        return Ok(super::OK);
    }
    let file = match ClientFile::open(&path) {
        Ok(file) => file,
        Err(error) => return Ok(refuse(Some(&path), &error)),
    };
    let merged = match client.merge(file.text(), &arguments.name, &fields) {
        Ok(merged) => merged,
        Err(error) => return Ok(refuse(Some(&path), &error)),
    };
    terminal::say(&format!("{place}\n"));
    if let Some(end) = file.end_of_links() {
        terminal::say(&format!(
            "  a link to {}\n",
            escape(&end.display().to_string())
        ));
    }
    if merged == file.text() {
        terminal::say("already so; nothing was changed\n");
        return Ok(super::OK);
    }
    terminal::say(&difference(file.text(), &merged));
    let backup = match file.replace(&merged, scope == Scope::User) {
        Ok(backup) => backup,
        Err(error) => return Ok(refuse(Some(&path), &error)),
    };
    let mut said = match backup {
        Some(backup) => format!(
            "written; what was there before is in {}\n",
            escape(&backup.display().to_string())
        ),
        None => "written\n".to_owned(),
    };
    let _ = writeln!(said, "next: {}", client.next_step(scope));
    terminal::say(&said);
    terminal::say(&notes(arguments, &config.folders));
    Ok(super::OK)
}

/// Names that every client takes.
fn check_name(name: &str) -> Result<(), EditError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if !name.is_empty() && name.len() <= 64 && name.chars().all(allowed) {
        return Ok(());
    }
    Err(EditError {
        problem: format!(
            "`{}` is no name that clients take for a server",
            escape(name)
        ),
        hint: "use letters, digits, `-` and `_`, at most 64 of them; `toolbay` is a good one"
            .into(),
    })
}

/// What the user should know of the entry.
fn notes(arguments: &ClientConfig, folders: &[PathBuf]) -> String {
    let mut notes = String::new();
    if arguments.name.len() > LONG_NAME {
        let _ = writeln!(
            notes,
            "note: clients put the server's name before each tool's and some cut or refuse the long ones; {LONG_NAME} characters are safe"
        );
    }
    if arguments.scope == Scope::Project {
        notes.push_str("note: the paths are this machine's; whoever shares the project's file needs their own\n");
    }
    for folder in folders.iter().filter(|folder| !folder.is_dir()) {
        let _ = writeln!(
            notes,
            "note: there is no folder {} yet; `toolbay add` makes it",
            escape(&folder.display().to_string())
        );
    }
    let set = OWN_FOLDERS
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    for name in set {
        let _ = writeln!(
            notes,
            "note: {name} is set here, and the client does not know it\nhint: add it to the entry's `env`"
        );
    }
    notes
}

fn refuse(path: Option<&Path>, error: &EditError) -> u8 {
    let place = path.map(|path| format!("{}: ", escape(&path.display().to_string())));
    terminal::say(&format!(
        "error: {}{}\nhint: {}\n",
        place.unwrap_or_default(),
        escape(&error.problem),
        escape(&error.hint)
    ));
    super::PROBLEM
}

/// The lines that change, with two around them.
fn difference(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let colours = terminal::colours_on_stderr();
    let mut text = String::new();
    for (place, group) in diff.grouped_ops(2).iter().enumerate() {
        if place > 0 {
            text.push_str("  …\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches(['\r', '\n']);
            let line = format!("{} {}", change.tag(), escape(line));
            let colour = match change.tag() {
                similar::ChangeTag::Delete => Some(Colour::Red),
                similar::ChangeTag::Insert => Some(Colour::Green),
                similar::ChangeTag::Equal => None,
            };
            let line = colour.map_or(line.clone(), |colour| {
                terminal::paint(&line, colour, colours)
            });
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn text_of(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| {
        format!(
            "{} is not text, and clients' files hold nothing else\nhint: give it another name",
            path.display()
        )
    })
}

/// The path by which this program was started, where it leads to it: one that is a link may lead to the next version tomorrow.
pub(super) fn own_program() -> Result<PathBuf> {
    let running = std::env::current_exe().context("cannot find the path of this program")?;
    let Ok(real) = std::fs::canonicalize(&running) else {
        bail!(
            "this program is no longer at {}\nhint: start it anew from where it is",
            running.display()
        );
    };
    let started = std::env::args_os().next().unwrap_or_default();
    let same = |path: &PathBuf| std::fs::canonicalize(path).is_ok_and(|path| path == real);
    Ok(candidates(&started).into_iter().find(same).unwrap_or(real))
}

fn candidates(started: &OsString) -> Vec<PathBuf> {
    let started = Path::new(started);
    if started.components().count() > 1 {
        let plain = started
            .components()
            .all(|part| !matches!(part, std::path::Component::ParentDir));
        let absolute = plain.then(|| std::path::absolute(started).ok()).flatten();
        return absolute.into_iter().collect();
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(started))
        .collect()
}
