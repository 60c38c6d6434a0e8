use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{Date, DateTime, Email, Url};

#[derive(Serialize, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    One,
    Two,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Titled {
    #[schemars(title = "The first")]
    First,
    /// The second
    Second,
    Third,
}

fn thirty() -> u8 {
    30
}

fn both() -> Vec<Plain> {
    vec![Plain::One, Plain::Two]
}

/// Everything that can be asked.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Everything {
    /// What to call you
    #[schemars(length(min = 1, max = 20), title = "Name")]
    name: String,
    nickname: Option<String>,
    email: Email,
    page: Option<Url>,
    birthday: Date,
    #[serde(default)]
    meeting: Option<DateTime>,
    #[serde(default = "thirty")]
    #[schemars(range(max = 150))]
    age: u8,
    score: f64,
    offset: Option<i64>,
    #[serde(default)]
    agreed: bool,
    plain: Plain,
    /// Which one
    titled: Titled,
    perhaps: Option<Titled>,
    #[serde(default = "both")]
    #[schemars(length(min = 1, max = 2))]
    several: Vec<Plain>,
    some: BTreeSet<Plain>,
    all: Option<Vec<Titled>>,
    #[schemars(extend("enum" = ["a", "b"], "enumNames" = ["A", "B"]))]
    legacy: String,
}

#[test]
fn everything_that_can_be_asked() {
    let schema = schema::<Everything>().unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema).unwrap());
}

macro_rules! refused {
    ($($field:ty),* $(,)?) => {
        [$({
            #[derive(Deserialize, JsonSchema)]
            #[expect(dead_code, reason = "only its schema is looked at")]
            struct Asked {
                field: $field,
            }
            format!("{}: {}", stringify!($field), schema::<Asked>().unwrap_err())
        }),*]
    };
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Nested {
    inner: String,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Mixed {
    Nothing,
    Something(String),
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Patterned {
    #[schemars(regex(pattern = "^a+$"))]
    field: String,
}

#[test]
fn what_cannot_be_asked_is_said_by_field() {
    let mut said: Vec<String> = refused![
        Nested,
        Mixed,
        Vec<String>,
        Value,
        (u8, u8),
        std::time::Duration,
        std::net::Ipv4Addr,
    ]
    .to_vec();
    said.push(schema::<Patterned>().unwrap_err());
    said.push(schema::<u8>().unwrap_err());
    said.push(schema::<Mixed>().unwrap_err());
    said.push(schema::<Value>().unwrap_err());
    insta::assert_snapshot!(said.join("\n"), @r#"
    Nested: its field `field` is an object, and a form has none: its fields stand side by side
    Mixed: its field `field` is of no type that a form has
    Vec<String>: its field `field` is a list of something else than choices; only an enum without fields can be chosen several times
    Value: its field `field` takes anything at all; give it a type
    (u8, u8): its field `field` is a list of something else than choices; only an enum without fields can be chosen several times
    std::time::Duration: its field `field` is an object, and a form has none: its fields stand side by side
    std::net::Ipv4Addr: its field `field` has the format "ipv4", which no form has: only email, uri, date and date-time
    its field `field` has the rule `pattern`, which no form can say; check the answer instead
    a form needs a struct with fields, and `uint8` has none
    a form needs a struct with fields, and `Mixed` has none
    a form needs a struct with fields, and `AnyValue` has none
    "#);
}
