//! Statements whose values stand beside them and never in them.

use crate::error::ToolError;

/// The longest identifier, in bytes: what the usual databases take at most.
const MAX_IDENTIFIER: usize = 63;

/// A statement and the values for its placeholders, kept apart: what a caller chose is bound, so no value can become a part of the statement.
///
/// ```
/// use toolbay_sdk::sanitize::{Sql, SqlValue, sql_identifier};
///
/// let (author, column) = ("O'Brien'; drop table notes; --", "title");
/// let query = Sql::new("select id from notes where author = ")
///     .bind(author)
///     .text(" and stars >= ")
///     .bind(3)
///     .text(" order by ")
///     .identifier(column)?;
/// assert_eq!(query.statement(), "select id from notes where author = ?1 and stars >= ?2 order by \"title\"");
/// assert_eq!(query.values(), [SqlValue::from(author), SqlValue::from(3)]);
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// Only texts of the program itself can be a part of the statement: [`text`](Self::text) takes a `&'static str`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sql {
    statement: String,
    values: Vec<SqlValue>,
}

/// A value to be bound.
///
/// ```
/// use toolbay_sdk::sanitize::SqlValue;
/// assert_eq!(SqlValue::from("a"), SqlValue::Text("a".to_owned()));
/// assert_eq!(SqlValue::from(None::<i64>), SqlValue::Null);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SqlValue {
    /// No value.
    Null,
    /// Whether.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Sql {
    /// The beginning of a statement.
    pub fn new(text: &'static str) -> Self {
        Self::default().text(text)
    }

    /// Goes on with this text, which is the program's own.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.statement += text;
        self
    }

    /// A placeholder, `?1` and so on, and the value for it.
    #[must_use]
    pub fn bind(mut self, value: impl Into<SqlValue>) -> Self {
        self.values.push(value.into());
        self.statement += &format!("?{}", self.values.len());
        self
    }

    /// The name of a table or a column, quoted.
    ///
    /// # Errors
    /// As [`sql_identifier`].
    pub fn identifier(mut self, name: &str) -> Result<Self, ToolError> {
        self.statement += &sql_identifier(name)?;
        Ok(self)
    }

    /// The statement, with placeholders.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// The values, in the order of their numbers.
    pub fn values(&self) -> &[SqlValue] {
        &self.values
    }
}

/// The name of a table or a column as standard SQL quotes it: `a"b` becomes `"a""b"`.
///
/// It makes any name one name. Whether the caller may use that column is another question: compare it with those that there are.
///
/// ```
/// use toolbay_sdk::sanitize::sql_identifier;
/// assert_eq!(sql_identifier("title")?, "\"title\"");
/// assert_eq!(sql_identifier("x\"; drop table notes; --")?, "\"x\"\"; drop table notes; --\"");
/// assert!(sql_identifier("").is_err());
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// `validation_error` where it is empty, longer than 63 bytes, or has a control character in it.
pub fn sql_identifier(name: &str) -> Result<String, ToolError> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_IDENTIFIER {
        "has more than 63 bytes"
    } else if name.chars().any(char::is_control) {
        "has a control character in it"
    } else {
        return Ok(format!("\"{}\"", name.replace('"', "\"\"")));
    };
    let said = name.escape_debug().take(80).collect::<String>();
    Err(ToolError::validation(format!(
        "the name `{said}` of a table or a column {why}"
    )))
}

/// A text for `LIKE … ESCAPE '\'` in which `%`, `_` and `\` stand for themselves. Put `%` around it to look for it anywhere, and bind the whole.
///
/// ```
/// use toolbay_sdk::sanitize::{Sql, like_pattern};
/// let query = Sql::new("select id from notes where title like ")
///     .bind(format!("%{}%", like_pattern("100%")))
///     .text(r" escape '\'");
/// # assert_eq!(query.statement(), r"select id from notes where title like ?1 escape '\'");
/// ```
pub fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for SqlValue {
    fn from(whether: bool) -> Self {
        Self::Bool(whether)
    }
}

impl From<f64> for SqlValue {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

macro_rules! from_whole_numbers {
    ($($number:ty)+) => {$(
        impl From<$number> for SqlValue {
            fn from(number: $number) -> Self {
                Self::Integer(i64::from(number))
            }
        }
    )+};
}

from_whole_numbers!(i8 i16 i32 i64 u8 u16 u32);

impl<T: Into<Self>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;
    use rusqlite::types::Value;

    use super::*;

    const ATTACKS: [&str; 12] = [
        "' or '1'='1",
        "'; drop table t; --",
        "\"; drop table t; --",
        "1; select 1",
        "/* */",
        "--",
        "\\'",
        "%",
        "_",
        "?1",
        "x\u{2019}y",
        "union select sql from sqlite_master",
    ];

    /// The value as a real database gives it back, from a column whose name was chosen too.
    fn through_a_database(column: &str, text: &str) -> (String, i64) {
        let database = Connection::open_in_memory().unwrap();
        let create = format!(
            "create table t ({} text, id integer)",
            sql_identifier(column).unwrap()
        );
        database.execute_batch(&create).unwrap();
        let insert = Sql::new("insert into t values (")
            .bind(text)
            .text(", ")
            .bind(7)
            .text(")");
        let values = insert.values().iter().map(|value| match value {
            SqlValue::Text(text) => Value::Text(text.clone()),
            SqlValue::Integer(number) => Value::Integer(*number),
            other => panic!("{other:?}"),
        });
        database
            .execute(insert.statement(), rusqlite::params_from_iter(values))
            .unwrap();
        let select = Sql::new("select ")
            .identifier(column)
            .unwrap()
            .text(", count(*) from t where ");
        let select = select.identifier(column).unwrap().text(" = ").bind(text);
        database
            .query_row(select.statement(), [text], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap()
    }

    #[test]
    fn attacks_stay_values_and_names() {
        for attack in ATTACKS {
            assert_eq!(through_a_database("title", attack), (attack.to_owned(), 1));
            assert_eq!(through_a_database(attack, "text"), ("text".to_owned(), 1));
        }
        for name in ["", "a\0b", "a\nb", &"x".repeat(64)] {
            assert!(sql_identifier(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_pattern_finds_itself_and_nothing_else() {
        let database = Connection::open_in_memory().unwrap();
        let finds = |text: &str, pattern: &str| -> bool {
            let query = r"select ?1 like ?2 escape '\'";
            database
                .query_row(query, [text, pattern], |row| row.get(0))
                .unwrap()
        };
        for attack in ATTACKS {
            let pattern = like_pattern(attack);
            assert!(finds(attack, &pattern), "{attack}");
            assert!(
                !finds("anything", &pattern) && !finds("x", &pattern),
                "{attack}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(column in "[^\\p{Cc}]{1,15}", text in "[^\0]{0,40}") {
            prop_assert_eq!(through_a_database(&column, &text), (text, 1));
        }
    }
}
