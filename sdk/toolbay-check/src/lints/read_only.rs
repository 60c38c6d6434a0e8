//! Whether what a tool says about changing things agrees with what it is called and what it asks for. What contradicts itself in the manifest
//! already, such as `read-only` with POST, is refused there and never comes here.

use toolbay_manifest::{Access, NetworkPattern, PermissionRequest};

use crate::finding::{Finding, Owner, Place};
use crate::lint::{Lint, Severity};
use crate::sentence::clause_verbs;
use crate::subject::{Subject, ToolView};
use crate::verbs::{Effect, effect};
use crate::words::{is_among, words};

pub(crate) static UNTRUE_READ_ONLY: Lint = Lint {
    code: "untrue-read-only",
    severity: Severity::Error,
    finds: "a tool marked `read-only` that by its name, its description or the tools it calls changes something",
    why: "clients run read-only tools without asking, and the host holds them to GET and HEAD, folders for reading and no writes to kv: it either fails or changes things unasked",
    advice: "Remove `read-only = true` and ask for what the change needs; or name the tool for what it looks at.",
    bad: "[tools.delete]\nread-only = true\nmounts = { vault = \"read\" }",
    good: "[tools.delete]\nmounts = { vault = \"read-write\" }",
    check: untrue,
};

pub(crate) static READING_TOOL_MAY_WRITE: Lint = Lint {
    code: "reading-tool-may-write",
    severity: Severity::Warning,
    finds: "a tool that only looks, by what it is called, and asks for more than that needs",
    why: "whoever grants it grants changes too, and clients ask before every call of a tool that could change something",
    advice: "Ask for GET and HEAD only, for folders with \"read\", and mark it `read-only = true`. A tool that reads and changes is two tools.",
    bad: "[tools.get_user]\nnetwork = [\"https://api.example.com/users/*\"]          # every method",
    good: "[tools.get_user]\nnetwork = [\"GET https://api.example.com/users/*\"]\nread-only = true",
    check: may_write,
};

pub(crate) static NOT_MARKED_READ_ONLY: Lint = Lint {
    code: "not-marked-read-only",
    severity: Severity::Warning,
    finds: "a tool that by what it asks for can change nothing, and is not marked `read-only`",
    why: "clients ask their users before each call of a tool that is not read-only, and do not call it beside others",
    advice: "Write `read-only = true`. A tool that asks for nothing at all is taken as read-only by itself.",
    bad: "[tools.get_user]\nnetwork = [\"GET https://api.example.com/users/*\"]",
    good: "[tools.get_user]\nnetwork = [\"GET https://api.example.com/users/*\"]\nread-only = true",
    check: not_marked,
};

/// The permission with which something could be changed and need not be, as it is written. A database has one connection for both, so `tcp` does not count.
fn writing(asked: &PermissionRequest) -> Option<(&'static str, String, String)> {
    let network = asked.network.iter().find(|pattern| pattern.writes());
    if let Some(pattern) = network {
        let reading = format!("network = [\"{}\"]", reading(pattern));
        return Some((
            "network",
            format!("\"{pattern}\""),
            format!("`{reading}` and `read-only = true`"),
        ));
    }
    if let Some((name, _)) = asked
        .mounts
        .iter()
        .find(|(_, access)| **access == Access::ReadWrite)
    {
        let instead = format!("`mounts = {{ {name} = \"read\" }}` and `read-only = true`");
        return Some(("mounts", format!("{name} = \"read-write\""), instead));
    }
    asked.kv.then(|| {
        (
            "kv",
            "kv = true".to_owned(),
            "`read-only = true` beside `kv = true`: then it may read its state and not write it"
                .to_owned(),
        )
    })
}

fn reading(pattern: &NetworkPattern) -> String {
    format!("GET {}", pattern.url())
}

fn marked(tool: &ToolView<'_>) -> bool {
    tool.tool.settings.read_only == Some(true)
}

fn untrue(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject.tools.iter().filter(|tool| marked(tool)) {
        let asked = tool.tool.settings.permissions();
        // What asks for nothing can change nothing: `create_password` only computes.
        if let Some(verb) = changing_word(tool).filter(|_| !asked.is_empty()) {
            findings.push(Finding {
                lint: &UNTRUE_READ_ONLY,
                place: Place::tool(tool.name),
                message: format!("it is marked `read-only`, and says `{verb}`"),
                instead: "no `read-only = true`, and the permission that the change needs; or a name for what it looks at".to_owned(),
            });
        }
        for name in &asked.calls {
            let Some(called) = subject.manifest.tools.get(name) else {
                continue;
            };
            if !called.settings.annotations().read_only {
                findings.push(Finding {
                    lint: &UNTRUE_READ_ONLY,
                    place: Owner::Tool(tool.name).setting("calls"),
                    message: format!("it is marked `read-only`, and calls `{name}`, which is not"),
                    instead: format!(
                        "no `read-only = true`, or no call of `{name}`: the host refuses it"
                    ),
                });
            }
        }
    }
}

/// The word by which it changes something: in its name, at the beginning of its description, or further on in the first sentence, as in "shows new mail
/// and marks it as read". There only verbs count that leave no doubt.
fn changing_word(tool: &ToolView<'_>) -> Option<String> {
    let changes = |word: &String| effect(word).is_some_and(|effect| effect != Effect::Read);
    if tool
        .said_effect()
        .is_some_and(|effect| effect != Effect::Read)
    {
        return words(tool.name)
            .into_iter()
            .find(changes)
            .or_else(|| tool.first_word());
    }
    const IN_DOUBT: &str = "puts put sets set changes change starts start stops stop restarts";
    let verbs = clause_verbs(&tool.tool.description);
    verbs.into_iter().skip(1).find(|verb| {
        matches!(effect(verb), Some(Effect::Update | Effect::Delete)) && !is_among(verb, IN_DOUBT)
    })
}

fn only_looks(tool: &ToolView<'_>) -> bool {
    tool.said_effect() == Some(Effect::Read)
}

fn may_write(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject
        .tools
        .iter()
        .filter(|tool| !marked(tool) && only_looks(tool))
    {
        let Some((_, permission, instead)) = writing(tool.tool.settings.permissions()) else {
            continue;
        };
        findings.push(Finding {
            lint: &READING_TOOL_MAY_WRITE,
            place: Place::tool(tool.name),
            message: format!("it only looks, by what it is called, and asks for `{permission}`"),
            instead,
        });
    }
}

fn not_marked(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    // A change by GET alone, such as "Starts a build by a link", is left alone.
    let may_be = |tool: &&ToolView<'_>| {
        tool.tool.settings.read_only.is_none()
            && tool
                .said_effect()
                .is_none_or(|effect| effect == Effect::Read)
    };
    for tool in subject.tools.iter().filter(may_be) {
        let asked = tool.tool.settings.permissions();
        let calls = asked.calls.iter().any(|name| {
            let called = subject.manifest.tools.get(name);
            called.is_none_or(|called| !called.settings.annotations().read_only)
        });
        let looks = !(asked.network.is_empty()
            && asked.mounts.is_empty()
            && asked.env.is_empty()
            && asked.calls.is_empty());
        if !looks || asked.writes() || calls {
            continue;
        }
        findings.push(Finding {
            lint: &NOT_MARKED_READ_ONLY,
            place: Place::tool(tool.name),
            message: "by what it asks for it can change nothing, and it does not say so".to_owned(),
            instead: format!("`read-only = true` under [tools.{}]", tool.name),
        });
    }
}
