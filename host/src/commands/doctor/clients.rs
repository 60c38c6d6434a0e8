//! The files of the clients that are known: does one start toolbay, and is the program there that it starts?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use rustix::fs::Access;

use super::Check;
use crate::cli::{Client, Scope};
use crate::clients::Surroundings;
use crate::clients::edit::Server;
use crate::commands::client_config::file::ClientFile;

pub(super) fn clients() -> Vec<Check> {
    let Some(around) = Surroundings::own() else {
        return Vec::new();
    };
    let mut checks = Vec::new();
    let mut configured = false;
    // In the home folder, a project's file may be the user's own.
    let mut seen = BTreeSet::new();
    for client in Client::ALL {
        for scope in [Scope::User, Scope::Project] {
            let Ok(path) = client.file(scope, &around) else {
                continue;
            };
            if !seen.insert(path.clone()) {
                continue;
            }
            let found = look_at(client, scope, &path);
            configured |= found.iter().any(|check| check.0);
            checks.extend(found.into_iter().map(|(_, check)| check));
        }
    }
    if !configured {
        checks.push(Check::warning(
            "client",
            "none of the clients that are known starts toolbay",
            "`toolbay client-config CLIENT --write`, where CLIENT is claude-code, cursor, vscode or another that `toolbay client-config --help` names",
        ));
    }
    checks
}

/// The entries in one file, each with whether it is one of toolbay's.
fn look_at(client: Client, scope: Scope, path: &Path) -> Vec<(bool, Check)> {
    let place = format!("{} ({})", client.title(), path.display());
    let unreadable = |problem: &str, hint: &str| {
        let found = format!("{place} cannot be read: {problem}");
        vec![(false, Check::warning("client", found, hint))]
    };
    let file = match ClientFile::open(path) {
        Ok(file) if file.exists() => file,
        Ok(_) => return Vec::new(),
        Err(error) => return unreadable(&error.problem, &error.hint),
    };
    let servers = match client.servers(file.text()) {
        Ok(servers) => servers,
        Err(error) => return unreadable(&error.problem, &error.hint),
    };
    let own = servers.iter().filter(|server| is_toolbay(server));
    own.map(|server| (true, check(client, scope, &place, server)))
        .collect()
}

fn is_toolbay(server: &Server) -> bool {
    let command = server.command.as_deref().map(Path::new);
    let program = command.and_then(Path::file_stem);
    command.is_some() && (server.name == "toolbay" || program.is_some_and(|name| name == "toolbay"))
}

fn check(client: Client, scope: Scope, place: &str, server: &Server) -> Check {
    let command = server.command.as_deref().unwrap_or_default();
    let mut anew = format!(
        "toolbay client-config {}",
        client
            .to_possible_value()
            .map_or("CLIENT".into(), |value| value.get_name().to_owned())
    );
    if scope == Scope::Project {
        anew.push_str(" --scope project");
    }
    if server.name != "toolbay" {
        anew.push_str(&format!(" --name {}", server.name));
    }
    anew.push_str(" --write");
    let entry = format!("{place} has `{}`", server.name);
    let path = Path::new(command);
    if !path.is_absolute() {
        return match in_path(command) {
            Some(found) => Check::warning(
                "client",
                format!(
                    "{entry}, which starts `{command}`: here that is {}, and the client may have another PATH",
                    found.display()
                ),
                anew,
            ),
            None => Check::problem(
                "client",
                format!("{entry}, which starts `{command}`, and there is no such program"),
                anew,
            ),
        };
    }
    if !is_program(path) {
        return Check::problem(
            "client",
            format!("{entry}, which starts {command}, and there is no such program"),
            anew,
        );
    }
    let missing = server
        .arguments
        .iter()
        .find(|argument| Path::new(argument).is_absolute() && !Path::new(argument).exists());
    match missing {
        Some(missing) => Check::warning(
            "client",
            format!("{entry}, which serves {missing}, and that is not there"),
            format!("make the folder, or: {anew}"),
        ),
        None => Check::ok(
            "client",
            format!("{entry}: {command} {}", server.arguments.join(" ")),
        ),
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

fn in_path(command: &str) -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search)
        .map(|folder| folder.join(command))
        .find(|path| is_program(path))
}
