//! The first build of a plugin that is replaced while it is in use.

use toolbay_sdk::prelude::*;

/// Greets someone by name.
#[tool]
fn greet(
    /** Whom to greet */
    name: &str,
) -> String {
    format!("Hello, {name}!")
}

plugin!(greet);
