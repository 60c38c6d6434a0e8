//! A plugin of which each tool tries one thing that a host must refuse, or one thing beside it that it must allow, and tells what came of it.
//!
//! Paths are the guest's own: a mount `vault` is `/vault`. Where the standard library would not even try, or hides the code that came back, the
//! functions of WASI are called themselves.

mod files;
mod links;
mod network;
mod surroundings;

use toolbay_sdk::prelude::*;

plugin!(
    files::read,
    files::write,
    files::list,
    files::path_dotdot,
    files::path_absolute,
    files::link_out,
    files::proc_self,
    files::open_fifo,
    files::open_many,
    files::rename_race,
    files::write_read_only,
    files::fill_directory,
    links::make_link_out,
    links::make_hard_link_out,
    links::hard_link_between_mounts,
    network::connect_raw,
    network::listen,
    network::udp,
    network::look_up,
    surroundings::read_env,
    surroundings::read_argv
);

/// What came of an attempt.
#[data]
pub struct Outcome {
    /// "done" or "refused"
    outcome: &'static str,
    /// Why it was refused, in the words of WASI where they are known
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What was found
    #[serde(skip_serializing_if = "Vec::is_empty")]
    found: Vec<String>,
}

impl Outcome {
    fn found(found: impl IntoIterator<Item = String>) -> Self {
        Self {
            outcome: "done",
            error: None,
            found: found.into_iter().collect(),
        }
    }

    fn refused(error: impl std::fmt::Display) -> Self {
        Self {
            outcome: "refused",
            error: Some(error.to_string()),
            found: Vec::new(),
        }
    }
}

impl<E: std::fmt::Display> From<Result<String, E>> for Outcome {
    fn from(result: Result<String, E>) -> Self {
        match result {
            Ok(found) => Self::found([found]),
            Err(error) => Self::refused(error),
        }
    }
}

/// The same for calls that find nothing.
fn outcome<E: std::fmt::Display>(result: Result<(), E>) -> Outcome {
    match result {
        Ok(()) => Outcome::found([]),
        Err(error) => Outcome::refused(error),
    }
}
