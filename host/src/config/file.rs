//! `toolbay.toml`: what the user sets once for every host. Owns the form of the file and which keys there are; what a value means and what goes before it is `config`'s.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use toml_edit::{Document, TableLike, Value};
use url::Url;

use crate::text::nearest;

/// The file's name, in the folder of the user's settings.
pub(crate) const FILE: &str = "toolbay.toml";

/// A file with every key, its default and what it is for; nothing in it is set.
pub(crate) const EXAMPLE: &str = include_str!("toolbay.example.toml");

/// Every key, in the order in which they are shown.
pub(crate) const KEYS: [&str; 13] = [
    "folders",
    "cache",
    "state",
    "secrets",
    "log",
    "ask",
    "http.hosts",
    "limits.rate",
    "limits.concurrency",
    "middleware.before",
    "middleware.after",
    "status.alias",
    "telemetry.otlp",
];

/// What every client takes, together with what it puts before a name.
const MAX_TOOL_NAME: usize = 48;

/// What is written in the file, each value with its line.
#[derive(Debug, Default)]
pub(super) struct File {
    path: PathBuf,
    values: HashMap<String, Written>,
}

#[derive(Debug)]
struct Written {
    value: Value,
    line: usize,
}

/// A value of the file and the line that it begins on, from 1.
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

impl<T> At<T> {
    /// For what is nothing where it is not written.
    pub(super) fn some(self) -> At<Option<T>> {
        At {
            value: Some(self.value),
            line: self.line,
        }
    }
}

impl File {
    /// Reads the file; where there is none, nothing is set.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: TOML that cannot be read, an unknown key.
    pub(super) fn read(settings: &Path) -> Result<Self> {
        let path = settings.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(Self {
                    path,
                    values: HashMap::new(),
                })
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let document = Document::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let problem = error.message().trim().replace('\n', ", ");
            anyhow!("{}, line {line}: {problem}", path.display())
        })?;
        let mut file = Self {
            path,
            values: HashMap::new(),
        };
        file.take_in(text, "", document.as_table())?;
        Ok(file)
    }

    fn take_in(&mut self, text: &str, prefix: &str, table: &dyn TableLike) -> Result<()> {
        for (name, item) in table.iter() {
            let key = format!("{prefix}{name}");
            let start = table.get_key_value(name).and_then(|(key, _)| key.span());
            let line = start.map_or(1, |span| line_of(text, span.start));
            let is_table = KEYS
                .iter()
                .any(|known| known.starts_with(&format!("{key}.")));
            match item.as_value() {
                Some(value) if KEYS.contains(&key.as_str()) => {
                    let value = value.clone();
                    self.values.insert(key, Written { value, line });
                }
                _ if is_table => match item.as_table_like() {
                    Some(inner) => self.take_in(text, &format!("{key}."), inner)?,
                    None => bail!(
                        "{}, line {line}: `{key}` is a table\nhint: write `[{key}]` and its keys below",
                        self.path.display()
                    ),
                },
                _ => return Err(self.unknown(&key, line)),
            }
        }
        Ok(())
    }

    fn unknown(&self, key: &str, line: usize) -> anyhow::Error {
        // A key in the wrong table, a mistyped key or a mistyped table.
        let (table, last) = key.rsplit_once('.').unwrap_or(("", key));
        let elsewhere = KEYS
            .iter()
            .copied()
            .find(|known| known.ends_with(&format!(".{last}")));
        let tables = KEYS.iter().filter_map(|known| known.split_once('.'));
        let near = elsewhere
            .or_else(|| nearest(key, KEYS))
            .or_else(|| nearest(key, tables.map(|(table, _)| table)));
        let beside = |known: &&str| table.is_empty() || known.starts_with(&format!("{table}."));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<_> = KEYS.iter().copied().filter(beside).collect();
                format!("there is {}", known.join(", "))
            }
        };
        anyhow!(
            "{}, line {line}: unknown key `{key}`\nhint: {hint}",
            self.path.display()
        )
    }

    fn wrong(&self, key: &str, line: usize, problem: impl Display, hint: &str) -> anyhow::Error {
        anyhow!(
            "{}, line {line}: `{key}` {problem}\nhint: {hint}",
            self.path.display()
        )
    }

    fn get<T>(
        &self,
        key: &str,
        hint: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<At<T>>> {
        let Some(Written { value, line }) = self.values.get(key) else {
            return Ok(None);
        };
        match read(value) {
            Some(value) => Ok(Some(At { value, line: *line })),
            None => Err(self.wrong(
                key,
                *line,
                format_args!("is {}", value.to_string().trim()),
                hint,
            )),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<At<bool>>> {
        self.get(key, "write true or false", Value::as_bool)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<At<String>>> {
        self.get(key, "write a text in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<At<Vec<String>>>> {
        self.get(key, "write a list of texts: [\"…\", \"…\"]", |value| {
            let texts = value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned));
            texts.collect()
        })
    }

    /// A text with a form of its own.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        hint: &str,
    ) -> Result<Option<At<T>>> {
        let Some(At { value, line }) = self.text(key)? else {
            return Ok(None);
        };
        let value = value.parse().map_err(|problem| {
            self.wrong(key, line, format_args!("is {value:?}, {problem}"), hint)
        })?;
        Ok(Some(At { value, line }))
    }

    /// A whole number from 1 to the most.
    pub(super) fn count(&self, key: &str, most: usize) -> Result<Option<At<usize>>> {
        let Some(Written { value, line }) = self.values.get(key) else {
            return Ok(None);
        };
        let count = value
            .as_integer()
            .and_then(|count| usize::try_from(count).ok());
        match count.filter(|count| (1..=most).contains(count)) {
            Some(value) => Ok(Some(At { value, line: *line })),
            None => {
                let problem = format!("is {}", value.to_string().trim());
                let hint = format!("write a number from 1 to {most}");
                Err(self.wrong(key, *line, problem, &hint))
            }
        }
    }

    /// Names under which a server is reached.
    pub(super) fn http_names(&self, key: &str) -> Result<Option<At<Vec<String>>>> {
        let Some(names) = self.texts(key)? else {
            return Ok(None);
        };
        for name in &names.value {
            if let Err(problem) = crate::mcp::check_http_name(name) {
                return Err(self.wrong(
                    key,
                    names.line,
                    format_args!("has {name:?}, and {problem}"),
                    "write a name such as \"toolbay.example.com\"",
                ));
            }
        }
        Ok(Some(names))
    }

    /// The address of a server that the host itself sends to.
    pub(super) fn address(&self, key: &str) -> Result<Option<At<Url>>> {
        const HINT: &str = "write its address: \"http://127.0.0.1:4318\"";
        let Some(At { value, line }) = self.text(key)? else {
            return Ok(None);
        };
        let wrong = |problem: &dyn Display| {
            let problem = format_args!("is {value:?}, {problem}").to_string();
            self.wrong(key, line, problem, HINT)
        };
        let url = Url::parse(&value)
            .map_err(|error| wrong(&format_args!("which is no address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(&"which is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(&"and a user or a password cannot be in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(&"and must end with its path"));
        }
        Ok(Some(At { value: url, line }))
    }

    /// The name of a tool, as every client takes it.
    pub(super) fn tool_name(&self, key: &str) -> Result<Option<At<String>>> {
        match self.text(key)? {
            Some(name) if is_tool_name(&name.value) => Ok(Some(name)),
            Some(name) => Err(self.no_tool(key, name.line, &name.value)),
            None => Ok(None),
        }
    }

    /// Full names of tools.
    pub(super) fn tool_names(&self, key: &str) -> Result<Option<At<Vec<String>>>> {
        let Some(names) = self.texts(key)? else {
            return Ok(None);
        };
        match names.value.iter().find(|name| !is_tool_name(name)) {
            Some(name) => Err(self.no_tool(key, names.line, name)),
            None => Ok(Some(names)),
        }
    }

    fn no_tool(&self, key: &str, line: usize, name: &str) -> anyhow::Error {
        let problem = format_args!("is {name:?}, which is no tool's name").to_string();
        let hint = format!(
            "write a lower-case letter, then lower-case letters, digits and `_`, {MAX_TOOL_NAME} at most: \"health_check\""
        );
        self.wrong(key, line, problem, &hint)
    }

    /// A folder, from the root or from the user's own.
    pub(super) fn folder(&self, key: &str) -> Result<Option<At<PathBuf>>> {
        let Some(At { value, line }) = self.text(key)? else {
            return Ok(None);
        };
        let value = self.absolute(key, line, &value)?;
        Ok(Some(At { value, line }))
    }

    pub(super) fn folders(&self, key: &str) -> Result<Option<At<Vec<PathBuf>>>> {
        let Some(At { value, line }) = self.texts(key)? else {
            return Ok(None);
        };
        let folders = value
            .iter()
            .map(|folder| self.absolute(key, line, folder))
            .collect::<Result<Vec<_>>>()?;
        if folders.is_empty() {
            return Err(self.wrong(
                key,
                line,
                "is empty",
                "name a folder, or leave the key out for the default one",
            ));
        }
        Ok(Some(At {
            value: folders,
            line,
        }))
    }

    /// Clients start toolbay in whatever folder they like, so a path must not depend on that.
    fn absolute(&self, key: &str, line: usize, text: &str) -> Result<PathBuf> {
        let hint = "write the whole path, beginning with `/` or `~/`";
        let wrong =
            |problem: &str| self.wrong(key, line, format_args!("has {text:?}, {problem}"), hint);
        if let Some(below_home) = text.strip_prefix("~/") {
            let home =
                directories::BaseDirs::new().ok_or_else(|| wrong("and no home folder is known"))?;
            return Ok(home.home_dir().join(below_home));
        }
        let path = PathBuf::from(text);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(wrong("which is no whole path"))
        }
    }
}

fn is_tool_name(name: &str) -> bool {
    let is_one = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    };
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(is_one)
        && name.len() <= MAX_TOOL_NAME
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<File> {
        File::parse("/home/ada/.config/toolbay/toolbay.toml".into(), text)
    }

    #[test]
    fn the_example_has_every_key_and_sets_none() {
        assert!(parse(EXAMPLE).unwrap().values.is_empty());
        let uncommented: Vec<&str> = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(set)
                    if set
                        .split_once(" = ")
                        .is_some_and(|(key, _)| !key.contains(' ')) =>
                {
                    set
                }
                _ => line,
            })
            .collect();
        let file = parse(&uncommented.join("\n")).unwrap();
        let missing: Vec<_> = KEYS
            .iter()
            .filter(|key| !file.values.contains_key(**key))
            .collect();
        assert!(missing.is_empty(), "not in the example: {missing:?}");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_line_and_what_to_write() {
        let said = [
            "folder = []",
            "[limit]\nrate = \"1/s\"",
            "rate = \"1/s\"",
            "[http]\naddress = \"127.0.0.1:80\"",
            "limits = 3",
            "folders = [\"a\"\nlog = 3",
            "ask = true\nask = false",
        ]
        .map(|text| format!("{:#}", parse(text).unwrap_err()));
        insta::assert_snapshot!(said.join("\n\n"), @"
        /home/ada/.config/toolbay/toolbay.toml, line 1: unknown key `folder`
        hint: did you mean `folders`?

        /home/ada/.config/toolbay/toolbay.toml, line 1: unknown key `limit`
        hint: did you mean `limits`?

        /home/ada/.config/toolbay/toolbay.toml, line 1: unknown key `rate`
        hint: did you mean `limits.rate`?

        /home/ada/.config/toolbay/toolbay.toml, line 2: unknown key `http.address`
        hint: there is http.hosts

        /home/ada/.config/toolbay/toolbay.toml, line 1: `limits` is a table
        hint: write `[limits]` and its keys below

        /home/ada/.config/toolbay/toolbay.toml, line 2: missing comma between array elements, expected `,`

        /home/ada/.config/toolbay/toolbay.toml, line 2: duplicate key
        ");
    }

    #[test]
    fn values_are_checked() {
        let file = parse(
            "ask = \"yes\"\nfolders = [\"plugins\"]\nlog = 3\n[limits]\nrate = \"often\"\nconcurrency = 0\n",
        )
        .unwrap();
        let said = [
            file.flag("ask").err(),
            file.folders("folders").err(),
            file.text("log").err(),
            file.parsed::<toolbay_manifest::Rate>("limits.rate", "write \"600/m\"")
                .err(),
            file.count("limits.concurrency", 100).err(),
        ]
        .map(|error| format!("{:#}", error.expect("it is wrong")));
        insta::assert_snapshot!(said.join("\n\n"), @r#"
        /home/ada/.config/toolbay/toolbay.toml, line 1: `ask` is "yes"
        hint: write true or false

        /home/ada/.config/toolbay/toolbay.toml, line 2: `folders` has "plugins", which is no whole path
        hint: write the whole path, beginning with `/` or `~/`

        /home/ada/.config/toolbay/toolbay.toml, line 3: `log` is 3
        hint: write a text in quotes

        /home/ada/.config/toolbay/toolbay.toml, line 5: `limits.rate` is "often", which is no rate
        hint: write "600/m"

        /home/ada/.config/toolbay/toolbay.toml, line 6: `limits.concurrency` is 0
        hint: write a number from 1 to 100
        "#);
    }
}
