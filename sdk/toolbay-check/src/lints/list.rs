//! Lists of any length: taken as an argument, or given back without a way to ask for fewer.

use crate::finding::{Finding, Place};
use crate::limits::states_a_limit;
use crate::lint::{Lint, Severity};
use crate::schema::{Kind, Part};
use crate::subject::{Subject, ToolView};
use crate::verbs::Effect;
use crate::words::{is_among, stems, words};

pub(crate) static UNBOUNDED_LIST: Lint = Lint {
    code: "unbounded-list",
    severity: Severity::Warning,
    finds: "a list of any length, taken as an argument or given back",
    why: "a list that grows with its source fills the model's context or is refused as too large, and the model has no way to ask for less",
    advice: "Give a list argument a `maxItems`. Let a tool that gives back a list take a `limit`, and a `cursor` where there is more; or say how long the list gets, with `maxItems` or in the description.",
    bad: "/// Lists the branches of a repository.\nfn branches(repository: &str) -> Vec<Branch>",
    good: "/// Lists the branches of a repository, a page at a time.\nfn branches(repository: &str, #[default(50)] limit: u64, cursor: Option<&str>) -> BranchPage",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        for part in tool
            .arguments
            .iter()
            .filter(|part| part.of_kind(Kind::List).any(|list| !is_bounded(list)))
        {
            findings.push(Finding {
                lint: &UNBOUNDED_LIST,
                place: Place::argument(tool.name, &part.pointer),
                message: "the list may be of any length".to_owned(),
                instead: "`#[schemars(length(max = 50))]`, which is \"maxItems\": 50 in a schema"
                    .to_owned(),
            });
        }
        if can_be_asked_for_less(tool) {
            continue;
        }
        let lists = || {
            tool.results
                .iter()
                .filter(|part| part.depth == 0 && !part.element)
        };
        let unbounded = lists().find(|part| {
            part.of_kind(Kind::List).any(|list| !is_bounded(list))
                && !states_a_limit(&part.description)
        });
        let place = match unbounded {
            Some(part) => Place::result(tool.name, &part.pointer),
            None if tool.tool.output_schema.is_none() && lists_in_words(tool) => {
                Place::tool(tool.name)
            }
            None => continue,
        };
        findings.push(Finding {
            lint: &UNBOUNDED_LIST,
            place,
            message: "it gives back a list that nothing bounds, and takes neither a limit nor a cursor".to_owned(),
            instead: "a `limit` and a `cursor` among the arguments; or `maxItems` in the result, or \"at most 20\" in the description, if it is short anyway".to_owned(),
        });
    }
}

fn is_bounded(list: &crate::schema::Alternative) -> bool {
    let closed = list.has("prefixItems")
        && list
            .keywords
            .get("items")
            .is_none_or(|items| *items == false);
    list.has("maxItems") || closed || list.values().is_some()
}

/// Words in the names of arguments that say how much is given back, or from where on.
const PAGING: &str = "limit cursor page offset count max top take first size maximum n next after amount num most last depth length";

/// By an argument that says how many or from where on, by its description, or since each of a bounded list of arguments gives one.
fn can_be_asked_for_less(tool: &ToolView<'_>) -> bool {
    let pages = |part: &Part| {
        let number = part
            .of_kind(Kind::Integer)
            .chain(part.of_kind(Kind::Number))
            .next()
            .is_some();
        let text = part.of_kind(Kind::Text).next().is_some();
        let name = words(&part.name);
        let called = |list: &str| name.iter().any(|word| is_among(word, list));
        let described = words(&part.description);
        let how_many = described.windows(2).any(|pair| pair == ["how", "many"])
            || described.windows(2).any(|pair| pair == ["at", "most"]);
        number && (called(PAGING) || how_many) || text && called("cursor page after token next")
    };
    let each = |part: &Part| part.of_kind(Kind::List).any(is_bounded);
    tool.arguments.iter().any(pages)
        || tool.top_level().any(each)
        || states_a_limit(&tool.tool.description)
}

/// Without a schema of the result, only words tell that a list comes back: "Lists the files", "Find all files below a folder".
fn lists_in_words(tool: &ToolView<'_>) -> bool {
    const LISTING: &str = "list search find enumerat brows";
    let lists = |stem: &String| is_among(stem, LISTING);
    let named = stems(tool.name).first().is_some_and(lists);
    let described = tool
        .first_word()
        .is_some_and(|word| stems(&word).first().is_some_and(lists));
    let reads = tool.said_effect() == Some(Effect::Read);
    let text = words(&tool.tool.description);
    // "Lists the files", by name and description; or one of them, and what comes back is many.
    let many = text.iter().any(|word| is_among(word, "all every each"));
    let all = text.iter().any(|word| is_among(word, "all every"));
    let returns = tool
        .first_word()
        .is_some_and(|word| is_among(&word, "returns return gives give"));
    let lists = (named || described) && (many || named && described);
    returns && all || reads && lists
}
