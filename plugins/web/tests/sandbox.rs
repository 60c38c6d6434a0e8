//! The tools as clients call them, with servers of the test's own.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing::{self, Request, Response};

#[test]
fn a_page_is_fetched_over_a_redirect() {
    let mut web = testing::plugin()
        .http("https://docs.example", |request: Request| {
            match request.path() {
                "/" => Response::status(302).with_header("Location", "/guide"),
                "/guide" => Response::html("<title>Guide</title><main><h1>Guide</h1><p>Begin <a href='here'>here</a>.</p></main>"),
                _ => Response::status(404),
            }
        })
        .start();
    let outcome = web.call("fetch", json!({"url": "https://docs.example/"}));
    insta::assert_snapshot!(outcome.expect_success().text(), @"
    Title: Guide
    URL: https://docs.example/guide

    # Guide

    Begin [here](https://docs.example/here).
    ");
    let urls: Vec<_> = web.requests().into_iter().map(|asked| asked.url).collect();
    assert_eq!(
        urls,
        ["https://docs.example/", "https://docs.example/guide"]
    );
}

#[test]
fn what_a_server_says_of_an_error_is_passed_on() {
    let mut web = testing::plugin()
        .http("https://api.example", |_| {
            Response::text("come back later")
                .with_status(429)
                .with_header("Retry-After", "7")
        })
        .start();
    let outcome = web.call("fetch_json", json!({"url": "https://api.example/v1"}));
    insta::assert_snapshot!(outcome, @"rate_limited: GET https://api.example/v1 answered 429 Too Many Requests: come back later");
    // An address of the user's own network is refused, whoever would answer.
    let outcome = web.call("fetch", json!({"url": "http://10.0.0.1/"}));
    assert_eq!(outcome.error_code(), Some("permission_denied"), "{outcome}");
}
