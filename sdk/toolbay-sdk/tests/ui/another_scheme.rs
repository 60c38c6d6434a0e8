use toolbay_sdk::prelude::*;

/// One note.
#[resource("note://{+path}")]
fn note(path: &str) -> String {
    path.to_owned()
}

plugin!(resources(note); settings_text = "[plugin]\nname = 'notes'\ndescription = 'Notes.'");

fn main() {}
