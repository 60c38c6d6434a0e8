//! The MCP clients that are known: where each keeps its servers, under which key and in which form. Knows texts and paths; reading, writing and
//! showing them is the commands'.

pub(crate) mod edit;
pub(crate) mod json;
pub(crate) mod toml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::edit::{EditError, Field, Fields, Server};
use self::json::Dialect;
use crate::cli::{Client, Scope};

/// Variables that move a client's files.
const VARIABLES: [&str; 4] = [
    "APPDATA",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "XDG_CONFIG_HOME",
];

/// Longer names leave less than 46 of the 64 characters that Claude Code has for `mcp__NAME__TOOL`.
pub(crate) const LONG_NAME: usize = 11;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Linux,
    MacOs,
    Windows,
}

/// What the places of files depend on.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) platform: Platform,
    pub(crate) home: PathBuf,
    /// The folder that a project's files are in.
    pub(crate) current: PathBuf,
    pub(crate) variables: BTreeMap<&'static str, PathBuf>,
}

impl Surroundings {
    /// Those of this process; nothing where no home folder is known.
    pub(crate) fn own() -> Option<Self> {
        let variable = |name: &'static str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            Some((name, PathBuf::from(value)))
        };
        Some(Self {
            platform: if cfg!(target_os = "macos") {
                Platform::MacOs
            } else if cfg!(windows) {
                Platform::Windows
            } else {
                Platform::Linux
            },
            home: std::env::home_dir().filter(|home| home.is_absolute())?,
            current: std::env::current_dir().ok()?,
            variables: VARIABLES.into_iter().filter_map(variable).collect(),
        })
    }

    fn variable(&self, name: &str) -> Option<&Path> {
        let value = self.variables.get(name)?;
        // The base directory specification has relative ones ignored.
        (value.is_absolute() || self.platform == Platform::Windows).then_some(value)
    }

    fn xdg_config(&self) -> PathBuf {
        self.variable("XDG_CONFIG_HOME")
            .map_or_else(|| self.home.join(".config"), Path::to_owned)
    }

    /// Where programs made with Electron keep their files.
    fn application_data(&self) -> PathBuf {
        match self.platform {
            Platform::Linux => self.xdg_config(),
            Platform::MacOs => self.home.join("Library/Application Support"),
            Platform::Windows => self
                .variable("APPDATA")
                .map_or_else(|| self.home.join("AppData/Roaming"), Path::to_owned),
        }
    }
}

/// How a client's file is written.
enum Form {
    Json(Dialect),
    Toml,
}

impl Client {
    pub(crate) const ALL: [Self; 7] = [
        Self::ClaudeDesktop,
        Self::ClaudeCode,
        Self::Cursor,
        Self::Vscode,
        Self::Zed,
        Self::Gemini,
        Self::Codex,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
            Self::Zed => "Zed",
            Self::Gemini => "Gemini CLI",
            Self::Codex => "Codex",
        }
    }

    /// The file that a client reads its servers from. Where that is said, as far as the pages could be read in November 2026 (no client itself was tried):
    ///
    /// - Claude Desktop: <https://modelcontextprotocol.io/docs/develop/connect-local-servers>; on Linux the place of Electron's programs
    /// - Claude Code: <https://code.claude.com/docs/en/mcp>, `CLAUDE_CONFIG_DIR` in its settings' documentation
    /// - Cursor: <https://cursor.com/docs/mcp>
    /// - VS Code: <https://code.visualstudio.com/docs/agents/reference/mcp-configuration>, the default profile
    /// - Zed: <https://zed.dev/docs/ai/mcp>, <https://zed.dev/docs/configuring-zed>
    /// - Gemini CLI: <https://geminicli.com/docs/tools/mcp-server>
    /// - Codex: <https://developers.openai.com/codex/mcp>; a project's file counts in trusted projects
    ///
    /// # Errors
    ///
    /// Where the client has no such scope.
    pub(crate) fn file(self, scope: Scope, around: &Surroundings) -> Result<PathBuf, EditError> {
        let (home, project) = (&around.home, &around.current);
        Ok(match (self, scope) {
            (Self::ClaudeDesktop, Scope::User) => around
                .application_data()
                .join("Claude/claude_desktop_config.json"),
            (Self::ClaudeDesktop, Scope::Project) => {
                return Err(EditError {
                    problem: "Claude Desktop has servers for its user only, not for a project"
                        .into(),
                    hint: "leave --scope out".into(),
                });
            }
            (Self::ClaudeCode, Scope::User) => around
                .variable("CLAUDE_CONFIG_DIR")
                .unwrap_or(home)
                .join(".claude.json"),
            (Self::ClaudeCode, Scope::Project) => project.join(".mcp.json"),
            (Self::Cursor, Scope::User) => home.join(".cursor/mcp.json"),
            (Self::Cursor, Scope::Project) => project.join(".cursor/mcp.json"),
            (Self::Vscode, Scope::User) => around.application_data().join("Code/User/mcp.json"),
            (Self::Vscode, Scope::Project) => project.join(".vscode/mcp.json"),
            (Self::Zed, Scope::User) => match around.platform {
                Platform::Linux => around.xdg_config().join("zed/settings.json"),
                Platform::MacOs => home.join(".config/zed/settings.json"),
                Platform::Windows => around.application_data().join("Zed/settings.json"),
            },
            (Self::Zed, Scope::Project) => project.join(".zed/settings.json"),
            (Self::Gemini, Scope::User) => home.join(".gemini/settings.json"),
            (Self::Gemini, Scope::Project) => project.join(".gemini/settings.json"),
            (Self::Codex, Scope::User) => around
                .variable("CODEX_HOME")
                .map_or_else(|| home.join(".codex"), Path::to_owned)
                .join("config.toml"),
            (Self::Codex, Scope::Project) => project.join(".codex/config.toml"),
        })
    }

    fn form(self) -> Form {
        match self {
            Self::ClaudeDesktop | Self::ClaudeCode => Form::Json(Dialect::Plain),
            // `strip-json-comments` leaves trailing commas.
            Self::Gemini => Form::Json(Dialect::Comments),
            // Cursor does not say what it takes; a file that it does not is told by it.
            Self::Cursor | Self::Vscode | Self::Zed => {
                Form::Json(Dialect::CommentsAndTrailingCommas)
            }
            Self::Codex => Form::Toml,
        }
    }

    /// The key of the servers.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            Self::ClaudeDesktop | Self::ClaudeCode | Self::Cursor | Self::Gemini => "mcpServers",
        }
    }

    /// What the client has to be told of the server.
    pub(crate) fn fields(self, program: &str, folders: &[String]) -> Fields {
        let mut fields = Fields::new();
        // The others know by the command; Gemini CLI knows no such type.
        if matches!(self, Self::ClaudeCode | Self::Cursor | Self::Vscode) {
            fields.push(("type", Field::Text("stdio".into())));
        }
        fields.push(("command", Field::Text(program.into())));
        let arguments = std::iter::once("serve".to_owned()).chain(folders.iter().cloned());
        fields.push(("args", Field::List(arguments.collect())));
        fields
    }

    /// The text of the client's file with the server in it.
    ///
    /// # Errors
    ///
    /// Where the text is not one that can be changed.
    pub(crate) fn merge(
        self,
        text: &str,
        name: &str,
        fields: &Fields,
    ) -> Result<String, EditError> {
        match self.form() {
            Form::Json(dialect) => json::merge(text, dialect, self.key(), name, fields),
            Form::Toml => toml::merge(text, self.key(), name, fields),
        }
    }

    /// The servers that the text of the client's file has.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub(crate) fn servers(self, text: &str) -> Result<Vec<Server>, EditError> {
        match self.form() {
            Form::Json(dialect) => json::servers(text, dialect, self.key()),
            Form::Toml => toml::servers(text, self.key()),
        }
    }

    /// What the user does for the client to notice.
    pub(crate) fn next_step(self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::ClaudeDesktop, _) => "quit Claude Desktop and start it again",
            (Self::ClaudeCode, Scope::User) => {
                "start a new session of Claude Code; `/mcp` shows the server"
            }
            (Self::ClaudeCode, Scope::Project) => {
                "start a new session of Claude Code in this folder, and approve the server when it asks"
            }
            (Self::Cursor, _) => "switch the server on in Cursor's settings, under MCP",
            (Self::Vscode, _) => {
                "start the server above its entry in the file, or by `MCP: List Servers`"
            }
            (Self::Zed, _) => "Zed starts it by itself; its agent's settings show the server",
            (Self::Gemini, _) => "start Gemini CLI again; `/mcp` shows the server",
            (Self::Codex, Scope::User) => "start Codex again; `/mcp` shows the server",
            (Self::Codex, Scope::Project) => {
                "start Codex again in this folder, which it has to be told to trust"
            }
        }
    }
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

#[cfg(test)]
mod tests;
