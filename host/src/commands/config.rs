//! `toolbay config`: what is in force, and where each value came from.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::ShowConfig;
use crate::config::{Config, EXAMPLE, FILE, Flags, Origin};
use crate::terminal;
use crate::text::escape;

pub(crate) fn run(arguments: &ShowConfig) -> Result<u8> {
    super::start_log("error");
    if arguments.example {
        terminal::print(EXAMPLE)?;
        return Ok(super::OK);
    }
    let file = Config::settings_folder()?.join(FILE);
    let config = Config::with_flags(Flags {
        folders: &arguments.folders,
        ..Flags::default()
    })?;
    if arguments.json {
        terminal::print_json(&json!({
            "file": file.display().to_string(),
            "exists": file.exists(),
            "settings": config.origins,
        }))?;
        return Ok(super::OK);
    }
    let is_there = if file.exists() { "" } else { " (not there)" };
    let mut text = format!("{}{is_there}\n\n", escape(&file.display().to_string()));
    let shown: Vec<_> = config
        .origins
        .iter()
        .map(|setting| (setting.key, in_words(&setting.value), &setting.origin))
        .collect();
    let width = shown
        .iter()
        .map(|(_, value, _)| value.chars().count())
        .max();
    for (key, value, origin) in &shown {
        let origin = match origin {
            Origin::Flag { name } | Origin::Variable { name } => (*name).to_owned(),
            Origin::File { line } => format!("{FILE}, line {line}"),
            Origin::Default => "default".to_owned(),
        };
        let _ = writeln!(
            text,
            "{key:<18}  {value:<width$}  {origin}",
            width = width.unwrap_or_default()
        );
    }
    terminal::print(&text)?;
    Ok(super::OK)
}

/// As it would be written in the file; what is not set has a word of its own.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        other => escape(&other.to_string()),
    }
}
