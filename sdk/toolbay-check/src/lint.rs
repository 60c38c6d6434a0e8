//! What a lint is, and which there are. Each documents itself where it is written; `--list` and `--explain` come from that.

use serde::Serialize;

use crate::finding::Finding;
use crate::lints::{
    argument, bounds, count, description, format, god_tool, list, names, permissions, read_only,
    resource,
};
use crate::subject::Subject;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not work, somewhere or at all.
    Error,
    /// It works, and worse than it could.
    Warning,
    /// A thing to think about; nothing fails because of it.
    Suggestion,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Suggestion => "suggestion",
        }
    }
}

/// One lint.
#[derive(Debug)]
pub struct Lint {
    /// Its name, which never changes: what `allow` and `--explain` take.
    pub code: &'static str,
    /// How much its findings weigh.
    pub severity: Severity,
    /// What it finds, in half a sentence.
    pub finds: &'static str,
    /// Why that matters, in a sentence.
    pub why: &'static str,
    /// What to do about it, in a few sentences.
    pub advice: &'static str,
    /// What it finds, as an author would have written it.
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
    pub(crate) check: fn(&Subject<'_>, &mut Vec<Finding>),
}

/// Every lint, in the order in which its findings are told.
#[must_use]
pub fn lints() -> &'static [&'static Lint] {
    LINTS
}

static LINTS: &[&Lint] = &[
    &count::TOO_MANY_TOOLS,
    &names::REJECTED_NAME,
    &names::REPEATED_NAME,
    &god_tool::GOD_TOOL,
    &description::VAGUE_DESCRIPTION,
    &argument::VAGUE_ARGUMENT,
    &bounds::MISSING_BOUNDS,
    &list::UNBOUNDED_LIST,
    &format::MISSING_FORMAT,
    &read_only::UNTRUE_READ_ONLY,
    &read_only::READING_TOOL_MAY_WRITE,
    &read_only::NOT_MARKED_READ_ONLY,
    &permissions::UNUSED_PERMISSION,
    &permissions::UNDECLARED_IMPORT,
    &permissions::MISSING_REASON,
    &resource::COULD_BE_RESOURCE,
    &crate::allow::UNUSED_ALLOW,
    &crate::allow::UNKNOWN_ALLOW,
];

/// The lint of this code.
///
/// # Errors
/// The code that looks most like it, if any does.
pub fn find(code: &str) -> Result<&'static Lint, Option<&'static str>> {
    lints()
        .iter()
        .find(|lint| lint.code == code)
        .copied()
        .ok_or_else(|| toolbay_manifest::nearest(code, lints().iter().map(|lint| lint.code)))
}
