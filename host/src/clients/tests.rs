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
    assert_snapshot!(files(&around(Platform::Linux, "/home/ada", &[])), @"
    Claude Desktop user: /home/ada/.config/Claude/claude_desktop_config.json
    Claude Desktop project: Claude Desktop has servers for its user only, not for a project
    Claude Code user: /home/ada/.claude.json
    Claude Code project: /work/.mcp.json
    Cursor user: /home/ada/.cursor/mcp.json
    Cursor project: /work/.cursor/mcp.json
    VS Code user: /home/ada/.config/Code/User/mcp.json
    VS Code project: /work/.vscode/mcp.json
    Zed user: /home/ada/.config/zed/settings.json
    Zed project: /work/.zed/settings.json
    Gemini CLI user: /home/ada/.gemini/settings.json
    Gemini CLI project: /work/.gemini/settings.json
    Codex user: /home/ada/.codex/config.toml
    Codex project: /work/.codex/config.toml
    ");
    let moved = [
        ("XDG_CONFIG_HOME", "/etc/ada"),
        ("CLAUDE_CONFIG_DIR", "/claude"),
        ("CODEX_HOME", "/codex"),
        ("APPDATA", "/not/here"),
    ];
    assert_snapshot!(files(&around(Platform::Linux, "/home/ada", &moved)), @"
    Claude Desktop user: /etc/ada/Claude/claude_desktop_config.json
    Claude Desktop project: Claude Desktop has servers for its user only, not for a project
    Claude Code user: /claude/.claude.json
    Claude Code project: /work/.mcp.json
    Cursor user: /home/ada/.cursor/mcp.json
    Cursor project: /work/.cursor/mcp.json
    VS Code user: /etc/ada/Code/User/mcp.json
    VS Code project: /work/.vscode/mcp.json
    Zed user: /etc/ada/zed/settings.json
    Zed project: /work/.zed/settings.json
    Gemini CLI user: /home/ada/.gemini/settings.json
    Gemini CLI project: /work/.gemini/settings.json
    Codex user: /codex/config.toml
    Codex project: /work/.codex/config.toml
    ");
    let relative = [("XDG_CONFIG_HOME", "conf")];
    assert_eq!(
        files(&around(Platform::Linux, "/home/ada", &relative)),
        files(&around(Platform::Linux, "/home/ada", &[]))
    );
}

#[test]
fn on_macos() {
    let moved = [("XDG_CONFIG_HOME", "/etc/ada")];
    assert_snapshot!(files(&around(Platform::MacOs, "/Users/ada", &moved)), @"
    Claude Desktop user: /Users/ada/Library/Application Support/Claude/claude_desktop_config.json
    Claude Desktop project: Claude Desktop has servers for its user only, not for a project
    Claude Code user: /Users/ada/.claude.json
    Claude Code project: /work/.mcp.json
    Cursor user: /Users/ada/.cursor/mcp.json
    Cursor project: /work/.cursor/mcp.json
    VS Code user: /Users/ada/Library/Application Support/Code/User/mcp.json
    VS Code project: /work/.vscode/mcp.json
    Zed user: /Users/ada/.config/zed/settings.json
    Zed project: /work/.zed/settings.json
    Gemini CLI user: /Users/ada/.gemini/settings.json
    Gemini CLI project: /work/.gemini/settings.json
    Codex user: /Users/ada/.codex/config.toml
    Codex project: /work/.codex/config.toml
    ");
}

#[test]
fn on_windows() {
    let variables = [("APPDATA", "C:/Users/ada/AppData/Roaming")];
    assert_snapshot!(files(&around(Platform::Windows, "C:/Users/ada", &variables)), @"
    Claude Desktop user: C:/Users/ada/AppData/Roaming/Claude/claude_desktop_config.json
    Claude Desktop project: Claude Desktop has servers for its user only, not for a project
    Claude Code user: C:/Users/ada/.claude.json
    Claude Code project: /work/.mcp.json
    Cursor user: C:/Users/ada/.cursor/mcp.json
    Cursor project: /work/.cursor/mcp.json
    VS Code user: C:/Users/ada/AppData/Roaming/Code/User/mcp.json
    VS Code project: /work/.vscode/mcp.json
    Zed user: C:/Users/ada/AppData/Roaming/Zed/settings.json
    Zed project: /work/.zed/settings.json
    Gemini CLI user: C:/Users/ada/.gemini/settings.json
    Gemini CLI project: /work/.gemini/settings.json
    Codex user: C:/Users/ada/.codex/config.toml
    Codex project: /work/.codex/config.toml
    ");
}
