//! Where files are on each platform.

use insta::assert_snapshot;

use super::*;

fn around(platform: Platform, home: &str, variables: &[(&'static str, &str)]) -> Surroundings {
    Surroundings {
        platform,
        home: home.into(),
        current: "/work".into(),
        variables: variables
            .iter()
            .map(|(name, value)| (*name, PathBuf::from(value)))
            .collect(),
    }
}

fn files(around: &Surroundings) -> String {
    let scopes = [Scope::User, Scope::Project];
    let all = Client::ALL
        .into_iter()
        .flat_map(|client| scopes.map(|scope| (client, scope)));
    let lines = all.map(|(client, scope)| {
        let file = client.file(scope, around);
        let file = file.map_or_else(|error| error.problem, |file| file.display().to_string());
        format!("{} {}: {file}\n", client.title(), scope.as_str())
    });
    lines.collect()
}

#[test]
fn on_linux() {
    assert_snapshot!(files(&around(Platform::Linux, "/home/ada", &[])), @"");
    let moved = [
        ("XDG_CONFIG_HOME", "/etc/ada"),
        ("CLAUDE_CONFIG_DIR", "/claude"),
        ("CODEX_HOME", "/codex"),
        ("APPDATA", "/not/here"),
    ];
    assert_snapshot!(files(&around(Platform::Linux, "/home/ada", &moved)), @"");
    let relative = [("XDG_CONFIG_HOME", "conf")];
    assert_eq!(
        files(&around(Platform::Linux, "/home/ada", &relative)),
        files(&around(Platform::Linux, "/home/ada", &[]))
    );
}

#[test]
fn on_macos() {
    let moved = [("XDG_CONFIG_HOME", "/etc/ada")];
    assert_snapshot!(files(&around(Platform::MacOs, "/Users/ada", &moved)), @"");
}

#[test]
fn on_windows() {
    let variables = [("APPDATA", "C:/Users/ada/AppData/Roaming")];
    assert_snapshot!(files(&around(Platform::Windows, "C:/Users/ada", &variables)), @"");
}
