//! One table of a manifest, taken apart key by key. Owns what is said about keys that are unknown, missing or of the wrong type.

use std::str::FromStr;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::error::{ManifestError, Place, shorten};
use crate::rules;
use crate::units::UnitError;

pub(crate) fn missing(
    place: &Place,
    key: &'static str,
    hint: Option<&'static str>,
) -> ManifestError {
    ManifestError::MissingKey {
        place: place.clone(),
        key,
        hint,
    }
}

fn unknown_key(place: &Place, key: &str, known: &'static [&'static str]) -> ManifestError {
    let nearest = rules::nearest(key, known.iter().copied());
    ManifestError::UnknownKey {
        place: place.clone(),
        key: shorten(key),
        nearest,
        known,
    }
}

pub(crate) fn wrong_type(
    place: &Place,
    key: &str,
    expected: &'static str,
    found: &Value,
) -> ManifestError {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    ManifestError::WrongType {
        place: place.clone(),
        key: shorten(key),
        expected,
        found,
    }
}

/// One table, whose keys are all known, being taken apart. A key set to JSON's `null` counts as not there.
pub(crate) struct Fields {
    place: Place,
    table: Map<String, Value>,
}

impl Fields {
    pub(crate) fn new(
        place: &Place,
        name: &str,
        value: Value,
        known: &'static [&'static str],
    ) -> Result<Self, ManifestError> {
        let Value::Object(mut table) = value else {
            return Err(wrong_type(place, name, "a table", &value));
        };
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(unknown_key(place, key, known));
        }
        table.retain(|_, value| !value.is_null());
        Ok(Self {
            place: place.clone(),
            table,
        })
    }

    /// The same table, once it is better known where it is.
    pub(crate) fn at(self, place: &Place) -> Self {
        Self {
            place: place.clone(),
            ..self
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn missing(&self, key: &'static str, hint: Option<&'static str>) -> ManifestError {
        missing(&self.place, key, hint)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.table.shift_remove(key)
    }

    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        hint: Option<&'static str>,
        read: impl FnOnce(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<T, ManifestError> {
        match self.take(key) {
            Some(value) => read(&self.place, value),
            None => Err(self.missing(key, hint)),
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, ManifestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(&self.place, key, "a text", &other)),
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, ManifestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&self.place, key, "true or false", &other)),
        }
    }

    pub(crate) fn count(&mut self, key: &str) -> Result<Option<u32>, ManifestError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(count) => Ok(Some(count)),
            None => {
                let problem = format!("`{key}` is {}", shorten(&value.to_string()));
                Err(ManifestError::value(
                    &self.place,
                    problem,
                    "write a whole number: 8",
                ))
            }
        }
    }

    /// A number of bytes.
    pub(crate) fn size(&mut self, key: &str) -> Result<Option<u64>, ManifestError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        if let Some(size) = value.as_u64() {
            return Ok(Some(size));
        }
        let problem = format!("`{key}` is {}", shorten(&value.to_string()));
        let hint = "write a number of bytes: 1024";
        Err(ManifestError::value(&self.place, problem, hint))
    }

    pub(crate) fn unit<T: FromStr<Err = UnitError>>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, ManifestError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|error: UnitError| {
            let problem = format!("`{key}` is \"{}\", {error}", shorten(&text));
            ManifestError::value(&self.place, problem, error.hint())
        })
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, ManifestError> {
        let items = match self.take(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(wrong_type(&self.place, key, "a list of texts", &other)),
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(&self.place, key, "a list of texts", &other)),
        };
        items
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    pub(crate) fn parsed_list<T: FromStr<Err = &'static str>>(
        &mut self,
        key: &str,
        hint: &str,
    ) -> Result<Vec<T>, ManifestError> {
        let parse = |text: String| {
            text.parse().map_err(|problem| {
                ManifestError::value(
                    &self.place,
                    format!("`{key}` has \"{}\", which {problem}", shorten(&text)),
                    hint,
                )
            })
        };
        let texts = match self.table.shift_remove(key) {
            None => return Ok(Vec::new()),
            Some(value) => Fields {
                place: self.place.clone(),
                table: Map::from_iter([(key.to_owned(), value)]),
            }
            .texts(key)?,
        };
        texts.unwrap_or_default().into_iter().map(parse).collect()
    }

    /// One table inside this one.
    pub(crate) fn table<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<Option<T>, ManifestError> {
        self.take(key)
            .map(|value| read(&self.place, value))
            .transpose()
    }

    /// A list of tables, each at a place that tells its number, counted from 1.
    pub(crate) fn tables<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl Fn(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<Vec<T>, ManifestError> {
        let items = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(wrong_type(&self.place, key, "a list of tables", &other)),
        };
        let numbered = items.into_iter().enumerate();
        numbered
            .map(|(index, item)| read(&self.place.table(format!("{what} {}", index + 1)), item))
            .collect()
    }

    pub(crate) fn map<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl Fn(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<IndexMap<String, T>, ManifestError> {
        let table = match self.take(key) {
            None => return Ok(IndexMap::new()),
            Some(Value::Object(table)) => table,
            Some(other) => return Err(wrong_type(&self.place, key, "a table", &other)),
        };
        let mut entries = IndexMap::with_capacity(table.len());
        for (name, value) in table {
            let entry = read(
                &self.place.table(format!("{what} `{}`", shorten(&name))),
                value,
            )?;
            entries.insert(name, entry);
        }
        Ok(entries)
    }
}
