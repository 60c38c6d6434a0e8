//! The stage of a call that asks whether it may be made, and with what reach. The decision was made when the catalog was built; here it is
//! looked up, and put into words where it is a refusal.

use chrono::Utc;

use super::error::{CallError, ErrorCode};
use crate::catalog::Found;
use crate::host::Host;
use crate::permissions::decide::{Allowance, Decision, Held};

/// Declared ⊆ granted, for the version that was granted; else nothing runs.
pub(super) fn authorize<'a>(host: &Host, found: &'a Found) -> Result<&'a Allowance, CallError> {
    match &*found.decision {
        Decision::Allowed(allowance)
            if allowance
                .expires
                .is_some_and(|expires| expires <= Utc::now()) =>
        {
            Err(refusal(host, found, &Held::Expired))
        }
        Decision::Allowed(allowance) => Ok(allowance),
        Decision::Held(held) => Err(refusal(host, found, held)),
    }
}

fn refusal(host: &Host, found: &Found, held: &Held) -> CallError {
    let tool = &found.tool;
    let asks_for = tool.asks_for();
    let asked = match held {
        Held::NotGranted | Held::Expired | Held::NoGrants => format!(": {}", asks_for.join("; ")),
        _ => String::new(),
    };
    let message = format!("tool `{}` {}{asked}", tool.full_name, held.clause());
    let hint = if host.grants.is_policy() {
        format!(
            "you cannot grant this. Grants come from the policy file {}; tell the user that whoever runs this server has to review the plugin and add it there",
            crate::text::escape(&host.grants.file().display().to_string())
        )
    } else {
        format!(
            "you cannot grant this. Ask the user to run `{}` in their own terminal, which shows what is asked and lets them decide; this server follows at once, so then call again",
            host.grant_command(&found.plugin)
        )
    };
    CallError::new(ErrorCode::PermissionDenied, message)
        .hint(&hint)
        .details(serde_json::json!({ "asks_for": asks_for }))
}
