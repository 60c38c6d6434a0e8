//! Tools that are several tools: by an argument that selects what is done, by a description that joins several verbs, or by how much they need.

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::schema::{Kind, Part};
use crate::sentence::{Clause, clauses};
use crate::subject::{Subject, ToolView};
use crate::verbs::{Effect, effect, effect_of_name, is_verb, names_a_verb};
use crate::words::{first_sentence, is_form_among, stem, words};

/// More arguments than this that must all be given are hardly one thing.
const MANY_REQUIRED: usize = 8;

pub(crate) static GOD_TOOL: Lint = Lint {
    code: "god-tool",
    severity: Severity::Warning,
    finds: "a tool that does several things",
    why: "its description, its schema and its permissions have to fit all of them, so models fill it in wrongly, and who grants one grants all",
    advice: "Make one tool for each thing that is done, with just the arguments and permissions for that. Arguments that belong together become one of a type of its own.",
    bad: "/// Manages tasks.\n#[tool]\nfn tasks(action: Action /* create | list | delete */, title: Option<&str>, id: Option<u64>) …",
    good: "/// Creates a task and returns its number.\n#[tool]\nfn create(title: &str) …\n\n/// Deletes one task for good.\n#[tool]\nfn delete(task_number: u64) …",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        let selector = tool
            .arguments
            .iter()
            .find_map(|part| selected(tool, part).map(|actions| (part, actions)));
        if let Some((part, actions)) = selector {
            findings.push(Finding {
                lint: &GOD_TOOL,
                place: Place::tool(tool.name),
                message: format!(
                    "the argument `{}` selects what is done: {}",
                    part.name,
                    listed(&actions)
                ),
                instead: format!("one tool for each of them, without `{}`", part.name),
            });
            continue;
        }
        if let Some(flags) = flags(tool) {
            findings.push(Finding {
                lint: &GOD_TOOL,
                place: Place::tool(tool.name),
                message: format!("its arguments select what is done: {}", listed(&flags)),
                instead: "one tool for each of them".to_owned(),
            });
            continue;
        }
        if let Some(verbs) = joined_verbs(&tool.tool.description) {
            findings.push(Finding {
                lint: &GOD_TOOL,
                place: Place::tool(tool.name),
                message: format!(
                    "its description joins what different tools would do: {}",
                    listed(&verbs)
                ),
                instead: "one tool for each of them".to_owned(),
            });
            continue;
        }
        let required = tool.top_level().filter(|part| part.required).count();
        if required > MANY_REQUIRED {
            findings.push(Finding {
                lint: &GOD_TOOL,
                place: Place::tool(tool.name),
                message: format!("{required} arguments must be given"),
                instead: format!("at most {MANY_REQUIRED} that are required: defaults for what is usual, a type of its own for what belongs together"),
            });
        }
    }
}

fn listed(words: &[String]) -> String {
    let shown: Vec<&str> = words.iter().take(5).map(String::as_str).collect();
    let more = if words.len() > 5 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Names of arguments that say what to do.
const SELECTORS: &str =
    "action operation op command cmd verb subcommand act method intent activity do";
/// Names of arguments in which verbs stand for something else: for what happens, for what is permitted, for how things are.
const NO_SELECTORS: &str = "access permission scope role level right privilege event trigger hook webhook status state sort order on when filter by kind capability \
    reason policy visibility";

/// The actions among which an argument selects.
fn selected(tool: &ToolView<'_>, part: &Part) -> Option<Vec<String>> {
    if part.element || part.depth > 1 {
        return None;
    }
    let name = words(&part.name);
    let is_in = |list: &str| name.iter().any(|word| is_form_among(&stem(word), list));
    let called_so = is_in(SELECTORS);
    if is_in(NO_SELECTORS) && !called_so {
        return None;
    }
    let actions: Vec<String> = match part.choices() {
        Some(choices) => choices.iter().map(|choice| (*choice).to_owned()).collect(),
        // No list in the schema; then one in words, where the name says what it is for.
        None if called_so => words(&part.description)
            .into_iter()
            .filter(|word| is_verb(word))
            .collect(),
        None => return None,
    };
    let verbs = actions.iter().filter(|action| names_a_verb(action)).count();
    let several = effects(actions.iter().filter_map(|action| effect_of_name(action))).len() > 1;
    let selects = several && verbs * 2 > actions.len()
        || called_so && verbs >= 2 && verbs * 2 >= actions.len()
        || called_so && actions.len() > 1 && depends_on(tool, part, &actions);
    selects.then_some(actions)
}

fn effects(found: impl Iterator<Item = Effect>) -> Vec<Effect> {
    let mut effects: Vec<Effect> = found.collect();
    effects.sort();
    effects.dedup();
    effects
}

/// Whether other arguments are meant for one of the actions only.
fn depends_on(tool: &ToolView<'_>, part: &Part, actions: &[String]) -> bool {
    tool.top_level()
        .filter(|other| other.name != part.name && !other.required)
        .any(|other| {
            let text = words(&other.description);
            actions
                .iter()
                .any(|action| words(action).iter().all(|word| text.contains(word)))
        })
}

/// Yes-or-no arguments that are verbs of different effects, one beside the other: `add`, `remove`, `list`.
fn flags(tool: &ToolView<'_>) -> Option<Vec<String>> {
    let is_flag =
        |part: &&Part| part.of_kind(Kind::Boolean).next().is_some() && effect(&part.name).is_some();
    let flags: Vec<String> = tool
        .top_level()
        .filter(is_flag)
        .map(|part| part.name.clone())
        .collect();
    let kinds = effects(flags.iter().filter_map(|flag| effect(flag)));
    (kinds.len() > 1 && kinds != [Effect::Create, Effect::Update]).then_some(flags)
}

/// Verbs of different effects that a description offers side by side: as a list with one object ("create, update and delete tasks") or as
/// alternatives ("makes a branch, or removes one"). What comes one after the other ("archives notes and lists them") is one thing.
fn joined_verbs(description: &str) -> Option<Vec<String>> {
    let text = first_sentence(description);
    if words(text).iter().any(|word| word == "crud") {
        return Some(vec!["CRUD".to_owned()]);
    }
    let clauses = clauses(text);
    let row = longest_row(&clauses);
    let verbs: Vec<String> = row
        .iter()
        .filter_map(|clause| clause.verb.clone())
        .collect();
    let side_by_side = row.iter().any(|clause| clause.bare || clause.alternative);
    let kinds = effects(verbs.iter().filter_map(|verb| effect(verb)));
    let upsert = kinds == [Effect::Create, Effect::Update];
    let replaces = verbs.len() == 2
        && verbs.iter().any(|verb| stem(verb) == "replac")
        && kinds.contains(&Effect::Read);
    let several = kinds.len() > 2 || kinds.len() == 2 && side_by_side && !upsert;
    (several && !replaces).then_some(verbs)
}

/// The longest row of clauses that begin with verbs. In "lists the pods with their phase, restarts and age" the second is none: it stands alone, and
/// what follows is no verb.
fn longest_row(clauses: &[Clause]) -> &[Clause] {
    let mut longest: &[Clause] = &[];
    let mut rest = clauses;
    while !rest.is_empty() {
        let length = rest
            .iter()
            .take_while(|clause| clause.verb.is_some())
            .count();
        let (mut row, after) = rest.split_at(length);
        while let ([earlier @ .., last], [_, ..]) = (row, after) {
            if !last.bare {
                break;
            }
            row = earlier;
        }
        if row.len() > longest.len() {
            longest = row;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    longest
}
