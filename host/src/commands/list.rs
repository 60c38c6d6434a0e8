//! `toolbay list`: what is loaded, and what is not and why.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::catalog::{Catalog, Listed};
use crate::cli::List;
use crate::config::Config;
use crate::host::Host;
use crate::permissions::decide::Held;
use crate::plugin::Plugin;
use crate::terminal;
use crate::text::{escape, first_sentence};

pub(crate) fn run(arguments: &List) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&arguments.folders.folders)?
        .with_policy(arguments.folders.policy.as_deref())?;
    let runtime = super::runtime()?;
    let (host, catalog) = runtime.block_on(async {
        let host = Host::new(config)?;
        host.load_once(true).await;
        let catalog = host.catalog();
        anyhow::Ok((host, catalog))
    })?;
    if arguments.json {
        terminal::print_json(&as_json(&catalog))?;
    } else {
        terminal::print(&as_text(&host, &catalog))?;
    }
    super::finish(runtime);
    Ok(if catalog.problems.is_empty() {
        super::OK
    } else {
        super::PROBLEM
    })
}

fn as_text(host: &Arc<Host>, catalog: &Catalog) -> String {
    let mut text = String::new();
    if catalog.plugins.is_empty() && catalog.problems.is_empty() {
        let folders: Vec<String> = host
            .folders()
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        return format!(
            "no plugins in {}\nhint: put a .wasm component there, or name another folder\n",
            folders.join(", ")
        );
    }
    for (plugin, tools) in catalog.by_file() {
        text.push_str(&plugin_text(host, plugin, tools));
    }
    for warning in &catalog.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    for problem in &catalog.problems {
        let earlier = if problem.serving_earlier {
            " (an earlier version is still served)"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "problem: {}\n  {}{earlier}\n  hint: {}",
            escape(&problem.path.display().to_string()),
            problem.reason,
            problem.hint
        );
    }
    text
}

/// A plugin and its tools, with what they ask for and whether they may.
pub(super) fn plugin_text<'a>(
    host: &Host,
    plugin: &Plugin,
    tools: impl Iterator<Item = Listed<'a>>,
) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} {}  {}",
        plugin.info.name,
        plugin.info.version,
        escape(&plugin.path.display().to_string())
    );
    for listed in tools {
        let tool = listed.tool;
        let summary = escape(&first_sentence(&listed.description()));
        let _ = if tool.is_tool() {
            writeln!(text, "  {}  {summary}", tool.full_name)
        } else {
            let (noun, name) = (tool.kind.noun(), escape(&tool.full_name));
            writeln!(text, "  {noun} {name}  {summary}")
        };
        let asks_for = tool.asks_for();
        let state = match listed.held() {
            None if asks_for.is_empty() => continue,
            None => "granted".to_owned(),
            Some(Held::NotGranted) => "not granted".into(),
            Some(held) => format!("held: it {}", held.clause()),
        };
        if asks_for.is_empty() {
            let _ = writeln!(text, "    {}", escape(&state));
        } else {
            let _ = writeln!(
                text,
                "    asks for: {} ({})",
                escape(&asks_for.join("; ")),
                escape(&state)
            );
        }
        if listed.held().is_some() {
            let _ = writeln!(text, "    hint: {}", host.grant_command(plugin));
        }
    }
    text
}

fn as_json(catalog: &Catalog) -> serde_json::Value {
    let tool = |listed: Listed<'_>| {
        let tool = listed.tool;
        json!({
            "name": tool.full_name,
            "title": tool.title,
            "description": listed.description(),
            "read_only": tool.annotations.read_only,
            "asks_for": tool.asks_for(),
            "held": listed.held().map(Held::clause),
            "input_schema": tool.advertised_input,
            "output_schema": tool.advertised_output,
        })
    };
    let other = |listed: Listed<'_>| {
        let tool = listed.tool;
        json!({
            "kind": tool.kind.noun(),
            "name": tool.full_name,
            "title": tool.title,
            "description": listed.description(),
            "asks_for": tool.asks_for(),
            "held": listed.held().map(Held::clause),
        })
    };
    let plugins: Vec<_> = catalog
        .by_file()
        .map(|(plugin, offers)| {
            let (tools, others): (Vec<_>, Vec<_>) =
                offers.partition(|listed| listed.tool.is_tool());
            json!({
                "name": plugin.info.name,
                "version": plugin.info.version,
                "description": plugin.info.description,
                "path": plugin.path,
                "digest": plugin.digest,
                "tools": tools.into_iter().map(tool).collect::<Vec<_>>(),
                "resources_and_prompts": others.into_iter().map(other).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "plugins": plugins, "problems": catalog.problems, "warnings": catalog.warnings })
}
