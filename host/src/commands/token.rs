//! `toolbay token`: makes, lists and removes the tokens of callers over HTTP. A token is printed once, when it is made, and kept nowhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use chrono::SecondsFormat;
use serde_json::json;

use super::person;
use crate::audit::{Audit, Event};
use crate::cli::{AddToken, ListTokens, RemoveToken, TokenAction};
use crate::config::Config;
use crate::terminal;
use crate::text::escape;
use crate::tokens::{Token, TokenError, TokenStore, check_name, check_scope};

pub(crate) fn run(action: &TokenAction) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&[])?;
    let store = TokenStore::in_folder(&config.settings);
    match action {
        TokenAction::Add(arguments) => add(&config, &store, arguments),
        TokenAction::List(arguments) => list(&store, arguments),
        TokenAction::Remove(arguments) => remove(&config, &store, arguments),
    }
}

/// Whoever has a token calls tools as a principal of its own, so that a person makes it.
fn add(config: &Config, store: &TokenStore, arguments: &AddToken) -> Result<u8> {
    person::require("toolbay token add")?;
    let AddToken { name, scopes } = arguments;
    let fault = check_name(name)
        .and_then(|()| scopes.iter().try_for_each(|scope| check_scope(scope)))
        .err();
    if let Some(fault) = fault {
        terminal::say(&format!("error: {fault}\n"));
        return Ok(super::FAULT);
    }
    let scopes: BTreeSet<String> = scopes.iter().cloned().collect();
    let text = match store.add(name, scopes.clone()) {
        Ok(Some(text)) => text,
        Ok(None) => {
            terminal::say(&format!(
                "error: there is a token `{name}` already\nhint: take another name, or `toolbay token remove {name}` first; a token cannot be shown again\n"
            ));
            return Ok(super::PROBLEM);
        }
        Err(error) => return Ok(refuse(&error)),
    };
    Audit::start(config).record_blocking(Event::TokenAdded {
        token: name.clone(),
        scopes: scopes.into_iter().collect(),
    });
    terminal::say(&format!(
        "the token of `{name}`, which is shown this once; clients send it as `Authorization: Bearer TOKEN`:\n"
    ));
    terminal::print(&format!("{}\n", text.as_str()))?;
    Ok(super::OK)
}

fn list(store: &TokenStore, arguments: &ListTokens) -> Result<u8> {
    let tokens = match store.tokens() {
        Ok(tokens) => tokens,
        Err(error) => return Ok(refuse(&error)),
    };
    if arguments.json {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|token| json!({ "name": token.name, "scopes": token.scopes, "added": added(token) }))
            .collect();
        terminal::print_json(&json!({ "tokens": tokens, "file": store.file() }))?;
        return Ok(super::OK);
    }
    let mut text = String::new();
    for token in &tokens {
        let scopes: Vec<&str> = token.scopes.iter().map(String::as_str).collect();
        let scopes = if scopes.is_empty() {
            "no scopes".to_owned()
        } else {
            scopes.join(", ")
        };
        let _ = writeln!(text, "{}  {scopes}  since {}", token.name, added(token));
    }
    if tokens.is_empty() {
        text.push_str("no tokens\n");
    }
    terminal::print(&text)?;
    Ok(super::OK)
}

fn added(token: &Token) -> String {
    token.added.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Needs no person: it only ever narrows.
fn remove(config: &Config, store: &TokenStore, arguments: &RemoveToken) -> Result<u8> {
    let name = &arguments.name;
    let left = match store.remove(name) {
        Ok((true, left)) => left,
        Ok((false, _)) => {
            terminal::say(&format!(
                "error: there is no token `{}`\nhint: `toolbay token list` shows the ones that there are\n",
                escape(name)
            ));
            return Ok(super::PROBLEM);
        }
        Err(error) => return Ok(refuse(&error)),
    };
    Audit::start(config).record_blocking(Event::TokenRemoved {
        token: name.clone(),
    });
    terminal::say(&format!(
        "the token `{name}` is removed; servers refuse it from now on\n"
    ));
    if left == 0 {
        terminal::say(
            "note: it was the last one. A server on this machine's own address that is started now lets every program of the machine call as the local user\n",
        );
    }
    Ok(super::OK)
}

fn refuse(error: &TokenError) -> u8 {
    let text = escape(&error.to_string());
    let (what, hint) = text.split_once("; hint: ").unwrap_or((&text, ""));
    terminal::say(&format!("error: {what}\nhint: {hint}\n"));
    super::PROBLEM
}
