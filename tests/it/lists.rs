//! The list of tools: what it says of each, in an order that never changes, in schemas that every client takes.

use std::fs;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use tempfile::TempDir;

use crate::support::{Era, Folder, Session, Start, assembled, everywhere, paths};

#[test]
fn a_tool_is_listed_with_all_that_a_client_needs() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    let tools = session.list_tools();
    let wanted: Vec<&Value> = tools
        .iter()
        .filter(|tool| tool["name"] == "echo_record" || tool["name"] == "toolbay_status")
        .collect();
    assert_json_snapshot!(wanted, @r#"
    [
      {
        "name": "toolbay_status",
        "title": "Toolbay status",
        "description": "Reports the state of the Toolbay host: whether it is healthy, which plugins and tools are loaded, which plugin files are broken and why, which tools wait for the user's permission, and which tools came or went since this client listed them. Takes no arguments. Use it when a tool is missing, refused or behaves unexpectedly, and tell the user what it says to do.",
        "inputSchema": {
          "type": "object",
          "properties": {},
          "additionalProperties": false
        },
        "outputSchema": {
          "type": "object",
          "properties": {
            "status": {
              "type": "string",
              "description": "`healthy`; `degraded` where a plugin file is broken, a plugin keeps crashing or something that one depends on is not well; `unhealthy` where there are plugin files and none of them can be served; `starting` before the folders were looked at."
            },
            "version": {
              "type": "string",
              "description": "Toolbay's version."
            },
            "timestamp": {
              "type": "string",
              "description": "Now, as an ISO 8601 timestamp in UTC."
            },
            "uptime_seconds": {
              "type": "integer",
              "minimum": 0,
              "description": "How long the host has been running, in seconds."
            },
            "memory_mb": {
              "type": [
                "number",
                "null"
              ],
              "description": "The host's resident memory in mebibytes; null where the system does not tell."
            },
            "cache": {
              "type": "object",
              "properties": {
                "hits": {
                  "type": "integer",
                  "minimum": 0
                },
                "misses": {
                  "type": "integer",
                  "minimum": 0
                }
              },
              "required": [
                "hits",
                "misses"
              ],
              "description": "How many answers were kept from an earlier call, and how many were not, of tools and resources that have a cache."
            },
            "folders": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "The folders that plugins are loaded from."
            },
            "plugins": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "name": {
                    "type": "string"
                  },
                  "version": {
                    "type": "string"
                  },
                  "digest": {
                    "type": "string",
                    "description": "The first twelve digits of the component's SHA-256."
                  },
                  "tools": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    }
                  },
                  "resources": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    },
                    "description": "The URIs of its resources, and their templates."
                  },
                  "prompts": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    }
                  }
                },
                "required": [
                  "name",
                  "version",
                  "digest",
                  "tools"
                ]
              },
              "description": "The plugins that are served."
            },
            "health": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "tool": {
                    "type": "string",
                    "description": "The tool that was asked."
                  },
                  "status": {
                    "oneOf": [
                      {
                        "type": "string",
                        "const": "healthy",
                        "description": "It does all that it should."
                      },
                      {
                        "type": "string",
                        "const": "degraded",
                        "description": "It works, and not as it should."
                      },
                      {
                        "type": "string",
                        "const": "unhealthy",
                        "description": "It does not work."
                      },
                      {
                        "type": "string",
                        "const": "unknown",
                        "description": "It cannot be told, since the user has not allowed the tool to look."
                      }
                    ],
                    "description": "How something is."
                  },
                  "message": {
                    "type": [
                      "string",
                      "null"
                    ],
                    "description": "What is wrong, or what it says."
                  },
                  "duration_ms": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "How long it took to say so, in milliseconds."
                  }
                },
                "required": [
                  "tool",
                  "status",
                  "duration_ms"
                ],
                "description": "What became of one question."
              },
              "description": "What plugins say of the things that they depend on: their tools with `health = true`, asked for this status."
            },
            "problems": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "path": {
                    "type": "string"
                  },
                  "reason": {
                    "type": "string"
                  },
                  "hint": {
                    "type": "string"
                  },
                  "serving_earlier": {
                    "type": "boolean",
                    "description": "Whether an earlier version of the plugin is still served."
                  }
                },
                "required": [
                  "path",
                  "reason",
                  "hint",
                  "serving_earlier"
                ]
              },
              "description": "The files that are not served, or not in their newest version."
            },
            "warnings": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "What works and should not stay as it is."
            },
            "developing": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "plugin": {
                    "type": "string"
                  },
                  "source": {
                    "type": "string",
                    "description": "The folder of its sources."
                  },
                  "build_age_seconds": {
                    "type": [
                      "integer",
                      "null"
                    ],
                    "minimum": 0,
                    "description": "How old the build is that answers, in seconds; null where there is none yet."
                  },
                  "error": {
                    "type": [
                      "string",
                      "null"
                    ],
                    "description": "The first error of what was saved since, which does not build; null where all is well."
                  },
                  "failing_since": {
                    "type": [
                      "string",
                      "null"
                    ],
                    "description": "Since when, as an ISO 8601 timestamp in UTC."
                  }
                },
                "required": [
                  "plugin",
                  "source"
                ]
              },
              "description": "Plugins that somebody is working on with `toolbay dev` at this moment."
            },
            "waiting_for_grant": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "tool": {
                    "type": "string"
                  },
                  "reason": {
                    "type": "string",
                    "description": "Why it does not run."
                  },
                  "asks_for": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    }
                  },
                  "command": {
                    "type": "string",
                    "description": "What the user can run in a terminal of their own to look at it and allow it."
                  }
                },
                "required": [
                  "tool",
                  "reason",
                  "asks_for",
                  "command"
                ]
              },
              "description": "Tools that do not run until the user has granted what they ask for, or has looked at how they changed."
            },
            "new_since_listed": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "Tools that this client has not seen in a list yet."
            },
            "gone_since_listed": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "Tools that this client was shown and that are gone."
            }
          },
          "required": [
            "status",
            "version",
            "timestamp",
            "uptime_seconds",
            "cache",
            "folders",
            "plugins",
            "health",
            "problems",
            "warnings",
            "developing",
            "waiting_for_grant",
            "new_since_listed",
            "gone_since_listed"
          ],
          "description": "What the tool gives back.",
          "title": "Status"
        },
        "annotations": {
          "readOnlyHint": true,
          "destructiveHint": false,
          "idempotentHint": true,
          "openWorldHint": false
        }
      },
      {
        "name": "echo_record",
        "title": "Echo a record",
        "description": "Returns the record that it gets, with what was left out filled in.",
        "inputSchema": {
          "type": "object",
          "properties": {
            "title": {
              "type": "string",
              "description": "What it is called",
              "minLength": 1,
              "maxLength": 20
            },
            "count": {
              "type": "integer",
              "minimum": 1,
              "maximum": 100,
              "description": "How many of them"
            },
            "mode": {
              "type": "string",
              "enum": [
                "fast",
                "thorough"
              ],
              "description": "How to go about it"
            },
            "tags": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "Words to find it by",
              "maxItems": 3,
              "default": []
            },
            "note": {
              "type": [
                "string",
                "null"
              ],
              "description": "What else there is to say"
            }
          },
          "required": [
            "title",
            "count",
            "mode"
          ],
          "description": "Arguments of several kinds.",
          "additionalProperties": false
        },
        "outputSchema": {
          "type": "object",
          "properties": {
            "title": {
              "type": "string",
              "description": "What it is called",
              "minLength": 1,
              "maxLength": 20
            },
            "count": {
              "type": "integer",
              "minimum": 1,
              "maximum": 100,
              "description": "How many of them"
            },
            "mode": {
              "type": "string",
              "enum": [
                "fast",
                "thorough"
              ],
              "description": "How to go about it"
            },
            "tags": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "Words to find it by",
              "maxItems": 3,
              "default": []
            },
            "note": {
              "type": [
                "string",
                "null"
              ],
              "description": "What else there is to say"
            }
          },
          "required": [
            "title",
            "count",
            "mode",
            "tags",
            "note"
          ],
          "description": "Arguments of several kinds."
        },
        "annotations": {
          "readOnlyHint": true,
          "destructiveHint": false,
          "idempotentHint": true,
          "openWorldHint": false
        }
      }
    ]
    "#);
}

#[test]
fn the_order_is_the_same_in_every_process_and_for_every_way_of_filling_the_folder() {
    let guests = ["sleepy", "echo", "hostile", "greeter-v1", "counter"];
    let there = Folder::with(&guests);
    let back = Folder::empty();
    for guest in guests.iter().rev() {
        back.add(guest);
    }
    let first = Session::legacy(&there).tool_names();
    for folder in [&there, &back] {
        everywhere(folder, |session| assert_eq!(session.tool_names(), first));
    }
    assert!(first.iter().any(|name| name == "toolbay_status"));
    let mut unique = first.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(
        unique.len(),
        first.len(),
        "a name is there twice: {first:?}"
    );
}

#[test]
fn the_whole_list_is_the_same_for_every_connection() {
    let folder = Folder::with(&["echo", "counter"]);
    let before = Session::legacy(&folder).list_tools();
    let mut session = Session::legacy(&folder);
    session.call("echo_text", json!({"text": "a call changes nothing"}));
    assert_eq!(session.list_tools(), before);
}

#[test]
fn schemas_and_names_are_such_as_every_client_takes() {
    let folder = Folder::with(&["echo", "counter", "sleepy", "greeter-v1", "hostile"]);
    fs::copy(paths::plugin("jq"), folder.file("jq.wasm")).expect("a plugin can be copied");
    fs::copy(paths::plugin("clock"), folder.file("clock.wasm")).expect("a plugin can be copied");
    everywhere(&folder, |session| {
        let tools = session.list_tools();
        assert!(tools.len() > 40, "only {} tools", tools.len());
        for tool in &tools {
            let name = tool["name"].as_str().expect("a name");
            let plain = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
            assert!(plain && name.len() <= 46 && name.contains('_'), "{name}");
            assert!(
                tool["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 10),
                "{tool}"
            );
            for hint in [
                "readOnlyHint",
                "destructiveHint",
                "idempotentHint",
                "openWorldHint",
            ] {
                assert!(
                    tool["annotations"].get(hint).is_none_or(Value::is_boolean),
                    "{hint} of {name}"
                );
            }
            assert_eq!(
                tool["annotations"]["readOnlyHint"], true,
                "{name} asks for nothing, so it can change nothing"
            );
            check_schema(name, &tool["inputSchema"]);
            if let Some(schema) = tool.get("outputSchema") {
                check_schema(name, schema);
            }
        }
    });
}

#[test]
fn a_schema_keeps_the_order_of_its_author() {
    let folder = Folder::with(&["echo"]);
    let tools = Session::modern(&folder).list_tools();
    let tool = tools
        .iter()
        .find(|tool| tool["name"] == "echo_record")
        .expect("the tool is listed");
    let names: Vec<&String> = tool["inputSchema"]["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .collect();
    assert_eq!(names, ["title", "count", "mode", "tags", "note"]);
}

#[test]
fn the_list_comes_before_any_component_is_compiled() {
    let folder = Folder::empty();
    // A hundred plugins that differ only in their names.
    for number in 0..100 {
        let mut manifest = assembled::manifest("plain");
        manifest["plugin"]["name"] = json!(format!("p{number}"));
        let bytes = assembled::bake(&assembled::bare("plain"), &manifest);
        folder.replace(&format!("p{number}.wasm"), &bytes);
    }
    let cache = TempDir::new().expect("a temporary folder can be made");
    let start = std::time::Instant::now();
    let mut session = Session::open(Start::new(&folder).cache(cache.path()).start(), Era::Modern);
    let names = session.tool_names();
    eprintln!("a hundred plugins are listed after {:?}", start.elapsed());
    assert_eq!(names.len(), 101);
    assert_eq!(
        session.call("p42_run", json!({}))["content"][0]["text"],
        "hello from hand-written code"
    );
}

/// What is in an advertised schema: nothing that some client is known to refuse.
fn check_schema(tool: &str, schema: &Value) {
    assert_eq!(schema["type"], "object", "{tool}: {schema}");
    for keyword in ["oneOf", "anyOf", "allOf", "if", "not", "$ref"] {
        assert!(
            schema.get(keyword).is_none(),
            "{tool} has {keyword} at its root: {schema}"
        );
    }
    check_inside(tool, schema);
}

fn check_inside(tool: &str, value: &Value) {
    const FORMATS: [&str; 13] = [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uuid",
        "json-pointer",
        "regex",
    ];
    match value {
        Value::Object(members) => {
            assert!(!members.contains_key("$schema"), "{tool}: {value}");
            if let Some(format) = members.get("format").and_then(Value::as_str) {
                assert!(FORMATS.contains(&format), "{tool} has the format {format}");
            }
            members
                .values()
                .for_each(|member| check_inside(tool, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_inside(tool, item)),
        _ => {}
    }
}

#[test]
fn a_plugin_that_only_describes_itself_is_served() {
    // As a plain build leaves it: without the manifest that `toolbay bake` puts in.
    let folder = Folder::empty();
    let baked = fs::read(paths::guest("echo")).expect("a guest can be read");
    folder.replace("echo.wasm", &assembled::unbaked(&baked));
    let cache = TempDir::new().expect("a temporary folder can be made");
    for state in ["empty", "warm"] {
        let start = Start::new(&folder).cache(cache.path());
        let mut session = Session::open(start.start(), Era::Modern);
        let result = session.call("echo_text", json!({"text": state}));
        assert_eq!(
            result["content"][0]["text"], state,
            "with a cache that is {state}"
        );
        assert_eq!(session.tool_names().len(), 6);
    }
}
