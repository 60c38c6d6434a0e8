//! The tokens by which callers over HTTP are told apart: made here, shown once, kept as their digest in `tokens.toml` in the user's configuration
//! folder. A token has 256 random bits, so a plain SHA-256 of it gives nothing away.

mod file;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::files::{create_private_folder, read_up_to, write_atomically};
use crate::lock::Lock;
use crate::permissions::store::{Stamp, check_owner};
use crate::principal::{LOCAL, Principal};

/// How every token begins, so that one that lies about is known for what it is.
const PREFIX: &str = "tb_";
/// Random bytes in a token.
const RANDOM: usize = 32;
/// How long others may take to change the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger file is refused.
const MAX_FILE: u64 = 1 << 20;
/// Characters in a token's name, and in a scope.
const MAX_NAME: usize = 64;
const MAX_SCOPE: usize = 128;

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// The name of the principal that calls with it.
    pub(crate) name: String,
    /// Of the token's whole text.
    pub(crate) digest: Digest,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) added: DateTime<Utc>,
}

/// The file, read anew whenever it has changed.
pub(crate) struct TokenStore {
    file: PathBuf,
    current: ArcSwap<Current>,
    /// Whether there was a token since this process began. Who held the last one must not become the local user when it is removed.
    required: AtomicBool,
}

struct Current {
    tokens: Result<Vec<Token>, TokenError>,
    stamp: Option<Stamp>,
}

/// Why a caller is not let in, or the file cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(
        "a token is needed: `Authorization: Bearer TOKEN`; hint: `toolbay token add NAME` makes one"
    )]
    Missing,
    #[error(
        "the token is not valid; hint: `toolbay token list` shows whose are, and `toolbay token add NAME` makes one"
    )]
    Unknown,
    #[error("{} cannot be used: {problem}; hint: {hint}", .file.display())]
    File {
        file: PathBuf,
        problem: String,
        hint: String,
    },
}

impl TokenStore {
    /// The tokens in a settings folder.
    pub(crate) fn in_folder(settings: &Path) -> Self {
        let file = settings.join("tokens.toml");
        let stamp = Stamp::of(&file);
        let tokens = read(&file);
        let required = !tokens.as_ref().is_ok_and(Vec::is_empty);
        Self {
            file,
            current: ArcSwap::from_pointee(Current { tokens, stamp }),
            required: AtomicBool::new(required),
        }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The tokens of this moment.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub(crate) fn tokens(&self) -> Result<Vec<Token>, TokenError> {
        self.current().tokens.clone()
    }

    /// Whether callers need a token: there is one, or was one since the process began, or nobody can tell.
    pub(crate) fn are_required(&self) -> bool {
        // Looking may find that there is one now.
        let _ = self.current();
        self.required.load(Ordering::Acquire)
    }

    /// Who calls with this token, or without one.
    ///
    /// # Errors
    ///
    /// Why the caller is not let in.
    pub(crate) fn principal(&self, presented: Option<&str>) -> Result<Principal, TokenError> {
        let current = self.current();
        let Some(presented) = presented else {
            return if self.required.load(Ordering::Acquire) {
                Err(TokenError::Missing)
            } else {
                Ok(Principal::local())
            };
        };
        // Also where no token is needed: whoever shows one means to be somebody, and must not be taken for the local user.
        let tokens = current.tokens.as_ref().map_err(Clone::clone)?;
        let digest = Digest::of(presented.as_bytes());
        let mut found = None;
        // All of them are looked at, so that the time tells nothing.
        for token in tokens {
            if bool::from(
                token
                    .digest
                    .as_str()
                    .as_bytes()
                    .ct_eq(digest.as_str().as_bytes()),
            ) {
                found = Some(token);
            }
        }
        found
            .map(|token| Principal::of_token(&token.name, token.scopes.clone()))
            .ok_or(TokenError::Unknown)
    }

    /// Makes a token and gives its text, which is kept nowhere. Nothing where the name is taken.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or the system's random numbers.
    pub(crate) fn add(
        &self,
        name: &str,
        scopes: BTreeSet<String>,
    ) -> Result<Option<Zeroizing<String>>, TokenError> {
        let mut random = Zeroizing::new([0_u8; RANDOM]);
        getrandom::fill(&mut *random).map_err(|error| {
            let error = format!("the system gives no random numbers: {error}");
            self.failed(io::Error::other(error))
        })?;
        let text = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*random)));
        let token = Token {
            name: name.to_owned(),
            digest: Digest::of(text.as_bytes()),
            scopes,
            added: Utc::now(),
        };
        let mut added = false;
        self.change(|tokens| {
            added = tokens.iter().all(|own| own.name != name);
            if added {
                tokens.push(token);
            }
        })?;
        Ok(added.then_some(text))
    }

    /// Removes a token. Says whether it was there, and how many are left.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub(crate) fn remove(&self, name: &str) -> Result<(bool, usize), TokenError> {
        let mut outcome = (false, 0);
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            outcome = (tokens.len() < before, tokens.len());
        })?;
        Ok(outcome)
    }

    /// Changes the file, one process at a time. The change sees what is in the file now.
    fn change(&self, change: impl FnOnce(&mut Vec<Token>)) -> Result<(), TokenError> {
        if let Some(folder) = self.file.parent() {
            create_private_folder(folder).map_err(|error| self.failed(error))?;
        }
        let _lock = Lock::take(&self.file.with_extension("lock"), PATIENCE)
            .map_err(|error| self.failed(error))?;
        let mut tokens = read(&self.file)?;
        let before = tokens.clone();
        change(&mut tokens);
        if tokens != before {
            write_atomically(&self.file, file::to_toml(&tokens).as_bytes())
                .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> TokenError {
        TokenError::File {
            file: self.file.clone(),
            problem: error.to_string(),
            hint: "check who may write to the file and its folder".into(),
        }
    }

    fn current(&self) -> Arc<Current> {
        let before = self.current.load_full();
        let stamp = Stamp::of(&self.file);
        if stamp == before.stamp {
            return before;
        }
        let tokens = read(&self.file);
        match &tokens {
            Ok(tokens) if tokens.is_empty() => {}
            Ok(_) => self.required.store(true, Ordering::Release),
            Err(error) => {
                tracing::warn!("no token is accepted: {error}");
                self.required.store(true, Ordering::Release);
            }
        }
        let now = Arc::new(Current { tokens, stamp });
        self.current.store(now.clone());
        now
    }
}

fn read(file: &Path) -> Result<Vec<Token>, TokenError> {
    let wrong = |problem: String, hint: String| TokenError::File {
        file: file.to_owned(),
        problem,
        hint,
    };
    check_owner(file).map_err(|error| wrong(error.problem, error.hint))?;
    match read_up_to(file, MAX_FILE) {
        Ok(bytes) => file::parse(&String::from_utf8_lossy(&bytes)).map_err(|problem| {
            wrong(
                problem,
                "correct the file, or remove it and make new tokens with `toolbay token add`"
                    .into(),
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(wrong(
            format!("it cannot be read: {error}"),
            "check the permissions of the file".into(),
        )),
    }
}

/// Whether a token may have this name, which appears in logs and keys state.
///
/// # Errors
///
/// What is wrong with it, and what would do.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let shape = name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.chars().all(|character| {
            character.is_ascii_lowercase()
                || character.is_ascii_digit()
                || "._-".contains(character)
        });
    if !shape {
        return Err(format!(
            "a token's name has small letters, digits, `.`, `_` and `-`, at most {MAX_NAME} of them, and begins with a letter or a digit"
        ));
    }
    if name == LOCAL {
        return Err(format!(
            "`{LOCAL}` is the user of this machine, who needs no token; take another name"
        ));
    }
    Ok(())
}

/// Whether this is a scope.
///
/// # Errors
///
/// What would be one.
pub(crate) fn check_scope(scope: &str) -> Result<(), String> {
    let fits = (1..=MAX_SCOPE).contains(&scope.len())
        && scope
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "._-:/".contains(character));
    if fits {
        Ok(())
    } else {
        Err(format!(
            "a scope has letters, digits, `.`, `_`, `-`, `:` and `/`, at most {MAX_SCOPE} of them, such as `admin:delete`"
        ))
    }
}

#[cfg(test)]
mod tests;
