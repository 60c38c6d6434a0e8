//! What the host does around calls: answers that are kept and made stale, calls with keys, rates, scopes, crashes.

use toolbay_sdk::prelude::*;
use toolbay_sdk::serde_json::{Value, json};
use toolbay_sdk::{Health, call_tool, http, kv};

plugin!(
    count, echo, fail_at_times, ask_name, bump, bump_and_fail, pay, seldom, admin, crash,
    r1, r2, r3, r4, r5, r6, r7, r8, r9, reader, spin, hidden, well, upstream, overhear, overheard, long_list, long_text, fetch;
    resources(count_resource)
);

/// A count.
#[data]
struct Count {
    count: u64,
}

fn current() -> Result<u64, ToolError> {
    Ok(kv::get("count")?.unwrap_or_default())
}

/// Returns the count.
#[tool]
fn count() -> Result<Count, ToolError> {
    Ok(Count { count: current()? })
}

/// Returns what it was given, and how often a guest has run is not to be seen.
#[tool]
fn echo(text: &str, number: f64) -> String {
    format!("{text} {number}")
}

/// Fails while the count is odd, and returns the count otherwise.
#[tool]
fn fail_at_times() -> Result<Count, ToolError> {
    match current()? {
        odd if odd % 2 == 1 => Err(ToolError::unavailable("the count is odd")),
        count => Ok(Count { count }),
    }
}

/// Tells whether the count is low.
#[tool]
fn well() -> Result<Health, ToolError> {
    Ok(match current()? {
        0 => Health::healthy(),
        1 => Health::degraded("the count is one"),
        count => Health::unhealthy(format!("the count is {count}")),
    })
}

/// Tells whether the server answers that payments need. In tests another one stands in for it, and the count says what it is asked.
#[tool]
fn upstream() -> Result<Health, ToolError> {
    let path = match current()? {
        0 => "echo",
        1 => "flaky?fails=1000000",
        _ => "silent",
    };
    http::get(format!("http://127.0.0.1:1/{path}"))
        .send()?
        .error_for_status()?;
    Ok(Health::healthy())
}

/// Keeps what it was told of a call that has arguments.
#[tool]
fn overhear(
    caller: &str,
    read_only: bool,
    arguments: Value,
    error_code: Option<&str>,
) -> Result<String, ToolError> {
    if arguments
        .as_object()
        .is_none_or(|arguments| arguments.is_empty())
    {
        return Ok("nothing to keep".to_owned());
    }
    let heard = json!({"caller": caller, "read_only": read_only, "arguments": arguments, "error_code": error_code});
    kv::update("heard", |before: Option<Vec<Value>>| {
        let mut all = before.unwrap_or_default();
        all.push(heard.clone());
        all
    })?;
    Ok("kept".to_owned())
}

/// Returns what it was told of calls.
#[tool]
fn overheard() -> Result<Value, ToolError> {
    Ok(json!({"heard": kv::get::<Vec<Value>>("heard")?.unwrap_or_default()}))
}

/// A name.
#[data]
struct Name {
    name: String,
}

/// Asks for a name and returns it.
#[tool]
fn ask_name(ctx: &Context) -> Result<String, ToolError> {
    Ok(ctx.elicit::<Name>("name", "Who are you?")?.accepted()?.name)
}

/// Counts on, and returns the new count.
#[tool]
fn bump() -> Result<Count, ToolError> {
    let count = kv::update("count", |count: Option<u64>| count.unwrap_or_default() + 1)?;
    Ok(Count { count })
}

/// Counts on, and fails then.
#[tool]
fn bump_and_fail() -> Result<Count, ToolError> {
    bump()?;
    Err(ToolError::conflict("on purpose"))
}

/// The count.
#[resource("keeper://count")]
fn count_resource() -> Result<String, ToolError> {
    Ok(current()?.to_string())
}

/// How a payment goes.
#[data]
#[derive(PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// It is made.
    Good,
    /// It is refused before anything is sent.
    Refused,
    /// It is sent, and the tool says that it failed.
    FailsAfter,
    /// It is sent, and the guest crashes.
    CrashesAfter,
    /// It is sent, and the guest works without end.
    HangsAfter,
}

/// What was paid.
#[data]
struct Paid {
    amount: u64,
}

/// Pays an amount with one request to a server.
#[tool]
fn pay(
    url: &str,
    amount: u64,
    mode: Option<Mode>,
    idempotency_key: Option<&str>,
) -> Result<Paid, ToolError> {
    let mode = mode.unwrap_or(Mode::Good);
    if mode == Mode::Refused {
        return Err(ToolError::validation("refused on purpose"));
    }
    let body = format!("{amount} {}", idempotency_key.unwrap_or("-"));
    http::post(url).body(body).send()?;
    match mode {
        Mode::FailsAfter => Err(ToolError::unavailable("failed on purpose")),
        Mode::CrashesAfter => panic!("on purpose"),
        Mode::HangsAfter => loop {
            std::hint::black_box(0);
        },
        _ => Ok(Paid { amount }),
    }
}

/// May be called three times an hour.
#[tool]
fn seldom() -> String {
    "called".to_owned()
}

/// Is for administrators.
#[tool]
fn admin() -> String {
    "deleted".to_owned()
}

/// Crashes, or not.
#[tool]
fn crash(really: Option<bool>) -> String {
    assert!(really == Some(false), "on purpose");
    "fine".to_owned()
}

/// Calls the first of these tools with the rest of them.
fn relay(path: Vec<String>) -> Result<Value, ToolError> {
    match path.split_first() {
        Some((next, rest)) if next.starts_with(['r', 'h']) => {
            call_tool(next, json!({"path": rest}))
        }
        Some((next, _)) => call_tool(next, json!({})),
        None => Ok(json!({"end": true})),
    }
}

/// A tool that calls others as it is told.
macro_rules! relays {
    ($($name:ident)+) => {$(
        /// Calls the first of these tools with the rest, and returns what comes of it.
        #[tool]
        fn $name(path: Vec<String>) -> Result<Value, ToolError> {
            relay(path)
        }
    )+};
}

relays!(r1 r2 r3 r4 r5 r6 r7 r8 r9 reader hidden);

/// Works without end, or not at all.
#[tool]
fn spin(end: Option<bool>) -> String {
    while end != Some(true) {
        std::hint::black_box(0);
    }
    "ended".to_owned()
}

/// Returns so many texts of so many bytes at once, and says that there are more.
#[tool]
fn long_list(count: u64, bytes: usize, cursor: Option<Cursor<u64>>) -> Page<String> {
    let start = cursor.map_or(0, Cursor::into_position);
    let item = |number: u64| {
        let number = number.to_string();
        "0".repeat(bytes.saturating_sub(number.len())) + &number
    };
    Page {
        items: (start..start + count).map(item).collect(),
        next_cursor: Some(Cursor::new(start + count)),
        has_more: true,
        total_count: Some(1_000_000),
    }
}

/// Returns a text of so many bytes.
#[tool]
fn long_text(bytes: usize) -> String {
    "é".repeat(bytes / 2)
}

/// Makes one request to a server, with the key as its own where there is one, and returns the status.
#[tool]
fn fetch(url: &str, post: bool, idempotency_key: Option<&str>) -> Result<u16, ToolError> {
    let request = if post {
        http::post(url).body("paid")
    } else {
        http::get(url)
    };
    let request = match idempotency_key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let response = request.send()?;
    Ok(response.status())
}
