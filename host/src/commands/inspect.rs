//! `toolbay inspect`: what a component is and asks for, before anybody trusts it with anything.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::loaded::{self, Loaded};
use crate::cli::Inspect;
use crate::load::LoadError;
use crate::permissions::words::plain;
use crate::plugin::{Plugin, Tool};
use crate::terminal;
use crate::text::{bytes, escape, escape_lines};

/// Interfaces that are of use only with a permission: the beginning of their names, the permission, and whether some tool asks for it.
type Gate = (&'static str, &'static str, fn(&Plugin) -> bool);

const GATES: [Gate; 5] = [
    ("wasi:http/outgoing-handler", "network", |plugin| {
        plugin
            .tools
            .iter()
            .any(|tool| !tool.requested.network.is_empty())
    }),
    ("wasi:sockets/", "tcp", |plugin| {
        plugin
            .tools
            .iter()
            .any(|tool| !tool.requested.tcp.is_empty())
    }),
    ("wasi:filesystem/preopens", "mounts", |plugin| {
        plugin
            .tools
            .iter()
            .any(|tool| !tool.requested.mounts.is_empty())
    }),
    ("toolbay:plugin/kv", "kv", |plugin| {
        plugin.tools.iter().any(|tool| tool.requested.kv)
    }),
    (
        "toolbay:plugin/input",
        "elicit, sample or roots",
        |plugin| {
            plugin.tools.iter().any(|tool| {
                let asked = &tool.requested;
                asked.elicit || asked.sample || asked.roots
            })
        },
    ),
];

pub(crate) fn run(arguments: &Inspect) -> Result<u8> {
    super::start_log("error");
    let loaded = loaded::load([arguments.file.as_path()])?.pop();
    let Some(loaded) = loaded else {
        return Ok(super::FAULT);
    };
    let Loaded {
        plugin,
        content,
        imports,
        ..
    } = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return Ok(refuse(arguments, &error)),
    };
    let size = content.bytes.len();
    if arguments.json {
        terminal::print_json(&as_json(&plugin, &imports, size))?;
    } else {
        terminal::print(&as_text(&plugin, &imports, size))?;
    }
    Ok(super::OK)
}

fn refuse(arguments: &Inspect, error: &LoadError) -> u8 {
    let problem = error.problem(&arguments.file);
    terminal::say(&format!(
        "error: {} is no plugin: {}\nhint: {}\n",
        arguments.file.display(),
        problem.reason,
        problem.hint
    ));
    super::PROBLEM
}

/// Imports that nothing in the manifest asks for: the interface and the permission without which it gives nothing.
fn undeclared<'a>(plugin: &Plugin, imports: &'a [String]) -> Vec<(&'a str, &'static str)> {
    let gate = |name: &'a String| {
        let (_, permission, asked) = GATES.iter().find(|(start, _, _)| name.starts_with(start))?;
        (!asked(plugin)).then_some((name.as_str(), *permission))
    };
    imports.iter().filter_map(gate).collect()
}

fn as_text(plugin: &Plugin, imports: &[String], size: usize) -> String {
    let mut text = String::new();
    let info = &plugin.info;
    let _ = writeln!(
        text,
        "{} {}  {}",
        info.name,
        escape(&info.version),
        escape_lines(&info.description)
    );
    let _ = writeln!(text, "  {}, SHA-256 {}", bytes(size as u64), plugin.digest);
    if plugin.downloaded {
        let _ = writeln!(
            text,
            "  marked as downloaded: its tools are held until `toolbay grant {}` has shown them to you",
            info.name
        );
    }
    for tool in plugin.tools.iter().filter(|tool| !tool.is_tool()) {
        let _ = writeln!(text, "\n{} {}", tool.kind.noun(), escape(&tool.full_name));
        for line in tool.description.lines() {
            let _ = writeln!(text, "  {}", escape(line));
        }
        wishes(&mut text, plugin, tool);
    }
    for tool in plugin.tools.iter().filter(|tool| tool.is_tool()) {
        let hints = tool.annotations;
        let marks = [
            (hints.read_only, "read-only"),
            (hints.destructive, "destructive"),
            (hints.idempotent, "idempotent"),
            (hints.open_world, "open-world"),
        ];
        let marks: Vec<&str> = marks
            .iter()
            .filter_map(|(is, name)| is.then_some(*name))
            .collect();
        let _ = writeln!(text, "\n{}  [{}]", tool.full_name, marks.join(", "));
        for line in tool.description.lines() {
            let _ = writeln!(text, "  {}", escape(line));
        }
        let _ = writeln!(
            text,
            "  arguments: {}",
            escape(&tool.advertised_input.to_string())
        );
        if let Some(output) = &tool.advertised_output {
            let _ = writeln!(text, "  result: {}", escape(&output.to_string()));
        }
        wishes(&mut text, plugin, tool);
    }
    let undeclared = undeclared(plugin, imports);
    if !undeclared.is_empty() {
        let _ = writeln!(
            text,
            "\nIt imports what none of its tools asks for, and gets nothing from it:"
        );
        for (name, permission) in undeclared {
            let _ = writeln!(text, "  {} ({permission})", escape(name));
        }
    }
    text
}

fn wishes(text: &mut String, plugin: &Plugin, tool: &Tool) {
    let wants = plain(&tool.requested, &tool.reasons, &plugin.mounts);
    if wants.is_empty() {
        let _ = writeln!(text, "  asks for nothing");
    }
    for sentence in wants {
        let _ = writeln!(text, "  wants to {sentence}");
    }
}

fn as_json(plugin: &Plugin, imports: &[String], size: usize) -> serde_json::Value {
    let tools: Vec<_> = plugin
        .tools
        .iter()
        .map(|tool| {
            json!({
                "kind": tool.kind.noun(),
                "name": tool.full_name,
                "definition": crate::permissions::definition::definition(tool),
                "advertised_input": tool.advertised_input,
                "advertised_output": tool.advertised_output,
                "permissions": tool.requested,
                "reasons": tool.reasons,
                "wants_to": plain(&tool.requested, &tool.reasons, &plugin.mounts),
            })
        })
        .collect();
    let undeclared: Vec<_> = undeclared(plugin, imports)
        .iter()
        .map(|(name, permission)| json!({ "import": name, "permission": permission }))
        .collect();
    json!({
        "plugin": plugin.info,
        "digest": plugin.digest,
        "size": size,
        "downloaded": plugin.downloaded,
        "tools": tools,
        "imports": imports,
        "undeclared_imports": undeclared,
    })
}
