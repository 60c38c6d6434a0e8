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
    /// The resource, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The prompt, by its name without the plugin's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
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

/// A tool, a resource or a prompt, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    Tool(&'a str),
    Resource(&'a str),
    Prompt(&'a str),
}

impl Owner<'_> {
    pub(crate) fn place(self) -> Place {
        let (mut tool, mut resource, mut prompt) = (None, None, None);
        match self {
            Self::Tool(name) => tool = Some(name.to_owned()),
            Self::Resource(name) => resource = Some(name.to_owned()),
            Self::Prompt(name) => prompt = Some(name.to_owned()),
        }
        Place {
            tool,
            resource,
            prompt,
            ..Place::default()
        }
    }

    /// Its table in `plugin.toml`.
    pub(crate) fn table(self) -> String {
        match self {
            Self::Tool(name) => format!("tools.{name}"),
            Self::Resource(name) => format!("resources.{name}"),
            Self::Prompt(name) => format!("prompts.{name}"),
        }
    }

    /// A key of its table.
    pub(crate) fn setting(self, key: &str) -> Place {
        Place {
            setting: Some(format!("{}.{key}", self.table())),
            ..self.place()
        }
    }

    /// One of its arguments.
    pub(crate) fn argument(self, pointer: &str) -> Place {
        Place {
            argument: Some(pointer.to_owned()),
            ..self.place()
        }
    }
}

impl Place {
    pub(crate) fn plugin() -> Self {
        Self::default()
    }

    pub(crate) fn tool(name: &str) -> Self {
        Owner::Tool(name).place()
    }

    pub(crate) fn argument(tool: &str, pointer: &str) -> Self {
        Owner::Tool(tool).argument(pointer)
    }

    pub(crate) fn result(tool: &str, pointer: &str) -> Self {
        Self {
            result: Some(pointer.to_owned()),
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

    /// The place inside its tool, in words: "argument /query"; empty where the whole tool or plugin is meant. A resource and a prompt are named too.
    #[must_use]
    pub fn inside(&self) -> String {
        let parts = [
            ("resource ", &self.resource),
            ("prompt ", &self.prompt),
            ("argument ", &self.argument),
            ("result ", &self.result),
            ("plugin.toml ", &self.setting),
            ("import ", &self.import),
        ];
        let parts = parts.iter().filter_map(|(word, part)| {
            let part = part.as_ref()?;
            Some(format!("{word}{part}"))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// `search /query`, `resource note`, `search result /items`, `search tools.search.network`, `import wasi:…`: short, for tests and messages.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.tool.clone(),
            self.resource
                .as_ref()
                .map(|name| format!("resource {name}")),
            self.prompt.as_ref().map(|name| format!("prompt {name}")),
            self.argument.clone(),
            self.result.as_ref().map(|at| format!("result {at}")),
            self.setting.clone(),
            self.import.as_ref().map(|name| format!("import {name}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        formatter.write_str(&parts.join(" "))
    }
}
