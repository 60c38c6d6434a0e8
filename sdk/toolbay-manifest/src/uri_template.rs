//! The URIs of resources: one address, or a template of many (the part of RFC 6570 that can be read backwards without doubt). Owns how a template is
//! written, which URIs fit it, and what its variables are then; knows nothing of resources.

mod percent;
mod reading;

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::error::shorten;
use crate::rules::{self, Broken, broken};

/// How many characters a template may have.
const MAX_TEMPLATE_CHARS: usize = 1024;
/// How many variables a template may have.
const MAX_VARIABLES: usize = 16;
/// How many bytes a URI may have to be looked at.
const MAX_URI_BYTES: usize = 8 * 1024;

/// The URI of a resource, or a template of the URIs of many.
///
/// - `{name}` stands for one segment: at least one character, and none of `/`, `?` and `#`.
/// - `{+path}` stands for several: at least one character, and neither `?` nor `#`.
/// - `{?from,limit}`, at the end and once, stands for query variables, each of which may be left out.
///
/// ```
/// use toolbay_manifest::UriTemplate;
///
/// let template: UriTemplate = "notes://{vault}/{+path}{?version}".parse().map_err(|error| format!("{error:?}"))?;
/// let variables = template.matches("notes://home/2026/caf%C3%A9.md?version=3").ok_or("no match")?;
/// assert_eq!(variables["vault"], "home");
/// assert_eq!(variables["path"], "2026/café.md");
/// assert_eq!(variables["version"], "3");
/// assert_eq!(template.expand(&variables), "notes://home/2026/caf%C3%A9.md?version=3");
/// assert_eq!(template.matches("notes://home/../secret"), None);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
    /// The variables of `{?…}`.
    query: Vec<String>,
}

/// What stands before the query variables.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable {
        name: String,
        /// `{+name}`: slashes are part of it.
        reserved: bool,
    },
}

impl UriTemplate {
    /// Reads a template, or an address without variables.
    ///
    /// # Errors
    /// The problem and what to write instead.
    pub fn parse(text: &str) -> Result<Self, Broken> {
        if text.chars().count() > MAX_TEMPLATE_CHARS {
            return Err(broken(
                format!("the URI has more than {MAX_TEMPLATE_CHARS} characters"),
                "shorten it",
            ));
        }
        check_scheme(text)?;
        let mut template = Self {
            text: text.to_owned(),
            parts: Vec::new(),
            query: Vec::new(),
        };
        let mut rest = text;
        while !rest.is_empty() {
            rest = template.take_part(rest)?;
        }
        template.check()?;
        Ok(template)
    }

    /// Takes what stands first in `rest`, and gives what stands behind it.
    fn take_part<'a>(&mut self, rest: &'a str) -> Result<&'a str, Broken> {
        let shown = shorten(&self.text);
        if !self.query.is_empty() {
            return Err(broken(
                format!("in `{shown}` something stands behind the query variables"),
                "put `{?…}` last, and only once: `notes://search{?words,limit}`",
            ));
        }
        let Some(inside) = rest.strip_prefix('{') else {
            let end = rest.find('{').unwrap_or(rest.len());
            let (literal, behind) = rest.split_at(end);
            percent::check_literal(literal)?;
            self.parts.push(Part::Literal(literal.to_owned()));
            return Ok(behind);
        };
        let Some((expression, behind)) = inside.split_once('}') else {
            return Err(broken(
                format!("in `{shown}` a `{{` is never closed"),
                "write the variable's name and `}`: `{path}`",
            ));
        };
        if let Some(names) = expression.strip_prefix('?') {
            for name in names.split(',') {
                check_variable(name)?;
                self.query.push(name.to_owned());
            }
            return Ok(behind);
        }
        let (name, reserved) = match expression.strip_prefix('+') {
            Some(name) => (name, true),
            None => (expression, false),
        };
        check_variable(name)?;
        if let Some(Part::Variable { name: before, .. }) = self.parts.last() {
            return Err(broken(
                format!(
                    "nothing stands between `{{{before}}}` and `{{{name}}}`, so no URI could be told apart"
                ),
                "put a character between them: `{year}/{month}`",
            ));
        }
        self.parts.push(Part::Variable {
            name: name.to_owned(),
            reserved,
        });
        Ok(behind)
    }

    /// What can only be seen in the whole.
    fn check(&self) -> Result<(), Broken> {
        let names: Vec<&str> = self.variables().collect();
        if names.len() > MAX_VARIABLES {
            return Err(broken(
                format!("the URI has more than {MAX_VARIABLES} variables"),
                "use fewer",
            ));
        }
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|earlier| earlier == name) {
                return Err(broken(
                    format!("the variable `{name}` is there twice"),
                    "give each variable a name of its own",
                ));
            }
        }
        let asks = |part: &Part| matches!(part, Part::Literal(text) if text.contains('?'));
        if !self.query.is_empty() && self.parts.iter().any(asks) {
            return Err(broken(
                format!("`{}` has a `?` beside `{{?…}}`", shorten(&self.text)),
                "write all of the query as variables: `{?words,limit}`",
            ));
        }
        Ok(())
    }

    /// The variables' values, decoded, if the URI fits; nothing otherwise. A URI without variables fits itself alone.
    ///
    /// What could lead a careless reader astray does not fit: values that are not UTF-8 or have control characters, a `.` or `..` among the segments, a `/` in
    /// a `{name}` even where it is encoded, and a query variable that the template does not have.
    pub fn matches(&self, uri: &str) -> Option<IndexMap<String, String>> {
        reading::values(self, uri)
    }

    /// The URI with these values, encoded. A value that is not there is left out, which gives a URI that does not fit unless it is a query variable's.
    ///
    /// ```
    /// let template = toolbay_manifest::UriTemplate::parse("notes://note/{+path}").unwrap();
    /// let variables = [("path".to_owned(), "to do/50 %.md".to_owned())].into_iter().collect();
    /// assert_eq!(template.expand(&variables), "notes://note/to%20do/50%20%25.md");
    /// ```
    pub fn expand(&self, variables: &IndexMap<String, String>) -> String {
        let mut uri = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => uri.push_str(text),
                Part::Variable { name, reserved } => {
                    let value = variables.get(name).map(String::as_str).unwrap_or_default();
                    percent::encode(value, *reserved, &mut uri);
                }
            }
        }
        let mut separator = '?';
        for name in &self.query {
            if let Some(value) = variables.get(name) {
                uri.push(separator);
                uri.push_str(name);
                uri.push('=');
                percent::encode(value, false, &mut uri);
                separator = '&';
            }
        }
        uri
    }

    /// The names of all variables, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let required = self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_str()),
            Part::Literal(_) => None,
        });
        required.chain(self.query_variables())
    }

    /// The names of the variables that may be left out: those of `{?…}`.
    ///
    /// ```
    /// let template = toolbay_manifest::UriTemplate::parse("notes://{vault}/search{?words}").unwrap();
    /// assert_eq!(template.variables().collect::<Vec<_>>(), ["vault", "words"]);
    /// assert_eq!(template.query_variables().collect::<Vec<_>>(), ["words"]);
    /// ```
    pub fn query_variables(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(String::as_str)
    }

    /// Whether it has variables.
    pub fn is_template(&self) -> bool {
        self.variables().next().is_some()
    }

    /// What stands before the first `:`.
    pub fn scheme(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn check_scheme(text: &str) -> Result<(), Broken> {
    let split = text
        .split_once(':')
        .filter(|(scheme, rest)| rules::is_name(scheme, b'-') && !rest.is_empty());
    match split {
        Some(_) => Ok(()),
        None => Err(broken(
            format!("`{}` is not a URI", shorten(text)),
            "write the plugin's name, `://`, and where it is: `notes://note/{+path}`",
        )),
    }
}

fn check_variable(name: &str) -> Result<(), Broken> {
    if rules::is_name(name, b'_') && name.len() <= 64 {
        return Ok(());
    }
    Err(broken(
        format!("`{{{}}}` is not a variable", shorten(name)),
        "write a lower-case letter, then lower-case letters, digits and `_`, alone or behind `+` or `?`: `{path}`, `{+path}`, `{?from,limit}`",
    ))
}

impl FromStr for UriTemplate {
    type Err = Broken;

    fn from_str(text: &str) -> Result<Self, Broken> {
        Self::parse(text)
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for UriTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
