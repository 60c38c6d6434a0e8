//! The servers in a client's JSON file: found by a parser that knows comments and trailing commas, changed by splicing text at the places that it
//! gives, so that comments, order, indentation and line ends stay what they are.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::edit::{EditError, Field, Fields, Server, Splices, line_end, line_of, split_mark};

/// What a client takes beyond plain JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Plain,
    Comments,
    CommentsAndTrailingCommas,
}

/// Indentation where a file shows none.
const INDENTATION: &str = "  ";

/// The text with the server in it. It is the same text where the server was already there as wanted.
///
/// # Errors
///
/// Where the text is not what the client could read, or has something else in the places that are to be changed.
pub(crate) fn merge(
    text: &str,
    dialect: Dialect,
    servers: &str,
    name: &str,
    fields: &Fields,
) -> Result<String, EditError> {
    let (mark, body) = split_mark(text);
    let merged = Document::parse(body, dialect)?.merge(servers, name, fields)?;
    // What is written must be readable, and right at once.
    let again = Document::parse(&merged, dialect)?.merge(servers, name, fields)?;
    if again != merged {
        return Err(EditError::new(
            "the file has a form that cannot be changed safely",
            "put the entry into the file by hand; the command without --write prints it",
        ));
    }
    Ok(format!("{mark}{merged}"))
}

/// The servers that the text has.
///
/// # Errors
///
/// As [`merge`].
pub(crate) fn servers(
    text: &str,
    dialect: Dialect,
    servers: &str,
) -> Result<Vec<Server>, EditError> {
    let document = Document::parse(split_mark(text).1, dialect)?;
    let Some(root) = document.root()? else {
        return Ok(Vec::new());
    };
    let Some(all) = document.object_in(root, servers)? else {
        return Ok(Vec::new());
    };
    let server = |property: &ObjectProp<'_>| {
        let entry = property.value.as_object()?;
        let arguments = entry.get_array("args").map(|array| {
            let texts = array.elements.iter().filter_map(Value::as_string_lit);
            texts.map(|text| text.value.to_string()).collect()
        });
        Some(Server {
            name: property.name.as_str().to_owned(),
            command: entry
                .get_string("command")
                .map(|command| command.value.to_string()),
            arguments: arguments.unwrap_or_default(),
        })
    };
    Ok(all.properties.iter().filter_map(server).collect())
}

struct Document<'a> {
    text: &'a str,
    value: Option<Value<'a>>,
    line_end: &'static str,
}

impl<'a> Document<'a> {
    fn parse(text: &'a str, dialect: Dialect) -> Result<Self, EditError> {
        let options = ParseOptions {
            allow_comments: dialect != Dialect::Plain,
            allow_trailing_commas: dialect == Dialect::CommentsAndTrailingCommas,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
        let parsed = parsed.map_err(|error| {
            let what = error.kind().to_string();
            let line = line_of(text, error.range().start);
            EditError::new(
                format!(
                    "line {line} is not what the client can read: {}",
                    lower(&what)
                ),
                "correct that line first",
            )
        })?;
        Ok(Self {
            text,
            value: parsed.value,
            line_end: line_end(text),
        })
    }

    /// The object that the whole file is; nothing where the file is empty.
    fn root(&self) -> Result<Option<&Object<'a>>, EditError> {
        match &self.value {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(EditError::new(
                "the file is JSON but not an object",
                "a client's file begins with `{`; look at what is in it",
            )),
        }
    }

    /// The object under a key; nothing where there is no such key.
    fn object_in<'b>(
        &self,
        object: &'b Object<'a>,
        key: &str,
    ) -> Result<Option<&'b Object<'a>>, EditError> {
        match self.property(object, key)?.map(|property| &property.value) {
            None => Ok(None),
            Some(Value::Object(found)) => Ok(Some(found)),
            Some(other) => Err(EditError::new(
                format!(
                    "`{key}` on line {} is not an object",
                    line_of(self.text, other.range().start)
                ),
                format!("write `\"{key}\": {{}}` there, or move what it has elsewhere"),
            )),
        }
    }

    /// The property of a key, which may be there once: readers differ about which of two counts.
    fn property<'b>(
        &self,
        object: &'b Object<'a>,
        key: &str,
    ) -> Result<Option<&'b ObjectProp<'a>>, EditError> {
        let mut all = object
            .properties
            .iter()
            .filter(|property| property.name.as_str() == key);
        let first = all.next();
        if let (Some(first), Some(second)) = (first, all.next()) {
            return Err(EditError::new(
                format!(
                    "`{key}` is there twice, on lines {} and {}",
                    line_of(self.text, first.range.start),
                    line_of(self.text, second.range.start)
                ),
                "remove one of the two",
            ));
        }
        Ok(first)
    }

    fn merge(&self, servers: &str, name: &str, fields: &Fields) -> Result<String, EditError> {
        let mut splices = Splices::default();
        let unit = self.unit();
        let entry = Node::Object(
            fields
                .iter()
                .map(|(key, field)| ((*key).to_owned(), Node::Field(field)))
                .collect(),
        );
        let Some(root) = self.root()? else {
            let all = Node::Object(vec![(name.to_owned(), entry)]);
            let whole = Node::Object(vec![(servers.to_owned(), all)]);
            let gap = if self.text.is_empty() || self.text.ends_with('\n') {
                ""
            } else {
                self.line_end
            };
            let whole = whole.lines("", &unit, self.line_end);
            return Ok(format!("{}{gap}{whole}{}", self.text, self.line_end));
        };
        match self.object_in(root, servers)? {
            None => {
                let all = Node::Object(vec![(name.to_owned(), entry)]);
                self.add(&mut splices, root, &[(servers.to_owned(), all)], &unit);
            }
            Some(all) => match self.property(all, name)? {
                None => self.add(&mut splices, all, &[(name.to_owned(), entry)], &unit),
                Some(property) => self.update(&mut splices, property, name, fields, &unit)?,
            },
        }
        Ok(splices.apply(self.text))
    }

    /// Makes an entry that is there have the fields, and leaves its others.
    fn update(
        &self,
        splices: &mut Splices,
        property: &ObjectProp<'a>,
        name: &str,
        fields: &Fields,
        unit: &str,
    ) -> Result<(), EditError> {
        let line = line_of(self.text, property.range.start);
        let Value::Object(entry) = &property.value else {
            return Err(EditError::new(
                format!("the entry `{name}` on line {line} is not an object"),
                "remove it, or use another name with --name",
            ));
        };
        if let Some(key) = ["url", "httpUrl", "serverUrl"]
            .into_iter()
            .find(|key| entry.get(key).is_some())
        {
            return Err(EditError::new(
                format!(
                    "the entry `{name}` on line {line} is a server that the client reaches by its `{key}`"
                ),
                "remove it, or use another name with --name",
            ));
        }
        let mut missing = Vec::new();
        for (key, field) in fields {
            match self.property(entry, key)? {
                None => missing.push(((*key).to_owned(), Node::Field(field))),
                Some(there) if is(&there.value, field) => {}
                Some(there) => splices.replace(range(&there.value), field_text(field)),
            }
        }
        if !missing.is_empty() {
            self.add(splices, entry, &missing, unit);
        }
        Ok(())
    }

    /// Adds properties at the end of an object, in the object's own style.
    fn add(
        &self,
        splices: &mut Splices,
        object: &Object<'a>,
        properties: &[(String, Node<'_>)],
        unit: &str,
    ) {
        let inner = object.range.start + 1..object.range.end - 1;
        let Some(last) = object.properties.last() else {
            return self.fill(splices, inner, properties, unit);
        };
        let end = last.range.end;
        let rest = self.text.get(end..inner.end).unwrap_or_default();
        let (comma, line) = after_value(rest);
        let (added, place) = if self.begins_line(last.range.start) {
            let indent = self.indent_at(last.range.start);
            let lines = properties.iter().map(|(key, node)| {
                let value = node.lines(indent, unit, self.line_end);
                format!("{}{indent}{}: {value}", self.line_end, quoted(key))
            });
            (lines.collect::<Vec<_>>().join(","), line)
        } else {
            let all = properties
                .iter()
                .map(|(key, node)| format!(" {}: {}", quoted(key), node.one_line()));
            // Before a comment, which may end with the line.
            let place = comma.map_or(0, |comma| comma + 1);
            (all.collect::<Vec<_>>().join(","), place)
        };
        if comma.is_some() {
            splices.insert(end + place, format!("{added},"));
        } else {
            splices.insert(end, ",");
            splices.insert(end + place, added);
        }
    }

    /// Fills an object that has nothing but blanks and comments.
    fn fill(
        &self,
        splices: &mut Splices,
        inner: Range<usize>,
        properties: &[(String, Node<'_>)],
        unit: &str,
    ) {
        let text = self.text.get(inner.clone()).unwrap_or_default();
        let outer = self.indent_at(inner.start - 1);
        let indent = format!("{outer}{unit}");
        let lines: Vec<String> = properties
            .iter()
            .map(|(key, node)| {
                let value = node.lines(&indent, unit, self.line_end);
                format!("{}{indent}{}: {value}", self.line_end, quoted(key))
            })
            .collect();
        let lines = lines.join(",");
        let (comments, blanks) = text.split_at(text.trim_end().len());
        let place = inner.start + comments.len();
        let close = format!("{}{outer}", self.line_end);
        if comments.is_empty() {
            splices.replace(inner, format!("{lines}{close}"));
        } else if blanks.contains('\n') {
            splices.insert(place, lines);
        } else {
            splices.insert(place, format!("{lines}{close}"));
        }
    }

    /// The blanks at the beginning of the line that has this place.
    fn indent_at(&self, place: usize) -> &'a str {
        let before = self.text.get(..place).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = self.text.get(start..).unwrap_or_default();
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..blanks).unwrap_or_default()
    }

    /// Whether nothing but blanks stands before a place on its line.
    fn begins_line(&self, place: usize) -> bool {
        let before = self.text.get(..place).unwrap_or_default();
        before.trim_end_matches([' ', '\t']).ends_with('\n')
    }

    /// What one level of the file is indented by.
    fn unit(&self) -> String {
        let Ok(Some(root)) = self.root() else {
            return INDENTATION.into();
        };
        let outer = self.indent_at(root.range.start);
        let first = root
            .properties
            .iter()
            .find(|property| self.begins_line(property.range.start));
        first
            .and_then(|property| self.indent_at(property.range.start).strip_prefix(outer))
            .filter(|unit| !unit.is_empty())
            .unwrap_or(INDENTATION)
            .to_owned()
    }
}

/// Looks at what follows a value up to the end of its object: where the trailing comma is, and where the text ends that belongs to the value's line.
fn after_value(rest: &str) -> (Option<usize>, usize) {
    let mut comma = None;
    let mut place = 0;
    let mut end = 0;
    while let Some(left) = rest.get(place..).filter(|left| !left.is_empty()) {
        let step = if left.starts_with("/*") {
            left.find("*/").map_or(left.len(), |close| close + 2)
        } else if left.starts_with("//") {
            let line = left.find('\n').unwrap_or(left.len());
            left.get(..line).map_or(line, |text| text.trim_end().len())
        } else if left.starts_with(',') {
            comma = Some(place);
            1
        } else if left.starts_with('\n') {
            // The comma may stand on a line of its own.
            if comma.is_some() || !comma_follows(left) {
                break;
            }
            place += 1;
            continue;
        } else {
            place += left.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        place += step;
        end = place;
    }
    (comma, end)
}

/// Whether a comma comes after blanks and comments.
fn comma_follows(text: &str) -> bool {
    let mut left = text.trim_start();
    loop {
        left = if let Some(comment) = left.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if let Some(comment) = left.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else {
            return left.starts_with(',');
        }
        .trim_start();
    }
}

/// What is added: an object, or a field of a server.
enum Node<'a> {
    Object(Vec<(String, Node<'a>)>),
    Field(&'a Field),
}

impl Node<'_> {
    /// Over several lines, the first one without indentation.
    fn lines(&self, indent: &str, unit: &str, line_end: &str) -> String {
        let properties = match self {
            Self::Field(field) => return field_text(field),
            Self::Object(properties) => properties,
        };
        let deeper = format!("{indent}{unit}");
        let lines: Vec<String> = properties
            .iter()
            .map(|(key, node)| {
                let value = node.lines(&deeper, unit, line_end);
                format!("{line_end}{deeper}{}: {value}", quoted(key))
            })
            .collect();
        format!("{{{}{line_end}{indent}}}", lines.join(","))
    }

    fn one_line(&self) -> String {
        match self {
            Self::Field(field) => field_text(field),
            Self::Object(properties) => {
                let all: Vec<String> = properties
                    .iter()
                    .map(|(key, node)| format!("{}: {}", quoted(key), node.one_line()))
                    .collect();
                format!("{{ {} }}", all.join(", "))
            }
        }
    }
}

fn field_text(field: &Field) -> String {
    match field {
        Field::Text(text) => quoted(text),
        Field::List(items) => {
            let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn is(value: &Value<'_>, field: &Field) -> bool {
    match (value, field) {
        (Value::StringLit(there), Field::Text(wanted)) => there.value == *wanted,
        (Value::Array(there), Field::List(wanted)) => {
            let texts = there.elements.iter().map(Value::as_string_lit);
            texts
                .map(|text| text.map(|text| text.value.as_ref()))
                .eq(wanted.iter().map(|item| Some(item.as_str())))
        }
        _ => false,
    }
}

fn range(value: &Value<'_>) -> Range<usize> {
    let range = value.range();
    range.start..range.end
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The parser's sentences begin with a capital letter.
fn lower(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests;
