//! One query: compile a filter, read the input, run, and write at most so many results.

use jaq_core::data::HasLut;
use jaq_core::{Ctx, DataT, Exn, Lut, Vars};
use jaq_json::Val;
use jaq_std::input::{HasInputs, Inputs, RcIter};
use serde_json::{Map, Value, json};

use crate::compile::compile;
use crate::error::{QueryError, shorten};
use crate::json::{self, Layout, parse_values};

/// The most results that one query gives, whatever is asked for.
pub const MAX_RESULTS: usize = 1000;

/// Characters of a value that an error message shows.
const SHOWN_CHARS: usize = 300;

/// What to run, and on what.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    pub filter: &'a str,
    /// JSON text with any number of values.
    pub input: &'a str,
    /// Whether all input values are put into one array first.
    pub slurp: bool,
    /// What the filter sees as `$name`.
    pub variables: Map<String, Value>,
    /// How many results to give, kept within 1 and [`MAX_RESULTS`].
    pub limit: usize,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    pub items: Vec<String>,
    /// Whether there are more results than were asked for.
    pub truncated: bool,
}

impl Query<'_> {
    /// Runs the filter and gives each result as JSON text.
    ///
    /// # Errors
    /// When the filter, the input or a variable is not right, when the filter fails, and when a result is no JSON.
    pub fn run_json(self, layout: Layout) -> Result<Results, QueryError> {
        self.run(|value| json::write(value, layout))
    }

    /// Like [`Query::run_json`], but strings are given as they are, without quotes and escapes.
    ///
    /// # Errors
    /// As there.
    pub fn run_raw(self, layout: Layout) -> Result<Results, QueryError> {
        self.run(|value| match json::text(value) {
            Some(text) => Ok(text.into_owned()),
            None => json::write(value, layout),
        })
    }

    fn run(
        self,
        write: impl Fn(&Val) -> Result<String, QueryError>,
    ) -> Result<Results, QueryError> {
        let (names, values) = variables(self.variables)?;
        let filter = compile(self.filter, &names)?;
        let inputs = inputs(self.input, self.slurp)?;
        let several = inputs.len() > 1;

        let inputs: RcIter<Box<dyn Iterator<Item = (usize, Val)>>> =
            RcIter::new(Box::new((1..).zip(inputs)));
        let rest = RcIter::new((&inputs).map(|(_, value)| Ok(value)));
        let globals = Globals {
            lut: &filter.lut,
            inputs: &rest,
        };
        let context = Ctx::<Kind>::new(&globals, Vars::new(values));
        let limit = self.limit.clamp(1, MAX_RESULTS);

        let mut items = Vec::new();
        for (number, input) in &inputs {
            for result in filter.id.run((context.clone(), input)) {
                match result {
                    // One more than asked for shows that there is more; it is not worth an error of its own.
                    _ if items.len() == limit => {
                        return Ok(Results {
                            items,
                            truncated: true,
                        });
                    }
                    Ok(value) => items.push(write(&value)?),
                    Err(exception) => {
                        match failure(exception, several.then_some(number), items.len()) {
                            Some(error) => return Err(error),
                            None => {
                                return Ok(Results {
                                    items,
                                    truncated: false,
                                });
                            }
                        }
                    }
                }
            }
        }
        Ok(Results {
            items,
            truncated: false,
        })
    }
}

/// The kind of data that filters work on here: JSON values, with the input values left for `input` and `inputs`.
pub(crate) struct Kind;

pub(crate) struct Globals<'a> {
    lut: &'a Lut<Kind>,
    inputs: Inputs<'a, Val>,
}

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = &'a Globals<'a>;
}

impl<'a> HasLut<'a, Kind> for &'a Globals<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Val> for &'a Globals<'a> {
    fn inputs(&self) -> Inputs<'a, Val> {
        self.inputs
    }
}

/// Names with their `$`, and values, in the same order: those of the caller, and the two that jq always has.
fn variables(mut given: Map<String, Value>) -> Result<(Vec<String>, Vec<Val>), QueryError> {
    if let Some(name) = given.keys().find(|name| !is_variable_name(name)) {
        return Err(QueryError::new(format!("args: {} cannot be the name of a variable", shorten(&json!(name), 60)))
            .hint("use letters, digits and `_`, and no digit first: {\"min_age\": 18} is `$min_age` in the filter"));
    }
    let named = Value::Object(given.clone());
    given.entry("ENV").or_insert_with(|| json!({}));
    given
        .entry("ARGS")
        .or_insert_with(|| json!({"positional": [], "named": named}));
    let names = given.keys().map(|name| format!("${name}")).collect();
    let values = given.values().map(|value| parse_values(&value.to_string()));
    Ok((names, values.collect::<Result<Vec<_>, _>>()?.concat()))
}

fn is_variable_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_word)
}

fn inputs(text: &str, slurp: bool) -> Result<Vec<Val>, QueryError> {
    let values = parse_values(text)?;
    match (slurp, values.is_empty()) {
        (true, _) => Ok(vec![values.into_iter().collect()]),
        (false, false) => Ok(values),
        (false, true) => Err(QueryError::new("input is empty: it holds no JSON value")
            .hint("leave `input` out to run the filter on null, or set `slurp` to take it as an empty array")),
    }
}

/// The error that an exception stands for; nothing for `halt`, which ends the query without one.
fn failure(exception: Exn<'_, Val>, number: Option<usize>, results: usize) -> Option<QueryError> {
    let error = exception.get_err().ok()?;
    let text = unquoted(shorten(&error, SHOWN_CHARS));
    let place = number
        .map(|number| format!(" on input value {number}"))
        .unwrap_or_default();
    let after = match results {
        0 => String::new(),
        1 => " after one result".into(),
        _ => format!(" after {results} results"),
    };
    let failed = QueryError::new(format!("the filter failed{place}{after}: {text}"));
    let hint = if text.starts_with("cannot use null as iterable") {
        "nothing is iterated or assigned below null: write `.a[]?` to pass over it, and `.a //= {} | .a.b = 1` to create it"
    } else if text.starts_with("cannot index") || text.starts_with("cannot use") {
        "put `?` after a step to pass over values that it does not fit, or ask for their `type` first"
    } else {
        return Some(failed);
    };
    Some(failed.hint(hint))
}

/// What `error` was given is mostly a sentence, and those read better without quotes.
fn unquoted(text: String) -> String {
    serde_json::from_str(&text).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(filter: &str, input: &str) -> Result<Vec<String>, QueryError> {
        let query = Query {
            filter,
            input,
            limit: 100,
            ..Query::default()
        };
        Ok(query.run_json(Layout::Compact)?.items)
    }

    #[track_caller]
    fn check(filter: &str, input: &str, expected: &str) {
        match run(filter, input) {
            Ok(results) => assert_eq!(results.join(" "), expected, "{filter}"),
            Err(error) => panic!("{filter}: {error}"),
        }
    }

    #[test]
    fn filters_give_what_jq_gives() {
        for (filter, input, expected) in [
            (".", r#"{"a":1.50}"#, r#"{"a":1.50}"#),
            (".a.b", r#"{"a":{"b":[1]}}"#, "[1]"),
            (
                ".[] | select(.age > 30) | .name",
                r#"[{"name":"A","age":31},{"name":"B","age":3}]"#,
                r#""A""#,
            ),
            ("map(.+1) | add", "[1,2,3]", "9"),
            ("length", "null 1.5 \"é\" [1] {}", "0 1.5 1 1 0"),
            ("[inputs]", "1 2 3", "[2,3]"),
            ("[., input]", "1 2 3 4", "[1,2] [3,4]"),
            (
                "group_by(.k) | map({k: .[0].k, n: length})",
                r#"[{"k":1},{"k":2},{"k":1}]"#,
                r#"[{"k":1,"n":2},{"k":2,"n":1}]"#,
            ),
            ("to_entries", r#"{"a":1}"#, r#"[{"key":"a","value":1}]"#),
            ("with_entries(.value += 1)", r#"{"a":1}"#, r#"{"a":2}"#),
            (
                "from_entries",
                r#"[{"name":"a","value":false},{"k":1,"v":2},{"key":null}]"#,
                r#"{"a":false,"1":2,"null":null}"#,
            ),
            ("join(\", \")", r#"["a",null,1,true]"#, r#""a, , 1, true""#),
            ("join(\",\")", "[]", r#""""#),
            (
                "@csv",
                r#"[1,"a\"b",null,true,""]"#,
                r#""1,\"a\"\"b\",,true,\"\"""#,
            ),
            ("@tsv", r#"["a\tb","\\",null,2]"#, r#""a\\tb\t\\\\\t\t2""#),
            (r#"@base64 "x\(.)""#, r#""hi""#, r#""xaGk=""#),
            (
                "ltrimstr(\"v\"), rtrimstr(\"1\")",
                r#""v1" null"#,
                r#""1" "v" null null"#,
            ),
            ("IN(1, 2)", "2 3", "true false"),
            (
                "INDEX(.id) | keys",
                r#"[{"id":"b"},{"id":"a"}]"#,
                r#"["a","b"]"#,
            ),
            (
                "walk(if type == \"number\" then . * 2 else . end)",
                "[1,[2]]",
                "[2,[4]]",
            ),
            ("paths", r#"{"a":[1]}"#, r#"["a"] ["a",0]"#),
            ("del(.a, .c)", r#"{"a":1,"b":2,"c":3}"#, r#"{"b":2}"#),
            ("(.a, .b) |= . + 1", r#"{"a":1,"b":2}"#, r#"{"a":2,"b":3}"#),
            ("sub(\"(?<x>[a-z])\"; \"<\\(.x)>\")", r#""1a""#, r#""1<a>""#),
            ("[match(\"a\"; \"g\").offset]", r#""banana""#, "[1,3,5]"),
            ("try error(\"x\") catch .", "null", r#""x""#),
            (".a?", "[1]", ""),
            ("if . then 1 end", "true false", "1 false"),
            ("del(.[0, 1])", "[1,2,3]", "[3]"),
            ("del(.[1:], .[-1], .[9])", "[1,2,3]", "[1]"),
            ("del(.[] | select(. > 1))", "[1,2,3,0]", "[1,0]"),
            ("del(.a)", r#"{"a":1,"b":2,"c":3}"#, r#"{"b":2,"c":3}"#),
            (
                "del(.a.b), del(.x.y[0].z)",
                r#"{"a":{"b":1}}"#,
                r#"{"a":{}} {"a":{"b":1}}"#,
            ),
            (
                "del(.[0].a, .[1], .[0].b)",
                r#"[{"a":1,"b":2,"c":3},4]"#,
                r#"[{"c":3}]"#,
            ),
            (
                "del(.. | .x?)",
                r#"{"x":1,"y":[{"x":2,"z":3}]}"#,
                r#"{"y":[{"z":3}]}"#,
            ),
            ("del(.)", "1", "null"),
            (
                "delpaths([[\"a\",0],[\"a\",1]])",
                r#"{"a":[1,2,3]}"#,
                r#"{"a":[3]}"#,
            ),
            (
                "to_entries | del(.[0].key)",
                r#"{"a":1}"#,
                r#"[{"value":1}]"#,
            ),
            (
                "[.[] | tonumber?]",
                r#"["1","1x","0x10","1 2","",null," 2.50 "]"#,
                "[1,2.50]",
            ),
            ("fromjson", r#""[1,{}]""#, "[1,{}]"),
            (
                "try fromjson catch .",
                r#""1 2""#,
                r#""2 values in a text that should hold one as JSON""#,
            ),
            (
                "walk(if type == \"array\" then add else . end)",
                "[[1,2]]",
                "3",
            ),
            (
                "[.[] // 0], ((false, null, 1) // 2), (empty // 3)",
                "[null,1]",
                "[1] 1 3",
            ),
            ("limit(3; repeat(1))", "null", "1 1 1"),
            ("first(range(infinite))", "null", "0"),
            ("10 / 4, 10 / 5", "null", "2.5 2"),
            ("todate", "1700000000", r#""2023-11-14T22:13:20Z""#),
            ("todate", "4000000000", r#""2096-10-02T07:06:40Z""#),
            ("fromdate", r#""2096-10-02T07:06:40Z""#, "4000000000"),
            (
                "strftime(\"%Y-%m-%d %H:%M\")",
                "4000000000",
                r#""2096-10-02 07:06""#,
            ),
            (
                "strflocaltime(\"%H %Z\"), (localtime | mktime)",
                "0",
                r#""00 UTC" 0"#,
            ),
            ("env, $ENV", "null", "{} {}"),
            ("now > 1700000000", "null", "true"),
            ("1, halt, 2", "null", "1"),
        ] {
            check(filter, input, expected);
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (filter, input, expected) in [
            (
                ".",
                "123456789012345678901234567890 0.10000000000000000000001",
                "123456789012345678901234567890 0.10000000000000000000001",
            ),
            (
                ". + 1",
                "123456789012345678901234567890 9007199254740993",
                "123456789012345678901234567891 9007199254740994",
            ),
            (". * 2", "4294967296", "8589934592"),
            ("1000000 * 1000000", "null", "1000000000000"),
            (". + 0.5", "0.10000000000000000000001", "0.6"),
            ("tojson", "[1.10]", r#""[1.10]""#),
            ("tonumber", r#""12.50""#, "12.50"),
        ] {
            check(filter, input, expected);
        }
    }

    /// The cases, each with its whole error below it.
    fn errors(cases: &[(&str, &str)]) -> String {
        let report = |(filter, input): &(&str, &str)| match run(filter, input) {
            Ok(results) => panic!("{filter} gives {results:?}"),
            Err(error) => format!("{filter:?} {input}\n{error}\n"),
        };
        cases.iter().map(report).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn failures_are_told_briefly() {
        let cases = [
            (".a.b", r#"{"a":1}"#),
            (".a", "{} [1]"),
            ("error({code: 1})", "null"),
            ("1, 2, error", "\"bad\""),
            ("halt_error", "\"bad\""),
            ("{(1): 2}", "null"),
            ("tobytes", "\"a\""),
            ("@csv", "[[1]]"),
            (".", " "),
            ("[limit(200; repeat([.]))] | .[0] += {}", "null"),
            ("reduce range(101) as $i (0; [.])", "null"),
            (".a.b = 1", "{}"),
            (".a[]", "{}"),
            ("tonumber", r#""12 apples""#),
        ];
        insta::assert_snapshot!(errors(&cases), @r#"
        ".a.b" {"a":1}
        the filter failed: cannot index 1 with "b"
        hint: put `?` after a step to pass over values that it does not fit, or ask for their `type` first

        ".a" {} [1]
        the filter failed on input value 2 after one result: cannot index [1] with "a"
        hint: put `?` after a step to pass over values that it does not fit, or ask for their `type` first

        "error({code: 1})" null
        the filter failed: {"code":1}

        "1, 2, error" "bad"
        the filter failed after 2 results: bad

        "halt_error" "bad"
        the filter failed: bad

        "{(1): 2}" null
        a result holds an object with the key 1, but keys are strings
        hint: turn the key into a string with `tostring`

        "tobytes" "a"
        a result holds a byte string, which JSON does not have
        hint: give it as text with `@base64`, or leave out `tobytes`

        "@csv" [[1]]
        the filter failed: an array or object cannot be a field of @csv: [1]

        "."  
        input is empty: it holds no JSON value
        hint: leave `input` out to run the filter on null, or set `slurp` to take it as an empty array

        "[limit(200; repeat([.]))] | .[0] += {}" null
        the filter failed: cannot calculate [null] + {}

        "reduce range(101) as $i (0; [.])" null
        a result is nested more than 100 levels deep
        hint: select a part of it, or turn deep parts into text with `tojson`

        ".a.b = 1" {}
        the filter failed: cannot use null as iterable (array or object)
        hint: nothing is iterated or assigned below null: write `.a[]?` to pass over it, and `.a //= {} | .a.b = 1` to create it

        ".a[]" {}
        the filter failed: cannot use null as iterable (array or object)
        hint: nothing is iterated or assigned below null: write `.a[]?` to pass over it, and `.a //= {} | .a.b = 1` to create it

        "tonumber" "12 apples"
        the filter failed: cannot read "12 apples" as a number
        "#);
        let long = run(".a", &format!("[{}1]", "1,".repeat(1000))).unwrap_err();
        assert!(long.message.chars().count() < SHOWN_CHARS + 60, "{long}");
    }

    #[test]
    fn results_are_limited() {
        let run = |filter: &str, limit: usize| {
            let results = Query {
                filter,
                input: "null",
                limit,
                ..Query::default()
            }
            .run_raw(Layout::Compact)
            .unwrap();
            (results.items.len(), results.truncated)
        };
        assert_eq!(run("range(3)", 3), (3, false));
        assert_eq!(run("range(4)", 3), (3, true));
        assert_eq!(run("range(4)", 0), (1, true));
        assert_eq!(run("range(infinite)", 5000), (1000, true));
        assert_eq!(run("1, error", 1), (1, true));
        assert_eq!(run("empty", 1), (0, false));
    }

    #[test]
    fn input_can_be_slurped() {
        let run = |input, slurp| {
            let query = Query {
                filter: ".",
                input,
                slurp,
                limit: 9,
                ..Query::default()
            };
            query.run_json(Layout::Compact).unwrap().items.join(" ")
        };
        assert_eq!(run("null", false), "null");
        assert_eq!(run("1\n2", false), "1 2");
        assert_eq!(run("1\n2", true), "[1,2]");
        assert_eq!(run("", true), "[]");
    }

    #[test]
    fn variables_come_from_the_arguments() {
        let run = |filter: &str, variables: Value| {
            let Value::Object(variables) = variables else {
                panic!("not an object")
            };
            let query = Query {
                filter,
                input: "null",
                variables,
                limit: 9,
                ..Query::default()
            };
            Ok::<_, QueryError>(query.run_json(Layout::Compact)?.items.join(" "))
        };
        assert_eq!(
            run("$a, $b_1[0]", json!({"b_1": [1], "a": "x"})),
            Ok(r#""x" 1"#.into())
        );
        assert_eq!(run("$ARGS.named.a", json!({"a": null})), Ok("null".into()));
        assert_eq!(run("$ENV", json!({"ENV": 1})), Ok("1".into()));
        for name in ["", "1a", "a b", "a-b", "é", "$a"] {
            assert!(run(".", json!({name: 1})).is_err(), "{name}");
        }
    }
}
