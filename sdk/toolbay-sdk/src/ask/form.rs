//! From a Rust type to the schema of a form. Owns what a form can have: the protocol allows one flat object of texts, numbers, booleans and choices, so
//! whatever else a type says is either put into those words or reported.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of a form with the fields of `T`.
///
/// # Errors
/// Which field cannot be asked, and why.
pub(super) fn schema<T: JsonSchema>() -> Result<Value, String> {
    let mut settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let Value::Object(mut schema) = schema.to_value() else {
        return Err("a form needs a struct with fields".to_owned());
    };
    let Some(Value::Object(fields)) = schema.remove("properties") else {
        return Err(format!(
            "a form needs a struct with fields, and `{}` has none",
            T::schema_name()
        ));
    };
    if ["oneOf", "anyOf", "allOf"]
        .iter()
        .any(|key| schema.contains_key(*key))
    {
        return Err(
            "a form is one struct, not one of several, and without flattened parts".to_owned(),
        );
    }
    let required = match schema.remove("required") {
        Some(Value::Array(required)) => required,
        _ => Vec::new(),
    };
    let mut properties = Map::new();
    for (name, asked) in fields {
        let field = field(asked).map_err(|problem| format!("its field `{name}` {problem}"))?;
        properties.insert(name, Value::Object(field));
    }
    Ok(json!({"type": "object", "properties": properties, "required": required}))
}

type Schema = Map<String, Value>;

fn field(asked: Value) -> Result<Schema, String> {
    let Value::Object(mut schema) = asked else {
        return Err("takes anything at all; give it a type".to_owned());
    };
    unwrap_option(&mut schema);
    let choices = choices(&schema);
    let kind = match schema.get("type").and_then(Value::as_str) {
        Some(kind) => kind.to_owned(),
        None if choices.is_some() => "string".to_owned(),
        None => return Err("is of no type that a form has".to_owned()),
    };
    let mut field = Schema::from_iter([("type".to_owned(), kind.clone().into())]);
    take(
        &mut schema,
        &["title", "description", "default"],
        &mut field,
    );
    match (kind.as_str(), choices) {
        (_, Some(choices)) => {
            field.extend(choices.single()?);
            take(&mut schema, &["enumNames"], &mut field);
            return Ok(field);
        }
        ("string", None) => {
            take(&mut schema, &["minLength", "maxLength"], &mut field);
            take_format(&mut schema, &mut field)?;
        }
        ("integer" | "number", None) => {
            take(&mut schema, &["minimum", "maximum"], &mut field);
            // What of an integer's width is not in its bounds yet.
            schema.remove("format");
        }
        ("boolean", None) => {}
        ("array", None) => {
            take(&mut schema, &["minItems", "maxItems"], &mut field);
            schema.remove("uniqueItems");
            field.insert("items".to_owned(), items(schema.remove("items"))?);
        }
        (other, None) => {
            return Err(format!(
                "is an {other}, and a form has none: its fields stand side by side"
            ));
        }
    }
    schema.remove("type");
    match schema.keys().next() {
        None => Ok(field),
        Some(rule) => Err(format!(
            "has the rule `{rule}`, which no form can say; check the answer instead"
        )),
    }
}

/// An option is its value, which need not be given.
fn unwrap_option(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.retain(|branch| branch.get("type").and_then(Value::as_str) != Some("null"));
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

fn take(from: &mut Schema, keys: &[&str], into: &mut Schema) {
    for key in keys {
        into.extend(from.remove_entry(*key));
    }
}

fn take_format(schema: &mut Schema, field: &mut Schema) -> Result<(), String> {
    match schema.remove("format") {
        None => Ok(()),
        Some(format)
            if ["email", "uri", "date", "date-time"]
                .iter()
                .any(|known| format == *known) =>
        {
            field.insert("format".to_owned(), format);
            Ok(())
        }
        Some(other) => Err(format!(
            "has the format {other}, which no form has: only email, uri, date and date-time"
        )),
    }
}

fn items(asked: Option<Value>) -> Result<Value, String> {
    let choices = match &asked {
        Some(Value::Object(schema)) => choices(schema),
        _ => None,
    };
    match choices {
        Some(choices) => Ok(Value::Object(choices.several()?)),
        None => Err("is a list of something else than choices; only an enum without fields can be chosen several times".to_owned()),
    }
}

/// The values of an enum without fields, each with what is shown.
struct Choices(Vec<(Value, Option<String>)>);

/// The choices that a schema leaves, if that is what it does.
fn choices(schema: &Schema) -> Option<Choices> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return Some(Choices(
            values.iter().map(|value| (value.clone(), None)).collect(),
        ));
    }
    if let Some(value) = schema.get("const") {
        let shown = ["title", "description"]
            .iter()
            .find_map(|key| schema.get(*key)?.as_str());
        return Some(Choices(vec![(value.clone(), shown.map(str::to_owned))]));
    }
    let branches = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()?;
    let mut all = Vec::new();
    for branch in branches {
        all.extend(choices(branch.as_object()?)?.0);
    }
    (!all.is_empty()).then_some(Choices(all))
}

impl Choices {
    fn are_titled(&self) -> bool {
        self.0.iter().any(|(_, title)| title.is_some())
    }

    fn check(&self) -> Result<(), String> {
        match self.0.iter().find(|(value, _)| !value.is_string()) {
            Some((value, _)) => Err(format!("can be {value}; a form chooses among texts only")),
            None => Ok(()),
        }
    }

    fn titled(self) -> Value {
        let choice = |(value, title): (Value, Option<String>)| {
            let title = title.unwrap_or_else(|| value.as_str().unwrap_or_default().to_owned());
            json!({"const": value, "title": title})
        };
        self.0.into_iter().map(choice).collect()
    }

    fn plain(self) -> Value {
        self.0.into_iter().map(|(value, _)| value).collect()
    }

    /// One of them.
    fn single(self) -> Result<Schema, String> {
        self.check()?;
        let (key, choices) = if self.are_titled() {
            ("oneOf", self.titled())
        } else {
            ("enum", self.plain())
        };
        Ok(Schema::from_iter([(key.to_owned(), choices)]))
    }

    /// What each of several is.
    fn several(self) -> Result<Schema, String> {
        self.check()?;
        Ok(if self.are_titled() {
            Schema::from_iter([("anyOf".to_owned(), self.titled())])
        } else {
            Schema::from_iter([
                ("type".to_owned(), "string".into()),
                ("enum".to_owned(), self.plain()),
            ])
        })
    }
}

#[cfg(test)]
mod tests;
