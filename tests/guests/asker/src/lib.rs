//! Asks its caller things, says how far it is, and has resources and prompts of each kind: what a client of each era gets to see of that.

use toolbay_sdk::http;
use toolbay_sdk::prelude::*;

plugin!(
    greet, name_twice, post_then_ask, ask_then_post, ask_at_random, ask_all, post_on_cancel, steps, say, touch,
    greet_later, long, crash_later;
    resources(greeting, logo, numbered, asked, broken);
    prompts(toast, asked_toast)
);

#[data]
struct Name {
    /// Your name
    #[schemars(length(min = 2))]
    name: String,
}

fn name(ctx: &Context, key: &str, message: &str) -> Result<String, ToolError> {
    Ok(ctx.elicit::<Name>(key, message)?.accepted()?.name)
}

/// Asks for a name and returns a greeting.
#[tool]
fn greet(ctx: &Context) -> Result<String, ToolError> {
    Ok(format!("Hello, {}!", name(ctx, "name", "Who are you?")?))
}

/// Asks for two names, one after the other, and returns both.
#[tool]
fn name_twice(ctx: &Context) -> Result<String, ToolError> {
    let first = name(ctx, "first", "Who comes first?")?;
    let second = name(ctx, "second", "Who comes second?")?;
    Ok(format!("{first} and {second}"))
}

/// Sends a POST, then asks for a name, and returns it.
#[tool]
fn post_then_ask(ctx: &Context, url: &str) -> Result<String, ToolError> {
    http::post(url).body("before").send()?;
    name(ctx, "name", "Who are you?")
}

/// Asks for a name, then sends it with a POST, and returns it.
#[tool]
fn ask_then_post(ctx: &Context, url: &str) -> Result<String, ToolError> {
    let name = name(ctx, "name", "Who are you?")?;
    http::post(url).body(name.clone()).send()?;
    Ok(name)
}

/// Asks each time it runs something else, and returns the answer.
#[tool]
fn ask_at_random(ctx: &Context) -> Result<String, ToolError> {
    use std::hash::{BuildHasher, Hasher};
    let number = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    name(ctx, "name", &format!("Who has number {number}?"))
}

/// Asks the user, the model and the client at once, and returns what each said.
#[tool]
fn ask_all(ctx: &Context) -> Result<String, ToolError> {
    let answers = ctx.ask(
        Questions::new()
            .form::<Name>("name", "Who are you?")
            .sample("verse", SampleRequest::new("Write a verse.").max_tokens(50))
            .roots("folders"),
    )?;
    let name: Answer<Name> = answers.form("name")?;
    let verse = answers.sample("verse")?;
    let roots = answers.roots("folders")?;
    Ok(format!(
        "{} / {} / {}",
        name.accepted()?.name,
        verse.text(),
        roots.len()
    ))
}

/// Says how far it is, asks for a name, and returns a greeting: for a caller that may come back for it.
#[tool]
fn greet_later(ctx: &Context) -> Result<String, ToolError> {
    ctx.progress_with(1, 2, "asking");
    let name = name(ctx, "name", "Who are you?")?;
    ctx.progress_with(2, 2, "writing");
    Ok(format!("Hello, {name}!"))
}

/// Works without end, as a task only.
#[tool]
fn long() -> String {
    loop {
        std::hint::black_box(0);
    }
}

/// Comes to no end of its own.
#[tool]
fn crash_later() -> String {
    panic!("on purpose")
}

/// Works without end until it is cancelled, and then says so with a POST.
#[tool]
fn post_on_cancel(ctx: &Context, url: &str) -> Result<String, ToolError> {
    ctx.progress(1, None);
    while !ctx.is_cancelled() {
        std::hint::spin_loop();
    }
    http::post(url).body("cancelled").send()?;
    Ok("cancelled".to_owned())
}

/// Reports each of a number of steps, and returns the number.
#[tool]
fn steps(ctx: &Context, count: u32) -> u32 {
    for step in 1..=count {
        ctx.progress_with(step, count, "a step");
    }
    count
}

/// Sends a log message of each level that is named, and returns how many.
#[tool]
fn say(ctx: &Context, words: &str) -> u32 {
    let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Error];
    for level in levels {
        ctx.log(level, json!({"words": words}));
    }
    3
}

/// Says that a resource has changed, and that there are others now.
#[tool]
fn touch(ctx: &Context, uri: &str) -> String {
    ctx.resource_updated(uri);
    ctx.resource_list_changed();
    "touched".to_owned()
}

/// A greeting for a name.
#[resource("asker://greeting/{name}{?tone}", title = "Greeting", mime_type = "text/plain", complete(name = names))]
fn greeting(name: &str, tone: Option<&str>) -> String {
    format!("{} {name}", tone.unwrap_or("Hello,"))
}

fn names(typed: &str, settled: &Settled) -> Vec<String> {
    let known = ["Ada", "Alan", "Grace"];
    let tone = settled.get("tone").unwrap_or_default();
    known
        .iter()
        .filter(|name| name.starts_with(typed))
        .map(|name| format!("{tone}{name}"))
        .collect()
}

/// A picture of one pixel.
#[resource(
    "asker://logo",
    mime_type = "image/png",
    size = 8,
    icon = "https://example.com/icon.png",
    audience = "user",
    priority = 0.5
)]
fn logo() -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n".to_vec()
}

/// Many numbers.
#[resource("asker://number/{number}", list = numbers)]
fn numbered(number: u32) -> Result<Vec<ResourcePart>, ToolError> {
    if number >= 1200 {
        return Err(ToolError::not_found(format!("there is no number {number}")));
    }
    Ok(vec![
        ResourcePart::text(number.to_string()),
        ResourcePart::text((number * 2).to_string())
            .uri(format!("asker://number/{}", number * 2))
            .mime_type("text/x-double"),
    ])
}

fn numbers(cursor: Option<&str>) -> Result<ResourcePage, ToolError> {
    let start: u32 = cursor.unwrap_or("0").parse()?;
    let entries = (start..(start + 300).min(1200)).map(|number| {
        ResourceEntry::new(
            format!("asker://number/{number}"),
            format!("number {number}"),
        )
    });
    let page = ResourcePage::new(entries);
    Ok(if start + 300 < 1200 {
        page.next((start + 300).to_string())
    } else {
        page
    })
}

/// A resource that is made with the user's help.
#[resource("asker://asked")]
fn asked(ctx: &Context) -> Result<String, ToolError> {
    name(ctx, "name", "Whose is it?")
}

/// Resources of a template that cannot be listed.
#[resource("asker://broken/{name}", list = no_list)]
fn broken(name: &str) -> String {
    panic!("{name} is broken")
}

fn no_list(_cursor: Option<&str>) -> Result<ResourcePage, ToolError> {
    Err(ToolError::unavailable("nothing can be listed"))
}

/// Asks for a toast.
#[prompt(title = "A toast", complete(whom = names))]
fn toast(
    /// Whom it is for
    whom: &str,
    /// How many words it has
    #[default(20)]
    words: u32,
) -> Vec<PromptMessage> {
    vec![
        PromptMessage::user(format!("Write a toast of {words} words for {whom}.")),
        PromptMessage::assistant(Content::image(*b"\x89PNG", "image/png")),
    ]
}

/// Asks for a toast for somebody whom the user names.
#[prompt]
fn asked_toast(ctx: &Context) -> Result<String, ToolError> {
    Ok(format!(
        "Write a toast for {}.",
        name(ctx, "whom", "For whom?")?
    ))
}
