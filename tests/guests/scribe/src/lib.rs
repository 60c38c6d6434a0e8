//! Does what many plugins do, with what the SDK brings for it: pages, dates, files of a mount, requests, log lines.

use toolbay_sdk::prelude::*;
use toolbay_sdk::{http, log, mount};

plugin!(letters, invite, save, read, greet, ask, speak,);

/// Lists the letters of the alphabet.
#[tool]
fn letters(cursor: Option<Cursor>, limit: Limit<5>) -> Page<char> {
    Page::of('a'..='z', cursor, limit).with_total(26)
}

/// An invitation.
#[data]
struct Invitation {
    to: Email,
    day: Date,
    page: Url,
    written: DateTime,
}

/// Writes an invitation and returns it.
#[tool]
fn invite(to: Email, day: Date, page: Url) -> Invitation {
    Invitation {
        to,
        day,
        page,
        written: DateTime::now(),
    }
}

/// Saves a text in place of what was there, and returns the paths of all files.
#[tool]
fn save(path: &str, text: &str) -> Result<Vec<String>, ToolError> {
    let vault = mount("vault")?;
    vault.write(path, text)?;
    vault.walk("").map(|entry| Ok(entry?.path)).collect()
}

/// Reads a text.
#[tool]
fn read(path: &str) -> Result<String, ToolError> {
    mount("vault")?.read_to_string(path)
}

/// Greets by the name in the environment.
#[tool]
fn greet() -> Result<String, ToolError> {
    Ok(format!("Hello, {}!", std::env::var("NAME")?))
}

/// Asks a server and returns what it answers.
#[tool]
fn ask(question: &str) -> Result<serde_json::Value, ToolError> {
    http::post("https://api.example.com/v1/ask")
        .query("limit", 3)
        .json(&json!({"question": question}))
        .fetch_json()
}

/// Says something at each level, and returns nothing.
#[tool]
fn speak(text: &str) {
    log::error!("{text}");
    log::warn!("{text}");
    log::info!("{text}");
    log::debug!("{text}");
    log::trace!("{text}");
    println!("{text}");
}
