//! From the text of a filter to something that runs, or to an error that shows the place in the text.

use std::slice;

use jaq_core::Compiler;
use jaq_core::compile::{self, Undefined};
use jaq_core::load::lex::{self, StrPart, Tok, Token};
use jaq_core::load::{self, Arena, File, Lexer, Loader, parse};

use crate::definitions::{native, reached_from, similar};
use crate::error::{QueryError, shorten};
use crate::run::Kind;

/// How deep brackets may be nested in a filter. The parser calls itself for each.
const MAX_BRACKETS: usize = 100;

/// How many operators and keywords may build on one another. The compiler calls itself for each.
const MAX_STEPS: usize = 500;

/// Compiles a filter that may use these variables, each spelled with its `$`.
pub(crate) fn compile(
    filter: &str,
    variables: &[String],
) -> Result<jaq_core::Filter<Kind>, QueryError> {
    check_brackets(filter)?;
    let tokens = Lexer::new(filter)
        .lex()
        .map_err(|errors| lex_error(filter, errors))?;
    check_steps(&tokens)?;
    let definitions = reached_from(&tokens);
    let prelude = load::parse(&definitions, |parser| parser.defs()).unwrap_or_default();

    let arena = Arena::default();
    let modules = Loader::new(prelude)
        .load(
            &arena,
            File {
                path: (),
                code: filter,
            },
        )
        .map_err(|errors| load_error(filter, errors))?;
    load::import(&modules, |_| Err(String::new())).map_err(|errors| load_error(filter, errors))?;
    Compiler::default()
        .with_funs(native())
        .with_global_vars(variables.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| compile_error(filter, errors))
}

/// Brackets are counted in strings and comments too: that keeps this simple, and no filter that means something comes near.
fn check_brackets(filter: &str) -> Result<(), QueryError> {
    let mut depth = 0_usize;
    for (offset, c) in filter.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            let problem = format!("brackets are nested more than {MAX_BRACKETS} levels deep");
            return Err(QueryError::at("filter", filter, offset, &problem));
        }
    }
    Ok(())
}

fn check_steps(tokens: &[Token<&str>]) -> Result<(), QueryError> {
    let steps = steps(tokens, &[";"]);
    if steps <= MAX_STEPS {
        return Ok(());
    }
    Err(QueryError::new(format!(
        "filter: {steps} operators and keywords build on one another, and {MAX_STEPS} may"
    ))
    .hint("put long lists of values into `args` or `input`, and what repeats into a function"))
}

/// The most operators and keywords that lie between the outermost and the innermost part of a filter. What comes after one of
/// the separators is no part of what was before it.
fn steps(tokens: &[Token<&str>], separators: &[&str]) -> usize {
    let (mut most, mut here, mut inside) = (0, 0, 0);
    for Token(text, token) in tokens {
        match token {
            Tok::Sym if separators.contains(text) => {
                (most, here, inside) = (most.max(here + inside), 0, 0);
            }
            Tok::Sym if !text.starts_with(['.', ':', '?']) => here += 1,
            Tok::Word if KEYWORDS.contains(text) => here += 1,
            Tok::Block(tokens) if text.starts_with('{') => {
                inside = inside.max(steps(tokens, &[","]))
            }
            Tok::Block(tokens) => inside = inside.max(steps(tokens, &[";"])),
            Tok::Str(parts) => {
                for part in parts {
                    if let StrPart::Term(token) = part {
                        inside = inside.max(steps(slice::from_ref(token), &[]));
                    }
                }
            }
            _ => {}
        }
    }
    most.max(here + inside)
}

const KEYWORDS: &[&str] = &[
    "and", "as", "catch", "def", "foreach", "if", "label", "or", "reduce", "try",
];

fn filter_error(filter: &str, found: &str, problem: &str) -> QueryError {
    QueryError::at("filter", filter, load::span(filter, found).start, problem)
}

/// Only the first error is told: those after it are mostly its consequences.
fn lex_error(filter: &str, errors: Vec<lex::Error<&str>>) -> QueryError {
    let Some((expected, found)) = errors.into_iter().next() else {
        return QueryError::new("filter: unknown error");
    };
    match expected {
        lex::Expect::Delim(open) => {
            filter_error(filter, open, &format!("this `{open}` is never closed"))
        }
        lex::Expect::Token => {
            let error = filter_error(
                filter,
                found,
                &format!("{} has no meaning here", first_char(found)),
            );
            match found.chars().next() {
                Some('\'') => error.hint("jq strings take double quotes"),
                Some('&') => error.hint("jq spells it `and`"),
                Some(')' | ']' | '}') => error.hint("this bracket was never opened"),
                _ => error,
            }
        }
        expected => filter_error(
            filter,
            found,
            &format!(
                "expected {}, found {}",
                with_article(expected.as_str()),
                first_char(found)
            ),
        ),
    }
}

fn load_error(filter: &str, errors: load::Errors<&str, ()>) -> QueryError {
    let Some((_, error)) = errors.into_iter().next() else {
        return QueryError::new("filter: unknown error");
    };
    match error {
        load::Error::Io(paths) => {
            let path = paths.first().map_or(filter, |(path, _)| path);
            filter_error(filter, path, "modules and files cannot be imported here")
                .hint("define functions in the filter itself with `def`, and pass data in `args`")
        }
        load::Error::Lex(errors) => lex_error(filter, errors),
        load::Error::Parse(errors) => {
            let Some((expected, found)) = errors.into_iter().next() else {
                return QueryError::new("filter: unknown error");
            };
            parse_error(filter, &expected, found)
        }
    }
}

fn parse_error(filter: &str, expected: &parse::Expect<&str>, found: &str) -> QueryError {
    use parse::Expect;
    let found_text = if found.is_empty() {
        "the end of the filter".into()
    } else {
        format!("`{}`", shorten(&found, 20))
    };
    let expected_text = match expected {
        Expect::Just(token) => format!("`{token}`"),
        Expect::Term => "an expression".into(),
        Expect::ElseOrEnd => "`elif`, `else` or `end`".into(),
        Expect::Nothing => "the end of the filter".into(),
        other => with_article(other.as_str()),
    };
    let error = filter_error(
        filter,
        found,
        &format!("expected {expected_text}, found {found_text}"),
    );
    match (expected, found) {
        (Expect::Term, "") if filter.trim().is_empty() => {
            error.hint("the filter `.` gives the input as it is")
        }
        (Expect::ElseOrEnd | Expect::Just("end"), _) => {
            error.hint("each `if` is closed by an `end`: if A then B else C end")
        }
        (Expect::Key, _) => {
            error.hint("a key of other characters is written in quotes: .\"some-key\"")
        }
        _ => error,
    }
}

fn compile_error(filter: &str, errors: compile::Errors<&str, ()>) -> QueryError {
    let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
    let Some((name, undefined)) = first else {
        return QueryError::new("filter: unknown error");
    };
    let error = |problem: &str| filter_error(filter, name, problem);
    match undefined {
        Undefined::Filter(_) if name == "reduce" => {
            error("reduce takes two arguments: reduce LIST as $x (START; UPDATE)")
        }
        Undefined::Filter(_) if name == "foreach" => error(
            "foreach takes two or three arguments: foreach LIST as $x (START; UPDATE; RESULT)",
        ),
        Undefined::Filter(arity) => {
            let error = error(&format!(
                "there is no function {name}/{arity} (a name and its number of arguments)"
            ));
            match similar::<Kind>(name, arity).as_slice() {
                [] => error,
                similar => error.hint(format!("did you mean {}?", similar.join(" or "))),
            }
        }
        Undefined::Var => {
            let bare = name.trim_start_matches('$');
            error(&format!("the variable {name} is not defined")).hint(format!(
                "pass it in `args` as {{\"{bare}\": …}}, or bind it with `… as {name} | …`"
            ))
        }
        other => error(&format!("the {} {name} is not defined", other.as_str())),
    }
}

fn first_char(text: &str) -> String {
    text.chars()
        .next()
        .map_or_else(|| "the end of the filter".into(), |c| format!("`{c}`"))
}

fn with_article(noun: &str) -> String {
    format!(
        "{} {noun}",
        if noun.starts_with(['a', 'e', 'i', 'o']) {
            "an"
        } else {
            "a"
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_a_filter_show_the_place_and_what_would_be_right() {
        let filters = [
            "",
            ".a | map(.b",
            ".a)",
            ".[] | 'x'",
            ".a-b-",
            "if . then 1",
            ".a && .b",
            "mapp(.a)",
            "map",
            "zzzzzzz",
            "$min",
            ".\n| .[ $x",
            "reduce .[] as $x (0)",
            "import \"a\" as a; .",
            "import \"a\" as $a; .",
            "break $out",
            "a::b",
            "\"\\q\"",
            "{a b}",
            ".a.",
            "input_filename",
        ];
        let report = |filter: &str| match compile(filter, &[]) {
            Ok(_) => panic!("{filter} compiles"),
            Err(error) => format!("{filter:?}\n{error}\n"),
        };
        insta::assert_snapshot!(filters.map(report).join("\n"), @r#"
        ""
        filter, line 1, column 1: expected an expression, found the end of the filter
        hint: the filter `.` gives the input as it is

        ".a | map(.b"
        filter, line 1, column 9: this `(` is never closed
            .a | map(.b
                    ^

        ".a)"
        filter, line 1, column 3: `)` has no meaning here
            .a)
              ^
        hint: this bracket was never opened

        ".[] | 'x'"
        filter, line 1, column 7: `'` has no meaning here
            .[] | 'x'
                  ^
        hint: jq strings take double quotes

        ".a-b-"
        filter, line 1, column 6: expected an expression, found the end of the filter
            .a-b-
                 ^

        "if . then 1"
        filter, line 1, column 12: expected `elif`, `else` or `end`, found the end of the filter
            if . then 1
                       ^
        hint: each `if` is closed by an `end`: if A then B else C end

        ".a && .b"
        filter, line 1, column 4: `&` has no meaning here
            .a && .b
               ^
        hint: jq spells it `and`

        "mapp(.a)"
        filter, line 1, column 1: there is no function mapp/1 (a name and its number of arguments)
            mapp(.a)
            ^
        hint: did you mean map/1?

        "map"
        filter, line 1, column 1: there is no function map/0 (a name and its number of arguments)
            map
            ^
        hint: did you mean map/1 or max/0?

        "zzzzzzz"
        filter, line 1, column 1: there is no function zzzzzzz/0 (a name and its number of arguments)
            zzzzzzz
            ^

        "$min"
        filter, line 1, column 1: the variable $min is not defined
            $min
            ^
        hint: pass it in `args` as {"min": …}, or bind it with `… as $min | …`

        ".\n| .[ $x"
        filter, line 2, column 4: this `[` is never closed
            | .[ $x
               ^

        "reduce .[] as $x (0)"
        filter, line 1, column 1: reduce takes two arguments: reduce LIST as $x (START; UPDATE)
            reduce .[] as $x (0)
            ^

        "import \"a\" as a; ."
        filter, line 1, column 9: modules and files cannot be imported here
            import "a" as a; .
                    ^
        hint: define functions in the filter itself with `def`, and pass data in `args`

        "import \"a\" as $a; ."
        filter, line 1, column 9: modules and files cannot be imported here
            import "a" as $a; .
                    ^
        hint: define functions in the filter itself with `def`, and pass data in `args`

        "break $out"
        filter, line 1, column 7: the label $out is not defined
            break $out
                  ^

        "a::b"
        filter, line 1, column 1: the module a is not defined
            a::b
            ^

        "\"\\q\""
        filter, line 1, column 3: expected a string escape sequence, found `q`
            "\q"
              ^

        "{a b}"
        filter, line 1, column 4: expected a comma or right brace, found `b`
            {a b}
               ^

        ".a."
        filter, line 1, column 4: expected a key, found the end of the filter
            .a.
               ^
        hint: a key of other characters is written in quotes: ."some-key"

        "input_filename"
        filter, line 1, column 1: there is no function input_filename/0 (a name and its number of arguments)
            input_filename
            ^
        "#);
    }

    #[test]
    fn deep_and_long_filters_end_in_an_error_or_a_result() {
        let nested = |open: &str, depth: usize, close: &str| {
            format!("{}.{}", open.repeat(depth), close.repeat(depth))
        };
        let compiles = |filter: &str| compile(filter, &[]).is_ok();
        assert!(compiles(&nested("(", MAX_BRACKETS, ")")));
        assert!(!compiles(&nested("[", 10_000, "]")));
        assert!(!compiles(&nested("\"\\(", 10_000, ")\"")));
        for step in ["-", ".|", ".+", "try ", ". as $x | ", ".,", "def f: 1; "] {
            assert!(compiles(&nested(step, MAX_STEPS / 3, "")), "{step}");
            assert!(
                compiles(&nested(step, MAX_STEPS + 1, "")) == (step == "def f: 1; "),
                "{step}"
            );
        }
        let object = (0..400)
            .map(|at| format!("a{at}: .b"))
            .collect::<Vec<_>>()
            .join(", ");
        assert!(compiles(&format!("{{{object}}}")));
    }
}
