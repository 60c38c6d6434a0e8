//! Whatever text comes in, a query ends in results or in an error that says something.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind};

use crate::{Layout, Query, QueryError};
use proptest::prelude::*;

/// Pieces that make up filters: put together at random they reach far more of the language than random characters do.
const PIECES: &[&str] = &[
    ".",
    "..",
    ".a",
    ".[0]",
    ".[]",
    ".[1:]",
    ".[-1:2]",
    ".\"b\"",
    "|",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "and",
    "or",
    "not",
    "//",
    "=",
    "|=",
    "+=",
    "//=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ";",
    "?",
    "$x",
    "$ENV",
    "as",
    "if",
    "then",
    "elif",
    "else",
    "end",
    "try",
    "catch",
    "reduce",
    "foreach",
    "label",
    "break",
    "def",
    "f",
    "f:",
    "import",
    "include",
    "0",
    "-1",
    "1.5",
    "1e3",
    "9223372036854775807",
    "\"a\"",
    "\"\\(",
    ")\"",
    "\"é\\n",
    "map(",
    "select(",
    "sort_by(",
    "group_by(",
    "to_entries",
    "from_entries",
    "with_entries(",
    "keys",
    "length",
    "add",
    "any",
    "all",
    "min",
    "flatten",
    "range(3)",
    "tostring",
    "tonumber",
    "tojson",
    "fromjson",
    "test(\"a\")",
    "match(\"(a)|(b)?\"; \"g\")",
    "capture(",
    "sub(\"a\"; \"b\")",
    "split(\"a\")",
    "join(\"-\")",
    "ascii_downcase",
    "explode",
    "implode",
    "ltrimstr(\"a\")",
    "limit(2; ",
    "first(",
    "until(true; ",
    "path(",
    "getpath([\"a\", 0])",
    "del(",
    "walk(",
    "@csv",
    "@base64",
    "@base64d",
    "@json \"",
    "todate",
    "strftime(\"%Y\")",
    "mktime",
    "gmtime",
    "splits(\"a\")",
    "inputs",
    "input",
    "error",
    "halt",
    "nan",
    "infinite",
    "floor",
    "sqrt",
    "pow(2; 3)",
    "log",
    "tobytes",
    "indices(1)",
    "inside(",
    "has(0)",
    "bsearch(1)",
    "# ",
    "\n",
    " ",
    "\u{0}",
    "💣",
    "a::b",
    "@",
    "$",
    "\\",
];

const INPUTS: &[&str] = &[
    "null",
    "0",
    "-1.5",
    "\"ab\"",
    "\"é💣\"",
    "[]",
    "[1,\"a\",null]",
    "{}",
    r#"{"a":[{"b":1},{"b":"x"}]}"#,
    "1 2 3",
    "[[1,2],[3]]",
    "1e300",
    "123456789012345678901234567890",
    r#"[{"key":"a","value":1}]"#,
    "1700000000",
];

fn run(filter: &str, input: &str) -> Result<Vec<String>, QueryError> {
    let query = Query {
        filter,
        input,
        limit: 20,
        ..Query::default()
    };
    Ok(query.run_json(Layout::Compact)?.items)
}

fn is_too_large(panic: &(dyn Any + Send)) -> bool {
    panic.downcast_ref::<&str>() == Some(&"capacity overflow")
        || panic
            .downcast_ref::<String>()
            .is_some_and(|text| text == "capacity overflow")
}

/// Results are JSON, and errors say something and stay short.
fn check(filter: &str, input: &str) {
    let ran = match catch_unwind(|| run(filter, input)) {
        Ok(ran) => ran,
        // A text that no memory has room for (`9223372036854775807 * "ab"`): the sandbox ends the guest, as for any that wants more than it may have.
        Err(panic) if is_too_large(panic.as_ref()) => return,
        Err(panic) => resume_unwind(panic),
    };
    match ran {
        Ok(results) => {
            for result in results {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&result);
                assert!(parsed.is_ok(), "{filter} gives {result}");
            }
        }
        Err(error) => {
            assert!(
                !error.message.is_empty() && error.message.chars().count() < 600,
                "{error}"
            );
        }
    }
}

#[test]
fn a_text_that_no_memory_has_room_for() {
    check("9223372036854775807 * \"ab\"", "null");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_made_of_pieces(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 1..12),
        spaced in any::<bool>(),
        input in prop::sample::select(INPUTS),
    ) {
        check(&pieces.join(if spaced { " " } else { "" }), input);
    }

    #[test]
    fn functions_one_after_the_other(
        steps in prop::collection::vec(prop::sample::select(PIECES), 1..6),
        input in prop::sample::select(INPUTS),
    ) {
        check(&steps.join(" | "), input);
    }

    #[test]
    fn filters_of_any_characters(filter in any::<String>()) {
        check(&filter, "[1]");
    }

    #[test]
    fn input_of_any_characters(input in "[\\[\\]{}\",:0-9a-z\\\\. \u{0}-\u{20}é💣-]{0,40}") {
        check(".", &input);
    }

    #[test]
    fn any_number_of_a_document_is_passed_on_unchanged(whole in "(0|-?[1-9][0-9]{0,40})", fraction in "[0-9]{1,40}") {
        let input = format!("[{whole},{{\"a\":{whole}.{fraction}}}]");
        prop_assert_eq!(run(".", &input).unwrap(), [input]);
    }
}
