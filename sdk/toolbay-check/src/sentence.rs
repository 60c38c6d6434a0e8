//! A sentence in its clauses, as far as that can be told from commas and conjunctions, and the verb that each begins with.

use crate::verbs::{effect, is_verb};
use crate::words::{first_sentence, is_among, words};

/// A stretch of a sentence between commas and conjunctions.
pub(crate) struct Clause {
    /// The verb that it begins with.
    pub(crate) verb: Option<String>,
    /// Whether it is nothing but the verb: then it shares its object with the next.
    pub(crate) bare: bool,
    /// Whether it is offered instead of another: after an "or", or in a list after a colon.
    pub(crate) alternative: bool,
}

/// The verbs with an effect that the clauses of the first sentence begin with.
pub(crate) fn clause_verbs(text: &str) -> Vec<String> {
    let clauses = clauses(first_sentence(text));
    let verbs = clauses.into_iter().filter_map(|clause| clause.verb);
    verbs.filter(|verb| effect(verb).is_some()).collect()
}

pub(crate) fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut current: Vec<String> = Vec::new();
    let (mut menu, mut alternative) = (false, false);
    for token in tokens(&text.replace("as well as", "|")) {
        if !is_among(&token, ", and & plus or / | : ( ) ; -") {
            current.push(token);
            continue;
        }
        let or = is_among(&token, "or / |");
        clauses.extend(clause(
            &std::mem::take(&mut current),
            menu || alternative || or,
        ));
        alternative = or;
        // "Manages tasks: create a task, list them". What is in front of the colon is no part of the list.
        if is_among(&token, ": (") {
            menu = true;
            clauses.push(Clause {
                verb: None,
                bare: false,
                alternative: false,
            });
        } else if token == ")" {
            menu = false;
        }
    }
    clauses.extend(clause(&current, menu || alternative));
    clauses
}

fn clause(words: &[String], alternative: bool) -> Option<Clause> {
    const SKIPPED: &str = "also then optionally to you can it will this tool that use lets allows for a the either both even easily";
    let mut rest = words.iter().skip_while(|word| is_among(word, SKIPPED));
    let first = rest.next()?;
    let verb = Some(first.clone()).filter(|word| is_verb(word) && !word.ends_with("ed"));
    Some(Clause {
        bare: verb.is_some() && rest.next().is_none(),
        verb,
        alternative,
    })
}

/// Words and the marks between them.
fn tokens(text: &str) -> Vec<String> {
    let spaced: String = text
        .chars()
        .flat_map(|character| {
            let mark = ",&/|:();–—".contains(character);
            let shown = if "–—".contains(character) {
                '-'
            } else {
                character
            };
            if mark {
                vec![' ', shown, ' ']
            } else {
                vec![shown]
            }
        })
        .collect();
    let token = |token: &str| {
        let is_word = token.chars().any(char::is_alphanumeric);
        if is_word {
            words(token)
        } else {
            vec![token.to_owned()]
        }
    };
    spaced.split_whitespace().flat_map(token).collect()
}
