#[path = "tests/formats.rs"]
mod formats;

use serde_json::json;

use super::*;

fn faults(schema: &Value, value: &Value) -> Vec<String> {
    Schema::compile(schema)
        .unwrap()
        .faults(value)
        .into_iter()
        .map(|fault| format!("{} {}", fault.pointer, fault.message))
        .collect()
}

#[test]
fn every_fault_is_reported_with_its_place() {
    let schema = json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 5},
            "priority": {"type": "integer", "minimum": 1, "maximum": 5},
            "mail": {"type": "string", "format": "email"},
            "kind": {"enum": ["a", "b"]},
            "zone": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["title", "owner"],
        "additionalProperties": false,
    });
    let value = json!({"title": "far too long", "priority": 9, "mail": "nobody", "kind": "c", "zone": 3, "titel": 1});
    insta::assert_debug_snapshot!(faults(&schema, &value), @r#"
    [
        " `owner` is missing",
        "/title must have at most 5 characters, not 12",
        "/priority must be at most 5, not 9",
        "/mail must be a valid email, not \"nobody\"",
        "/kind must be one of \"a\", \"b\", not \"c\"",
        "/zone must be a string, not a number (3), or must be null, not a number (3)",
        "/titel is not known; did you mean `title`?",
    ]
    "#);
}

#[test]
fn remote_references_are_refused() {
    let error = Schema::compile(&json!({"$ref": "https://example.com/schema.json"})).unwrap_err();
    assert!(error.to_string().contains("example.com"), "{error}");
}

#[test]
fn a_pattern_runs_in_linear_time() {
    let schema = Schema::compile(&json!({"type": "string", "pattern": "^(a+)+$"})).unwrap();
    assert_eq!(
        schema
            .faults(&Value::String("a".repeat(50_000) + "!"))
            .len(),
        1
    );
}

#[test]
fn clients_get_a_form_that_all_of_them_take() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Arguments",
        "type": "object",
        "properties": {
            "count": {"type": "integer", "format": "uint32", "minimum": 0},
            "when": {"type": "string", "format": "date-time"},
            "format": {"type": "string", "enum": ["uint32"]},
            "point": {"$ref": "#/$defs/Point", "description": "where"},
            "tree": {"$ref": "#/$defs/Tree"},
        },
        "allOf": [{"required": ["count"]}],
        "$defs": {
            "Point": {"type": "object", "properties": {"x": {"type": "number", "format": "double"}}, "description": "a point"},
            "Tree": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
        },
    });
    insta::assert_json_snapshot!(client_safe(&schema), @r##"
    {
      "title": "Arguments",
      "type": "object",
      "properties": {
        "count": {
          "type": "integer",
          "minimum": 0
        },
        "when": {
          "type": "string",
          "format": "date-time"
        },
        "format": {
          "type": "string",
          "enum": [
            "uint32"
          ]
        },
        "point": {
          "type": "object",
          "properties": {
            "x": {
              "type": "number"
            }
          },
          "description": "where"
        },
        "tree": {
          "type": "object",
          "properties": {
            "children": {
              "type": "array",
              "items": {
                "$ref": "#/$defs/Tree"
              }
            }
          }
        }
      },
      "$defs": {
        "Tree": {
          "type": "object",
          "properties": {
            "children": {
              "type": "array",
              "items": {
                "$ref": "#/$defs/Tree"
              }
            }
          }
        }
      }
    }
    "##);
}

#[test]
fn an_argument_that_may_be_anything_is_an_object_in_the_list() {
    let schema = json!({"type": "object", "properties": {"value": true, "never": false}, "additionalProperties": false});
    assert_eq!(
        client_safe(&schema),
        json!({"type": "object", "properties": {"value": {}, "never": {"not": {}}}, "additionalProperties": false})
    );
}
