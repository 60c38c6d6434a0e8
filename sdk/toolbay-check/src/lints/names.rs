//! Names that providers refuse, and names that read badly. What the manifest itself refuses, such as too long a tool name, never comes here.

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::subject::Subject;
use crate::words::{stem, stems};

/// Anthropic's API takes `^[a-zA-Z0-9_.-]{1,64}$` as keys of an input schema's properties and refuses the whole request otherwise.
const MAX_ARGUMENT_NAME: usize = 64;

pub(crate) static REJECTED_NAME: Lint = Lint {
    code: "rejected-name",
    severity: Severity::Error,
    finds: "an argument whose name a model's provider refuses",
    why: "providers take names of letters, digits, `_`, `.` and `-` up to 64 characters, and refuse the whole request otherwise: with this tool, no tool works",
    advice: "Name it in ASCII letters, digits and `_`; `#[serde(rename = \"…\")]` gives an argument another name than the code has.",
    bad: "#[serde(rename = \"$filter\")]\nfilter: &str,",
    good: "filter: &str,",
    check: rejected,
};

pub(crate) static REPEATED_NAME: Lint = Lint {
    code: "repeated-name",
    severity: Severity::Warning,
    finds: "a tool whose name says its plugin's again",
    why: "clients show `{plugin}_{tool}`, so a model reads `notes_create_note`, and there are 46 characters for both",
    advice: "Leave the plugin's name out of its tools'.",
    bad: "fn create_note(…)          // in the plugin `notes`: notes_create_note",
    good: "fn create(…)          // notes_create",
    check: repeated,
};

fn rejected(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let taken = |name: &str| {
        (1..=MAX_ARGUMENT_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    for tool in &subject.tools {
        for part in tool
            .arguments
            .iter()
            .filter(|part| !part.element && !taken(&part.name))
        {
            let message = if part.name.len() > MAX_ARGUMENT_NAME {
                format!("its name has {} bytes", part.name.len())
            } else {
                "its name has other characters than ASCII letters, digits, `_`, `.` and `-`"
                    .to_owned()
            };
            findings.push(Finding {
                lint: &REJECTED_NAME,
                place: Place::argument(tool.name, &part.pointer),
                message,
                instead: format!("`{}`", suggestion(&part.name)),
            });
        }
    }
}

/// The name with what is refused taken out of it.
fn suggestion(name: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(plain).take(40).collect();
    let name = name
        .split('_')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    if name.is_empty() {
        "name_in_ascii".to_owned()
    } else {
        name.to_lowercase()
    }
}

fn repeated(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let plugin = &subject.manifest.plugin.name;
    for tool in &subject.tools {
        let Some(repeats) = repetition(plugin, tool.name) else {
            continue;
        };
        let words = tool.name.split('_').enumerate();
        let rest: Vec<&str> = words
            .filter(|(index, _)| !repeats.contains(index))
            .map(|(_, word)| word)
            .collect();
        let instead = if rest.is_empty() {
            format!("what it does with {plugin}, such as `show`")
        } else {
            let rest = rest.join("_");
            format!("`{rest}`, which clients show as `{plugin}_{rest}`")
        };
        findings.push(Finding {
            lint: &REPEATED_NAME,
            place: Place::tool(tool.name),
            message: format!(
                "clients show it as `{plugin}_{}`, which says `{plugin}` twice",
                tool.name
            ),
            instead,
        });
    }
}

/// Which words of a tool's name say its plugin's: all of them in a row, in any form, or written as one.
fn repetition(plugin: &str, tool: &str) -> Option<std::ops::Range<usize>> {
    let of_plugin = stems(plugin);
    let of_tool: Vec<String> = tool.split('_').map(stem).collect();
    let in_a_row = of_tool
        .windows(of_plugin.len())
        .position(|words| words == of_plugin);
    let as_one = || {
        of_tool
            .iter()
            .position(|word| *word == of_plugin.concat())
            .map(|at| at..at + 1)
    };
    in_a_row.map(|at| at..at + of_plugin.len()).or_else(as_one)
}
