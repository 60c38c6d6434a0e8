//! Guides for a model to read: documents that are part of the component.

use toolbay_sdk::prelude::*;

/// A guide
#[data]
#[derive(Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum Guide {
    /// How we write
    Style,
    /// How we release
    Release,
}

impl Guide {
    fn uri(self) -> &'static str {
        match self {
            Self::Style => "{{name}}://guides/style",
            Self::Release => "{{name}}://guides/release",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Style => include_str!("../guides/style.md"),
            Self::Release => include_str!("../guides/release.md"),
        }
    }
}

/// Reads one of our guides and returns the whole document, as Markdown.
#[tool]
fn read_guide(
    /// Which one
    guide: Guide,
) -> ToolResult {
    ToolResult::new().content(Content::embedded_text(guide.uri(), guide.text()).mime_type("text/markdown"))
}

plugin!(read_guide);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guide_has_a_heading() {
        for guide in [Guide::Style, Guide::Release] {
            assert!(guide.text().starts_with("# "), "{guide:?}");
        }
    }
}
