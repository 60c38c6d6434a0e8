//! Files as Codex and people write them.

use insta::assert_snapshot;

use super::*;

fn merged(text: &str) -> Result<String, EditError> {
    let fields = vec![
        ("command", Field::Text("/bin/toolbay".into())),
        (
            "args",
            Field::List(vec!["serve".into(), "/home/ada/my \"plugins\"".into()]),
        ),
    ];
    merge(text, "mcp_servers", "toolbay", &fields)
}

fn all(texts: &[&str]) -> String {
    let one = |text: &&str| match merged(text) {
        Ok(merged) => format!("=== {text:?}\n{}\n", merged.replace('\r', "␍")),
        Err(error) => format!("=== {text:?}\n{error}\nhint: {}\n", error.hint),
    };
    texts.iter().map(one).collect()
}

#[test]
fn a_table_is_added_at_the_end() {
    assert_snapshot!(all(&[
        "",
        "# mine\nmodel = \"x\" # best\n",
        "\u{feff}model = \"x\"\r\n",
        "[mcp_servers.docs]\ncommand = \"npx\"\n\n[mcp_servers.docs.env]\nA = \"b\"",
        "mcp_servers = {}\n",
        "mcp_servers = { docs = { command = \"npx\" } } # all\n[tui]\n",
        "[mcp_servers]\ndocs = { command = \"npx\" }\n",
    ]), @r##"
    === ""
    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "# mine\nmodel = \"x\" # best\n"
    # mine
    model = "x" # best

    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "\u{feff}model = \"x\"\r\n"
    ﻿model = "x"␍
    ␍
    [mcp_servers.toolbay]␍
    command = "/bin/toolbay"␍
    args = ["serve", '/home/ada/my "plugins"']␍

    === "[mcp_servers.docs]\ncommand = \"npx\"\n\n[mcp_servers.docs.env]\nA = \"b\""
    [mcp_servers.docs]
    command = "npx"

    [mcp_servers.docs.env]
    A = "b"

    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "mcp_servers = {}\n"
    mcp_servers = { toolbay = { command = "/bin/toolbay", args = ["serve", '/home/ada/my "plugins"'] } }

    === "mcp_servers = { docs = { command = \"npx\" } } # all\n[tui]\n"
    mcp_servers = { docs = { command = "npx" }, toolbay = { command = "/bin/toolbay", args = ["serve", '/home/ada/my "plugins"'] } } # all
    [tui]

    === "[mcp_servers]\ndocs = { command = \"npx\" }\n"
    [mcp_servers]
    docs = { command = "npx" }

    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']
    "##);
}

#[test]
fn an_entry_that_is_there_keeps_what_is_its_own() {
    assert_snapshot!(all(&[
        "[mcp_servers.toolbay] # mine\ncommand = \"toolbay\" # from PATH\nargs = [\n  \"serve\", # s\n]\nstartup_timeout_sec = 20\n\n[mcp_servers.toolbay.env]\nA = \"b\"\n",
        "[mcp_servers.toolbay]\r\nenabled = false # for now\r\n\r\n[tui]\r\n",
        "[mcp_servers.toolbay]\n",
        "[mcp_servers.toolbay]",
        "[mcp_servers.toolbay.env]\nA = \"b\"\n",
        "[mcp_servers]\ntoolbay = { command = \"toolbay\", enabled = false }\n",
        "mcp_servers.toolbay.command = \"toolbay\"\nmcp_servers.toolbay.args = []\n",
    ]), @r#"
    === "[mcp_servers.toolbay] # mine\ncommand = \"toolbay\" # from PATH\nargs = [\n  \"serve\", # s\n]\nstartup_timeout_sec = 20\n\n[mcp_servers.toolbay.env]\nA = \"b\"\n"
    [mcp_servers.toolbay] # mine
    command = "/bin/toolbay" # from PATH
    args = ["serve", '/home/ada/my "plugins"']
    startup_timeout_sec = 20

    [mcp_servers.toolbay.env]
    A = "b"

    === "[mcp_servers.toolbay]\r\nenabled = false # for now\r\n\r\n[tui]\r\n"
    [mcp_servers.toolbay]␍
    enabled = false # for now␍
    command = "/bin/toolbay"␍
    args = ["serve", '/home/ada/my "plugins"']␍
    ␍
    [tui]␍

    === "[mcp_servers.toolbay]\n"
    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "[mcp_servers.toolbay]"
    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']
    === "[mcp_servers.toolbay.env]\nA = \"b\"\n"
    [mcp_servers.toolbay.env]
    A = "b"

    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "[mcp_servers]\ntoolbay = { command = \"toolbay\", enabled = false }\n"
    [mcp_servers]
    toolbay = { command = "/bin/toolbay", enabled = false, args = ["serve", '/home/ada/my "plugins"'] }

    === "mcp_servers.toolbay.command = \"toolbay\"\nmcp_servers.toolbay.args = []\n"
    mcp_servers.toolbay.command = "/bin/toolbay"
    mcp_servers.toolbay.args = ["serve", '/home/ada/my "plugins"']
    "#);
}

#[test]
fn what_cannot_be_changed_is_told_with_its_line() {
    assert_snapshot!(all(&[
        "a = 1\nmcp_servers = 1\n",
        "[mcp_servers]\ntoolbay = 1\n",
        "[mcp_servers.toolbay]\nurl = \"https://example.com\"\n",
        "a = 1\nb = \n",
        "a = 1\na = 2\n",
        "mcp_servers.docs.command = \"npx\"\n",
        "mcp_servers.toolbay.command = \"npx\"\n",
        "[[mcp_servers]]\nname = \"toolbay\"\n",
    ]), @r#"
    === "a = 1\nmcp_servers = 1\n"
    `mcp_servers` on line 2 is not a table
    hint: write `[mcp_servers.NAME]` tables instead
    === "[mcp_servers]\ntoolbay = 1\n"
    the entry `toolbay` on line 2 is not a table
    hint: remove it, or use another name with --name
    === "[mcp_servers.toolbay]\nurl = \"https://example.com\"\n"
    the entry `toolbay` is a server that the client reaches by its `url`, on line 2
    hint: remove it, or use another name with --name
    === "a = 1\nb = \n"
    line 2 is not TOML: string values must be quoted, expected literal string
    hint: correct that line first
    === "a = 1\na = 2\n"
    line 2 is not TOML: duplicate key
    hint: correct that line first
    === "mcp_servers.docs.command = \"npx\"\n"
    mcp_servers.docs.command = "npx"

    [mcp_servers.toolbay]
    command = "/bin/toolbay"
    args = ["serve", '/home/ada/my "plugins"']

    === "mcp_servers.toolbay.command = \"npx\"\n"
    `mcp_servers` is written in a form that cannot be changed safely
    hint: put the entry into the file by hand; the command without --write prints it
    === "[[mcp_servers]]\nname = \"toolbay\"\n"
    `mcp_servers` on line 1 is not a table
    hint: write `[mcp_servers.NAME]` tables instead
    "#);
}
