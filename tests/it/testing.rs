//! The SDK's module `testing`, as authors use it, and what the SDK brings for tools, in the real sandbox. The guest is `tests/guests/scribe`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolbay_sdk::testing::{self, Builder, Request, Response, Running};

use crate::support::paths;

fn guest(name: &str) -> Builder {
    testing::component(paths::guest(name))
        .program(paths::host())
        .cache(paths::shared_cache())
}

fn scribe() -> Builder {
    guest("scribe")
}

/// What a test that fails would say.
fn complaint<T>(failing: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(failing())));
    let panic = panic.expect_err("it does not fail");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast_ref::<&str>().expect("a panic has a text")).to_owned(),
    }
}

fn member<'a>(outcome: &'a testing::Outcome, name: &str) -> &'a Value {
    let structured = outcome.expect_success().structured();
    &structured.expect("there is structured content")[name]
}

#[test]
fn pages_follow_one_another_and_limits_are_clamped() {
    let mut scribe = scribe().start();
    let page = scribe.call("letters", json!({}));
    let sealed = member(&page, "next_cursor").as_str().expect("it is a text");
    let shown = page.to_string().replace(sealed, "[sealed]");
    assert_snapshot!(shown, @r#"
    {
      "structured": {
        "items": [
          "a",
          "b",
          "c",
          "d",
          "e"
        ],
        "next_cursor": "[sealed]",
        "has_more": true,
        "total_count": 26
      }
    }
    "#);
    let cursor = member(&page, "next_cursor").clone();
    let next = scribe.call("letters", json!({"cursor": cursor, "limit": -7}));
    assert_eq!(member(&next, "items"), &json!(["f"]));
    // One that the host did not seal, though it has the form that a native test's has.
    let made_up = scribe.call("letters", json!({"cursor": "ATAMoNA1"}));
    assert_eq!(made_up.error_code(), Some("validation_error"), "{made_up}");
    let rest = scribe.call("letters", json!({"cursor": cursor, "limit": 5000}));
    assert_eq!(member(&rest, "has_more"), &json!(false));
    assert_eq!(member(&rest, "next_cursor"), &Value::Null);
    let damaged = scribe.call("letters", json!({"cursor": "bm90aGluZw"}));
    assert_snapshot!(damaged, @"validation_error: `cursor` does not fit: it is no cursor that this tool gave; give the `next_cursor` of the page before as it was, or leave it out to begin with the first page");
}

#[test]
fn a_stopped_clock_and_texts_of_a_known_form() {
    let mut scribe = scribe().clock("2026-01-01T12:00:00.25+01:00").start();
    let arguments =
        json!({"to": "ada@example.com", "day": "2028-02-29", "page": "HTTPS://Example.com/a/../b"});
    assert_snapshot!(scribe.call("invite", arguments), @r#"
    {
      "structured": {
        "to": "ada@example.com",
        "day": "2028-02-29",
        "page": "https://example.com/b",
        "written": "2026-01-01T11:00:00.25Z"
      }
    }
    "#);
    let wrong = scribe.call(
        "invite",
        json!({"to": "ada", "day": "2027-02-29", "page": "here"}),
    );
    assert_snapshot!(wrong, @r#"
    validation_error: the arguments of `scribe_invite` are wrong: `/to` must be a valid email, not "ada"; `/day` must be a valid date, not "2027-02-29"; `/page` must be a valid uri, not "here"
    hint: correct these and call again
    "#);
}

#[test]
fn files_are_written_whole_inside_a_mount_only() {
    let mut scribe = scribe().mount_with("vault", [("a.md", "old")]).start();
    for text in ["new", "newer"] {
        let saved = scribe.call("save", json!({"path": "2026/b.md", "text": text}));
        assert_eq!(saved.value::<Vec<String>>(), ["2026/b.md", "a.md"]);
    }
    let written = std::fs::read_to_string(scribe.folder("vault").join("2026/b.md"));
    assert_eq!(written.expect("the file is there"), "newer");
    assert_eq!(scribe.call("read", json!({"path": "a.md"})).text(), "old");
    let outside = scribe.call("read", json!({"path": "../a.md"}));
    assert_eq!(outside.error_code(), Some("validation_error"));
}

#[test]
fn secrets_and_variables_are_those_of_the_test() {
    let mut scribe = scribe()
        .env("NAME", "Ada")
        .secret("api-key", "s3cret-key")
        .http("https://api.example.com", |request: Request| {
            let asked: Value = request.json();
            let shown = request.header("x-api-key") == Some("s3cret-key");
            Response::json(json!({"asked": asked, "limit": request.query("limit"), "key": shown}))
        })
        .start();
    assert_eq!(scribe.call("greet", json!({})).text(), "Hello, Ada!");
    let outcome = scribe.call("ask", json!({"question": "why?"}));
    assert_snapshot!(outcome, @r#"
    {
      "structured": {
        "asked": {
          "question": "why?"
        },
        "limit": "3",
        "key": true
      }
    }
    "#);
    let requests = scribe.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].url, "https://api.example.com/v1/ask?limit=3");
}

#[test]
fn what_was_not_granted_is_refused() {
    let mut scribe = scribe().env("NAME", "Ada").grant_nothing().start();
    for (tool, arguments) in [
        ("greet", json!({})),
        ("ask", json!({"question": "why?"})),
        ("read", json!({"path": "a.md"})),
    ] {
        let outcome = scribe.call(tool, arguments);
        assert_eq!(outcome.error_code(), Some("permission_denied"), "{outcome}");
    }
    assert!(scribe.call("letters", json!({})).is_success());
}

#[test]
fn lines_are_logged_at_their_level() {
    let mut scribe = scribe().start();
    scribe
        .call("speak", json!({"text": "one\n<error> two"}))
        .expect_success();
    scribe
        .call("speak", json!({"text": "the end"}))
        .expect_success();
    let log = scribe.wait_for_log("ERROR guest: the end");
    let (log, _) = log
        .split_once(" ERROR guest: the end")
        .expect("it was waited for");
    let mut said = String::new();
    for line in log.lines().filter(|line| line.contains(" guest: ")) {
        let (time, rest) = line.split_once("guest: ").expect("it was looked for");
        let level = time.split_whitespace().last().expect("a line has a level");
        said += &format!("{level} {rest}\n");
    }
    assert_snapshot!(said, @"
    ERROR one plugin=scribe tool=speak
    ERROR <error> two plugin=scribe tool=speak
    WARN one plugin=scribe tool=speak
    WARN <error> two plugin=scribe tool=speak
    INFO one plugin=scribe tool=speak
    INFO <error> two plugin=scribe tool=speak
    DEBUG one plugin=scribe tool=speak
    DEBUG <error> two plugin=scribe tool=speak
    TRACE one plugin=scribe tool=speak
    TRACE <error> two plugin=scribe tool=speak
    INFO one plugin=scribe tool=speak
    ERROR two plugin=scribe tool=speak
    ");
}

#[test]
fn mistakes_of_a_test_are_said() {
    let mut running: Running = scribe()
        .secret("api-key", "s3cret-key")
        .http("https://api.example.com", |_| panic!("not expected"))
        .start();
    let missing = complaint(|| running.call("lettres", json!({})));
    assert_snapshot!(missing, @"
    `lettres` was not called: unknown tool: scribe_lettres; did you mean scribe_letters?
    the plugin's tools: letters, invite, save, read, greet, ask, speak
    ");
    let list = complaint(|| running.call("letters", json!([1])));
    assert_snapshot!(list, @"the arguments of `letters` are no JSON object: [1]");
    let panicked = complaint(|| running.call("ask", json!({"question": "why?"})));
    assert_snapshot!(panicked, @"while `ask` ran, the test's answer to POST https://api.example.com/v1/ask?limit=3 panicked: not expected");
    let unanswered = complaint(|| {
        let scribe = scribe().secret("api-key", "s3cret-key");
        scribe.start().call("ask", json!({"question": "why?"}))
    });
    assert_snapshot!(unanswered, @r#"
    while `ask` ran, it asked for POST https://api.example.com/v1/ask?limit=3, and the test answers for no such origin
    hint: .http("https://api.example.com", |request| …)
    "#);
    let no_mount = complaint(|| scribe().mount("vault", "/no/such/folder"));
    assert_snapshot!(no_mount, @"there is no folder /no/such/folder for the mount `vault`");
    let short = complaint(|| scribe().secret("api-key", "short").start());
    assert_snapshot!(short, @"
    the secret `api-key` cannot be set: error: the value has fewer than 8 bytes, too few to be found again where it has to be hidden
    hint: give the secret alone: the plugin's manifest says what is put around it
    ");
    let no_program = complaint(|| scribe().program("/no/toolbay").start());
    assert_snapshot!(no_program, @"
    there is no program `/no/toolbay`
    hint: run the tests with `toolbay test`, or put toolbay on the PATH or its path into TOOLBAY_BIN
    ");
    let no_plugin = complaint(|| {
        let file: PathBuf = paths::root().join("README.md");
        testing::component(file).program(paths::host()).start()
    });
    insta::with_settings!({filters => vec![(r"/\S+/README.md", "README.md")]}, {
        assert_snapshot!(no_plugin, @"
        error: README.md is no plugin: it is not WebAssembly
        hint: put only WebAssembly components into the folder; other files need another ending than .wasm
        ");
    });
    let time = complaint(|| scribe().clock("noon").start());
    assert!(time.contains("2026-01-01T12:00:00Z"), "{time}");
}
