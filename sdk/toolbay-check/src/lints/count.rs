//! More tools than a model chooses well among.

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::subject::Subject;

/// Cursor passes on 40 tools of all servers together; models choose worse long before that.
const MANY: usize = 40;

pub(crate) static TOO_MANY_TOOLS: Lint = Lint {
    code: "too-many-tools",
    severity: Severity::Warning,
    finds: "a plugin with more than 40 tools",
    why: "a model reads every tool before it chooses one, some clients pass on 40 in all, and the wrong ones get chosen",
    advice: "Make tools for what users want done, not one for each endpoint. Split what belongs to different work into plugins of their own.",
    bad: "plugin!(get_user_name, get_user_mail, get_user_phone, …);          // 60 of them",
    good: "plugin!(find_user, invite_user, …);          // and two plugins, for users and for invoices",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let count = subject.tools.len();
    if count > MANY {
        findings.push(Finding {
            lint: &TOO_MANY_TOOLS,
            place: Place::plugin(),
            message: format!("it has {count} tools"),
            instead: format!("at most {MANY}: tools for what users want done, or several plugins"),
        });
    }
}
