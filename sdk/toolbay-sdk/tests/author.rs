//! One plugin with a tool of every kind, seen from both sides: as the functions that its author calls, and as what the host gets.

use std::collections::BTreeMap;

use toolbay_manifest::Manifest;
use toolbay_sdk::__private::bindings::{describe, tools};
use toolbay_sdk::prelude::*;

mod text {
    use toolbay_sdk::prelude::*;

    /// Repeats a text and returns it as one.
    #[tool(title = "Repeat a text")]
    pub(crate) fn repeat(
        /// What to repeat
        #[schemars(length(min = 1, max = 20))]
        text: &str,
        /// How often
        #[schemars(range(max = 3))]
        #[default(2)]
        times: usize,
        /// What to put between
        separator: Option<&str>,
    ) -> String {
        vec![text; times].join(separator.unwrap_or_default())
    }
}

/// A module of a tool's name is no harm.
mod add {
    pub(crate) fn sum(a: f64, b: f64) -> f64 {
        a + b
    }
}

/// Adds two numbers and returns their sum.
///
/// The order does not matter.
#[tool]
fn add(
    /** The first number */
    a: f64,
    /** The second number */
    b: f64,
) -> f64 {
    add::sum(a, b)
}

/// A place on a plane.
#[data]
#[derive(Debug, PartialEq)]
struct Point {
    /// To the right
    x: f64,
    /// Upwards
    y: f64,
}

/// What to do with a point.
#[data]
#[serde(rename_all = "kebab-case")]
enum Mirror {
    Horizontally,
    Vertically,
}

/// Mirrors a point and returns the new one.
#[tool]
fn mirror(#[serde(rename = "from")] point: &Point, how: Mirror) -> Point {
    match how {
        Mirror::Horizontally => Point {
            x: -point.x,
            y: point.y,
        },
        Mirror::Vertically => Point {
            x: point.x,
            y: -point.y,
        },
    }
}

#[data]
struct Search {
    /// A word that must be there
    word: String,
    /// How many at most
    #[serde(default)]
    limit: Option<u32>,
}

/// Finds points by name and returns as many as wanted.
#[tool(name = "find_points")]
fn find(#[arguments] search: &Search) -> Result<Vec<Point>, ToolError> {
    if search.word != "origin" {
        return Err(ToolError::not_found(format!(
            "there is no point `{}`; ask for `origin`",
            search.word
        ))
        .details(json!({"known": ["origin"]})));
    }
    let count = search.limit.unwrap_or(1);
    Ok((0..count).map(|_| Point { x: 0.0, y: 0.0 }).collect())
}

/// Reads a number out of a text and returns nothing.
#[tool]
fn check_number(text: String) -> Result<(), std::num::ParseIntError> {
    text.parse::<i32>().map(|_| ())
}

#[data]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Shape {
    Circle { radius: f64 },
    Square { side: f64 },
}

/// Returns a shape of the wanted size.
#[tool]
fn shape(size: f64) -> Shape {
    if size > 1.0 {
        Shape::Circle { radius: size }
    } else {
        Shape::Square { side: size }
    }
}

/// Returns a point, or nothing.
#[tool]
fn maybe(wanted: bool) -> Option<Point> {
    wanted.then_some(Point { x: 1.0, y: 2.0 })
}

/// Returns what was sent.
#[tool]
fn echo(value: serde_json::Value) -> serde_json::Value {
    value
}

/// Counts words and returns how often each is there.
#[tool]
fn count(words: &[String]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    words
        .iter()
        .for_each(|word| *counts.entry(word.clone()).or_default() += 1);
    counts
}

/// A tree of names.
#[data]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

/// Turns a tree upside down and returns it.
#[tool]
fn reverse(tree: Tree) -> Tree {
    let children = tree.children.into_iter().rev().map(reverse).collect();
    Tree {
        name: tree.name,
        children,
    }
}

/// Returns a picture with a text beside it.
#[tool]
fn picture() -> ToolResult {
    ToolResult::new()
        .text("a picture")
        .content(Content::image(*b"PNG", "image/png").audience([Role::User]))
}

/// Describes the origin.
#[tool]
fn describe_origin(short: bool) -> Result<toolbay_sdk::WithText<Point>, ToolError> {
    if short {
        return Err(ToolError::validation("there is nothing shorter"));
    }
    let text = "The origin, where both are zero.";
    Ok(toolbay_sdk::WithText::new(Point { x: 0.0, y: 0.0 }, text))
}

plugin!(add, text::repeat, mirror, find, check_number, shape, maybe, echo, count, reverse, picture, describe_origin;
settings_text = r#"
    [plugin]
    name = "kitchen"
    version = "1.2.3"
    description = "A tool of every kind."
    license = "MIT"
    allow = { vague-argument = "the names say it" }

    [mounts.pantry]
    access = "read"
    reason = "the words are there"

    [tools.find_points]
    title = "Find points"
    timeout = "5s"
    mounts = { pantry = "read" }

    [tools.add]
    memory = "128MiB"
    allow = { missing-bounds = "any two numbers can be added" }
"#);

fn manifest() -> String {
    <__toolbay_plugin as describe::Guest>::manifest()
}

/// The outcome of one call in a few words: the structured value or the texts, or the code and the sentence.
fn call(name: &str, arguments: &str) -> String {
    match <__toolbay_plugin as tools::Guest>::call(name.to_owned(), arguments.to_owned()) {
        Ok(result) => format!(
            "{} {:?}",
            result.structured.unwrap_or_default(),
            result.content
        ),
        Err(error) => format!(
            "{:?}: {} {}",
            error.code,
            error.message,
            error.details.unwrap_or_default()
        ),
    }
}

#[test]
fn the_manifest_keeps_every_rule() {
    let manifest = Manifest::from_json(&manifest()).unwrap();
    let names: Vec<_> = manifest.tools.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "add",
            "repeat",
            "mirror",
            "find_points",
            "check_number",
            "shape",
            "maybe",
            "echo",
            "count",
            "reverse",
            "picture",
            "describe_origin"
        ]
    );
}

#[test]
fn the_manifest_in_full() {
    let manifest: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap());
}

#[test]
fn calls() {
    let calls = [
        ("add", r#"{"a": 1, "b": 2.5}"#),
        ("add", r#"{"a": 1}"#),
        ("add", r#"{"a": 1, "b": 2, "c": 3}"#),
        ("repeat", r#"{"text": "ab"}"#),
        (
            "repeat",
            r#"{"text": "a\nb", "times": 3, "separator": "-"}"#,
        ),
        (
            "mirror",
            r#"{"from": {"x": 1, "y": 2}, "how": "vertically"}"#,
        ),
        ("find_points", r#"{"word": "origin", "limit": 2}"#),
        ("find_points", r#"{"word": "pole"}"#),
        ("check_number", r#"{"text": "12"}"#),
        ("check_number", r#"{"text": "twelve"}"#),
        ("shape", r#"{"size": 2}"#),
        ("maybe", r#"{"wanted": true}"#),
        ("maybe", r#"{"wanted": false}"#),
        ("echo", r#"{"value": {"z": 1, "a": [null]}}"#),
        ("echo", r#"{"value": "text"}"#),
        ("count", r#"{"words": ["a", "b", "a"]}"#),
        (
            "reverse",
            r#"{"tree": {"name": "r", "children": [{"name": "a", "children": []}, {"name": "b", "children": []}]}}"#,
        ),
        ("picture", "{}"),
        ("describe_origin", r#"{"short": false}"#),
        ("describe_origin", r#"{"short": true}"#),
        ("find", "{}"),
        ("", "no JSON"),
    ];
    let outcomes: Vec<_> = calls
        .iter()
        .map(|(name, arguments)| format!("{name} {arguments}\n    {}", call(name, arguments)))
        .collect();
    insta::assert_snapshot!(outcomes.join("\n"));
}

#[test]
fn tools_are_still_functions() {
    assert!((add(1.0, 2.0) - 3.0).abs() < f64::EPSILON);
    assert_eq!(text::repeat("ab", 2, Some("-")), "ab-ab");
    assert_eq!(
        mirror(&Point { x: 1.0, y: 2.0 }, Mirror::Horizontally),
        Point { x: -1.0, y: 2.0 }
    );
}

/// What the host checks each structured result against has to fit it, also where a type is sometimes an object and sometimes not.
#[test]
fn structured_results_fit_their_schemas() {
    let manifest = Manifest::from_json(&manifest()).unwrap();
    let schema = |tool: &str| manifest.tools[tool].output_schema.clone().unwrap();
    assert_eq!(schema("maybe")["anyOf"][1]["required"], json!(["result"]));
    assert_eq!(schema("shape")["type"], "object");
    assert_eq!(schema("add")["properties"]["result"]["type"], "number");
    assert_eq!(manifest.tools["picture"].output_schema, None);
    assert_eq!(manifest.tools["repeat"].output_schema, None);
}
