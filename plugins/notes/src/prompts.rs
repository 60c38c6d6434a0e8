//! What a person can ask of a model with a note in hand.

use toolbay_sdk::prelude::*;

use crate::resources;
use crate::vault::Vault;

/// Styles that are proposed; any other is taken as well.
const STYLES: [&str; 3] = ["bullets", "one sentence", "for a newcomer"];

pub(crate) fn styles(typed: &str, _settled: &Settled) -> Completion {
    Completion::matching(STYLES, typed)
}

pub(crate) fn summarise(
    vault: &Vault,
    note: &str,
    style: Option<&str>,
) -> Result<Vec<PromptMessage>, ToolError> {
    let text = resources::read(vault, note)?;
    let how = style.map(|style| format!(" Style: {style}."));
    let ask = format!(
        "Summarise the following note. Keep names, dates and open questions.{}",
        how.unwrap_or_default()
    );
    let note = Content::embedded_text(resources::uri(note), text).mime_type("text/markdown");
    Ok(vec![PromptMessage::user(ask), PromptMessage::user(note)])
}
