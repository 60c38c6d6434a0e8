use toolbay_sdk::prelude::*;

struct Shape {
    sides: u32,
}

/// Makes a shape of so many sides and returns it.
#[tool]
fn shape(sides: u32) -> Result<Shape, ToolError> {
    Ok(Shape { sides })
}

fn main() {}
