//! Attempts to see something of the host's own surroundings.

use toolbay_sdk::prelude::*;

use crate::Outcome;

/// Tells all variables of its environment.
#[tool]
pub fn read_env() -> Outcome {
    Outcome::found(std::env::vars().map(|(name, value)| format!("{name}={value}")))
}

/// Tells its arguments, and the folder that it begins in.
#[tool]
pub fn read_argv() -> Outcome {
    let folder = wasip2::cli::environment::initial_cwd();
    Outcome::found(std::env::args().chain(folder))
}
