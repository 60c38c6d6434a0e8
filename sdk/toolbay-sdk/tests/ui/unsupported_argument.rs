use toolbay_sdk::prelude::*;

struct Shape {
    sides: u32,
}

/// Counts the sides of a shape and returns their number.
#[tool]
fn sides(shape: Shape) -> u32 {
    shape.sides
}

fn main() {}
