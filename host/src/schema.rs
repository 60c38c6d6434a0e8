//! JSON Schemas: compiled once, every fault of a value reported at once with the place and what would be right, and the form of a schema that all
//! MCP clients take.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use crate::text::{escape, nearest, shorten};

/// How many faults one report lists.
const MAX_FAULTS: usize = 20;

/// How much of a wrong value a report repeats.
const MAX_VALUE: usize = 60;

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not valid JSON Schema: {0}")]
pub(crate) struct SchemaError(String);

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// The names of the properties at the root, to suggest one for a mistyped name.
    properties: Vec<String>,
}

/// One thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole value.
    pub(crate) pointer: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl Schema {
    /// Compiles a JSON Schema 2020-12. Formats are asserted; patterns run in linear time; nothing is fetched.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] says what is wrong with the schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, SchemaError> {
        if let Some(reference) = foreign_reference(schema) {
            return Err(SchemaError(format!(
                "it refers to `{reference}`, and a schema may refer only to places within itself, such as `#/$defs/Name`"
            )));
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .map_err(|error| SchemaError(shorten(&escape(&error.to_string()), 300)))?;
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .map(|map| map.keys().cloned().collect())
            .unwrap_or_default();
        Ok(Self {
            validator,
            properties,
        })
    }

    /// Everything that is wrong with the value, up to twenty faults; empty where nothing is.
    #[must_use]
    pub(crate) fn faults(&self, value: &Value) -> Vec<Fault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        self.validator
            .iter_errors(value)
            .flat_map(|error| self.describe(&error))
            .take(MAX_FAULTS)
            .collect()
    }

    fn describe(&self, error: &ValidationError<'_>) -> Vec<Fault> {
        let pointer = error.instance_path().to_string();
        if let ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } = error.kind()
        {
            let known: &[String] = if pointer.is_empty() {
                &self.properties
            } else {
                &[]
            };
            return unexpected
                .iter()
                .map(|name| unknown_property(&pointer, name, known))
                .collect();
        }
        vec![Fault {
            message: message(&pointer, error.kind(), error.instance()),
            pointer,
        }]
    }
}

/// The first reference that leads out of the schema. Nothing is ever fetched.
fn foreign_reference(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(object) => object.iter().find_map(|(key, value)| match value.as_str() {
            Some(reference)
                if matches!(key.as_str(), "$ref" | "$dynamicRef")
                    && !reference.starts_with('#') =>
            {
                Some(shorten(&escape(reference), 100))
            }
            _ => foreign_reference(value),
        }),
        Value::Array(items) => items.iter().find_map(foreign_reference),
        _ => None,
    }
}

fn unknown_property(pointer: &str, name: &str, known: &[String]) -> Fault {
    let suggestion = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None => format!(
            "; known: {}",
            known
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let escaped = name.replace('~', "~0").replace('/', "~1");
    Fault {
        pointer: format!("{pointer}/{escaped}"),
        message: format!("is not known{suggestion}"),
    }
}

/// What is wrong at `place`, which the caller names.
fn message(place: &str, kind: &ValidationErrorKind, value: &Value) -> String {
    use ValidationErrorKind as Kind;
    let got = || shown(value);
    match kind {
        Kind::Required { property } => {
            format!("`{}` is missing", property.as_str().unwrap_or_default())
        }
        Kind::Type { kind } => format!(
            "must be {}, not {} ({})",
            types(kind),
            type_of(value),
            got()
        ),
        Kind::Enum { options } => match options.as_array() {
            Some(options) => format!(
                "must be one of {}, not {}",
                options.iter().map(shown).collect::<Vec<_>>().join(", "),
                got()
            ),
            None => format!("must be one of {}, not {}", shown(options), got()),
        },
        Kind::Constant { expected_value } => {
            format!("must be {}, not {}", shown(expected_value), got())
        }
        Kind::Minimum { limit } => format!("must be at least {limit}, not {}", got()),
        Kind::Maximum { limit } => format!("must be at most {limit}, not {}", got()),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, not {}", got()),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, not {}", got()),
        Kind::MinLength { limit } => format!(
            "must have at least {limit} characters, not {}",
            length(value)
        ),
        Kind::MaxLength { limit } => format!(
            "must have at most {limit} characters, not {}",
            length(value)
        ),
        Kind::MinItems { limit } => {
            format!("must have at least {limit} items, not {}", length(value))
        }
        Kind::MaxItems { limit } => {
            format!("must have at most {limit} items, not {}", length(value))
        }
        Kind::Pattern { pattern } => format!(
            "must match the pattern `{}`, and {} does not",
            shorten(&escape(pattern), 200),
            got()
        ),
        Kind::Format { format } => format!("must be a valid {format}, not {}", got()),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            alternatives(place, context, value)
        }
        Kind::FalseSchema => "is not allowed here".into(),
        _ => shorten(&escape(&kind_words(kind, value)), 300),
    }
}

/// Of a choice of schemas, what each alternative would have wanted: `Option<T>` and untagged enums end up here.
fn alternatives(place: &str, context: &[Vec<ValidationError<'_>>], value: &Value) -> String {
    let mut wanted: Vec<String> = Vec::new();
    for fault in context.iter().filter_map(|faults| faults.first()) {
        let at = fault.instance_path().to_string();
        let words = message(&at, fault.kind(), fault.instance());
        let words = if at == place {
            words
        } else {
            format!("`{at}` {words}")
        };
        if !wanted.contains(&words) {
            wanted.push(words);
        }
    }
    if wanted.is_empty() {
        format!("fits none of the allowed alternatives ({})", shown(value))
    } else {
        wanted.join(", or ")
    }
}

fn kind_words(kind: &ValidationErrorKind, value: &Value) -> String {
    match kind {
        ValidationErrorKind::UniqueItems => "must not repeat an item".into(),
        ValidationErrorKind::MinProperties { limit } => {
            format!("must have at least {limit} members")
        }
        ValidationErrorKind::MaxProperties { limit } => {
            format!("must have at most {limit} members")
        }
        ValidationErrorKind::MultipleOf { multiple_of } => {
            format!("must be a multiple of {multiple_of}, not {}", shown(value))
        }
        ValidationErrorKind::AdditionalItems { limit } => {
            format!("must have at most {limit} items")
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "fits more than one of the allowed alternatives".into()
        }
        other => format!("does not satisfy `{}` ({})", other.keyword(), shown(value)),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(single) => article(&single.to_string()),
        TypeKind::Multiple(several) => several
            .iter()
            .map(|one| article(&one.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn article(name: &str) -> String {
    match name.trim_matches('"') {
        "null" => "null".into(),
        name @ ("array" | "integer" | "object") => format!("an {name}"),
        name => format!("a {name}"),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn length(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().count().to_string(),
        Value::Array(items) => items.len().to_string(),
        other => shown(other),
    }
}

fn shown(value: &Value) -> String {
    shorten(&escape(&value.to_string()), MAX_VALUE)
}

/// The schema in the form that all clients take: an object at the root without combinators there, local references put in place unless they
/// recur, no `$schema`, and no formats beyond the standard's. Clients see this form; the host checks against the author's.
#[must_use]
pub(crate) fn client_safe(schema: &Value) -> Value {
    let definitions = schema
        .get("$defs")
        .or_else(|| schema.get("definitions"))
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let mut inliner = Inliner {
        definitions,
        open: Vec::new(),
        kept: Vec::new(),
    };
    let mut safe = inliner.inline(schema, true);
    if let Some(object) = safe.as_object_mut() {
        for keyword in [
            "$schema",
            "$id",
            "$comment",
            "$defs",
            "definitions",
            "oneOf",
            "anyOf",
            "allOf",
            "not",
            "if",
            "then",
            "else",
        ] {
            object.shift_remove(keyword);
        }
        object.entry("type").or_insert_with(|| "object".into());
        if !inliner.kept.is_empty() {
            object.insert("$defs".into(), Value::Object(inliner.kept_definitions()));
        }
    }
    safe
}

/// The formats that the vocabulary of JSON Schema 2020-12 defines.
const STANDARD_FORMATS: [&str; 19] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

struct Inliner {
    definitions: Map<String, Value>,
    /// The definitions being put in place right now; meeting one of them again is a recursion.
    open: Vec<String>,
    /// The definitions that recur, so stay references.
    kept: Vec<String>,
}

impl Inliner {
    fn inline(&mut self, schema: &Value, is_schema: bool) -> Value {
        match schema {
            Value::Object(object) => self.inline_object(object, is_schema),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.inline(item, is_schema))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    fn inline_object(&mut self, object: &Map<String, Value>, is_schema: bool) -> Value {
        if is_schema
            && let Some(name) = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(definition_name)
        {
            return self.inline_reference(&name, object);
        }
        let mut safe = Map::new();
        for (key, value) in object {
            // Below these the keys are names of the author's, not keywords; below the second kind there are values, not schemas.
            let names_inside = is_schema
                && matches!(
                    key.as_str(),
                    "properties"
                        | "patternProperties"
                        | "dependentSchemas"
                        | "$defs"
                        | "definitions"
                );
            let values_inside = is_schema
                && matches!(
                    key.as_str(),
                    "enum" | "const" | "default" | "examples" | "required" | "dependentRequired"
                );
            if is_schema
                && key == "format"
                && value
                    .as_str()
                    .is_some_and(|format| !STANDARD_FORMATS.contains(&format))
            {
                continue;
            }
            if is_schema && matches!(key.as_str(), "$defs" | "definitions") {
                continue;
            }
            let inlined = if values_inside {
                value.clone()
            } else if names_inside {
                let members = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, member)| (name.clone(), as_object(self.inline(member, true))));
                Value::Object(members.collect())
            } else {
                self.inline(value, is_schema)
            };
            safe.insert(key.clone(), inlined);
        }
        Value::Object(safe)
    }

    fn inline_reference(&mut self, name: &str, object: &Map<String, Value>) -> Value {
        let recurs = self.open.iter().any(|open| open == name) || self.open.len() > 32;
        let Some(definition) = self.definitions.get(name).cloned() else {
            return Value::Object(object.clone());
        };
        if recurs {
            if !self.kept.iter().any(|kept| kept == name) {
                self.kept.push(name.to_owned());
            }
            return serde_json::json!({ "$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1")) });
        }
        self.open.push(name.to_owned());
        let mut inlined = self.inline(&definition, true);
        self.open.pop();
        // What stands beside the reference, a description mostly, says more about this place than the definition does.
        if let Some(target) = inlined.as_object_mut() {
            for (key, value) in object.iter().filter(|(key, _)| *key != "$ref") {
                target.insert(key.clone(), self.inline(value, false));
            }
        }
        inlined
    }

    /// The recurring definitions themselves, their own references to each other kept.
    fn kept_definitions(&mut self) -> Map<String, Value> {
        let mut done = Map::new();
        let mut next = 0;
        while let Some(name) = self.kept.get(next).cloned() {
            next += 1;
            let Some(definition) = self.definitions.get(&name).cloned() else {
                continue;
            };
            self.open = vec![name.clone()];
            let inlined = self.inline(&definition, true);
            self.open.clear();
            done.insert(name, inlined);
        }
        done
    }
}

/// A schema that is no more than `true` or `false` as an object that says the same: the protocol's own schema asks for objects.
fn as_object(schema: Value) -> Value {
    match schema {
        Value::Bool(true) => serde_json::json!({}),
        Value::Bool(false) => serde_json::json!({ "not": {} }),
        object => object,
    }
}

fn definition_name(reference: &str) -> Option<String> {
    let name = reference
        .strip_prefix("#/$defs/")
        .or_else(|| reference.strip_prefix("#/definitions/"))?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
#[path = "schema/tests.rs"]
mod tests;
