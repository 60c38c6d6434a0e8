//! What an author allows, with a reason: taken out of the findings, and reported itself where it allows nothing.

use serde::Serialize;

use crate::Report;
use crate::finding::{Finding, Owner, Place};
use crate::lint::{Lint, Severity, find};
use crate::subject::Subject;

pub(crate) static UNUSED_ALLOW: Lint = Lint {
    code: "unused-allow",
    severity: Severity::Warning,
    finds: "an `allow` that there is nothing for",
    why: "it would hide the next finding of its kind, which nobody has looked at",
    advice: "Remove it. If it was meant for another tool, move it there. This lint cannot be allowed.",
    bad: "[tools.search]\nallow = { god-tool = \"it only searches\" }      # and check finds no god tool",
    good: "[tools.search]",
    check: |_, _| {},
};

pub(crate) static UNKNOWN_ALLOW: Lint = Lint {
    code: "unknown-allow",
    severity: Severity::Error,
    finds: "an `allow` of a code that is no lint's",
    why: "it allows nothing, and its author thinks that it does",
    advice: "Write one of the codes that `toolbay check --list` shows. This lint cannot be allowed.",
    bad: "[tools.search]\nallow = { missing-bound = \"a text may be of any length\" }",
    good: "[tools.search]\nallow = { missing-bounds = \"a text may be of any length\" }",
    check: |_, _| {},
};

/// Findings that are not told, since the author wants it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The lint's code.
    pub code: String,
    /// The tool that allows it; the whole plugin if there is neither a tool nor one of those below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The resource that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The prompt that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The author's reason.
    pub reason: String,
    /// How many findings there are.
    pub findings: usize,
}

impl Allowed {
    fn of(owner: Option<Owner<'_>>, code: &str, reason: &str) -> Self {
        let place = owner.map(Owner::place).unwrap_or_default();
        Self {
            code: code.to_owned(),
            tool: place.tool,
            resource: place.resource,
            prompt: place.prompt,
            reason: reason.to_owned(),
            findings: 0,
        }
    }

    fn owner(&self) -> Option<Owner<'_>> {
        let tool = self.tool.as_deref().map(Owner::Tool);
        let resource = || self.resource.as_deref().map(Owner::Resource);
        let prompt = || self.prompt.as_deref().map(Owner::Prompt);
        tool.or_else(resource).or_else(prompt)
    }

    fn covers(&self, finding: &Finding) -> bool {
        let place = &finding.place;
        let is_inside = self.owner().is_none()
            || (&self.tool, &self.resource, &self.prompt)
                == (&place.tool, &place.resource, &place.prompt);
        self.code == finding.lint.code && is_inside
    }

    fn place(&self) -> Place {
        match self.owner() {
            Some(owner) => owner.setting(&format!("allow.{}", self.code)),
            None => Place::setting(format!("plugin.allow.{}", self.code)),
        }
    }
}

/// Takes out what is allowed. The plugin's own `allow` comes first: a tool need not say it again.
pub(crate) fn apply(subject: &Subject<'_>, findings: Vec<Finding>) -> Report {
    let of_plugin = subject.manifest.plugin.allow.iter();
    let of_plugin = of_plugin.map(|(code, reason)| Allowed::of(None, code, reason));
    let of_parts = subject.askers.iter().flat_map(|(owner, settings)| {
        let allow = settings.allow.iter();
        allow.map(|(code, reason)| Allowed::of(Some(*owner), code, reason))
    });
    let mut allowed: Vec<Allowed> = of_plugin.chain(of_parts).collect();
    let mut report = Report::default();
    for finding in findings {
        match allowed.iter_mut().find(|entry| entry.covers(&finding)) {
            Some(entry) => entry.findings += 1,
            None => report.findings.push(finding),
        }
    }
    for entry in allowed {
        let own = [UNUSED_ALLOW.code, UNKNOWN_ALLOW.code].contains(&entry.code.as_str());
        match find(&entry.code) {
            Err(nearest) => report.findings.push(unknown(&entry, nearest)),
            Ok(_) if own || entry.findings == 0 => report.findings.push(unused(&entry)),
            Ok(_) => report.allowed.push(entry),
        }
    }
    report
}

fn unknown(entry: &Allowed, nearest: Option<&str>) -> Finding {
    let instead = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "one of the codes that `toolbay check --list` shows, or nothing".to_owned(),
    };
    Finding {
        lint: &UNKNOWN_ALLOW,
        place: entry.place(),
        message: format!("there is no lint `{}`", entry.code),
        instead,
    }
}

fn unused(entry: &Allowed) -> Finding {
    Finding {
        lint: &UNUSED_ALLOW,
        place: entry.place(),
        message: format!("it allows `{}`, and there is no such finding", entry.code),
        instead: "nothing: remove it".to_owned(),
    }
}
