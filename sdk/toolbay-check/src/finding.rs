//! One finding: which lint, where, and what to write there instead.

use std::fmt;

use serde::Serialize;

use crate::lint::Lint;

/// Something that a lint found.
#[derive(Debug)]
pub struct Finding {
    /// The lint.
    pub lint: &'static Lint,
    /// Where.
    pub place: Place,
    /// What is there, in half a sentence.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

/// Where something was found; a plugin as a whole if nothing is set. Of `argument`, `result`, `setting` and `import` one is set at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The tool, by its name without the plugin's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// JSON pointer of an argument: `/filter/tags`. `*` stands for every element of a list or value of a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// JSON pointer of a part of the structured result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Key of `plugin.toml`: `tools.search.network`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// An interface that the component imports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
}

impl Place {
    pub(crate) fn plugin() -> Self {
        Self::default()
    }

    pub(crate) fn tool(name: &str) -> Self {
        Self {
            tool: Some(name.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn argument(tool: &str, pointer: &str) -> Self {
        Self {
            argument: Some(pointer.to_owned()),
            ..Self::tool(tool)
        }
    }

    pub(crate) fn result(tool: &str, pointer: &str) -> Self {
        Self {
            result: Some(pointer.to_owned()),
            ..Self::tool(tool)
        }
    }

    /// A key of `[tools.NAME]`.
    pub(crate) fn tool_setting(tool: &str, key: &str) -> Self {
        Self {
            setting: Some(format!("tools.{tool}.{key}")),
            ..Self::tool(tool)
        }
    }

    /// Any other key.
    pub(crate) fn setting(key: String) -> Self {
        Self {
            setting: Some(key),
            ..Self::default()
        }
    }

    pub(crate) fn import(name: &str) -> Self {
        Self {
            import: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The place inside its tool, in words: "argument /query"; empty where the whole tool or plugin is meant.
    #[must_use]
    pub fn inside(&self) -> String {
        let parts = [
            ("argument ", &self.argument),
            ("result ", &self.result),
            ("plugin.toml ", &self.setting),
            ("import ", &self.import),
        ];
        parts
            .iter()
            .find_map(|(word, part)| part.as_ref().map(|part| format!("{word}{part}")))
            .unwrap_or_default()
    }
}

/// `search /query`, `search result /items`, `search tools.search.network`, `import wasi:…`: short, for tests and messages.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.tool.clone(),
            self.argument.clone(),
            self.result.as_ref().map(|at| format!("result {at}")),
            self.setting.clone(),
            self.import.as_ref().map(|name| format!("import {name}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        formatter.write_str(&parts.join(" "))
    }
}
