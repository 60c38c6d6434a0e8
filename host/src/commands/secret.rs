//! `toolbay secret`: sets, lists and removes secrets. A value comes in by a prompt or by standard input, and goes nowhere but to where it is kept.

use std::fmt::Write as _;
use std::io::{IsTerminal, Read};

use anyhow::{Context, Result, bail};
use serde_json::json;
use zeroize::Zeroizing;

use crate::audit::{Audit, Event};
use crate::cli::{ListSecrets, RemoveSecret, SecretAction, SetSecret};
use crate::config::Config;
use crate::secrets::{Listing, Place, SecretError, Secrets};
use crate::terminal;
use crate::text::escape;

/// More than any value may have, so that a longer one is told to be too long.
const MAX_INPUT: u64 = 64 << 10;

pub(crate) fn run(action: &SecretAction) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&[])?;
    let secrets = Secrets::open(&config);
    match action {
        SecretAction::Set(arguments) => set(&config, &secrets, arguments),
        SecretAction::List(arguments) => list(&secrets, arguments),
        SecretAction::Remove(arguments) => remove(&config, &secrets, arguments),
    }
}

fn set(config: &Config, secrets: &Secrets, arguments: &SetSecret) -> Result<u8> {
    let SetSecret {
        plugin,
        name,
        value,
    } = arguments;
    if value.is_some() {
        terminal::say(
            "error: a secret is not given as an argument, where other programs and the shell's history see it\nhint: run the command without it and type or paste the secret at the prompt, or pipe it in; a value that was typed here is best replaced\n",
        );
        return Ok(super::FAULT);
    }
    // Before anybody types anything.
    if let Err(error) = crate::secrets::check_names(plugin, name) {
        return Ok(refuse(&error));
    }
    let value = value_for(plugin, name)?;
    let kept = match secrets.set(plugin, name, &value) {
        Ok(kept) => kept,
        Err(error) => return Ok(refuse(&error)),
    };
    let mut said = format!("secret `{name}` of plugin `{plugin}` is kept in ");
    said.push_str(&match kept.place {
        Place::Keyring => "the system's keyring\n".into(),
        Place::File => format!(
            "the file {}\n",
            escape(&secrets.file().display().to_string())
        ),
    });
    if let Some(why) = kept.why_not_keyring {
        let _ = writeln!(
            said,
            "note: not in a keyring, since there is none here: {why}"
        );
    }
    terminal::say(&said);
    Audit::start(config).record_blocking(Event::SecretSet {
        plugin: plugin.clone(),
        secret: name.clone(),
        kept_in: kept.place.as_str(),
    });
    Ok(super::OK)
}

/// The value as it is typed, or as standard input has it, without the line break at its end.
fn value_for(plugin: &str, name: &str) -> Result<Zeroizing<String>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let prompt = format!("value of secret `{name}` of plugin `{plugin}` (it is not shown): ");
        return rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .context("cannot read the secret from the terminal");
    }
    let mut text = Zeroizing::new(Vec::new());
    stdin
        .lock()
        .take(MAX_INPUT)
        .read_to_end(&mut text)
        .context("cannot read the secret from standard input")?;
    let Ok(text) = std::str::from_utf8(&text) else {
        bail!("the secret on standard input is not text");
    };
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(Zeroizing::new(line.to_owned()))
}

fn list(secrets: &Secrets, arguments: &ListSecrets) -> Result<u8> {
    let mut listing = match secrets.list() {
        Ok(listing) => listing,
        Err(error) => return Ok(refuse(&error)),
    };
    if let Some(plugin) = &arguments.plugin {
        listing.secrets.retain(|secret| secret.plugin == *plugin);
    }
    if arguments.json {
        terminal::print_json(&json!({
            "secrets": listing.secrets,
            "new_secrets_go_to": listing.place,
            "file": secrets.file(),
        }))?;
    } else {
        terminal::print(&as_text(secrets, &listing))?;
    }
    match (listing.place, listing.keyring_error) {
        // What the keyring has could not be listed.
        (None, Some(error)) => Ok(refuse(&error.into())),
        _ => Ok(super::OK),
    }
}

fn as_text(secrets: &Secrets, listing: &Listing) -> String {
    let mut text = String::new();
    for secret in &listing.secrets {
        let _ = writeln!(
            text,
            "{}  {}  in the {}",
            escape(&secret.plugin),
            escape(&secret.name),
            secret.kept_in.as_str()
        );
    }
    if listing.secrets.is_empty() && listing.place.is_some() {
        text.push_str("no secrets\n");
    }
    let file = escape(&secrets.file().display().to_string());
    match (listing.place, &listing.keyring_error) {
        (Some(Place::Keyring), _) => text.push_str("new secrets go to the system's keyring\n"),
        (Some(Place::File), Some(why)) => {
            let _ = writeln!(text, "new secrets go to the file {file}, since {why}");
        }
        (Some(Place::File), None) => {
            let _ = writeln!(text, "new secrets go to the file {file}");
        }
        (None, _) => {}
    }
    text
}

fn remove(config: &Config, secrets: &Secrets, arguments: &RemoveSecret) -> Result<u8> {
    let RemoveSecret { plugin, name } = arguments;
    match secrets.remove(plugin, name) {
        Ok(true) => {}
        Ok(false) => {
            terminal::say(&format!(
                "error: plugin `{plugin}` has no secret `{name}`\nhint: `toolbay secret list` shows the ones that there are\n"
            ));
            return Ok(super::PROBLEM);
        }
        Err(error) => return Ok(refuse(&error)),
    }
    terminal::say(&format!(
        "secret `{name}` of plugin `{plugin}` is removed\n"
    ));
    Audit::start(config).record_blocking(Event::SecretRemoved {
        plugin: plugin.clone(),
        secret: name.clone(),
    });
    Ok(super::OK)
}

fn refuse(error: &SecretError) -> u8 {
    terminal::say(&format!("error: {error}\nhint: {}\n", error.hint()));
    super::PROBLEM
}
