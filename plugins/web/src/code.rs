//! Code in Markdown: its text as it is, without the links and emphasis with which pages colour it.

use std::rc::Rc;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::{Element, Node};

use crate::clean::{attribute, children, code_text_of, parent, tag};

/// How far above a block of code its language may be said.
const LEVELS: usize = 3;

/// Writes a block of code between fences.
pub(crate) fn write_block(_: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let text = code_text_of(element.node);
    // The first line end after `<pre>` is none of the text's, and the parser has taken it away; at the end, they say nothing.
    let text = text.trim_end();
    if text.trim().is_empty() {
        return None;
    }
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let language = language(element.node).unwrap_or_default();
    Some(format!("\n\n{fence}{language}\n{text}\n{fence}\n\n").into())
}

/// Writes code in a line.
pub(crate) fn write_inline(_: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let text = code_text_of(element.node);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.is_empty() {
        return None;
    }
    let marks = match longest_run(&text) {
        0 => "`".to_owned(),
        run => "`".repeat(run + 1),
    };
    // A space keeps backticks at the ends apart from the marks, and Markdown takes it away again.
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    Some(format!("{marks}{space}{text}{space}{marks}").into())
}

fn longest_run(text: &str) -> usize {
    text.split(|char| char != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// The language as the classes of highlighters name it, on the block, on the code in it or around it.
fn language(pre: &Rc<Node>) -> Option<String> {
    let inside = children(pre)
        .into_iter()
        .filter(|node| tag(node) == Some("code"));
    let around = std::iter::successors(Some(pre.clone()), parent).take(LEVELS);
    inside.chain(around).find_map(|node| {
        let classes = attribute(&node, "class")?;
        let named = classes.split_whitespace().find_map(|class| {
            ["language-", "lang-", "highlight-source-", "highlight-"]
                .iter()
                .find_map(|prefix| class.strip_prefix(prefix))
        })?;
        let is_name = named.len() <= 20
            && named
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+#-_".contains(&byte));
        let says_nothing =
            ["", "none", "text", "default", "plaintext", "notranslate"].contains(&named);
        (is_name && !says_nothing).then(|| named.to_owned())
    })
}
