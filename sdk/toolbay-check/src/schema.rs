//! JSON Schemas taken apart as far as lints need it: which arguments there are, at any depth, and of which types each may be. References are
//! followed, and alternatives laid side by side.

use std::cell::Cell;

use serde_json::{Map, Value};

/// What a schema may nest, references followed. A manifest's own limit is higher; deeper parts are not looked at.
const MAX_DEPTH: usize = 12;
/// How many alternatives of one schema are looked at.
const MAX_ALTERNATIVES: usize = 64;
/// How many schemas are looked at in all, the same one at different places counted each time: recursive types would never end otherwise.
const MAX_WORK: u32 = 20_000;
/// How many parts of one schema are told.
const MAX_PARTS: usize = 2_000;

/// One part of the arguments or of the result.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its JSON pointer, with `*` for the elements of lists and the values of maps.
    pub(crate) pointer: String,
    /// Its own name; that of the list for an element.
    pub(crate) name: String,
    /// Whether it is an element of a list or a value of a map, which has no name of its own.
    pub(crate) element: bool,
    pub(crate) required: bool,
    /// What its author says about it.
    pub(crate) description: String,
    /// What it may be, each without references and combinations, and of one type. `null` is left out.
    pub(crate) alternatives: Vec<Alternative>,
    /// How many names lie above it.
    pub(crate) depth: usize,
}

/// One of the things that a value may be.
#[derive(Debug, Clone)]
pub(crate) struct Alternative {
    /// Its type; nothing where any is allowed.
    pub(crate) kind: Option<Kind>,
    pub(crate) keywords: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    List,
    Object,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::Text,
            "array" => Self::List,
            "object" => Self::Object,
            _ => return None,
        })
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }
}

impl Alternative {
    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.keywords.contains_key(keyword)
    }

    pub(crate) fn text(&self, keyword: &str) -> Option<&str> {
        self.keywords.get(keyword).and_then(Value::as_str)
    }

    /// The values of `enum` or `const`.
    pub(crate) fn values(&self) -> Option<Vec<&Value>> {
        match self.keywords.get("enum") {
            Some(Value::Array(values)) => Some(values.iter().collect()),
            _ => self.keywords.get("const").map(|value| vec![value]),
        }
    }
}

impl Part {
    /// Whether its values are all listed: then these, as texts.
    pub(crate) fn choices(&self) -> Option<Vec<&str>> {
        let mut choices = Vec::new();
        for alternative in &self.alternatives {
            choices.extend(
                alternative
                    .values()?
                    .iter()
                    .filter_map(|value| value.as_str()),
            );
        }
        (!choices.is_empty()).then_some(choices)
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Alternative> {
        self.alternatives
            .iter()
            .filter(move |alternative| alternative.kind == Some(kind))
    }
}

/// Where a part is, before it is looked at.
struct At<'a> {
    pointer: String,
    name: &'a str,
    element: bool,
    required: bool,
}

#[derive(Default)]
struct Found {
    parts: Vec<Part>,
    /// The shapes of what lies above the part that is being looked at.
    above: Vec<Map<String, Value>>,
}

/// What tells one structure from another: what it is made of, without the words about it.
fn shape(keywords: &Map<String, Value>) -> Map<String, Value> {
    let structure = ["properties", "items", "prefixItems", "additionalProperties"];
    let entries = structure
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), keywords.get(*key)?.clone())));
    entries.collect()
}

/// Every part below the root of a schema, those of all alternatives of the root together.
pub(crate) fn parts(root: &Value) -> Vec<Part> {
    let mut found = Found::default();
    let walk = Walk {
        root,
        work: Cell::new(MAX_WORK),
    };
    let at = At {
        pointer: String::new(),
        name: "",
        element: false,
        required: true,
    };
    for alternative in walk.alternatives(root, MAX_DEPTH) {
        walk.below(&alternative, &at, MAX_DEPTH, &mut found);
    }
    merge(found.parts)
}

/// Variants of a tagged type have parts of the same name: one part, with the alternatives of all.
fn merge(parts: Vec<Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match merged
            .iter_mut()
            .find(|known| known.pointer == part.pointer)
        {
            Some(known) => {
                known.required &= part.required;
                known.alternatives.extend(part.alternatives);
                if known.description.is_empty() {
                    known.description = part.description;
                }
            }
            None => merged.push(part),
        }
    }
    merged
}

struct Walk<'a> {
    root: &'a Value,
    /// How many schemas may still be looked at.
    work: Cell<u32>,
}

impl Walk<'_> {
    fn below(&self, alternative: &Alternative, at: &At<'_>, fuel: usize, found: &mut Found) {
        let keywords = &alternative.keywords;
        // A type that holds itself says the same at every depth.
        let shape = shape(keywords);
        if fuel == 0 || found.parts.len() >= MAX_PARTS || found.above.contains(&shape) {
            return;
        }
        found.above.push(shape);
        let required = |name: &str| {
            let listed = keywords.get("required").and_then(Value::as_array);
            listed.is_some_and(|listed| listed.iter().any(|listed| listed == name))
        };
        let properties = keywords.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let below = At {
                pointer: format!("{}/{escaped}", at.pointer),
                name,
                element: false,
                required: required(name),
            };
            self.part(schema, &below, fuel, found);
        }
        let all = ["items", "additionalProperties"]
            .iter()
            .filter_map(|key| keywords.get(*key));
        let all = all
            .filter(|schema| schema.is_object())
            .map(|schema| ("*".to_owned(), schema));
        let first = keywords
            .get("prefixItems")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate();
        for (step, schema) in all.chain(first.map(|(index, schema)| (index.to_string(), schema))) {
            let below = At {
                pointer: format!("{}/{step}", at.pointer),
                name: at.name,
                element: true,
                required: false,
            };
            self.part(schema, &below, fuel, found);
        }
        found.above.pop();
    }

    fn part(&self, schema: &Value, at: &At<'_>, fuel: usize, found: &mut Found) {
        let alternatives = self.alternatives(schema, fuel);
        let own = schema.get("description").and_then(Value::as_str);
        let inherited = || {
            alternatives
                .iter()
                .find_map(|alternative| alternative.text("description"))
        };
        let position = found.parts.len();
        found.parts.push(Part {
            name: at.name.to_owned(),
            element: at.element,
            required: at.required,
            description: own.or_else(inherited).unwrap_or_default().to_owned(),
            alternatives: Vec::new(),
            depth: at.pointer.matches('/').count() - 1,
            pointer: at.pointer.clone(),
        });
        for alternative in &alternatives {
            self.below(alternative, at, fuel - 1, found);
        }
        if let Some(part) = found.parts.get_mut(position) {
            part.alternatives = alternatives;
        }
    }

    /// What a schema allows, laid out: references followed, combinations multiplied, types told apart, `null` left out.
    fn alternatives(&self, schema: &Value, fuel: usize) -> Vec<Alternative> {
        let Some(left) = self.work.get().checked_sub(1) else {
            return Vec::new();
        };
        self.work.set(left);
        let Value::Object(object) = schema else {
            return vec![Alternative {
                kind: None,
                keywords: Map::new(),
            }];
        };
        let mut found: Vec<Map<String, Value>> = vec![object.clone()];
        if fuel > 0 {
            for key in ["$ref", "allOf", "anyOf", "oneOf"] {
                found = found
                    .into_iter()
                    .flat_map(|object| self.expand(key, object, fuel))
                    .take(MAX_ALTERNATIVES)
                    .collect();
            }
        }
        found.into_iter().flat_map(of_one_type).collect()
    }

    fn expand(
        &self,
        key: &str,
        mut object: Map<String, Value>,
        fuel: usize,
    ) -> Vec<Map<String, Value>> {
        let Some(value) = object.shift_remove(key) else {
            return vec![object];
        };
        let branches: Vec<&Value> = match (&value, key) {
            (Value::String(reference), "$ref") => {
                let target = reference
                    .strip_prefix('#')
                    .and_then(|pointer| self.root.pointer(pointer));
                target.into_iter().collect()
            }
            (Value::Array(branches), "allOf") => {
                // All of them hold at once, so they become one.
                let merged = branches.iter().fold(object, |merged, branch| {
                    let inner = self.alternatives(branch, fuel - 1);
                    inner
                        .into_iter()
                        .next()
                        .map_or(merged.clone(), |inner| with(&inner.keywords, &merged))
                });
                return vec![merged];
            }
            (Value::Array(branches), _) => branches.iter().collect(),
            _ => Vec::new(),
        };
        if branches.is_empty() {
            return vec![object];
        }
        branches
            .iter()
            .flat_map(|branch| self.alternatives(branch, fuel - 1))
            .map(|inner| with(&inner.keywords, &object))
            .collect()
    }
}

/// Both together; what stands nearer says more, but properties add up.
fn with(far: &Map<String, Value>, near: &Map<String, Value>) -> Map<String, Value> {
    let mut both = far.clone();
    for (key, value) in near {
        match (both.get_mut(key), value) {
            (Some(Value::Object(far)), Value::Object(near)) if key == "properties" => {
                far.extend(near.clone())
            }
            _ => {
                both.insert(key.clone(), value.clone());
            }
        }
    }
    both
}

fn of_one_type(keywords: Map<String, Value>) -> Vec<Alternative> {
    let Some(Value::Array(names)) = keywords.get("type") else {
        let named = keywords
            .get("type")
            .and_then(Value::as_str)
            .and_then(Kind::named);
        let kind = named.or_else(|| implied(&keywords));
        return if kind == Some(Kind::Null) {
            Vec::new()
        } else {
            vec![Alternative { kind, keywords }]
        };
    };
    let alternative = |name: &Value| {
        let kind = name
            .as_str()
            .and_then(Kind::named)
            .filter(|kind| *kind != Kind::Null)?;
        let mut keywords = keywords.clone();
        keywords.insert("type".to_owned(), name.clone());
        Some(Alternative {
            kind: Some(kind),
            keywords,
        })
    };
    names.iter().filter_map(alternative).collect()
}

/// The type that a schema means which does not say one.
fn implied(keywords: &Map<String, Value>) -> Option<Kind> {
    let first = keywords
        .get("enum")
        .and_then(Value::as_array)
        .and_then(|values| values.first());
    if let Some(value) = keywords.get("const").or(first) {
        return Some(Kind::of(value));
    }
    let says = |keyword: &str| keywords.contains_key(keyword);
    if says("properties") {
        Some(Kind::Object)
    } else if says("items") || says("maxItems") {
        Some(Kind::List)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn recursive_schemas_come_to_an_end() {
        let itself = json!({"$ref": "#/$defs/Node"});
        let many = vec![itself.clone(); 20];
        let tree = json!({"type": "object", "properties": {"root": itself}, "$defs": {"Node": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"anyOf": many}}, "next": {"allOf": many}, "name": {"type": "string"}},
        }}});
        let circle = json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"anyOf": many, "allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}}});
        for schema in [tree, circle] {
            assert!(parts(&schema).len() <= 2 * MAX_PARTS);
        }
    }

    #[test]
    fn a_type_that_holds_itself_is_told_once() {
        let schema = json!({"type": "object", "properties": {"filter": {"$ref": "#/$defs/Filter"}}, "$defs": {"Filter": {
            "type": "object",
            "properties": {"word": {"type": "string"}, "all": {"type": "array", "items": {"$ref": "#/$defs/Filter"}}},
        }}});
        let pointers: Vec<_> = parts(&schema)
            .into_iter()
            .map(|part| part.pointer)
            .collect();
        assert_eq!(
            pointers,
            ["/filter", "/filter/word", "/filter/all", "/filter/all/*"]
        );
    }

    #[test]
    fn alternatives_are_laid_side_by_side() {
        let schema = json!({"type": "object", "properties": {"size": {"anyOf": [
            {"type": "string", "enum": ["small"]},
            {"allOf": [{"type": "integer"}, {"minimum": 1}]},
            {"type": ["null", "boolean"]},
        ], "description": "How large"}}});
        let parts = parts(&schema);
        let kinds: Vec<_> = parts[0]
            .alternatives
            .iter()
            .map(|alternative| alternative.kind)
            .collect();
        assert_eq!(
            kinds,
            [Some(Kind::Text), Some(Kind::Integer), Some(Kind::Boolean)]
        );
        assert!(parts[0].alternatives[1].has("minimum"));
        assert_eq!(parts[0].description, "How large");
    }
}
