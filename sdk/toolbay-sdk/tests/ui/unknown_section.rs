use toolbay_sdk::prelude::*;

/// One note.
#[resource("notes://a")]
fn note() -> String {
    String::new()
}

plugin!(resource(note); settings_text = "[plugin]\nname = 'notes'\ndescription = 'Notes.'");

fn main() {}
