//! Calls of tools that behave: what arrives at the tool, what comes back, and what is said where the arguments are wrong.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::session::{first_text, tool_error};
use crate::support::{Folder, Session, everywhere};

#[test]
fn a_text_and_a_structure_come_back_whole() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let text = "a \"text\" with \\ and ä \u{1f600}\nand a second line";
        let result = session.call("echo_text", json!({"text": text}));
        assert_eq!(first_text(&result), text);
        assert_ne!(result["isError"], true);

        let arguments =
            json!({"title": "a", "count": 3, "mode": "fast", "tags": ["x", "y"], "note": null});
        let result = session.call("echo_record", arguments.clone());
        assert_eq!(result["structuredContent"], arguments);
        let text: Value =
            serde_json::from_str(first_text(&result)).expect("the text holds the same as JSON");
        assert_eq!(text, arguments);
    });
}

#[test]
fn every_kind_of_content_comes_back() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    assert_json_snapshot!(session.call("echo_blocks", json!({})), @r##"
    {
      "content": [
        {
          "type": "text",
          "text": "a text",
          "annotations": {
            "audience": [
              "user",
              "assistant"
            ],
            "priority": 0.5
          }
        },
        {
          "type": "image",
          "data": "iVBORw==",
          "mimeType": "image/png",
          "annotations": {
            "lastModified": "2026-11-22T09:30:00Z"
          }
        },
        {
          "type": "audio",
          "data": "UklGRg==",
          "mimeType": "audio/wav"
        },
        {
          "type": "resource_link",
          "uri": "note://shopping",
          "name": "shopping",
          "title": "Shopping list",
          "description": "What to buy",
          "mimeType": "text/markdown",
          "size": 120
        },
        {
          "type": "resource",
          "resource": {
            "uri": "note://today",
            "mimeType": "text/markdown",
            "text": "# Today"
          }
        },
        {
          "type": "resource",
          "resource": {
            "uri": "note://bytes",
            "blob": "AP8="
          },
          "_meta": {
            "example.com/kind": "bytes"
          }
        }
      ],
      "isError": false,
      "_meta": {
        "io.modelcontextprotocol/serverInfo": {
          "name": "toolbay",
          "title": "Toolbay",
          "version": "0.1.0"
        }
      },
      "resultType": "complete"
    }
    "##);
}

#[test]
fn every_code_of_a_tools_error_comes_back() {
    let folder = Folder::with(&["echo"]);
    let codes = [
        "validation_error",
        "not_found",
        "permission_denied",
        "rate_limited",
        "network_error",
        "timeout",
        "conflict",
        "cancelled",
        "limit_exceeded",
        "unavailable",
        "internal",
    ];
    everywhere(&folder, |session| {
        for code in codes {
            let result = session.call("echo_fail", json!({"code": code}));
            let (said, sentence) = tool_error(&result);
            assert_eq!(said, code);
            assert!(sentence.contains("as asked"), "{sentence}");
        }
    });
    let mut session = Session::legacy(&folder);
    assert_json_snapshot!(session.call("echo_fail", json!({"code": "rate_limited"})), @r#"
    {
      "content": [
        {
          "type": "text",
          "text": "it failed, as asked"
        },
        {
          "type": "text",
          "text": "{\"success\":false,\"error\":\"it failed, as asked\",\"error_code\":\"rate_limited\",\"retry_after_ms\":1500,\"details\":{\"limit\":10,\"per\":\"minute\"}}"
        }
      ],
      "isError": true,
      "_meta": {
        "toolbay/error": {
          "success": false,
          "error": "it failed, as asked",
          "error_code": "rate_limited",
          "retry_after_ms": 1500,
          "details": {
            "limit": 10,
            "per": "minute"
          }
        }
      }
    }
    "#);
}

#[test]
fn wrong_arguments_are_named_all_at_once() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::legacy(&folder);
    let arguments = json!({"title": "", "count": 300, "mode": "slowly", "tags": ["a", "b", "c", "d"], "colour": "red"});
    let result = session.call("echo_record", arguments);
    let (code, _) = tool_error(&result);
    assert_eq!(code, "validation_error");
    assert_json_snapshot!(result, @r#"
    {
      "content": [
        {
          "type": "text",
          "text": "the arguments of `echo_record` are wrong: `/title` must have at least 1 characters, not 0; `/count` must be at most 100, not 300; `/mode` must be one of \"fast\", \"thorough\", not \"slowly\"; `/tags` must have at most 3 items, not 4; `/colour` is not known; known: `title`, `count`, `mode`, `tags`, `note`\nhint: correct these and call again"
        },
        {
          "type": "text",
          "text": "{\"success\":false,\"error\":\"the arguments of `echo_record` are wrong: `/title` must have at least 1 characters, not 0; `/count` must be at most 100, not 300; `/mode` must be one of \\\"fast\\\", \\\"thorough\\\", not \\\"slowly\\\"; `/tags` must have at most 3 items, not 4; `/colour` is not known; known: `title`, `count`, `mode`, `tags`, `note`\",\"error_code\":\"validation_error\",\"details\":{\"errors\":[{\"pointer\":\"/title\",\"message\":\"must have at least 1 characters, not 0\"},{\"pointer\":\"/count\",\"message\":\"must be at most 100, not 300\"},{\"pointer\":\"/mode\",\"message\":\"must be one of \\\"fast\\\", \\\"thorough\\\", not \\\"slowly\\\"\"},{\"pointer\":\"/tags\",\"message\":\"must have at most 3 items, not 4\"},{\"pointer\":\"/colour\",\"message\":\"is not known; known: `title`, `count`, `mode`, `tags`, `note`\"}]}}"
        }
      ],
      "isError": true,
      "_meta": {
        "toolbay/error": {
          "success": false,
          "error": "the arguments of `echo_record` are wrong: `/title` must have at least 1 characters, not 0; `/count` must be at most 100, not 300; `/mode` must be one of \"fast\", \"thorough\", not \"slowly\"; `/tags` must have at most 3 items, not 4; `/colour` is not known; known: `title`, `count`, `mode`, `tags`, `note`",
          "error_code": "validation_error",
          "details": {
            "errors": [
              {
                "pointer": "/title",
                "message": "must have at least 1 characters, not 0"
              },
              {
                "pointer": "/count",
                "message": "must be at most 100, not 300"
              },
              {
                "pointer": "/mode",
                "message": "must be one of \"fast\", \"thorough\", not \"slowly\""
              },
              {
                "pointer": "/tags",
                "message": "must have at most 3 items, not 4"
              },
              {
                "pointer": "/colour",
                "message": "is not known; known: `title`, `count`, `mode`, `tags`, `note`"
              }
            ]
          }
        }
      }
    }
    "#);
    // What is not there is named as well.
    assert_json_snapshot!(session.call("echo_record", json!({})), @r#"
    {
      "content": [
        {
          "type": "text",
          "text": "the arguments of `echo_record` are wrong: `title` is missing; `count` is missing; `mode` is missing\nhint: correct these and call again"
        },
        {
          "type": "text",
          "text": "{\"success\":false,\"error\":\"the arguments of `echo_record` are wrong: `title` is missing; `count` is missing; `mode` is missing\",\"error_code\":\"validation_error\",\"details\":{\"errors\":[{\"pointer\":\"\",\"message\":\"`title` is missing\"},{\"pointer\":\"\",\"message\":\"`count` is missing\"},{\"pointer\":\"\",\"message\":\"`mode` is missing\"}]}}"
        }
      ],
      "isError": true,
      "_meta": {
        "toolbay/error": {
          "success": false,
          "error": "the arguments of `echo_record` are wrong: `title` is missing; `count` is missing; `mode` is missing",
          "error_code": "validation_error",
          "details": {
            "errors": [
              {
                "pointer": "",
                "message": "`title` is missing"
              },
              {
                "pointer": "",
                "message": "`count` is missing"
              },
              {
                "pointer": "",
                "message": "`mode` is missing"
              }
            ]
          }
        }
      }
    }
    "#);
    assert_json_snapshot!(session.call("echo_record", json!({"title": "a", "count": "3", "mode": "fast"})), @r#"
    {
      "content": [
        {
          "type": "text",
          "text": "the arguments of `echo_record` are wrong: `/count` must be an integer, not a string (\"3\")\nhint: correct these and call again"
        },
        {
          "type": "text",
          "text": "{\"success\":false,\"error\":\"the arguments of `echo_record` are wrong: `/count` must be an integer, not a string (\\\"3\\\")\",\"error_code\":\"validation_error\",\"details\":{\"errors\":[{\"pointer\":\"/count\",\"message\":\"must be an integer, not a string (\\\"3\\\")\"}]}}"
        }
      ],
      "isError": true,
      "_meta": {
        "toolbay/error": {
          "success": false,
          "error": "the arguments of `echo_record` are wrong: `/count` must be an integer, not a string (\"3\")",
          "error_code": "validation_error",
          "details": {
            "errors": [
              {
                "pointer": "/count",
                "message": "must be an integer, not a string (\"3\")"
              }
            ]
          }
        }
      }
    }
    "#);
}

#[test]
fn wrong_arguments_never_reach_the_tool() {
    let folder = Folder::with(&["echo", "hostile"]);
    everywhere(&folder, |session| {
        // It would loop for an hour.
        let result = session.call("hostile_loop_for_an_hour", json!({"text": 7}));
        assert_eq!(tool_error(&result).0, "validation_error");
        // Text from outside must not come back in a way that changes a terminal, nor in full length.
        let nasty = format!("\u{1b}[2J{}", "x".repeat(1 << 20));
        let (code, sentence) = tool_error(&session.call(
            "echo_record",
            json!({"title": nasty, "count": nasty, "mode": nasty}),
        ));
        assert_eq!(code, "validation_error");
        assert!(
            sentence.len() < 4096,
            "the sentence has {} bytes",
            sentence.len()
        );
    });
}

#[test]
fn nothing_that_one_call_leaves_is_there_for_the_next() {
    let folder = Folder::with(&["counter"]);
    everywhere(&folder, |session| {
        for _ in 0..5 {
            assert_eq!(
                session.call("counter_next", json!({}))["structuredContent"],
                json!({"result": 1})
            );
        }
        let ids: Vec<Value> = (0..50)
            .map(|_| session.start_call("counter_next", json!({})))
            .collect();
        for id in ids {
            assert_eq!(
                session.call_result(&id)["structuredContent"],
                json!({"result": 1})
            );
        }
    });
}

#[test]
fn calls_run_beside_each_other() {
    let folder = Folder::with(&["sleepy", "echo"]);
    everywhere(&folder, |session| {
        session.call("sleepy_nap", json!({"milliseconds": 0}));
        let start = std::time::Instant::now();
        let naps: Vec<Value> = (0..8)
            .map(|_| session.start_call("sleepy_nap", json!({"milliseconds": 1000})))
            .collect();
        // Answered long before those that were sent earlier.
        session.call("echo_text", json!({"text": "quick"}));
        assert!(
            start.elapsed().as_millis() < 1000,
            "a quick call waited for slow ones"
        );
        for nap in naps {
            assert_ne!(session.call_result(&nap)["isError"], true);
        }
        assert!(
            start.elapsed().as_millis() < 4000,
            "eight naps of one second took {:?}",
            start.elapsed()
        );
    });
}

#[test]
fn a_cancelled_call_is_never_answered() {
    let folder = Folder::with(&["hostile", "echo"]);
    everywhere(&folder, |session| {
        session.call("echo_text", json!({"text": "compiled"}));
        let cancelled: Vec<Value> = ["loop_for_an_hour", "sleep_for_an_hour", "loop_for_an_hour"]
            .iter()
            .map(|tool| session.start_call(&format!("hostile_{tool}"), json!({})))
            .collect();
        session.call("echo_text", json!({"text": "they run"}));
        for id in &cancelled {
            session.cancel(id);
        }
        // Twice and too late is harmless.
        session.cancel(&cancelled[0]);
        let done = session.start_call("echo_text", json!({"text": "done"}));
        session.call_result(&done);
        session.cancel(&done);
        session.settle(&cancelled.iter().collect::<Vec<_>>());
        // Loops that still ran would hold every processor.
        session.call("hostile_trap", json!({}));
    });
}

#[test]
fn the_status_takes_no_arguments() {
    let folder = Folder::empty();
    let mut session = Session::modern(&folder);
    let result = session.call("toolbay_status", json!({"verbose": true}));
    assert_eq!(tool_error(&result).0, "validation_error", "{result}");
}

#[test]
fn the_status_names_what_is_loaded() {
    let folder = Folder::with(&["echo", "counter"]);
    let mut session = Session::modern(&folder);
    let result = session.call_until("toolbay_status", &json!({}), |status| {
        status["structuredContent"]["status"] == "healthy"
    });
    insta::with_settings!({filters => crate::filters()}, {
        assert_json_snapshot!(result, @r#"
        {
          "content": [
            {
              "type": "text",
              "text": "Toolbay 0.1.0 is healthy ([time], up [duration], [memory]).\nFolders: [temporary]/plugins\n- counter 0.1.0 ([digest]): counter_next\n- echo 0.1.0 ([digest]): echo_text, echo_length, echo_record, echo_blocks, echo_fail\n"
            }
          ],
          "structuredContent": {
            "status": "healthy",
            "version": "0.1.0",
            "timestamp": "[time]",
            "uptime_seconds": [seconds],
            "memory_mb": [memory],
            "cache": {
              "hits": 0,
              "misses": 0
            },
            "folders": [
              "[temporary]/plugins"
            ],
            "plugins": [
              {
                "name": "counter",
                "version": "0.1.0",
                "digest": "[digest]",
                "tools": [
                  "counter_next"
                ]
              },
              {
                "name": "echo",
                "version": "0.1.0",
                "digest": "[digest]",
                "tools": [
                  "echo_text",
                  "echo_length",
                  "echo_record",
                  "echo_blocks",
                  "echo_fail"
                ]
              }
            ],
            "health": [],
            "problems": [],
            "warnings": [],
            "developing": [],
            "waiting_for_grant": [],
            "new_since_listed": [],
            "gone_since_listed": []
          },
          "isError": false,
          "_meta": {
            "io.modelcontextprotocol/serverInfo": {
              "name": "toolbay",
              "title": "Toolbay",
              "version": "0.1.0"
            }
          },
          "resultType": "complete"
        }
        "#);
    });
}

#[test]
fn a_progress_token_of_either_type_is_taken() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        for token in [json!("a"), json!(7)] {
            let params = json!({"name": "echo_text", "arguments": {"text": "hi"}, "_meta": {"progressToken": token}});
            assert_eq!(first_text(&session.result("tools/call", params)), "hi");
        }
    });
}

#[test]
fn names_of_plugins_that_begin_alike_are_kept_apart() {
    let folder = Folder::with(&["echo"]);
    let mut manifest = crate::support::assembled::manifest("plain");
    manifest["plugin"]["name"] = json!("echo-text");
    folder.replace(
        "other.wasm",
        &crate::support::assembled::bake(&crate::support::assembled::bare("plain"), &manifest),
    );
    let mut session = Session::legacy(&folder);
    assert_eq!(
        first_text(&session.call("echo-text_run", json!({}))),
        "hello from hand-written code"
    );
    assert_eq!(
        first_text(&session.call("echo_text", json!({"text": "hi"}))),
        "hi"
    );
}
