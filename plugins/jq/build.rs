//! Cuts the jq definitions of the jaq crates and of `src/prelude.jq` into a table, so that a call parses only those that
//! its filter reaches: a call runs in a fresh instance, and parsing and compiling all of them would cost it more than
//! everything else together.

use std::fmt::Write as _;
use std::{env, error::Error, fs, path::Path};

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_FAMILY")? == "wasm" {
        // With a stack larger than the host's own limit, a filter that recurses without end meets that limit, which has a
        // name, and not the edge of memory. What is not used of it costs nothing.
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=2097152");
    }
    let prelude = include_str!("src/prelude.jq");
    let prelude = jaq_core::load::parse(prelude, |parser| parser.defs())
        .ok_or("src/prelude.jq does not parse")?;
    let library = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let definitions: Vec<Def<&str>> = library.chain(prelude).collect();

    let mut table = String::from("pub(crate) const DEFINITIONS: &[Definition] = &[\n");
    for (index, definition) in definitions.iter().enumerate() {
        let source = source(definition)?;
        let (name, arity) = (definition.name, definition.args.len());
        let earlier = definitions.iter().take(index).enumerate();
        let uses: Vec<usize> = earlier
            .filter(|(_, other)| mentions(&source, other.name))
            .map(|(at, _)| at)
            .collect();
        writeln!(
            table,
            "    Definition {{ name: {name:?}, arity: {arity}, source: {source:?}, uses: &{uses:?} }},"
        )?;
    }
    table.push_str("];\n");
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join("definitions.rs"),
        table,
    )?;
    Ok(())
}

/// The definition as text, after making sure that it parses back to the very same definition.
fn source(definition: &Def<&str>) -> Result<String, Box<dyn Error>> {
    let text = definition_text(definition);
    let parsed = jaq_core::load::parse(&text, |parser| parser.defs())
        .ok_or_else(|| format!("does not parse: {text}"))?;
    if format!("{parsed:?}") == format!("[{definition:?}]") {
        Ok(text)
    } else {
        Err(format!("parses to something else: {text}").into())
    }
}

/// Whether the text holds the name as a whole word. A local name that is spelled like a definition only makes the
/// table list one definition too many.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '@';
    text.split(|c| !is_word(c)).any(|word| word == name)
}

fn definition_text(definition: &Def<&str>) -> String {
    let args = if definition.args.is_empty() {
        String::new()
    } else {
        format!("({})", definition.args.join("; "))
    };
    format!(
        "def {}{args}: {};",
        definition.name,
        term_text(&definition.body)
    )
}

/// Every operation in parentheses of its own, so that precedence needs no thought.
fn term_text(term: &Term<&str>) -> String {
    match term {
        Term::Id => ".".into(),
        Term::Recurse => "..".into(),
        Term::Num(text) | Term::Var(text) => (*text).into(),
        Term::Str(format, parts) => format!("{}{}", format.unwrap_or_default(), string_text(parts)),
        Term::Arr(None) => "[]".into(),
        Term::Arr(Some(body)) => format!("[{}]", term_text(body)),
        Term::Obj(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| entry_text(key, value.as_ref()))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Term::Neg(body) => format!("(-{})", term_text(body)),
        Term::BinOp(left, operator, right) => {
            format!(
                "({} {} {})",
                term_text(left),
                operator_text(operator),
                term_text(right)
            )
        }
        Term::Label(name, body) => format!("(label {name} | {})", term_text(body)),
        Term::Break(name) => format!("(break {name})"),
        Term::Fold(name, items, pattern, args) => {
            format!(
                "({name} {} as {} ({}))",
                term_text(items),
                pattern_text(pattern),
                args_text(args)
            )
        }
        Term::TryCatch(body, None) => format!("(try {})", term_text(body)),
        Term::TryCatch(body, Some(catch)) => {
            format!("(try {} catch {})", term_text(body), term_text(catch))
        }
        Term::IfThenElse(branches, otherwise) => {
            let branches: Vec<String> = branches
                .iter()
                .map(|(test, then)| format!("if {} then {}", term_text(test), term_text(then)))
                .collect();
            let otherwise = otherwise
                .as_ref()
                .map(|body| format!(" else {}", term_text(body)))
                .unwrap_or_default();
            format!("({}{otherwise} end)", branches.join(" el"))
        }
        Term::Def(definitions, body) => {
            let definitions: Vec<String> = definitions.iter().map(definition_text).collect();
            format!("({} {})", definitions.join(" "), term_text(body))
        }
        Term::Call(name, args) if args.is_empty() => (*name).into(),
        Term::Call(name, args) => format!("{name}({})", args_text(args)),
        Term::Path(head, path) => {
            let parts: String = path
                .0
                .iter()
                .map(|(part, optional)| path_text(part, *optional))
                .collect();
            format!("({}){parts}", term_text(head))
        }
    }
}

fn args_text(args: &[Term<&str>]) -> String {
    args.iter().map(term_text).collect::<Vec<_>>().join("; ")
}

fn entry_text(key: &Term<&str>, value: Option<&Term<&str>>) -> String {
    match value {
        None => term_text(key),
        Some(value) => format!("({}): {}", term_text(key), term_text(value)),
    }
}

fn string_text(parts: &[StrPart<&str, Term<&str>>]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| match part {
            StrPart::Str(text) => (*text).into(),
            StrPart::Term(term) => format!("\\({})", term_text(term)),
            StrPart::Char(c) => format!("\\u{:04x}", u32::from(*c)),
        })
        .collect();
    format!("\"{parts}\"")
}

fn path_text(part: &Part<Term<&str>>, optional: Opt) -> String {
    let bound = |term: &Option<Term<&str>>| term.as_ref().map(term_text).unwrap_or_default();
    let inside = match part {
        Part::Index(index) => term_text(index),
        Part::Range(None, None) => String::new(),
        Part::Range(from, to) => format!("{}:{}", bound(from), bound(to)),
    };
    let mark = if matches!(optional, Opt::Optional) {
        "?"
    } else {
        ""
    };
    format!("[{inside}]{mark}")
}

fn pattern_text(pattern: &Pattern<&str>) -> String {
    match pattern {
        Pattern::Var(name) => (*name).into(),
        Pattern::Arr(items) => format!(
            "[{}]",
            items
                .iter()
                .map(pattern_text)
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Pattern::Obj(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("({}): {}", term_text(key), pattern_text(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn operator_text(operator: &BinaryOp<&str>) -> String {
    match operator {
        BinaryOp::Pipe(None) => "|".into(),
        BinaryOp::Pipe(Some(pattern)) => format!("as {} |", pattern_text(pattern)),
        BinaryOp::Comma => ",".into(),
        BinaryOp::Alt => "//".into(),
        BinaryOp::Or => "or".into(),
        BinaryOp::And => "and".into(),
        BinaryOp::Math(math) => math.as_str().into(),
        BinaryOp::Cmp(comparison) => comparison.as_str().into(),
        BinaryOp::Assign => "=".into(),
        BinaryOp::Update => "|=".into(),
        BinaryOp::UpdateMath(math) => format!("{}=", math.as_str()),
        BinaryOp::UpdateAlt => "//=".into(),
    }
}
