//! `toolbay idempotency`: the calls with a key whose end is unknown, and how a person frees one.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::person;
use crate::cli::{ClearKey, IdempotencyAction, ListKeys};
use crate::config::Config;
use crate::owner::has_ended;
use crate::state::{KeyOf, KeyedCall, Store};
use crate::terminal;
use crate::text::escape;

pub(crate) fn run(action: &IdempotencyAction) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&[])?;
    match action {
        IdempotencyAction::List(arguments) => list(&config, arguments),
        IdempotencyAction::Clear(arguments) => clear(&config, arguments),
    }
}

fn list(config: &Config, arguments: &ListKeys) -> Result<u8> {
    let state = config.state.clone();
    let store = Store::new(&config.state);
    let open =
        super::runtime()?.block_on(store.keyed_open(move |owner| has_ended(&state, owner)))?;
    if arguments.json {
        let calls: Vec<_> = open.iter().map(as_json).collect();
        terminal::print_json(&json!({ "calls": calls }))?;
        return Ok(super::OK);
    }
    if open.is_empty() {
        terminal::say("no call with a key is running or has an unknown end\n");
    }
    let mut text = String::new();
    for call in &open {
        let KeyOf {
            plugin,
            tool,
            key,
            principal,
            ..
        } = &call.of;
        let _ = writeln!(
            text,
            "{}  {plugin}_{tool}  {}  of {principal}, begun {}",
            call.state,
            escape(key),
            begun(call)
        );
    }
    terminal::print(&text)?;
    Ok(super::OK)
}

fn as_json(call: &KeyedCall) -> serde_json::Value {
    let of = &call.of;
    json!({
        "tool": format!("{}_{}", of.plugin, of.tool),
        "key": of.key,
        "caller": of.principal,
        "folder": of.scope,
        "state": call.state,
        "begun": begun(call),
    })
}

fn begun(call: &KeyedCall) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp(call.begun, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Whether a call is made again is for a person to say, who has looked.
fn clear(config: &Config, arguments: &ClearKey) -> Result<u8> {
    person::require("toolbay idempotency clear")?;
    let Some((plugin, tool)) = arguments.tool.split_once('_') else {
        bail!(
            "`{}` is no tool's full name\nhint: write PLUGIN_TOOL, as `toolbay idempotency list` shows it",
            escape(&arguments.tool)
        );
    };
    let of = KeyOf {
        scope: String::new(),
        plugin: plugin.to_owned(),
        tool: tool.to_owned(),
        principal: arguments.caller.clone(),
        key: arguments.key.clone(),
    };
    let state = config.state.clone();
    let store = Store::new(&config.state);
    let cleared =
        super::runtime()?.block_on(store.keyed_clear(of, move |owner| has_ended(&state, owner)))?;
    if cleared == 0 {
        terminal::say(&format!(
            "error: no call of `{}` with this key has an unknown end\nhint: `toolbay idempotency list` shows those that have\n",
            escape(&arguments.tool)
        ));
        return Ok(super::PROBLEM);
    }
    terminal::say("the key is free: the next call with it is run\n");
    Ok(super::OK)
}
