//! `rate`, `requires`, and the breaker.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Place, code};
use crate::support::command::{converse, toolbay};
use crate::support::http_client::{Client, HttpHost, request};
use crate::support::session::tool_error;
use crate::support::{Era, assembled};

fn details(result: &Value) -> Value {
    result["_meta"]["toolbay/error"].clone()
}

#[test]
fn a_tool_that_is_called_too_often_is_refused_and_says_when_to_come_back() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    for _ in 0..3 {
        let result = session.call("keeper_seldom", json!({}));
        assert_eq!(result["isError"], false, "{result}");
    }
    let refused = session.call("keeper_seldom", json!({}));
    let (code, sentence) = tool_error(&refused);
    assert_eq!(code, "rate_limited");
    assert!(sentence.contains("3/h"), "{sentence}");
    let wait = details(&refused)["retry_after_ms"].as_u64();
    assert!(
        wait.is_some_and(|wait| (1..=1_200_001).contains(&wait)),
        "{refused}"
    );
    // What is wrong with the arguments is said without counting.
    let wrong = session.call("keeper_seldom", json!({"a": 1}));
    assert_eq!(tool_error(&wrong).0, "validation_error");
}

#[test]
fn a_plugin_that_keeps_crashing_is_not_run_until_it_is_replaced() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    for _ in 0..4 {
        assert_eq!(
            code(&session.call("keeper_crash", json!({"really": true}))),
            "internal"
        );
    }
    // One that does not crash begins the count anew.
    let fine = session.call("keeper_crash", json!({"really": false}));
    assert_eq!(fine["isError"], false);
    for _ in 0..5 {
        assert_eq!(
            code(&session.call("keeper_crash", json!({"really": true}))),
            "internal"
        );
    }
    for tool in ["keeper_crash", "keeper_count"] {
        let arguments = if tool == "keeper_crash" {
            json!({"really": false})
        } else {
            json!({})
        };
        let refused = session.call(tool, arguments);
        assert_eq!(code(&refused), "unavailable", "{refused}");
        assert!(
            details(&refused)["retry_after_ms"]
                .as_u64()
                .is_some_and(|wait| wait <= 5001)
        );
    }
    let status = session.call("toolbay_status", json!({}));
    let structured = &status["structuredContent"];
    assert_eq!(structured["status"], "degraded");
    let warning = structured["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.contains("`keeper` keeps crashing"), "{status}");

    // Another build of it is another plugin.
    let component = std::fs::read(place.folder.file("keeper.wasm")).expect("a file can be read");
    let mut manifest = assembled::manifest_of(&component);
    manifest["plugin"]["version"] = json!("0.2.0");
    let component = assembled::bake(&assembled::unbaked(&component), &manifest);
    place.folder.replace("keeper.wasm", &component);
    let result = session.call_until("keeper_crash", &json!({"really": false}), |result| {
        result["isError"] == false
    });
    assert_eq!(result["content"][0]["text"], "fine");
}

#[test]
fn it_is_tried_again_by_itself() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    for _ in 0..5 {
        session.call("keeper_crash", json!({"really": true}));
    }
    assert_eq!(
        code(&session.call("keeper_count", json!({}))),
        "unavailable"
    );
    session.call_until("keeper_count", &json!({}), |result| {
        result["isError"] == false
    });
    let status = session.call("toolbay_status", json!({}));
    assert_eq!(status["structuredContent"]["warnings"], json!([]));
}

#[test]
fn a_caller_without_the_scopes_is_refused_and_the_local_user_has_all() {
    let place = Place::new();
    let local = place.open(Era::LEGACY).call("keeper_admin", json!({}));
    assert_eq!(local["content"][0]["text"], "deleted");

    let token = |name: &str, scopes: &[&str]| {
        let mut arguments = vec!["token", "add", name];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let mut command = toolbay(place.home.path());
        command.args(&arguments);
        let (shown, status) = converse(command, &[]);
        assert_eq!(status, Some(0), "{shown}");
        let token = shown.lines().find(|line| line.starts_with("tb_"));
        token.expect("there is a token").to_owned()
    };
    let admin = token("admin", &["admin:delete", "admin:read"]);
    let reader = token("reader", &["admin:read"]);
    let host = HttpHost::start(place.start());
    let mut client = Client::open(&host, Era::Modern, Some(&admin));
    assert_eq!(client.call("keeper_admin", json!({}))["isError"], false);
    let mut client = Client::open(&host, Era::Modern, Some(&reader));
    let refused = client.call("keeper_admin", json!({}));
    let (code, sentence) = tool_error(&refused);
    assert_eq!(code, "permission_denied");
    assert!(
        sentence.contains("`admin:delete`") && !sentence.contains("admin:read"),
        "{sentence}"
    );
    assert_eq!(
        details(&refused)["details"],
        json!({"requires": ["admin:delete"]})
    );
    // What it may not call it still sees.
    let listed = client.result("tools/list", json!({})).to_string();
    assert!(listed.contains("keeper_admin"));

    // A rate is each caller's own.
    let mut clients = [admin, reader].map(|token| Client::open(&host, Era::Modern, Some(&token)));
    for _ in 0..3 {
        for client in &mut clients {
            assert_eq!(client.call("keeper_seldom", json!({}))["isError"], false);
        }
    }
    for client in &mut clients {
        assert_eq!(
            tool_error(&client.call("keeper_seldom", json!({}))).0,
            "rate_limited"
        );
    }
}

/// Reads a page of Prometheus's text format strictly: each line a comment of a known kind, or a sample of a metric whose type was said before it.
fn samples(page: &str) -> Vec<(String, f64)> {
    let mut types = std::collections::HashMap::new();
    let mut samples = Vec::new();
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("HELP"), Some(_), Some(_)) => {}
                (Some("TYPE"), Some(name), Some(kind)) => {
                    assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                    assert!(
                        types.insert(name.to_owned(), kind.to_owned()).is_none(),
                        "{line}"
                    );
                }
                _ => panic!("no comment: {line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a sample has a value");
        let name = sample.split('{').next().unwrap_or(sample);
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let is_known = types.contains_key(name)
            || family.is_some_and(|name| types.get(name).is_some_and(|kind| kind == "histogram"));
        assert!(is_known, "{line}");
        samples.push((
            sample.to_owned(),
            value.parse().expect("a value is a number"),
        ));
    }
    samples
}

#[test]
fn prometheus_reads_what_was_called_and_only_whoever_may_does() {
    let place = Place::new();
    let host = HttpHost::start(place.start());
    let mut client = Client::open(&host, Era::Modern, None);
    for number in 0..3 {
        client.call(
            "keeper_echo",
            json!({"text": "private", "number": number / 2}),
        );
    }
    client.call("keeper_crash", json!({"really": true}));
    let page = || host.send(request(Method::GET, "/metrics", host.address, &[], ""));
    let mut exchange = page();
    assert_eq!(exchange.status, StatusCode::OK);
    let text = exchange.text();
    assert!(!text.contains("private"), "{text}");
    let samples = samples(&text);
    let value = |sample: &str| {
        samples
            .iter()
            .find(|(name, _)| name == sample)
            .map(|(_, value)| *value)
    };
    let echo = r#"plugin="keeper",tool="echo""#;
    assert_eq!(
        value(&format!("toolbay_calls_total{{{echo},outcome=\"ok\"}}")),
        Some(3.0),
        "{text}"
    );
    assert_eq!(
        value(&format!("toolbay_call_duration_seconds_count{{{echo}}}")),
        Some(3.0)
    );
    assert_eq!(
        value(&format!(
            "toolbay_call_duration_seconds_bucket{{{echo},le=\"+Inf\"}}"
        )),
        Some(3.0)
    );
    let crash = r#"toolbay_calls_total{plugin="keeper",tool="crash",outcome="internal"}"#;
    assert_eq!(value(crash), Some(1.0));
    assert_eq!(
        value(r#"toolbay_cache_lookups_total{result="hit"}"#),
        Some(1.0)
    );
    assert_eq!(value(r#"toolbay_plugins{state="served"}"#), Some(1.0));
    assert!(value("process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));

    let mut command = toolbay(place.home.path());
    command.args(["token", "add", "laptop"]);
    converse(command, &[]);
    assert_eq!(page().status, StatusCode::UNAUTHORIZED);
}
