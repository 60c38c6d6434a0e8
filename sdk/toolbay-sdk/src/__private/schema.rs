//! JSON Schemas (2020-12) of arguments and results, made only when a plugin describes itself, never in a call.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of a tool's arguments: always an object, and one that refuses keys it does not know unless its type says otherwise.
pub fn input_schema<T: JsonSchema>() -> Value {
    let mut schema = root::<T>(SchemaSettings::draft2020_12().for_deserialize());
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| json!({}));
    // A flattened part is a schema beside the properties; then only `unevaluatedProperties` sees both.
    let composed = ["$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|key| schema.contains_key(*key));
    if !schema.contains_key("additionalProperties") && !schema.contains_key("unevaluatedProperties")
    {
        let key = if composed {
            "unevaluatedProperties"
        } else {
            "additionalProperties"
        };
        schema.insert(key.to_owned(), false.into());
    }
    Value::Object(schema)
}

/// The schema of a tool's structured result: always an object, and the same one that `object_text` makes of each value.
pub(super) fn output_schema<T: JsonSchema>() -> Value {
    let mut schema = root::<T>(SchemaSettings::draft2020_12().for_serialize());
    match object_or_not(&Value::Object(schema.clone())) {
        Shape::Object => {
            schema.entry("type").or_insert_with(|| "object".into());
            Value::Object(schema)
        }
        Shape::Other => {
            let definitions = schema.shift_remove("$defs");
            let mut wrapped = Map::from_iter([
                ("type".to_owned(), "object".into()),
                ("properties".to_owned(), json!({ "result": schema })),
                ("required".to_owned(), json!(["result"])),
            ]);
            wrapped.extend(definitions.map(|definitions| ("$defs".to_owned(), definitions)));
            Value::Object(wrapped)
        }
        // Some values of the type are objects and stand for themselves, others are wrapped.
        Shape::Either => {
            let mut definitions = match schema.shift_remove("$defs") {
                Some(Value::Object(definitions)) => definitions,
                _ => Map::new(),
            };
            let wrapped = json!({"type": "object", "properties": {"result": {"$ref": "#/$defs/Result"}}, "required": ["result"], "additionalProperties": false});
            definitions.insert("Result".to_owned(), Value::Object(schema));
            json!({"type": "object", "anyOf": [{"$ref": "#/$defs/Result"}, wrapped], "$defs": definitions})
        }
    }
}

fn root<T: JsonSchema>(mut settings: SchemaSettings) -> Map<String, Value> {
    settings.meta_schema = None;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let Value::Object(mut schema) = schema.to_value() else {
        // `true`: anything at all.
        return Map::new();
    };
    // The name of a Rust type says nothing to a model.
    if schema.get("title").and_then(Value::as_str) == Some(&*T::schema_name()) {
        schema.shift_remove("title");
    }
    schema
}

enum Shape {
    Object,
    Other,
    Either,
}

/// Whether the values of a schema are all objects, never objects, or some of each.
fn object_or_not(schema: &Value) -> Shape {
    let values = match schema.get("type") {
        Some(Value::String(name)) => {
            return if name == "object" {
                Shape::Object
            } else {
                Shape::Other
            };
        }
        Some(Value::Array(names)) => {
            let some_object = names.iter().any(|name| name == "object");
            return if some_object {
                Shape::Either
            } else {
                Shape::Other
            };
        }
        _ => ["const", "enum"].iter().find_map(|key| schema.get(key)),
    };
    match values {
        Some(Value::Array(values)) if values.iter().all(|value| !value.is_object()) => {
            return Shape::Other;
        }
        Some(value) if !value.is_object() && !value.is_array() => return Shape::Other,
        _ => {}
    }
    let branches = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema.get(key))
        .and_then(Value::as_array);
    let shapes: Vec<Shape> = branches.into_iter().flatten().map(object_or_not).collect();
    if shapes.is_empty() {
        Shape::Either
    } else if shapes.iter().all(|shape| matches!(shape, Shape::Object)) {
        Shape::Object
    } else if shapes.iter().all(|shape| matches!(shape, Shape::Other)) {
        Shape::Other
    } else {
        Shape::Either
    }
}
