//! Results with only those members that the caller wants, so that a model need not read the rest.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::ToolError;

/// Which members of a `T` the caller wants, as a tool's argument: a list of their names, and all where it is empty or left out.
///
/// The names are in the schema, so the host refuses others. [`pick`](Self::pick) makes a [`Partial`] of a whole value.
///
/// ```
/// use toolbay_sdk::prelude::*;
/// use toolbay_sdk::{Fields, Partial};
///
/// /// A city.
/// #[data]
/// struct City {
///     name: String,
///     people: u64,
/// }
///
/// /// Lists the cities of the land.
/// #[tool]
/// fn cities(
///     /// Which members of each city to return; all where none is named
///     fields: Fields<City>,
///     cursor: Option<Cursor>,
///     limit: Limit,
/// ) -> Result<Page<Partial<City>>, ToolError> {
///     let all = [City { name: "Bonn".into(), people: 336_000 }];
///     fields.pick_page(Page::of(all, cursor, limit))
/// }
/// # fn main() -> Result<(), ToolError> {
/// let page = cities(Fields::of(["name"]), None, Limit::default())?;
/// assert_eq!(page.items[0].get("name"), Some(&json!("Bonn")));
/// assert_eq!(page.items[0].get("people"), None);
/// # Ok(())
/// # }
/// ```
pub struct Fields<T> {
    /// None stand for all.
    names: Vec<String>,
    of: PhantomData<fn() -> T>,
}

impl<T> Fields<T> {
    /// All of them.
    pub fn all() -> Self {
        Self {
            names: Vec::new(),
            of: PhantomData,
        }
    }

    /// Those of these names.
    pub fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            of: PhantomData,
        }
    }

    /// Whether a member is wanted: what costs something to find out need not be, where it is not.
    ///
    /// ```
    /// use toolbay_sdk::Fields;
    /// struct City;
    /// assert!(Fields::<City>::all().wants("people"));
    /// assert!(!Fields::<City>::of(["name"]).wants("people"));
    /// ```
    pub fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}

impl<T: Serialize> Fields<T> {
    /// What is wanted of a value.
    ///
    /// ```
    /// use toolbay_sdk::prelude::*;
    /// use toolbay_sdk::Fields;
    ///
    /// #[data]
    /// struct City {
    ///     name: String,
    ///     people: u64,
    /// }
    /// # fn main() -> Result<(), ToolError> {
    /// let bonn = City { name: "Bonn".into(), people: 336_000 };
    /// let picked = Fields::of(["people"]).pick(&bonn)?;
    /// assert_eq!(picked.get("people"), Some(&json!(336_000)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `internal` where the value is no JSON object.
    pub fn pick(&self, value: &T) -> Result<Partial<T>, ToolError> {
        let written = serde_json::to_value(value).map_err(|error| {
            ToolError::internal(format!("the result cannot be written as JSON: {error}"))
        })?;
        let Value::Object(mut members) = written else {
            return Err(ToolError::internal(
                "the result is no JSON object, so it has no members to choose from",
            ));
        };
        members.retain(|name, _| self.wants(name));
        Ok(Partial {
            members,
            of: PhantomData,
        })
    }

    /// The same page with what is wanted of each item.
    ///
    /// # Errors
    /// `internal` where an item is no JSON object.
    pub fn pick_page<P>(
        &self,
        page: crate::Page<T, P>,
    ) -> Result<crate::Page<Partial<T>, P>, ToolError> {
        let items: Result<_, _> = page.items.iter().map(|item| self.pick(item)).collect();
        Ok(crate::Page {
            items: items?,
            next_cursor: page.next_cursor,
            has_more: page.has_more,
            total_count: page.total_count,
        })
    }
}

impl<T> Clone for Fields<T> {
    fn clone(&self) -> Self {
        Self {
            names: self.names.clone(),
            of: PhantomData,
        }
    }
}

impl<T> Default for Fields<T> {
    fn default() -> Self {
        Self::all()
    }
}

impl<T> fmt::Debug for Fields<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Fields").field(&self.names).finish()
    }
}

impl<T> Serialize for Fields<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an option, so that an argument that is left out is read as none, which is all.
        Ok(Self {
            names: Option::deserialize(deserializer)?.unwrap_or_default(),
            of: PhantomData,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Fields<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Fields_of_{}", T::schema_name()).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let whole = SchemaGenerator::default().into_root_schema_for::<T>();
        let properties = whole.get("properties").and_then(Value::as_object);
        let names = properties.into_iter().flat_map(Map::keys);
        let names: Vec<&str> = names.map(String::as_str).collect();
        let mut name = json_schema!({ "type": "string" });
        let count = names.len();
        if !names.is_empty() {
            name.insert("enum".to_owned(), names.into());
        }
        let mut schema = json_schema!({
            "type": "array",
            "items": name,
            "uniqueItems": true,
            "description": "Which members to return; all of them where none is named",
            "default": [],
        });
        if count > 0 {
            schema.insert("maxItems".to_owned(), count.into());
        }
        schema
    }
}

/// Some of a `T`'s members: what [`Fields`] picked. Its schema is that of `T` with nothing required.
#[derive(Debug, Clone)]
pub struct Partial<T> {
    members: Map<String, Value>,
    of: PhantomData<fn() -> T>,
}

impl<T> Partial<T> {
    /// A member, if it was wanted and is there.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }
}

impl<T> PartialEq for Partial<T> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl<T> Serialize for Partial<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Partial<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            members: Map::deserialize(deserializer)?,
            of: PhantomData,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Partial<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Partial_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.remove("required");
        schema
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize, JsonSchema)]
    struct Note {
        name: String,
        text: Option<String>,
    }

    #[test]
    fn what_is_wanted_is_picked() {
        let note = Note {
            name: "a".into(),
            text: Some("b".into()),
        };
        let picked = |json: &str| {
            let fields: Fields<Note> = serde_json::from_str(json).unwrap();
            serde_json::to_value(fields.pick(&note).unwrap()).unwrap()
        };
        assert_eq!(picked("null"), json!({"name": "a", "text": "b"}));
        assert_eq!(picked("[]"), picked("null"));
        assert_eq!(picked(r#"["text"]"#), json!({"text": "b"}));
        assert_eq!(picked(r#"["other"]"#), json!({}));
        assert!(Fields::<u8>::all().pick(&1).is_err());
    }

    #[test]
    fn the_schemas_name_the_members_and_require_none() {
        let schema = Fields::<Note>::json_schema(&mut SchemaGenerator::default());
        assert_eq!(
            schema.get("items"),
            Some(&json!({"type": "string", "enum": ["name", "text"]}))
        );
        let schema = Partial::<Note>::json_schema(&mut SchemaGenerator::default());
        assert!(schema.get("required").is_none());
        assert!(schema.get("properties").is_some());
    }

    #[test]
    fn fields_that_are_left_out_are_all() {
        #[derive(Deserialize)]
        struct Arguments {
            fields: Fields<Note>,
        }
        let arguments: Arguments = serde_json::from_str("{}").unwrap();
        assert!(arguments.fields.wants("text"));
    }
}
