//! What can be wrong with a manifest, said so that its author can mend it. Every message is lower case and names the place; what to do
//! about it is the hint, printed apart.

use std::fmt;

/// Where in a manifest something is wrong.
///
/// ```
/// let place = toolbay_manifest::Place::manifest().plugin("notes").tool("search");
/// assert_eq!(place.to_string(), "plugin `notes`, tool `search`");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    plugin: Option<String>,
    /// The table inside the manifest, already as people read it: "tool `search`".
    table: Option<String>,
}

impl Place {
    /// The manifest as a whole.
    pub fn manifest() -> Self {
        Self::default()
    }

    /// The manifest of the plugin of this name.
    #[must_use]
    pub fn plugin(mut self, name: &str) -> Self {
        self.plugin = Some(shorten(name));
        self
    }

    /// The part that describes the tool of this name.
    #[must_use]
    pub fn tool(self, name: &str) -> Self {
        self.table(format!("tool `{}`", shorten(name)))
    }

    /// The part that describes the resource of this name.
    ///
    /// ```
    /// let place = toolbay_manifest::Place::manifest().plugin("notes").resource("note");
    /// assert_eq!(place.to_string(), "plugin `notes`, resource `note`");
    /// ```
    #[must_use]
    pub fn resource(self, name: &str) -> Self {
        self.table(format!("resource `{}`", shorten(name)))
    }

    /// The part that describes the prompt of this name.
    ///
    /// ```
    /// let place = toolbay_manifest::Place::manifest().plugin("notes").prompt("summarise");
    /// assert_eq!(place.to_string(), "plugin `notes`, prompt `summarise`");
    /// ```
    #[must_use]
    pub fn prompt(self, name: &str) -> Self {
        self.table(format!("prompt `{}`", shorten(name)))
    }

    /// Any other part, in words: "mount `vault`".
    #[must_use]
    pub(crate) fn table(&self, words: String) -> Self {
        let table = match &self.table {
            Some(outer) => format!("{outer}, {words}"),
            None => words,
        };
        Self {
            plugin: self.plugin.clone(),
            table: Some(table),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.plugin, &self.table) {
            (Some(plugin), Some(table)) => write!(formatter, "plugin `{plugin}`, {table}"),
            (Some(plugin), None) => write!(formatter, "plugin `{plugin}`"),
            (None, Some(table)) => formatter.write_str(table),
            (None, None) => formatter.write_str("the manifest"),
        }
    }
}

/// Why a text is no manifest.
///
/// The message names plugin, tool, key and value; [`hint`](Self::hint) says what to write instead.
///
/// ```
/// let error = toolbay_manifest::SourceManifest::from_toml("[plugin]\nname = 'notes'\n[tools.search]\ntimout = '5s'")
///     .unwrap_err();
/// assert_eq!(error.to_string(), "plugin `notes`, tool `search`: unknown key `timout`");
/// assert_eq!(error.hint().as_deref(), Some("did you mean `timeout`?"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is not JSON or TOML at all.
    #[error("the manifest is not valid {format} (line {line}, column {column}): {message}")]
    Syntax {
        /// `JSON` or `TOML`.
        format: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// The parser's own words.
        message: String,
    },
    /// A key that no manifest knows.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<&'static str>,
        /// Every key that may be there.
        known: &'static [&'static str],
    },
    /// A key that must be there is not.
    #[error("{place}: the key `{key}` is missing")]
    MissingKey {
        /// Where the key should be.
        place: Place,
        /// The key.
        key: &'static str,
        /// What to write, if it can be said.
        hint: Option<&'static str>,
    },
    /// A value of the wrong type.
    #[error("{place}: `{key}` must be {expected}, not {found}")]
    WrongType {
        /// Where the key is.
        place: Place,
        /// The key.
        key: String,
        /// The type wanted, with its article.
        expected: &'static str,
        /// The type there, with its article.
        found: &'static str,
    },
    /// A value that breaks a rule.
    #[error("{place}: {problem}")]
    Value {
        /// Where the value is.
        place: Place,
        /// What is wrong, naming key and value.
        problem: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// `plugin.toml` speaks of a tool, a resource or a prompt that the code does not have.
    #[error("{place}: plugin.toml has settings for it, but there is no such {what} in the code")]
    NotInCode {
        /// What is not there.
        place: Place,
        /// `tool`, `resource` or `prompt`.
        what: &'static str,
        /// The one in the code that looks most like it.
        nearest: Option<String>,
    },
    /// The whole manifest is larger than [`MAX_MANIFEST_BYTES`](crate::MAX_MANIFEST_BYTES).
    #[error("the manifest has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
}

impl ManifestError {
    /// What the author can write to mend it, as one line without the word `hint:`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownKey {
                nearest: None,
                known,
                ..
            } => Some(format!("the keys known here are {}", list(known))),
            Self::MissingKey { hint, .. } => hint.map(str::to_owned),
            Self::Value { hint, .. } => hint.clone(),
            Self::NotInCode {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::NotInCode {
                what,
                nearest: None,
                ..
            } => Some(format!(
                "remove the table, or add the {what} to `plugin!(…)`"
            )),
            Self::TooLarge { .. } => {
                Some("shorten descriptions and schemas, or split the plugin".to_owned())
            }
            Self::WrongType { expected, .. } => match *expected {
                "a text" => Some("write it in quotes: \"…\"".to_owned()),
                "a list of tables" => Some("write it in brackets: [{ … }]".to_owned()),
                "a list of texts" => Some("write it in brackets: [\"…\"]".to_owned()),
                "true or false" => Some("write `true` or `false`, without quotes".to_owned()),
                _ => None,
            },
            Self::Syntax { .. } => None,
        }
    }

    pub(crate) fn value(
        place: &Place,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Value {
            place: place.clone(),
            problem: problem.into(),
            hint: Some(hint.into()),
        }
    }
}

fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A value from a stranger's manifest as a message may show it: escaped, so that it cannot play with a terminal, and short.
pub(crate) fn shorten(value: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = value.chars().take(SHOWN).flat_map(escape).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn escape(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control() || crate::rules::is_invisible(character);
    let (plain, unicode) = if escaped {
        (None, Some(character.escape_unicode()))
    } else {
        (Some(character), None)
    };
    plain.into_iter().chain(unicode.into_iter().flatten())
}
