//! A plugin with resources and prompts of every kind, seen from both sides: as the functions that its author calls, and as what the host gets.

use std::fmt::Debug;

use toolbay_manifest::Manifest;
use toolbay_sdk::__private::bindings::{completions, describe, prompts, resources, tools};
use toolbay_sdk::prelude::*;

mod vault {
    use toolbay_sdk::prelude::*;

    /// One note, as Markdown.
    #[resource(
        "notes://note/{+path}",
        title = "Note",
        mime_type = "text/markdown",
        icon = "https://example.com/note.png",
        icon = "data:image/png;base64,AA==",
        audience = "user, assistant",
        priority = 0.5,
        list = list,
        complete(path = paths)
    )]
    pub(crate) fn note(ctx: &Context, path: &str) -> Result<String, ToolError> {
        ctx.log(LogLevel::Debug, path);
        match path {
            "to do/a.md" => Ok("# To do".to_owned()),
            _ => Err(ToolError::not_found(format!("there is no note `{path}`"))),
        }
    }

    pub(crate) fn list(cursor: Option<&str>) -> Result<ResourcePage, std::num::ParseIntError> {
        let number: u32 = cursor.unwrap_or("1").parse()?;
        let uri = format!("notes://note/{number}.md");
        let page = ResourcePage::new([ResourceEntry::new(uri, number.to_string()).size(7)]);
        Ok(if number < 2 { page.next("2") } else { page })
    }

    fn paths(typed: &str, settled: &Settled) -> Vec<String> {
        vec![format!("{typed}… of {:?}", settled.get("vault"))]
    }
}

/// The logo.
#[resource("notes://logo", name = "picture", size = 3, mime_type = "image/png")]
fn logo() -> Vec<u8> {
    vec![1, 2, 3]
}

/// How many notes there are in a year, by month.
#[resource("notes://count/{year}{?month,unit}")]
fn count(year: u16, month: Option<u8>, #[default("notes")] unit: &str) -> Json<serde_json::Value> {
    Json(json!({"year": year, "month": month, "unit": unit}))
}

/// All parts of a note.
#[resource("notes://parts/{a}-{b}", list = no_parts)]
fn parts(b: String, a: Date) -> Vec<ResourcePart> {
    vec![
        ResourcePart::text(format!("{a} {b}"))
            .uri("notes://parts/1")
            .mime_type("text/plain"),
        ResourcePart::bytes([9]).meta(json!({"x": 1})),
    ]
}

fn no_parts(_cursor: Option<&str>) -> Vec<ResourceEntry> {
    Vec::new()
}

/// A greeting.
#[resource("notes://hello")]
fn hello() -> &'static str {
    "hello"
}

/// Asks for a summary.
///
/// It is short.
#[prompt(title = "Summarise", icon = "https://example.com/a.png", complete(style = styles, r#type = types))]
fn summarise(
    /// Where the note is
    #[argument(name = "noteUri", title = "Note")]
    uri: &str,
    /// In which style
    style: Option<&str>,
    r#type: Option<String>,
    #[default(10)] words: u32,
) -> Result<PromptResult, ToolError> {
    if uri.is_empty() {
        return Err(ToolError::validation("`noteUri` is empty"));
    }
    let text = format!("Summarise {uri} {style:?} {type:?} {words}");
    Ok(PromptResult::new([PromptMessage::user(text)]).description("A summary"))
}

fn styles(typed: &str, _settled: &Settled) -> Result<Completion, ToolError> {
    Ok(Completion::matching(["plain", "poetic"], typed)
        .total(2)
        .more())
}

fn types(_typed: &str, _settled: &Settled) -> Vec<&'static str> {
    vec!["short", "long"]
}

/// Says hello.
#[prompt]
fn greet(ctx: &Context) -> String {
    ctx.progress(1, 1);
    "Hello".to_owned()
}

/// Talks about a picture.
#[prompt]
fn talk() -> Vec<PromptMessage> {
    vec![
        PromptMessage::user(Content::image(*b"PNG", "image/png")),
        PromptMessage::assistant("A picture."),
    ]
}

/// Renames a note and returns its new name.
#[tool(icon = "https://example.com/rename.png")]
fn rename(note: &str, ctx: &Context, name: String) -> String {
    ctx.resource_updated(note);
    name
}

#[data]
struct Removal {
    /// Which note
    note: String,
}

/// Removes a note and returns how many are left.
#[tool]
fn remove(#[arguments] removal: Removal, ctx: &Context) -> Result<u32, ToolError> {
    ctx.roots("folders")?;
    Ok(u32::try_from(removal.note.len())?)
}

plugin!(
    rename,
    remove;
    resources(vault::note, logo, count, parts, hello);
    prompts(summarise, greet, talk,);
    settings_text = r#"
    [plugin]
    name = "notes"
    version = "1.2.3"
    description = "Everything but the kitchen."

    [mounts.vault]
    access = "read"

    [tools.rename]
    icons = [{ src = "https://example.com/other.png", theme = "dark" }]
    roots = true

    [resources.note]
    mounts = { vault = "read" }
    watch = { mount = "vault", path = "{path}" }
    annotations = { priority = 0.75 }

    [prompts.summarise]
    title = "Sum up"
    elicit = true
    "#
);

type Plugin = __toolbay_plugin;

#[test]
fn the_manifest_keeps_every_rule() {
    let text = <Plugin as describe::Guest>::manifest();
    let manifest = Manifest::from_json(&text).unwrap();
    assert!(manifest.resources["note"].lists && manifest.prompts["greet"].arguments.is_empty());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

fn shown<T: Debug, E: Debug>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("failed: {error:?}"),
    }
}

#[test]
fn what_is_read() {
    let read = |name: &str, variables: &str| {
        let (name, uri) = (name.to_owned(), "notes://…".to_owned());
        let read = <Plugin as resources::Guest>::read(name.clone(), uri, variables.to_owned());
        format!("{name} {variables}\n    {}", shown(read))
    };
    insta::assert_snapshot!(
        [
            read("note", r#"{"path": "to do/a.md"}"#),
            read("note", r#"{"path": "b.md"}"#),
            read("picture", "{}"),
            read("count", r#"{"year": "2026"}"#),
            read(
                "count",
                r#"{"year": "2026", "month": "11", "unit": "pages"}"#
            ),
            read("count", r#"{"year": "last"}"#),
            read("count", "{}"),
            read("parts", r#"{"a": "2026-11-26", "b": "x"}"#),
            read("parts", r#"{"a": "2026-11-31", "b": "x"}"#),
            read("hello", "{}"),
            read("logo", "{}"),
            read("hello", "no JSON"),
            read("count", "no JSON"),
        ]
        .join("\n")
    );
}

#[test]
fn what_is_listed() {
    let list = |name: &str, cursor: Option<&str>| {
        let cursor = cursor.map(str::to_owned);
        shown(<Plugin as resources::Guest>::list(name.to_owned(), cursor))
    };
    insta::assert_snapshot!(
        [
            list("note", None),
            list("note", Some("2")),
            list("note", Some("x")),
            list("parts", None),
            list("hello", None),
        ]
        .join("\n")
    );
}

#[test]
fn what_prompts_say() {
    let get = |name: &str, arguments: &str| {
        let got = <Plugin as prompts::Guest>::get(name.to_owned(), arguments.to_owned());
        format!("{name} {arguments}\n    {}", shown(got))
    };
    insta::assert_snapshot!(
        [
            get("summarise", r#"{"noteUri": "notes://note/a"}"#),
            get(
                "summarise",
                r#"{"noteUri": "a", "style": "plain", "type": "short", "words": "5"}"#
            ),
            get("summarise", r#"{"noteUri": "a", "words": "few"}"#),
            get("summarise", r#"{"noteUri": ""}"#),
            get("summarise", "{}"),
            get("greet", "{}"),
            get("talk", "{}"),
            get("nothing", "{}"),
        ]
        .join("\n")
    );
}

#[test]
fn what_is_proposed() {
    let complete = |of: completions::Reference, argument: &str, value: &str, context: &str| {
        let (argument, value) = (argument.to_owned(), value.to_owned());
        shown(<Plugin as completions::Guest>::complete(
            of,
            argument,
            value,
            context.to_owned(),
        ))
    };
    let prompt = || completions::Reference::Prompt("summarise".to_owned());
    let resource = || completions::Reference::Resource("note".to_owned());
    insta::assert_snapshot!(
        [
            complete(prompt(), "style", "PO", "{}"),
            complete(prompt(), "type", "", "{}"),
            complete(prompt(), "words", "", "{}"),
            complete(resource(), "path", "a", r#"{"vault": "home"}"#),
            complete(resource(), "style", "", "{}"),
            complete(
                completions::Reference::Prompt("note".to_owned()),
                "path",
                "",
                "{}"
            ),
        ]
        .join("\n")
    );
}

#[test]
fn tools_take_a_context_beside_their_arguments() {
    let call = |name: &str, arguments: &str| {
        shown(<Plugin as tools::Guest>::call(
            name.to_owned(),
            arguments.to_owned(),
        ))
    };
    insta::assert_snapshot!(
        [
            call("rename", r#"{"note": "a", "name": "b"}"#),
            call("rename", r#"{"note": "a", "name": "b", "ctx": {}}"#),
            call("remove", r#"{"note": "a"}"#),
        ]
        .join("\n")
    );
    let ctx = Context::new();
    assert_eq!(rename("notes://note/a", &ctx, "b".to_owned()), "b");
    assert_eq!(ctx.updated(), ["notes://note/a"]);
}

/// Functions may have any names, also those of what stands for them.
mod names {
    use toolbay_sdk::prelude::*;

    /// A resource.
    #[resource("names://{list}", list = cursor, complete(list = typed))]
    fn read(list: &str) -> String {
        list.to_owned()
    }

    fn cursor(_cursor: Option<&str>) -> Vec<ResourceEntry> {
        Vec::new()
    }

    fn typed(typed: &str, settled: &Settled) -> Vec<String> {
        vec![
            typed.to_owned(),
            settled.get("value").unwrap_or_default().to_owned(),
        ]
    }

    /// A prompt.
    #[prompt(complete(value = typed))]
    fn get(value: &str, #[default("x")] texts: &str) -> String {
        format!("{value}{texts}")
    }

    plugin!(resources(read); prompts(get); settings_text = "[plugin]\nname = 'names'\ndescription = 'Names.'");

    #[test]
    fn the_functions_of_the_author_are_called() {
        use toolbay_sdk::__private::bindings::{prompts, resources};
        let (name, uri) = ("read".to_owned(), "names://a".to_owned());
        let variables = r#"{"list": "a"}"#.to_owned();
        let read = <__toolbay_plugin as resources::Guest>::read(name, uri, variables).unwrap();
        assert_eq!(read.contents.len(), 1);
        let arguments = r#"{"value": "a"}"#.to_owned();
        let got = <__toolbay_plugin as prompts::Guest>::get("get".to_owned(), arguments).unwrap();
        assert_eq!(got.messages.len(), 1);
    }
}

#[test]
fn they_are_still_functions() {
    assert_eq!(
        vault::note(&Context::new(), "to do/a.md").unwrap(),
        "# To do"
    );
    assert_eq!(logo(), [1, 2, 3]);
    assert_eq!(greet(&Context::new()), "Hello");
    assert_eq!(vault::list(None).unwrap().next_cursor(), Some("2"));
}
