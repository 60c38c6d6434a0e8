//! The third build of the greeter: another list of tools.

use toolbay_sdk::prelude::*;

/// Welcomes someone by name.
#[tool]
fn welcome(
    /** Whom to welcome */
    name: &str,
) -> String {
    format!("Welcome, {name}!")
}

/// Says goodbye to someone by name.
#[tool]
fn dismiss(
    /** To whom to say goodbye */
    name: &str,
) -> String {
    format!("Goodbye, {name}.")
}

plugin!(welcome, dismiss);
