//! Tables in Markdown. htmd's own drops the headings of rows and all cells of a first row but its headings.

use std::rc::Rc;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::{Element, Node};

use crate::clean::{attribute, children, descendants, tag};

/// The most columns that one cell may take, and that a table may have.
const MAX_COLUMNS: usize = 100;

/// Writes a table as rows between pipes. One that only arranges a page is written as what is in it, cell after cell.
pub(crate) fn write(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let rows = rows(element.node);
    let mut text = String::from("\n\n");
    for caption in children(element.node)
        .iter()
        .filter(|node| tag(node) == Some("caption"))
    {
        text.push_str(handlers.walk_children(caption).content.trim());
        text.push_str("\n\n");
    }
    if is_layout(element.node, &rows) {
        for cell in rows.iter().flatten() {
            text.push_str(handlers.walk_children(cell).content.trim());
            text.push_str("\n\n");
        }
        return Some(text.into());
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .flat_map(|cell| cells(handlers, cell))
                .take(MAX_COLUMNS)
                .collect()
        })
        .collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    // Markdown knows no table without headings; without them the first line is empty.
    let has_headings = rows.first().is_some_and(|row| {
        row.iter().any(|cell| tag(cell) == Some("th"))
            && !row.iter().skip(1).any(|cell| tag(cell) == Some("td"))
    });
    let mut lines = lines.into_iter();
    let headings = if has_headings {
        lines.next().unwrap_or_default()
    } else {
        Vec::new()
    };
    push_line(&mut text, &headings, columns);
    push_line(&mut text, &vec!["---".to_owned(); columns], columns);
    for line in lines {
        push_line(&mut text, &line, columns);
    }
    text.push('\n');
    Some(text.into())
}

/// The cells of each row that is not empty.
fn rows(table: &Rc<Node>) -> Vec<Vec<Rc<Node>>> {
    let is_group = |node: &Rc<Node>| matches!(tag(node), Some("thead" | "tbody" | "tfoot"));
    let is_row = |node: &Rc<Node>| tag(node) == Some("tr");
    children(table)
        .into_iter()
        .flat_map(|child| {
            if is_group(&child) {
                children(&child)
            } else {
                vec![child]
            }
        })
        .filter(is_row)
        .map(|row| {
            children(&row)
                .into_iter()
                .filter(|cell| matches!(tag(cell), Some("td" | "th")))
                .collect::<Vec<_>>()
        })
        .filter(|row| !row.is_empty())
        .collect()
}

/// Whether a table has no rows and columns that mean something.
fn is_layout(table: &Rc<Node>, rows: &[Vec<Rc<Node>>]) -> bool {
    const BLOCKS: [&str; 11] = [
        "table",
        "p",
        "ul",
        "ol",
        "pre",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "hr",
    ];
    let has_one_column = rows.iter().all(|row| row.len() < 2);
    let is_presentation =
        attribute(table, "role").is_some_and(|role| role == "presentation" || role == "none");
    // On one line of a table, code would be lost.
    let has_code = descendants(table).any(|node| tag(&node) == Some("pre"));
    let has_headings = || rows.iter().flatten().any(|cell| tag(cell) == Some("th"));
    let blocks = || {
        descendants(table)
            .filter(|node| tag(node).is_some_and(|tag| BLOCKS.contains(&tag)))
            .count()
    };
    let cells: usize = rows.iter().map(Vec::len).sum();
    has_one_column || is_presentation || has_code || (!has_headings() && blocks() > cells)
}

/// A cell on one line, and empty ones where it reaches over others.
fn cells(handlers: &dyn Handlers, cell: &Rc<Node>) -> Vec<String> {
    let content = handlers.walk_children(cell).content;
    let text: Vec<&str> = content.split_whitespace().collect();
    let text = text.join(" ").replace('|', "\\|");
    let columns =
        attribute(cell, "colspan").and_then(|columns| columns.trim().parse::<usize>().ok());
    let mut cells = vec![text];
    cells.resize(columns.unwrap_or(1).clamp(1, MAX_COLUMNS), String::new());
    cells
}

fn push_line(text: &mut String, cells: &[String], columns: usize) {
    text.push('|');
    for column in 0..columns {
        text.push(' ');
        text.push_str(cells.get(column).map_or("", String::as_str));
        text.push_str(" |");
    }
    text.push('\n');
}
