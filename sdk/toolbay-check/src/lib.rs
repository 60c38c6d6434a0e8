//! The lints of `toolbay check`: what a manifest may say, and had better not. Each finds one kind of thing that makes a tool worse for the model
//! that chooses it, the client that shows it, or the person who grants it.
//!
//! This crate looks at a manifest and at the names of the interfaces that the component imports, and gives findings. It must not know where
//! they come from nor how findings are shown.
//!
//! ```
//! let manifest = toolbay_manifest::Manifest::from_json(r#"{
//!     "manifest-version": 1,
//!     "plugin": {"name": "notes", "version": "0.1.0", "description": "Keeps notes."},
//!     "tools": {"search": {
//!         "description": "Searches the notes for words and returns the titles of those that have them all, at most 20.",
//!         "input-schema": {"type": "object", "properties": {"query": {"type": "string", "description": "Words to look for"}}}
//!     }}
//! }"#)?;
//!
//! let report = toolbay_check::check(&manifest, &[]);
//! let found = &report.findings[0];
//! assert_eq!((found.lint.code, found.place.to_string().as_str()), ("missing-bounds", "search /query"));
//! # Ok::<(), toolbay_manifest::ManifestError>(())
//! ```

#![warn(missing_docs)]

mod allow;
mod finding;
mod limits;
mod lint;
mod lints;
mod schema;
mod sentence;
mod subject;
mod verbs;
mod words;

pub use allow::Allowed;
pub use finding::{Finding, Place};
pub use lint::{Lint, Severity, find, lints};

use toolbay_manifest::Manifest;

/// Everything that was found, in the order of the tools and below each in the order of the lints, without what the author allows.
#[derive(Debug, Default)]
pub struct Report {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was found and is allowed, with the author's reasons.
    pub allowed: Vec<Allowed>,
}

impl Report {
    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.lint.severity == severity)
            .count()
    }
}

/// Checks a plugin: its manifest, and the names of what its component imports, such as `wasi:http/outgoing-handler@0.2.4`.
#[must_use]
pub fn check(manifest: &Manifest, imports: &[String]) -> Report {
    let subject = subject::Subject::new(manifest, imports);
    let mut findings = Vec::new();
    for lint in lints() {
        (lint.check)(&subject, &mut findings);
    }
    let mut report = allow::apply(&subject, findings);
    // By tool, resource and prompt, what is about the whole plugin first; the sort keeps the order of the lints.
    report.findings.sort_by_key(|finding| {
        let place = &finding.place;
        let tool = place
            .tool
            .as_deref()
            .and_then(|name| manifest.tools.get_index_of(name));
        let resource = place.resource.as_deref();
        let resource = resource.and_then(|name| manifest.resources.get_index_of(name));
        let prompt = place.prompt.as_deref();
        let prompt = prompt.and_then(|name| manifest.prompts.get_index_of(name));
        (prompt, resource, tool)
    });
    report
}
