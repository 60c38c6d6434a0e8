//! Tool descriptions that do not say enough to choose by. Scored on three things, which are read off the text, the schemas and the effects
//! together: what it does, what it takes, what it gives back.

use crate::finding::{Finding, Owner, Place};
use crate::lint::{Lint, Severity};
use crate::lints::argument::says_something;
use crate::subject::{Subject, ToolView};
use crate::verbs::{Effect, is_verb};
use crate::words::{is_among, stem, stems, telling, words};

pub(crate) static VAGUE_DESCRIPTION: Lint = Lint {
    code: "vague-description",
    severity: Severity::Warning,
    finds: "a tool's description that leaves out what it does, takes or gives back",
    why: "the description is all that a model has to choose a tool by, among those of every other server",
    advice: "Say in two or three sentences what it does and to what, what it takes, and what comes back; then what a caller could not guess: limits, order, what is left out.",
    bad: "/// Searches notes.",
    good: "/// Searches the text of Markdown notes for words.\n///\n/// Takes the words, and returns path, title and matching lines of up to 50 notes, the newest first.",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        let missing = [
            (
                !says_what_it_does(subject, tool),
                "what it does and to what",
            ),
            (!says_what_it_takes(tool), "what it takes"),
            (!says_what_it_returns(tool), "what comes back"),
        ];
        let missing: Vec<&str> = missing
            .iter()
            .filter_map(|(is, what)| is.then_some(*what))
            .collect();
        if missing.is_empty() {
            continue;
        }
        findings.push(Finding {
            lint: &VAGUE_DESCRIPTION,
            place: Place::tool(tool.name),
            message: format!(
                "its description leaves out {} (it says {} of 3 things)",
                joined(&missing),
                3 - missing.len()
            ),
            instead: format!("a sentence or two that say {}", joined(&missing)),
        });
    }
    check_resources_and_prompts(subject, findings);
}

/// What is read and what is asked have no effects and no schemas; they are to say what they are.
fn check_resources_and_prompts(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let resources = subject.manifest.resources.iter();
    let resources = resources.map(|(name, resource)| {
        (
            Owner::Resource(name),
            name,
            &resource.description,
            "what is to be read there",
        )
    });
    let prompts = subject.manifest.prompts.iter();
    let prompts = prompts.map(|(name, prompt)| {
        (
            Owner::Prompt(name),
            name,
            &prompt.description,
            "what it is for",
        )
    });
    for (owner, name, description, what) in resources.chain(prompts) {
        if !adds_to_the_names(&subject.manifest.plugin.name, name, description, 2) {
            findings.push(Finding {
                lint: &VAGUE_DESCRIPTION,
                place: owner.place(),
                message: format!("its description leaves out {what}"),
                instead: format!("a sentence that says {what}"),
            });
        }
    }
}

fn joined(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Something that the names of plugin and tool do not say already, and enough of it.
fn says_what_it_does(subject: &Subject<'_>, tool: &ToolView<'_>) -> bool {
    const TELLING_WORDS: usize = 3;
    let plugin = &subject.manifest.plugin.name;
    adds_to_the_names(plugin, tool.name, &tool.tool.description, TELLING_WORDS)
}

fn adds_to_the_names(plugin: &str, name: &str, description: &str, telling_words: usize) -> bool {
    let told = telling(description);
    let names: Vec<String> = stems(plugin).into_iter().chain(stems(name)).collect();
    told.len() >= telling_words && told.iter().any(|word| !names.contains(word))
}

/// In its own words, or since every argument says it by itself.
fn says_what_it_takes(tool: &ToolView<'_>) -> bool {
    let mut arguments = tool.top_level().peekable();
    if arguments.peek().is_none() {
        return true;
    }
    let text = stems(&tool.tool.description);
    let mentioned = tool.top_level().any(|part| {
        words(&part.name)
            .iter()
            .any(|word| word.len() > 1 && text.contains(&stem(word)))
    });
    let introduces = [
        "tak", "given", "giv", "pass", "accept", "expect", "need", "provid",
    ]
    .iter()
    .any(|word| text.iter().any(|stem| stem == word));
    mentioned || introduces || arguments.all(|part| says_something(&tool.tool.description, part))
}

/// In its own words, in a described schema, or since there is nothing to say: the tool changes something, or its verb is the result.
fn says_what_it_returns(tool: &ToolView<'_>) -> bool {
    const RETURNING: &str = "return giv yield produc respond answer output result report repli reply tell say back get as each hold contain includ list show nam emit \
    print";
    let text = words(&tool.tool.description);
    let verb = tool.first_word();
    // The verb that a description begins with says what is done; as in "Get the weather", which leaves open what the weather is.
    let rest: Vec<String> = text
        .iter()
        .skip_while(|word| Some(*word) != verb.as_ref())
        .skip(1)
        .map(|word| stem(word))
        .collect();
    let in_words = rest.iter().any(|stem| is_among(stem, RETURNING));
    let of_its_parts = text.windows(2).any(
        |pair| matches!(pair, [with, its] if with == "with" && is_among(its, "its their the a an")),
    );
    // Two points or a dash mostly lead to what something consists of.
    let spelled_out = tool.tool.description.contains([':', '—', '–']);
    let in_schema = tool
        .results
        .iter()
        .any(|part| !part.description.trim().is_empty());
    let fetches = verb.as_deref().and_then(crate::verbs::effect) == Some(Effect::Read);
    let changes = tool
        .said_effect()
        .is_some_and(|effect| effect != Effect::Read)
        || tool.tool.settings.permissions().writes();
    // A verb that is no "get": "Counts the words", "Converts an amount".
    let acts =
        verb.is_some_and(|verb| is_verb(&verb) || verb.ends_with('s') && !verb.ends_with("ss"));
    let computes = acts && !fetches && telling(&tool.tool.description).len() >= 3;
    in_words || of_its_parts || spelled_out || in_schema || changes || computes
}
