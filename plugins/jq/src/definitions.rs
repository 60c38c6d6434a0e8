//! The functions that a filter can call: jaq's native ones, and definitions in the jq language, of which only those that a
//! filter reaches are ever parsed.

use std::collections::BTreeSet;

use jaq_core::DataT;
use jaq_core::load::lex::{StrPart, Tok, Token};
use jaq_core::native::Fun;
use jaq_json::Val;
use jaq_std::input::{self, HasInputs};

/// A function written in the jq language.
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) arity: usize,
    source: &'static str,
    /// Where in the table the definitions are that this one may call; all of them come before it.
    uses: &'static [usize],
}

include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// Native functions that only jaq's own definitions are meant to call, and definitions that only ours are.
const PRIVATE: &[&str] = &[
    "capture_of_match",
    "debug_empty",
    "decode_base64",
    "decode_uri",
    "encode_base64",
    "encode_uri",
    "error_empty",
    "escape_html",
    "escape_sh",
    "json_values",
    "key_values",
    "matches",
    "max_by_or_empty",
    "min_by_or_empty",
    "path_value",
    "plain_text",
    "replace_all",
    "scan_",
    "split_",
    "split_matches",
    "stderr_empty",
    "table_field",
    "totype",
    "unescape_html",
    "without",
];

/// The functions that are written in Rust.
pub(crate) fn native<D>() -> impl Iterator<Item = Fun<D>>
where
    D: for<'a> DataT<V<'a> = Val>,
    for<'a> D::Data<'a>: HasInputs<'a, Val>,
{
    let inputs = input::funs::<D>()
        .into_vec()
        .into_iter()
        .map(jaq_core::native::run::<D>);
    jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .chain(inputs)
}

/// The jq text of all definitions that these tokens reach, in the order in which they build on one another.
pub(crate) fn reached_from(tokens: &[Token<&str>]) -> String {
    let mut names = BTreeSet::new();
    tokens
        .iter()
        .for_each(|token| collect_names(token, &mut names));

    // A definition uses only earlier ones, so one walk from the last to the first finds all.
    let mut reached = vec![false; DEFINITIONS.len()];
    for (index, definition) in DEFINITIONS.iter().enumerate().rev() {
        let is_reached =
            reached.get(index).is_some_and(|reached| *reached) || names.contains(definition.name);
        if is_reached {
            for used in definition.uses.iter().chain([&index]) {
                if let Some(reached) = reached.get_mut(*used) {
                    *reached = true;
                }
            }
        }
    }
    let reached = DEFINITIONS
        .iter()
        .zip(reached)
        .filter(|(_, reached)| *reached);
    reached.map(|(definition, _)| definition.source).collect()
}

fn collect_names<'a>(Token(text, token): &Token<&'a str>, names: &mut BTreeSet<&'a str>) {
    match token {
        Tok::Word | Tok::Fmt => {
            names.insert(text);
        }
        Tok::Block(tokens) => tokens.iter().for_each(|token| collect_names(token, names)),
        Tok::Str(parts) => parts.iter().for_each(|part| {
            if let StrPart::Term(token) = part {
                collect_names(token, names);
            }
        }),
        Tok::Var | Tok::Num | Tok::Sym => {}
    }
}

/// What a filter may have meant by a function that does not exist: the best first, each as `name/arity`.
pub(crate) fn similar<D>(name: &str, arity: usize) -> Vec<String>
where
    D: for<'a> DataT<V<'a> = Val>,
    for<'a> D::Data<'a>: HasInputs<'a, Val>,
{
    let native = native::<D>().map(|(name, args, _)| (name, args.len()));
    let defined = DEFINITIONS
        .iter()
        .map(|definition| (definition.name, definition.arity));
    let tolerated = (name.chars().count() / 3).clamp(1, 3);
    let mut similar: Vec<(usize, usize, &str, usize)> = native
        .chain(defined)
        .filter(|(known, _)| !PRIVATE.contains(known))
        .map(|(known, args)| {
            (
                strsim::damerau_levenshtein(name, known),
                args.abs_diff(arity),
                known,
                args,
            )
        })
        .filter(|(distance, ..)| *distance <= tolerated)
        .collect();
    similar.sort_unstable();
    similar.dedup();
    similar
        .into_iter()
        .take(3)
        .map(|(_, _, known, args)| format!("{known}/{args}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaq_core::load::Lexer;

    fn reached(filter: &str) -> String {
        reached_from(&Lexer::new(filter).lex().unwrap())
    }

    #[test]
    fn only_what_a_filter_reaches_is_included() {
        assert_eq!(reached(".a[0] + 1"), "");
        assert_eq!(reached("map(.a)"), "def map(f): [((.)[] | f)];");
        assert_eq!(reached(r#""\(map(.))""#), reached("map(.)"));
        assert!(reached("with_entries(.)").contains("def to_entries:"));
    }

    #[test]
    fn private_names_exist() {
        let known: BTreeSet<&str> = native::<crate::run::Kind>()
            .map(|(name, ..)| name)
            .collect();
        let defined: BTreeSet<&str> = DEFINITIONS
            .iter()
            .map(|definition| definition.name)
            .collect();
        for name in PRIVATE {
            assert!(known.contains(name) || defined.contains(name), "{name}");
        }
    }

    #[test]
    fn every_definition_compiles_with_what_it_reaches() {
        for Definition { name, arity, .. } in DEFINITIONS {
            let args = if *arity == 0 {
                String::new()
            } else {
                format!("({})", vec!["."; *arity].join("; "))
            };
            let filter = format!("{name}{args}");
            assert!(crate::compile::compile(&filter, &[]).is_ok(), "{filter}");
        }
    }
}
