//! Takes out of a page's tree what is not to be read: scripts, menus, what is hidden. Owns those rules, whole addresses in links, and a bound on depth, without
//! which a page could overflow the stack of whoever walks its tree. Nothing here recurses.

use std::rc::Rc;

use htmd::Node;
use markup5ever_rcdom::NodeData;
use toolbay_sdk::http;

/// How deep elements are nested at most; of what is deeper only the text stays.
const MAX_DEPTH: usize = 100;

/// Elements that hold nothing to read, or nothing that can be read without a browser.
const NEVER_READ: [&str; 29] = [
    "script", "style", "noscript", "template", "iframe", "frame", "svg", "canvas", "object",
    "embed", "applet", "audio", "video", "map", "link", "meta", "base", "button", "input",
    "select", "textarea", "datalist", "option", "optgroup", "progress", "meter", "dialog", "track",
    "source",
];

/// Elements and roles around the main text.
const AROUND: [&str; 5] = ["nav", "header", "footer", "aside", "search"];
const ROLES_AROUND: [&str; 5] = [
    "navigation",
    "banner",
    "contentinfo",
    "search",
    "complementary",
];

/// What is left where a link to a place on the same page is only a mark.
const MARKS: [&str; 6] = ["", "#", "¶", "§", "🔗", "\u{2693}"];

/// Cleans the tree of a page that came from `url`. With `whole_page` what is around the main text stays.
pub(crate) fn clean(tree: &Rc<Node>, url: &str, whole_page: bool) {
    let base = base(tree, url);
    let mut stack = vec![(tree.clone(), 0, false)];
    while let Some((node, depth, in_main)) = stack.pop() {
        let in_main = in_main || is_main(&node) || tag(&node) == Some("article");
        let kept: Vec<Rc<Node>> = children(&node)
            .into_iter()
            .filter(|child| is_read(child, in_main, whole_page))
            .collect();
        if depth >= MAX_DEPTH && kept.iter().any(|child| tag(child).is_some()) {
            let text: String = kept.iter().map(text_of).collect();
            node.children.replace(vec![text_node(&text)]);
            continue;
        }
        for child in &kept {
            make_address_whole(child, &base);
            stack.push((child.clone(), depth + 1, in_main));
        }
        node.children.replace(kept);
    }
}

fn is_read(node: &Rc<Node>, in_main: bool, whole_page: bool) -> bool {
    let Some(tag) = tag(node) else {
        return matches!(node.data, NodeData::Text { .. });
    };
    if NEVER_READ.contains(&tag) || is_hidden(node) {
        return false;
    }
    if !whole_page {
        let role = attribute(node, "role").unwrap_or_default();
        let is_menu = tag == "nav" || role == "navigation";
        // In an article, a header holds its heading and an aside a remark.
        let is_around = AROUND.contains(&tag) || ROLES_AROUND.contains(&role.as_str());
        if is_menu || (is_around && !in_main) {
            return false;
        }
    }
    match tag {
        // Without words for it, a picture says nothing to a reader of text.
        "img" => attribute(node, "alt").is_some_and(|alt| !alt.trim().is_empty()),
        "a" => {
            let leads_here =
                attribute(node, "href").is_none_or(|href| href.trim_start().starts_with('#'));
            let text = text_of(node);
            let has_picture = || descendants(node).any(|inner| self::tag(&inner) == Some("img"));
            !(MARKS.contains(&text.trim())
                && (leads_here || text.trim().is_empty())
                && !has_picture())
        }
        _ => true,
    }
}

fn is_hidden(node: &Rc<Node>) -> bool {
    // The numbers of lines, beside code.
    const NUMBERS: [&str; 5] = ["linenos", "lineno", "linenumber", "gutter", "blob-num"];
    let classes = attribute(node, "class").unwrap_or_default();
    let style = attribute(node, "style").unwrap_or_default();
    let style: String = style
        .chars()
        .filter(|char| !char.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    attribute(node, "hidden").is_some()
        || attribute(node, "aria-hidden").is_some_and(|hidden| hidden == "true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || (matches!(tag(node), Some("td" | "span"))
            && classes
                .split_whitespace()
                .any(|class| NUMBERS.contains(&class)))
}

/// Whether a page says of an element that it is the main text.
pub(crate) fn is_main(node: &Rc<Node>) -> bool {
    tag(node) == Some("main") || attribute(node, "role").is_some_and(|role| role == "main")
}

/// What links are relative to: the page's own address unless it names another one.
fn base(tree: &Rc<Node>, url: &str) -> String {
    descendants(tree)
        .filter(|node| tag(node) == Some("base"))
        .find_map(|node| attribute(&node, "href"))
        .and_then(|href| http::resolve(url, &href).ok())
        .unwrap_or_else(|| url.to_owned())
}

/// A link or picture gets an address that means the same elsewhere; one that leads nowhere from here loses it.
fn make_address_whole(node: &Rc<Node>, base: &str) {
    let NodeData::Element { attrs, .. } = &node.data else {
        return;
    };
    let name = match tag(node) {
        Some("a") => "href",
        Some("img") => "src",
        _ => return,
    };
    let mut attrs = attrs.borrow_mut();
    // Pictures that a script loads later have their address here meanwhile.
    let later = attrs
        .iter()
        .find(|attr| &*attr.name.local == "data-src")
        .map(|attr| attr.value.clone());
    // A title repeats what the link says, or holds what only a pointer would show.
    attrs.retain(|attr| &*attr.name.local == name || &*attr.name.local == "alt");
    for attr in attrs.iter_mut().filter(|attr| &*attr.name.local == name) {
        if let Some(later) = later
            .as_ref()
            .filter(|_| attr.value.trim_start().starts_with("data:"))
        {
            attr.value = later.clone();
        }
        attr.value = whole_address(&attr.value, base).unwrap_or_default().into();
    }
    attrs.retain(|attr| &*attr.name.local == "alt" || !attr.value.is_empty());
}

fn whole_address(address: &str, base: &str) -> Option<String> {
    let address = address.trim();
    if address.is_empty() || address.starts_with('#') {
        return None;
    }
    let scheme = address
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("mailto" | "tel") => Some(address.to_owned()),
        // In parentheses of Markdown, parentheses would have to be escaped, and a reader would take the escapes for a part of the address.
        _ => Some(
            http::resolve(base, address)
                .ok()?
                .replace('(', "%28")
                .replace(')', "%29"),
        ),
    }
}

/// An element's name.
pub(crate) fn tag(node: &Rc<Node>) -> Option<&str> {
    match &node.data {
        NodeData::Element { name, .. } => Some(&name.local),
        _ => None,
    }
}

/// An element's attribute.
pub(crate) fn attribute(node: &Rc<Node>, name: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else {
        return None;
    };
    let attrs = attrs.borrow();
    let attr = attrs.iter().find(|attr| &*attr.name.local == name)?;
    Some(attr.value.to_string())
}

pub(crate) fn children(node: &Rc<Node>) -> Vec<Rc<Node>> {
    node.children.borrow().clone()
}

/// Whether a node is in an element of this name.
pub(crate) fn is_inside(node: &Rc<Node>, name: &str) -> bool {
    let mut current = parent(node);
    while let Some(node) = current {
        if tag(&node) == Some(name) {
            return true;
        }
        current = parent(&node);
    }
    false
}

pub(crate) fn parent(node: &Rc<Node>) -> Option<Rc<Node>> {
    let parent = node.parent.take();
    node.parent.set(parent.clone());
    parent?.upgrade()
}

/// All nodes below one, in their order.
pub(crate) fn descendants(node: &Rc<Node>) -> impl Iterator<Item = Rc<Node>> {
    let mut stack: Vec<Rc<Node>> = children(node).into_iter().rev().collect();
    std::iter::from_fn(move || {
        let next = stack.pop()?;
        stack.extend(next.children.borrow().iter().rev().cloned());
        Some(next)
    })
}

/// The text in a node, without what is never read.
pub(crate) fn text_of(node: &Rc<Node>) -> String {
    text_with(node, "")
}

/// The text in a node with code, where line breaks may be elements.
pub(crate) fn code_text_of(node: &Rc<Node>) -> String {
    text_with(node, "\n")
}

fn text_with(node: &Rc<Node>, line_break: &str) -> String {
    let mut text = String::new();
    let mut stack = vec![node.clone()];
    while let Some(node) = stack.pop() {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        } else if tag(&node) == Some("br") {
            text.push_str(line_break);
        } else if tag(&node).is_none_or(|tag| !NEVER_READ.contains(&tag)) {
            stack.extend(node.children.borrow().iter().rev().cloned());
        }
    }
    text
}

fn text_node(text: &str) -> Rc<Node> {
    Node::new(NodeData::Text {
        contents: std::cell::RefCell::new(text.into()),
    })
}
