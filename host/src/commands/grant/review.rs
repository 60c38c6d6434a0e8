//! What a person reads before they decide: who the plugin is, what each tool asks for, and what is different from what they knew.

use std::fmt::Write as _;

use similar::TextDiff;

use crate::catalog::{Catalog, Listed};
use crate::host::Host;
use crate::permissions::decide::missing;
use crate::permissions::definition;
use crate::permissions::grants::{Grant, Mode, ToolGrant};
use crate::permissions::words::{plain, through_calls};
use crate::plugin::Plugin;
use crate::text::{escape, escape_lines, first_sentence};

/// The review of one plugin.
pub(super) fn text(
    host: &Host,
    catalog: &Catalog,
    plugin: &Plugin,
    tools: &[Listed<'_>],
    before: Option<&Grant>,
    mode: Option<Mode>,
) -> String {
    let mut text = String::new();
    let info = &plugin.info;
    let _ = writeln!(
        text,
        "{} {}  {}",
        info.name,
        escape(&info.version),
        escape(&info.description)
    );
    let _ = writeln!(
        text,
        "  {}, SHA-256 {}",
        escape(&plugin.path.display().to_string()),
        plugin.digest.short()
    );
    if plugin.downloaded {
        let _ = writeln!(text, "  the file is marked as downloaded");
    }
    if let Some(why) = crate::discover::exposure(&plugin.folder) {
        let _ = writeln!(
            text,
            "  warning: {why}: others can replace what is in the folder"
        );
    }
    for listed in tools {
        text.push_str(&asked(catalog, *listed));
    }
    if let Some(before) = before {
        text.push_str(&changes(host, plugin, tools, before));
    }
    let _ = writeln!(
        text,
        "Every word that a model reads of it: toolbay inspect '{}'",
        escape(&plugin.path.display().to_string())
    );
    let mode = mode
        .or(before.map(|before| before.mode))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{}",
        match mode {
            Mode::Exact =>
                "The grant is for this very file; another build of it has to be granted anew.",
            Mode::Follow =>
                "The grant follows: any later build that says and asks the same may run without being granted anew.",
        }
    );
    text
}

fn asked(catalog: &Catalog, listed: Listed<'_>) -> String {
    let mut text = String::new();
    let tool = listed.tool;
    let kind = if tool.annotations.read_only {
        " (changes nothing)"
    } else {
        ""
    };
    let mut sentences = plain(&tool.requested, &tool.reasons, &listed.plugin.mounts);
    let says = first_sentence(&tool.description);
    let _ = writeln!(text, "  {}{kind}: {}", tool.full_name, escape(&says));
    sentences.extend(through_calls(catalog, listed));
    for sentence in &sentences {
        let _ = writeln!(text, "    wants to {sentence}");
    }
    if sentences.is_empty() {
        let _ = writeln!(text, "    asks for nothing");
    }
    text
}

/// What is different from what was pinned or granted.
fn changes(host: &Host, plugin: &Plugin, tools: &[Listed<'_>], before: &Grant) -> String {
    let mut text = String::new();
    if let Some(pin) = before
        .digest
        .as_deref()
        .filter(|pin| *pin != plugin.digest.as_str())
    {
        let _ = writeln!(
            text,
            "  another build: {} before, {} now",
            pin.get(..12).unwrap_or(pin),
            plugin.digest.short()
        );
    }
    for listed in tools {
        let Some(known) = before.tools.get(&*listed.tool.label.tool) else {
            let _ = writeln!(text, "  {} is new", listed.tool.full_name);
            continue;
        };
        text.push_str(&change_of_tool(host, *listed, known));
    }
    for gone in before
        .tools
        .keys()
        .filter(|name| !plugin.tools.iter().any(|tool| *tool.label.tool == ***name))
    {
        let _ = writeln!(text, "  {}_{} is gone", plugin.info.name, escape(gone));
    }
    if text.is_empty() {
        return text;
    }
    format!("Changed since {}:\n{text}", since(before))
}

fn since(before: &Grant) -> String {
    match before.granted {
        Some(time) => format!("it was granted on {}", time.format("%Y-%m-%d %H:%M UTC")),
        None => "its first call".into(),
    }
}

fn change_of_tool(host: &Host, listed: Listed<'_>, known: &ToolGrant) -> String {
    let mut text = String::new();
    let name = &listed.tool.full_name;
    let now = definition::definition(listed.tool);
    if let Some(pin) = known
        .definition
        .as_deref()
        .filter(|pin| *pin != definition::digest(listed.tool).as_str())
    {
        let _ = writeln!(text, "  what {name} says of itself:");
        let pretty =
            |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
        match host.grants.kept_definition(pin) {
            Some(before) => text.push_str(&difference(&pretty(&before), &pretty(&now))),
            None => {
                let _ = writeln!(text, "    the earlier words were not kept; now:");
                text.push_str(&indented("    ", &pretty(&now)));
            }
        }
    }
    if !known.permissions.is_empty() {
        for line in missing(&listed.tool.requested, &known.permissions) {
            let _ = writeln!(text, "  {name} now asks for + {}", escape(&line));
        }
        for line in missing(&known.permissions, &listed.tool.requested) {
            let _ = writeln!(text, "  {name} no longer asks for - {}", escape(&line));
        }
    }
    text
}

/// The lines that differ, with one around them.
fn difference(before: &str, now: &str) -> String {
    let diff = TextDiff::from_lines(before, now);
    let mut text = String::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(text, "    {} {}", change.tag(), escape_lines(line));
        }
    }
    text
}

fn indented(indent: &str, text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| format!("{indent}{}\n", escape_lines(line)));
    lines.collect()
}
