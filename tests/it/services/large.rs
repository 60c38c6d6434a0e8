//! Results that are too large to be passed on at once.

use serde_json::{Value, json};

use super::Place;
use crate::support::command::{converse, toolbay};
use crate::support::http_client::{Client, HttpHost};
use crate::support::session::tool_error;
use crate::support::{Era, Session};

/// The most that a tool's answer has, structured value and text alike.
const OUTPUT: usize = 256 << 10;

fn list(session: &mut Session, count: u64, bytes: usize, cursor: &Value) -> Value {
    let arguments = json!({"count": count, "bytes": bytes, "cursor": cursor});
    let result = session.call("keeper_long_list", arguments);
    assert_eq!(result["isError"], false, "{result}");
    let structured = result["structuredContent"].clone();
    assert!(structured.to_string().len() <= OUTPUT);
    assert_eq!(result["content"][0]["text"], structured.to_string());
    result
}

/// The numbers that the items begin with.
fn numbers(items: &Value) -> Vec<u64> {
    let items = items.as_array().expect("it is a list");
    let number = |item: &Value| item.as_str().and_then(|item| item.parse().ok());
    items
        .iter()
        .map(|item| number(item).expect("it is a number"))
        .collect()
}

/// Reads a list by calling the tool again and again, and gives what came, and the guest's own cursor at the end.
fn read_all(
    session: &mut Session,
    count: u64,
    bytes: usize,
    from: &Value,
) -> (Vec<u64>, Value, usize) {
    let (mut cursor, mut all, mut parts) = (from.clone(), Vec::new(), 0);
    loop {
        let result = list(session, count, bytes, &cursor);
        let structured = &result["structuredContent"];
        assert_eq!(structured["has_more"], true);
        assert_eq!(structured["total_count"], 1_000_000);
        all.extend(numbers(&structured["items"]));
        cursor = structured["next_cursor"].clone();
        parts += 1;
        if all.len() as u64 == count {
            assert!(result["content"][1].is_null(), "there is no rest");
            return (all, cursor, parts);
        }
        assert_eq!(result["content"][1]["type"], "resource_link");
    }
}

#[test]
fn a_page_that_is_too_large_is_read_to_its_end_by_calling_again() {
    let place = Place::new();
    for era in [Era::LEGACY, Era::Modern] {
        let mut session = place.open(era);
        let (all, next, parts) = read_all(&mut session, 1000, 2000, &Value::Null);
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert!((8..=10).contains(&parts), "{parts}");
        // The last part has the guest's own cursor, to its own next page.
        let (all, _, _) = read_all(&mut session, 1000, 2000, &next);
        assert_eq!(all, (1000..2000).collect::<Vec<_>>());
    }
}

#[test]
fn it_is_read_as_a_resource_too_and_by_its_own_caller_alone() {
    let place = Place::new();
    let token = |name: &str| {
        let mut command = toolbay(place.home.path());
        command.args(["token", "add", name]);
        let (shown, _) = converse(command, &[]);
        let token = shown.lines().find(|line| line.starts_with("tb_"));
        token.expect("there is a token").to_owned()
    };
    let (alice, bob) = (token("alice"), token("bob"));
    let host = HttpHost::start(place.start());
    let mut alice = Client::open(&host, Era::Modern, Some(&alice));
    let mut bob = Client::open(&host, Era::Modern, Some(&bob));
    let arguments = json!({"count": 500, "bytes": 2000});
    let result = alice.call("keeper_long_list", arguments.clone());
    let mut all = numbers(&result["structuredContent"]["items"]);
    let mut uri = result["content"][1]["uri"].clone();
    assert_eq!(
        bob.error("resources/read", json!({"uri": uri})).1["code"],
        -32602
    );
    let mut stolen = arguments;
    stolen["cursor"] = result["structuredContent"]["next_cursor"].clone();
    assert_eq!(
        tool_error(&bob.call("keeper_long_list", stolen)).0,
        "validation_error"
    );
    while uri.is_string() {
        let read = alice.result("resources/read", json!({"uri": uri}));
        let text = read["contents"][0]["text"].as_str().expect("it is a text");
        let page: Value = serde_json::from_str(text).expect("it is JSON");
        all.extend(numbers(&page["items"]));
        uri = read["_meta"]["next"].clone();
    }
    assert_eq!(all, (0..500).collect::<Vec<_>>());
}

#[test]
fn anything_else_is_an_error_that_says_where_it_is() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    let refused = session.call("keeper_long_text", json!({"bytes": 1_000_000}));
    let (code, sentence) = tool_error(&refused);
    assert_eq!(code, "limit_exceeded");
    let mut uri = refused["_meta"]["toolbay/error"]["details"]["resource"].clone();
    assert!(
        sentence.contains(uri.as_str().expect("it is a text")),
        "{sentence}"
    );
    let mut all = String::new();
    while uri.is_string() {
        let read = session.result("resources/read", json!({"uri": uri}));
        all += read["contents"][0]["text"].as_str().expect("it is a text");
        uri = read["_meta"]["next"].clone();
    }
    assert_eq!(all, "é".repeat(500_000));
    // One item that does not fit at all is such a thing too.
    let refused = session.call("keeper_long_list", json!({"count": 2, "bytes": 300_000}));
    assert_eq!(tool_error(&refused).0, "limit_exceeded");
    let gone = session.error("resources/read", json!({"uri": "toolbay://result/nothing"}));
    assert_eq!(gone["code"], -32602, "{gone}");
}
