//! Guides to be read: documents that are part of the component, each a resource, and a tool for clients whose model reads no resources by itself.

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

const GUIDES: [Guide; 2] = [Guide::Style, Guide::Release];

impl Guide {
    fn name(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Release => "release",
        }
    }

    fn uri(self) -> String {
        format!("{{name}}://guides/{}", self.name())
    }

    fn text(self) -> &'static str {
        match self {
            Self::Style => include_str!("../guides/style.md"),
            Self::Release => include_str!("../guides/release.md"),
        }
    }
}

/// A guide of ours as a whole Markdown document: how we write, or how we release.
#[resource(
    "{{name}}://guides/{name}",
    mime_type = "text/markdown",
    list = list,
    complete(name = names)
)]
pub fn guide(name: &str) -> Result<&'static str, ToolError> {
    let guide = GUIDES.into_iter().find(|guide| guide.name() == name);
    guide
        .map(Guide::text)
        .ok_or_else(|| ToolError::not_found(format!("there is no guide `{name}`")))
}

/// Which guides there are.
fn list(_cursor: Option<&str>) -> Vec<ResourceEntry> {
    let entry = |guide: Guide| ResourceEntry::new(guide.uri(), guide.name());
    GUIDES.map(entry).into()
}

/// What may be meant while a name is typed.
fn names(typed: &str, _settled: &Settled) -> Completion {
    Completion::matching(GUIDES.map(Guide::name), typed)
}

/// Reads one of our guides and returns the whole document, as Markdown.
#[tool]
pub fn read_guide(
    /// Which one
    guide: Guide,
) -> ToolResult {
    let document = Content::embedded_text(guide.uri(), guide.text());
    ToolResult::new().content(document.mime_type("text/markdown"))
}

plugin!(read_guide; resources(guide));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guide_is_listed_and_has_a_heading() {
        let listed = list(None);
        for (guide, entry) in GUIDES.iter().zip(&listed) {
            assert_eq!(entry.as_uri(), guide.uri());
            assert!(guide.text().starts_with("# "), "{guide:?}");
        }
    }

    #[test]
    fn a_guide_that_is_not_there_is_an_error() {
        assert_eq!(guide("sale").unwrap_err().code(), ErrorCode::NotFound);
    }
}
