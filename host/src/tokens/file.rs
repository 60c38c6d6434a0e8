//! The form of `tokens.toml`.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{Token, check_name, check_scope};
use crate::digest::Digest;

/// The version of the form that this host reads and writes.
const VERSION: u64 = 1;
/// Characters in a digest.
const DIGITS: usize = 64;

const HEADER: &str = "# Who may call over HTTP. Changed by `toolbay token add` and `toolbay token remove`; of the tokens themselves only digests are kept.\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    version: u64,
    #[serde(default, rename = "token", skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<WireToken>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireToken {
    name: String,
    sha256: Digest,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    scopes: BTreeSet<String>,
    added: String,
}

/// Reads the text of the file.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Token>, String> {
    let file: WireFile =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().replace('\n', " "))?;
    if file.version != VERSION {
        return Err(format!("version {} is not known", file.version));
    }
    let mut names = BTreeSet::new();
    file.tokens
        .into_iter()
        .map(|wire| {
            check_name(&wire.name)?;
            wire.scopes
                .iter()
                .try_for_each(|scope| check_scope(scope))?;
            if !names.insert(wire.name.clone()) {
                return Err(format!("the token `{}` is there twice", wire.name));
            }
            let digest = wire.sha256.as_str();
            let is_digest = digest.len() == DIGITS
                && digest
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if !is_digest {
                return Err(format!("the digest of `{}` is none", wire.name));
            }
            let added = DateTime::parse_from_rfc3339(&wire.added)
                .map_err(|error| format!("the time of `{}` is none: {error}", wire.name))?;
            Ok(Token {
                name: wire.name,
                digest: wire.sha256,
                scopes: wire.scopes,
                added: added.with_timezone(&Utc),
            })
        })
        .collect()
}

/// The text of the file.
pub(super) fn to_toml(tokens: &[Token]) -> String {
    let file = WireFile {
        version: VERSION,
        tokens: tokens
            .iter()
            .map(|token| WireToken {
                name: token.name.clone(),
                sha256: token.digest.clone(),
                scopes: token.scopes.clone(),
                added: token.added.to_rfc3339_opts(SecondsFormat::Secs, true),
            })
            .collect(),
    };
    format!("{HEADER}{}", toml::to_string(&file).unwrap_or_default())
}
