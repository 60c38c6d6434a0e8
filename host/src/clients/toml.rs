//! The servers in a client's TOML file, under `mcp_servers`: found by a parser that gives places, changed by splicing text there.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Key, Table, TableLike, Value};

use super::edit::{EditError, Field, Fields, Server, Splices, line_end, line_of, split_mark};

/// The text with the server in it. It is the same text where the server was already there as wanted.
///
/// # Errors
///
/// Where the text is not TOML, or has something else in the places that are to be changed.
pub(crate) fn merge(
    text: &str,
    servers: &str,
    name: &str,
    fields: &Fields,
) -> Result<String, EditError> {
    let (mark, body) = split_mark(text);
    let merged = merge_once(body, servers, name, fields)?;
    // What is written must be readable, and right at once. An entry that is made of dotted keys, for one, takes no header.
    match merge_once(&merged, servers, name, fields) {
        Ok(again) if again == merged => Ok(format!("{mark}{merged}")),
        _ => Err(EditError::new(
            format!("`{servers}` is written in a form that cannot be changed safely"),
            "put the entry into the file by hand; the command without --write prints it",
        )),
    }
}

/// The servers that the text has.
///
/// # Errors
///
/// As [`merge`].
pub(crate) fn servers(text: &str, servers: &str) -> Result<Vec<Server>, EditError> {
    let document = parse(split_mark(text).1)?;
    let Some(all) = document.get(servers).and_then(Item::as_table_like) else {
        return Ok(Vec::new());
    };
    let server = |(name, item): (&str, &Item)| {
        let entry = item.as_table_like()?;
        let arguments = entry.get("args").and_then(Item::as_array);
        let arguments =
            arguments.map(|array| array.iter().filter_map(Value::as_str).map(String::from));
        Some(Server {
            name: name.to_owned(),
            command: entry
                .get("command")
                .and_then(Item::as_str)
                .map(String::from),
            arguments: arguments.map(Iterator::collect).unwrap_or_default(),
        })
    };
    Ok(all.iter().filter_map(server).collect())
}

fn parse(text: &str) -> Result<Document<String>, EditError> {
    Document::parse(text.to_owned()).map_err(|error| {
        let line = line_of(text, error.span().map_or(text.len(), |span| span.start));
        EditError::new(
            format!("line {line} is not TOML: {}", error.message().trim()),
            "correct that line first",
        )
    })
}

fn merge_once(text: &str, servers: &str, name: &str, fields: &Fields) -> Result<String, EditError> {
    let document = parse(text)?;
    let mut splices = Splices::default();
    match document.get(servers) {
        None => append_table(&mut splices, text, servers, name, fields),
        Some(Item::Table(all)) => match all.get(name) {
            None => append_table(&mut splices, text, servers, name, fields),
            // There are tables below it, such as its environment, and nothing of its own.
            Some(Item::Table(entry)) if entry.is_implicit() && !entry.is_dotted() => {
                append_table(&mut splices, text, servers, name, fields);
            }
            Some(entry) => update(&mut splices, text, name, entry, fields)?,
        },
        Some(Item::Value(Value::InlineTable(all))) => match all.get(name) {
            None => {
                let entry = format!("{} = {{ {} }}", key(name), inline(fields));
                add_inline(&mut splices, all, &entry);
            }
            Some(entry) => {
                let table = entry.as_inline_table();
                update_inline(&mut splices, text, name, (table, entry.span()), fields)?;
            }
        },
        Some(other) => {
            let line = line_of(text, other.span().map_or(0, |span| span.start));
            return Err(EditError::new(
                format!("`{servers}` on line {line} is not a table"),
                format!("write `[{servers}.NAME]` tables instead"),
            ));
        }
    }
    Ok(splices.apply(text))
}

/// Puts a table at the end of the file.
fn append_table(splices: &mut Splices, text: &str, servers: &str, name: &str, fields: &Fields) {
    let end = line_end(text);
    let gap = match text {
        "" => String::new(),
        text if text.ends_with('\n') => end.to_owned(),
        _ => format!("{end}{end}"),
    };
    let mut table = format!("{gap}[{servers}.{}]{end}", key(name));
    for (name, field) in fields {
        table.push_str(&format!("{name} = {}{end}", value(field)));
    }
    splices.insert(text.len(), table);
}

/// Makes an entry that is there have the fields, and leaves its others.
fn update(
    splices: &mut Splices,
    text: &str,
    name: &str,
    entry: &Item,
    fields: &Fields,
) -> Result<(), EditError> {
    let Item::Table(table) = entry else {
        let table = entry.as_inline_table();
        return update_inline(splices, text, name, (table, entry.span()), fields);
    };
    let missing = replace_values(splices, text, name, table, fields)?;
    if missing.is_empty() {
        return Ok(());
    }
    let end = line_end(text);
    let after = after_last_value(text, table);
    let at_end = text
        .get(..after)
        .is_some_and(|before| after == text.len() && before.ends_with('\n'));
    let lines = missing
        .iter()
        .map(|(name, field)| format!("{name} = {}", value(field)));
    let lines = lines.collect::<Vec<_>>().join(end);
    splices.insert(
        after,
        if at_end {
            format!("{lines}{end}")
        } else {
            format!("{end}{lines}")
        },
    );
    Ok(())
}

fn update_inline(
    splices: &mut Splices,
    text: &str,
    name: &str,
    (table, place): (Option<&InlineTable>, Option<Range<usize>>),
    fields: &Fields,
) -> Result<(), EditError> {
    let Some(table) = table else {
        let line = line_of(text, place.map_or(0, |span| span.start));
        return Err(EditError::new(
            format!("the entry `{name}` on line {line} is not a table"),
            "remove it, or use another name with --name",
        ));
    };
    let missing = replace_values(splices, text, name, table, fields)?;
    if !missing.is_empty() {
        add_inline(splices, table, &inline(&missing));
    }
    Ok(())
}

/// Replaces the values that differ and gives the fields that are not there.
fn replace_values(
    splices: &mut Splices,
    text: &str,
    name: &str,
    table: &dyn TableLike,
    fields: &Fields,
) -> Result<Fields, EditError> {
    if let Some(url) = table.get("url") {
        let line = line_of(text, url.span().map_or(0, |span| span.start));
        return Err(EditError::new(
            format!(
                "the entry `{name}` is a server that the client reaches by its `url`, on line {line}"
            ),
            "remove it, or use another name with --name",
        ));
    }
    let mut missing = Vec::new();
    for (key, field) in fields {
        match table.get(key) {
            None => missing.push((*key, field.clone())),
            Some(there) if is(there, field) => {}
            Some(there) => match there.span() {
                Some(span) if there.is_value() => splices.replace(span, value(field)),
                _ => {
                    return Err(EditError::new(
                        format!("`{key}` of the entry `{name}` is a table"),
                        "remove the entry, or use another name with --name",
                    ));
                }
            },
        }
    }
    Ok(missing)
}

/// The end of the line that has the table's last value of its own, or its header.
fn after_last_value(text: &str, table: &Table) -> usize {
    let ends = table
        .iter()
        .filter(|(_, item)| item.is_value())
        .filter_map(|(_, item)| item.span())
        .map(|span| span.end);
    let last = ends.max().or_else(|| table.span().map(|span| span.start));
    let last = last.unwrap_or(text.len());
    let rest = text.get(last..).unwrap_or_default();
    let line = rest.find('\n').map_or(text.len(), |end| last + end);
    match text.get(..line) {
        Some(before) if before.ends_with('\r') => line - 1,
        _ => line,
    }
}

fn add_inline(splices: &mut Splices, table: &InlineTable, added: &str) {
    let last: Option<Range<usize>> = table.iter().filter_map(|(_, value)| value.span()).last();
    match (last, table.span()) {
        (Some(last), _) => splices.insert(last.end, format!(", {added}")),
        (None, Some(whole)) => splices.replace(whole, format!("{{ {added} }}")),
        (None, None) => {}
    }
}

fn inline(fields: &Fields) -> String {
    let all = fields
        .iter()
        .map(|(name, field)| format!("{name} = {}", value(field)));
    all.collect::<Vec<_>>().join(", ")
}

fn is(item: &Item, field: &Field) -> bool {
    match field {
        Field::Text(wanted) => item.as_str() == Some(wanted),
        Field::List(wanted) => item.as_array().is_some_and(|array| {
            array
                .iter()
                .map(Value::as_str)
                .eq(wanted.iter().map(|item| Some(item.as_str())))
        }),
    }
}

fn value(field: &Field) -> String {
    match field {
        Field::Text(text) => Value::from(text.as_str()).to_string(),
        Field::List(items) => {
            let items = items
                .iter()
                .map(|item| Value::from(item.as_str()).to_string());
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn key(name: &str) -> String {
    Key::new(name).to_string()
}

#[cfg(test)]
mod tests;
