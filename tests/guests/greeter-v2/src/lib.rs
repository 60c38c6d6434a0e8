//! The second build of the greeter: it answers differently, and says the same of itself.

use toolbay_sdk::prelude::*;

/// Greets someone by name.
#[tool]
fn greet(
    /** Whom to greet */
    name: &str,
) -> String {
    format!("Good day, {name}.")
}

plugin!(greet);
