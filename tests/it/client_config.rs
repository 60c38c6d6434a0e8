//! `toolbay client-config`: what is printed for each client, and what --write leaves of a client's file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::support::command::{Output, run, toolbay};
use crate::support::paths;

/// The clients, and where each has its file below the home folder on Linux.
const CLIENTS: [(&str, &str); 7] = [
    (
        "claude-desktop",
        ".config/Claude/claude_desktop_config.json",
    ),
    ("claude-code", ".claude.json"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code/User/mcp.json"),
    ("zed", ".config/zed/settings.json"),
    ("gemini", ".gemini/settings.json"),
    ("codex", ".codex/config.toml"),
];

fn home() -> TempDir {
    let home = TempDir::new().expect("a temporary folder can be made");
    fs::create_dir_all(home.path().join(".local/share/toolbay/plugins"))
        .expect("a folder can be made");
    home
}

fn configure(home: &Path, arguments: &[&str]) -> Output {
    let mut command = toolbay(home);
    // What is set for the tests' sake would be noted each time.
    for variable in ["TOOLBAY_CONFIG_DIR", "TOOLBAY_STATE_DIR"] {
        command.env_remove(variable);
    }
    command.arg("client-config").args(arguments);
    run(command)
}

/// The output with this machine's paths taken out.
fn shown(output: &Output, home: &Path) -> String {
    output
        .transcript()
        .replace(&paths::host().display().to_string(), "/opt/toolbay")
        .replace(&home.display().to_string(), "/home/ada")
}

fn data(client: &str) -> String {
    let name = match client {
        "codex" => "codex.toml".to_owned(),
        client => format!("{client}.json"),
    };
    let path = paths::root().join("tests/data/clients").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_client_is_told_in_its_own_form() {
    let home = home();
    let all: String = CLIENTS
        .iter()
        .map(|(client, _)| {
            let output = configure(home.path(), &[client]);
            format!("=== {client}\n{}", shown(&output, home.path()))
        })
        .collect();
    assert_snapshot!(all, @r#"
    === claude-desktop
    exit: 0
    --- stdout
    {
      "mcpServers": {
        "toolbay": {
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    Claude Desktop, user scope: /home/ada/.config/Claude/claude_desktop_config.json
    hint: --write puts it there and leaves everything else in the file as it is
    === claude-code
    exit: 0
    --- stdout
    {
      "mcpServers": {
        "toolbay": {
          "type": "stdio",
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    Claude Code, user scope: /home/ada/.claude.json
    hint: --write puts it there and leaves everything else in the file as it is
    === cursor
    exit: 0
    --- stdout
    {
      "mcpServers": {
        "toolbay": {
          "type": "stdio",
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    Cursor, user scope: /home/ada/.cursor/mcp.json
    hint: --write puts it there and leaves everything else in the file as it is
    === vscode
    exit: 0
    --- stdout
    {
      "servers": {
        "toolbay": {
          "type": "stdio",
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    VS Code, user scope: /home/ada/.config/Code/User/mcp.json
    hint: --write puts it there and leaves everything else in the file as it is
    === zed
    exit: 0
    --- stdout
    {
      "context_servers": {
        "toolbay": {
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    Zed, user scope: /home/ada/.config/zed/settings.json
    hint: --write puts it there and leaves everything else in the file as it is
    === gemini
    exit: 0
    --- stdout
    {
      "mcpServers": {
        "toolbay": {
          "command": "/opt/toolbay",
          "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
        }
      }
    }
    --- stderr
    Gemini CLI, user scope: /home/ada/.gemini/settings.json
    hint: --write puts it there and leaves everything else in the file as it is
    === codex
    exit: 0
    --- stdout
    [mcp_servers.toolbay]
    command = "/opt/toolbay"
    args = ["serve", "/home/ada/.local/share/toolbay/plugins"]
    --- stderr
    Codex, user scope: /home/ada/.codex/config.toml
    hint: --write puts it there and leaves everything else in the file as it is
    "#);
}

#[test]
fn every_client_has_its_file_changed_where_it_has_to_be_and_once() {
    let mut all = String::new();
    for (client, place) in CLIENTS {
        let home = home();
        let path = home.path().join(place);
        let before = data(client);
        write(&path, &before);
        let output = configure(home.path(), &[client, "--write"]);
        all.push_str(&format!("=== {client}\n{}", shown(&output, home.path())));
        let after = read(&path);
        let backup = path.with_file_name(format!(
            "{}.before-toolbay",
            path.file_name().expect("it has a name").to_string_lossy()
        ));
        assert_eq!(read(&backup), before, "{client}");
        let again = configure(home.path(), &[client, "--write"]);
        assert!(
            again.stderr.contains("already so"),
            "{}",
            again.transcript()
        );
        assert_eq!(read(&path), after, "{client}");
        let files = fs::read_dir(path.parent().expect("it has a folder")).expect("it is there");
        let ours = files.flatten().filter(|file| {
            let name = file.file_name();
            name.to_string_lossy().contains("toolbay") && file.path().is_file()
        });
        assert_eq!(
            ours.count(),
            1,
            "{client}: one backup and nothing unfinished"
        );
    }
    assert_snapshot!(all, @r#"
    === claude-desktop
    exit: 0
    --- stdout
    --- stderr
    Claude Desktop, user scope: /home/ada/.config/Claude/claude_desktop_config.json
                "/home/ada/Documents"
              ]
      +     },
      +     "toolbay": {
      +       "command": "/opt/toolbay",
      +       "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
            }
          },
    written; what was there before is in /home/ada/.config/Claude/claude_desktop_config.json.before-toolbay
    next: quit Claude Desktop and start it again
    === claude-code
    exit: 0
    --- stdout
    --- stderr
    Claude Code, user scope: /home/ada/.claude.json
              "type": "http",
              "url": "https://mcp.example.com/mcp"
      +     },
      +     "toolbay": {
      +       "type": "stdio",
      +       "command": "/opt/toolbay",
      +       "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
            }
          },
    written; what was there before is in /home/ada/.claude.json.before-toolbay
    next: start a new session of Claude Code; `/mcp` shows the server
    === cursor
    exit: 0
    --- stdout
    --- stderr
    Cursor, user scope: /home/ada/.cursor/mcp.json
                    "args": ["tracker-mcp"],
                    "env": { "TRACKER_KEY": "${env:TRACKER_KEY}" }
      -         } // keep last
      +         }, // keep last
      +         "toolbay": {
      +             "type": "stdio",
      +             "command": "/opt/toolbay",
      +             "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
      +         }
            }
        }
    written; what was there before is in /home/ada/.cursor/mcp.json.before-toolbay
    next: switch the server on in Cursor's settings, under MCP
    === vscode
    exit: 0
    --- stdout
    --- stderr
    VS Code, user scope: /home/ada/.config/Code/User/mcp.json
        			"args": ["-y", "@modelcontextprotocol/server-memory"],
        		},
      + 		"toolbay": {
      + 			"type": "stdio",
      + 			"command": "/opt/toolbay",
      + 			"args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
      + 		},
        		/* off for now
        		"fetch": { "command": "uvx" },
    written; what was there before is in /home/ada/.config/Code/User/mcp.json.before-toolbay
    next: start the server above its entry in the file, or by `MCP: List Servers`
    === zed
    exit: 0
    --- stdout
    --- stderr
    Zed, user scope: /home/ada/.config/zed/settings.json
            "dark": "One Dark",
          },
      +   "context_servers": {
      +     "toolbay": {
      +       "command": "/opt/toolbay",
      +       "args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
      +     }
      +   },
        }
    written; what was there before is in /home/ada/.config/zed/settings.json.before-toolbay
    next: Zed starts it by itself; its agent's settings show the server
    === gemini
    exit: 0
    --- stdout
    --- stderr
    Gemini CLI, user scope: /home/ada/.gemini/settings.json
          "mcpServers": {
            "toolbay": {
      -       "command": "toolbay",
      -       "args": ["serve"],
      +       "command": "/opt/toolbay",
      +       "args": ["serve", "/home/ada/.local/share/toolbay/plugins"],
              "timeout": 30000, /* the vault is on a slow disk */
              "trust": false
    written; what was there before is in /home/ada/.gemini/settings.json.before-toolbay
    next: start Gemini CLI again; `/mcp` shows the server
    === codex
    exit: 0
    --- stdout
    --- stderr
    Codex, user scope: /home/ada/.codex/config.toml
        [projects."/home/ada/work/engine"]
        trust_level = "trusted"
      + 
      + [mcp_servers.toolbay]
      + command = "/opt/toolbay"
      + args = ["serve", "/home/ada/.local/share/toolbay/plugins"]
    written; what was there before is in /home/ada/.codex/config.toml.before-toolbay
    next: start Codex again; `/mcp` shows the server
    "#);
}

#[test]
fn a_file_that_is_not_there_is_made() {
    for (client, place) in CLIENTS {
        let home = home();
        let output = configure(home.path(), &[client, "--write"]);
        assert_eq!(output.code, Some(0), "{}", output.transcript());
        let path = home.path().join(place);
        let printed = configure(home.path(), &[client]);
        assert_eq!(read(&path), printed.stdout, "{client}");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{client}");
    }
}

#[test]
fn a_projects_file_is_the_current_folders() {
    let home = home();
    let output = configure(
        home.path(),
        &[
            "vscode", "--scope", "project", "--dir", "tools", "--name", "mine", "--write",
        ],
    );
    assert_snapshot!(shown(&output, home.path()), @r#"
    exit: 0
    --- stdout
    --- stderr
    VS Code, project scope: /home/ada/.vscode/mcp.json
      + {
      +   "servers": {
      +     "mine": {
      +       "type": "stdio",
      +       "command": "/opt/toolbay",
      +       "args": ["serve", "/home/ada/tools"]
      +     }
      +   }
      + }
    written
    next: start the server above its entry in the file, or by `MCP: List Servers`
    note: the paths are this machine's; whoever shares the project's file needs their own
    note: there is no folder /home/ada/tools yet; `toolbay add` makes it
    "#);
    assert!(home.path().join(".vscode/mcp.json").is_file());
}

#[test]
fn links_modes_and_earlier_backups_stay() {
    let home = home();
    let real = home.path().join("dotfiles/cursor.json");
    write(&real, "{\r\n\t\"mcpServers\": {}\r\n}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let link = home.path().join(".cursor/mcp.json");
    fs::create_dir(home.path().join(".cursor")).expect("a folder can be made");
    symlink("../dotfiles/cursor.json", &link).expect("a link can be made");
    let earlier = real.with_file_name("cursor.json.before-toolbay");
    write(&earlier, "mine");
    let output = configure(home.path(), &["cursor", "--write"]);
    assert_snapshot!(shown(&output, home.path()), @r#"
    exit: 0
    --- stdout
    --- stderr
    Cursor, user scope: /home/ada/.cursor/mcp.json
      a link to /home/ada/dotfiles/cursor.json
        {
      - 	"mcpServers": {}
      + 	"mcpServers": {
      + 		"toolbay": {
      + 			"type": "stdio",
      + 			"command": "/opt/toolbay",
      + 			"args": ["serve", "/home/ada/.local/share/toolbay/plugins"]
      + 		}
      + 	}
        }
    written; what was there before is in /home/ada/dotfiles/cursor.json.before-toolbay-2
    next: switch the server on in Cursor's settings, under MCP
    "#);
    assert!(
        fs::symlink_metadata(&link)
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(read(&earlier), "mine");
    let second = real.with_file_name("cursor.json.before-toolbay-2");
    assert_eq!(read(&second), "{\r\n\t\"mcpServers\": {}\r\n}");
    for file in [&real, &second] {
        let mode = fs::metadata(file)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
    }
    let text = read(&real);
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert!(text.ends_with("\r\n}"), "{text:?}");
}

#[test]
fn a_link_to_nothing_yet_gets_its_file() {
    let home = home();
    let link = home.path().join(".claude.json");
    symlink("elsewhere.json", &link).expect("a link can be made");
    let output = configure(home.path(), &["claude-code", "--write"]);
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert!(
        fs::symlink_metadata(&link)
            .expect("it is there")
            .is_symlink()
    );
    assert!(read(&home.path().join("elsewhere.json")).contains("\"serve\""));
}

#[test]
fn what_cannot_be_changed_stays_and_is_told() {
    let home = home();
    let cases: [(&[&str], &str, &str); 6] = [
        (
            &["cursor"],
            ".cursor/mcp.json",
            "{\n  \"mcpServers\": {\n    \"a\": {}\n    \"b\": {}\n  }\n}",
        ),
        (
            &["claude-desktop"],
            ".config/Claude/claude_desktop_config.json",
            "{\n  // mine\n}",
        ),
        (
            &["zed"],
            ".config/zed/settings.json",
            "{ \"context_servers\": [] }",
        ),
        (&["codex"], ".codex/config.toml", "model = gpt\n"),
        (&["claude-desktop", "--scope", "project"], "none", ""),
        (&["cursor", "--name", "my tools"], "none", ""),
    ];
    let mut all = String::new();
    for (arguments, place, text) in cases {
        let path = home.path().join(place);
        write(&path, text);
        let output = configure(home.path(), &[arguments, &["--write"]].concat());
        all.push_str(&format!(
            "=== {arguments:?}\n{}",
            shown(&output, home.path())
        ));
        assert_eq!(read(&path), text);
    }
    assert_snapshot!(all, @r#"
    === ["cursor"]
    exit: 1
    --- stdout
    --- stderr
    error: /home/ada/.cursor/mcp.json: line 3 is not what the client can read: expected comma
    hint: correct that line first
    === ["claude-desktop"]
    exit: 1
    --- stdout
    --- stderr
    error: /home/ada/.config/Claude/claude_desktop_config.json: line 2 is not what the client can read: comments are not allowed
    hint: correct that line first
    === ["zed"]
    exit: 1
    --- stdout
    --- stderr
    error: /home/ada/.config/zed/settings.json: `context_servers` on line 1 is not an object
    hint: write `"context_servers": {}` there, or move what it has elsewhere
    === ["codex"]
    exit: 1
    --- stdout
    --- stderr
    error: /home/ada/.codex/config.toml: line 1 is not TOML: string values must be quoted, expected literal string
    hint: correct that line first
    === ["claude-desktop", "--scope", "project"]
    exit: 1
    --- stdout
    --- stderr
    error: Claude Desktop has servers for its user only, not for a project
    hint: leave --scope out
    === ["cursor", "--name", "my tools"]
    exit: 1
    --- stdout
    --- stderr
    error: `my tools` is no name that clients take for a server
    hint: use letters, digits, `-` and `_`, at most 64 of them; `toolbay` is a good one
    "#);
}

#[test]
fn bytes_that_are_no_text_stay() {
    let home = home();
    let path = home.path().join(".gemini/settings.json");
    write(&path, "");
    fs::write(&path, b"{\"a\": \"\xff\"}").expect("a file can be written");
    let output = configure(home.path(), &["gemini", "--write"]);
    assert_snapshot!(shown(&output, home.path()), @"
    exit: 1
    --- stdout
    --- stderr
    error: /home/ada/.gemini/settings.json: the file is not UTF-8 text (at byte 7)
    hint: save it as UTF-8 in an editor first
    ");
    assert_eq!(fs::read(&path).expect("it is there"), b"{\"a\": \"\xff\"}");
}
