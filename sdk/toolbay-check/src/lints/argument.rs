//! Arguments that say nothing about themselves.

use crate::finding::{Finding, Owner, Place};
use crate::lint::{Lint, Severity};
use crate::schema::{Kind, Part};
use crate::subject::Subject;
use crate::words::{is_among, stem, stems, telling, without_types, words};

pub(crate) static VAGUE_ARGUMENT: Lint = Lint {
    code: "vague-argument",
    severity: Severity::Warning,
    finds: "an argument without a description, or with one that only says its name again",
    why: "a model guesses what to put there, and in which form: a name or a number, a path from where, a time in which zone",
    advice: "Say what it is, in which form, where to get it from, and what holds without it. An example says more than a rule.",
    bad: "/// The user id\nuser_id: u64,",
    good: "/// Whom to invite, by the number that `find_user` returns\nuser_id: u64,",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        for part in tool.arguments.iter().filter(|part| !part.element) {
            if says_something(&tool.tool.description, part) {
                continue;
            }
            let shown = part.description.trim();
            let message = if shown.is_empty() {
                "it has no description".to_owned()
            } else {
                format!(
                    "its description says no more than its name: \"{}\"",
                    shorten(shown)
                )
            };
            findings.push(Finding {
                lint: &VAGUE_ARGUMENT,
                place: Place::argument(tool.name, &part.pointer),
                message,
                instead: "what it is and in which form, with an example or where to get it from"
                    .to_owned(),
            });
        }
    }
    check_prompts(subject, findings);
}

/// The arguments of prompts, which people fill in: all are texts, so there is less to say than for a tool's.
fn check_prompts(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for (name, prompt) in &subject.manifest.prompts {
        for argument in &prompt.arguments {
            let description = argument.description.as_deref().unwrap_or_default().trim();
            let name_says = stems(&argument.name);
            let message = if description.is_empty() {
                "it has no description".to_owned()
            } else if telling(description)
                .iter()
                .all(|word| name_says.contains(word))
            {
                format!(
                    "its description says no more than its name: \"{}\"",
                    shorten(description)
                )
            } else {
                continue;
            };
            findings.push(Finding {
                lint: &VAGUE_ARGUMENT,
                place: Owner::Prompt(name).argument(&format!("/{}", argument.name)),
                message,
                instead: "what to fill in, with an example".to_owned(),
            });
        }
    }
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        format!("{shown}…")
    } else {
        shown
    }
}

/// Whether an argument's description adds anything to its name and type.
pub(crate) fn says_something(_tool_description: &str, part: &Part) -> bool {
    if part
        .alternatives
        .iter()
        .all(|alternative| alternative.has("const"))
        && !part.alternatives.is_empty()
        && part.alternatives.len() == 1
    {
        return true;
    }
    let described = without_types(&part.description);
    if described.trim().is_empty() {
        return false;
    }
    let name = stems(&part.name);
    let told = telling(&described);
    let spelled_out = |word: &String| told.len() == 1 && abbreviates(&part.name, word);
    if told
        .iter()
        .any(|word| !name.contains(word) && !spelled_out(word))
    {
        return true;
    }
    // An example or a figure says something in any words: "0 to 9", "such as 'en'".
    let figures = part
        .description
        .chars()
        .any(|character| character.is_ascii_digit());
    let quotes = figures || described.contains(['"', '“', '«', '<', '=', '/']);
    // What may be chosen, or a yes or no, needs a question and no more: "How they are compared", "Whether it is closed".
    let closed = part.choices().is_some() || part.of_kind(Kind::Boolean).next().is_some();
    let spoken = words(&described);
    let asks = spoken.iter().take(2).any(|word| {
        is_among(
            word,
            "how what which where when whether who whom whose if why",
        )
    });
    // "All of these must be there" says what holds, in words that mean nothing by themselves.
    let rules = spoken.iter().any(|word| {
        is_among(
            word,
            "only all any none every not never least most before after without",
        )
    });
    let said: Vec<String> = spoken
        .iter()
        .map(|word| stem(word))
        .filter(|word| !name.contains(word))
        .collect();
    quotes || rules || (asks && (closed || said.len() >= 3))
}

/// Whether a name is short for a word: msg for message, qty for quantity.
fn abbreviates(name: &str, word: &str) -> bool {
    let mut letters = word.chars();
    let name = name.to_lowercase();
    name.chars().next() == word.chars().next()
        && name.len() > 1
        && name
            .chars()
            .all(|letter| letters.any(|other| other == letter))
}
