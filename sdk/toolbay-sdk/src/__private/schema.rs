//! JSON Schemas (2020-12) of arguments and results, made only when a plugin describes itself, never in a call.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of a tool's arguments: always an object, and one that refuses keys it does not know unless its type says otherwise.
pub fn input_schema<T: JsonSchema>() -> Value {
    let mut schema = root::<T>(SchemaSettings::draft2020_12().for_deserialize());
    leave_out_what_has_a_default(&mut schema);
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for definition in definitions.into_iter().flat_map(Map::values_mut) {
        definition.as_object_mut().map(leave_out_what_has_a_default);
    }
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

/// Where a type brings a default of its own, as `Limit` does, a property of it need not be given.
fn leave_out_what_has_a_default(schema: &mut Map<String, Value>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let with_default = properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| property.get("default").is_some());
    let with_default: Vec<String> = with_default.map(|(name, _)| name.clone()).collect();
    let Some(Value::Array(required)) = schema.get_mut("required") else {
        return;
    };
    required.retain(|name| !with_default.iter().any(|other| name == other.as_str()));
    if required.is_empty() {
        schema.shift_remove("required");
    }
}

/// The schema of a tool's structured result: always an object, and the same one that `object_text` makes of each value.
pub(super) fn output_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = root::<T>(settings.clone());
    let shape = object_or_not(&Value::Object(schema.clone()));
    schema.entry("type").or_insert_with(|| "object".into());
    if matches!(shape, Shape::Object) || schema.len() == 1 {
        return Value::Object(schema);
    }
    // Inside another schema a recursive type cannot call itself `#`, so it is made once more, as a part.
    let mut generator = settings.into_generator();
    let value = generator.subschema_for::<T>().to_value();
    let mut definitions = generator.take_definitions(true);
    let wrapped = |value: &Value| json!({"type": "object", "properties": {"result": value}, "required": ["result"]});
    let mut schema = match shape {
        // Some values of the type are objects and stand for themselves, others are wrapped.
        Shape::Either => {
            definitions.insert(VALUE.to_owned(), value);
            let value = json!({"$ref": format!("#/$defs/{VALUE}")});
            json!({"type": "object", "anyOf": [&value, wrapped(&value)]})
        }
        Shape::Object | Shape::Other => wrapped(&value),
    };
    if let Value::Object(schema) = &mut schema
        && !definitions.is_empty()
    {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// No Rust type has this name.
const VALUE: &str = "result-value";

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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    /// A list of such lists.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Nested(Vec<Nested>);

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    enum Number {
        Whole(i64),
        Broken(f64),
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    enum Mixed {
        Nothing,
        Something { size: u8 },
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Open {
        name: String,
        #[serde(flatten)]
        rest: Map<String, Value>,
    }

    #[test]
    fn a_recursive_type_that_is_no_object_is_wrapped_by_its_name() {
        let schema = output_schema::<Nested>();
        assert_eq!(
            schema["properties"]["result"],
            json!({"$ref": "#/$defs/Nested"})
        );
        assert_eq!(
            schema["$defs"]["Nested"]["items"],
            json!({"$ref": "#/$defs/Nested"})
        );
    }

    #[test]
    fn types_that_are_never_objects_are_wrapped() {
        for schema in [
            output_schema::<Number>(),
            output_schema::<Option<u8>>(),
            output_schema::<(u8, bool)>(),
        ] {
            assert_eq!(schema["required"], json!(["result"]), "{schema}");
        }
    }

    #[test]
    fn types_that_are_sometimes_objects_have_both_forms() {
        let schema = output_schema::<Mixed>();
        assert_eq!(schema["anyOf"][0], json!({"$ref": "#/$defs/result-value"}));
        assert_eq!(
            schema["anyOf"][1]["properties"]["result"],
            json!({"$ref": "#/$defs/result-value"})
        );
        assert_eq!(output_schema::<Value>(), json!({"type": "object"}));
    }

    #[test]
    fn unknown_arguments_are_refused_unless_the_type_takes_them() {
        assert_eq!(input_schema::<Open>()["additionalProperties"], json!(true));
        assert_eq!(
            input_schema::<Number>()["unevaluatedProperties"],
            json!(false)
        );
    }
}
