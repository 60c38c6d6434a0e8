use toolbay_sdk::prelude::*;

struct Mishap;

/// Does nothing and returns nothing.
#[tool]
fn nothing() -> Result<(), Mishap> {
    Ok(())
}

fn main() {}
