use toolbay_sdk::prelude::*;

/// Waits and returns nothing.
#[tool]
async fn wait() {}

/// Shows anything and returns it as text.
#[tool]
fn show<T: ToString>(value: T) -> String {
    value.to_string()
}

struct Counter;

impl Counter {
    /// Counts and returns the number.
    #[tool]
    fn count(&self) -> u32 {
        1
    }
}

/// Shows anything and returns it as text.
#[tool]
fn show_any(value: impl ToString) -> String {
    value.to_string()
}

/// Returns something that can be shown.
#[tool]
fn something() -> impl Serialize {
    1
}

/// Changes a text and returns nothing.
#[tool]
fn change(text: &mut String) {}

/// Is no function.
#[tool]
struct NoFunction;

fn main() {}
