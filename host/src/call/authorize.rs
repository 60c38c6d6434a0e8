//! The stage of a call that asks whether it may be made, and with what reach. The decision was made when the catalog was built; here it is
//! looked up, and put into words where it is a refusal.

use std::borrow::Cow;

use chrono::Utc;

use super::error::{CallError, ErrorCode};
use super::{CallEnd, CallRequest, Question, Wants};
use crate::catalog::Found;
use crate::host::Host;
use crate::permissions::decide::{Allowance, Decision, Held, once};
use crate::permissions::words::plain;
use crate::text::{escape, shorten};

/// How much of the arguments a user is shown, in characters.
const SHOWN_ARGUMENTS: usize = 600;

/// Declared ⊆ granted, for the version that was granted, or allowed for this one call; else nothing runs. A refusal is a whole end of the call,
/// since the user may be asked about it.
pub(super) fn authorize<'a>(
    host: &Host,
    found: &'a Found,
    request: &CallRequest<'_>,
) -> Result<Cow<'a, Allowance>, Box<CallEnd>> {
    if let Some(error) = lacks_scopes(found, request) {
        return Err(error.into());
    }
    let held = match &*found.decision {
        Decision::Allowed(allowance)
            if allowance.expires.is_none_or(|expires| expires > Utc::now()) =>
        {
            return Ok(Cow::Borrowed(allowance));
        }
        Decision::Allowed(_) => &Held::Expired,
        Decision::Held(held) => held,
    };
    let tool = &found.tool;
    let once = (host.config.ask && tool.is_tool())
        .then(|| once(held, &tool.requested, tool.annotations.read_only))
        .flatten();
    match once {
        Some(allowance) if request.consent => {
            tracing::info!(plugin = %tool.label.plugin, tool = %tool.label.tool, "the user allowed this one call");
            Ok(Cow::Owned(allowance))
        }
        once => {
            let mut end = CallEnd::from(refusal(host, found, held));
            end.question = once.map(|_| question(found, request));
            Err(Box::new(end))
        }
    }
}

/// What the caller must hold for this tool, and does not.
fn lacks_scopes(found: &Found, request: &CallRequest<'_>) -> Option<CallError> {
    let required = found.tool.services.requires.iter();
    let missing: Vec<&str> = required
        .filter(|scope| !request.principal.holds(scope))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!(
        "{} is for callers with the scope `{}`, which `{}` does not have",
        found.tool.named(),
        missing.join("` and `"),
        request.principal.name
    );
    let hint = "you cannot get it yourself. Whoever runs this server gives scopes with a token: `toolbay token add NAME --scope …`";
    Some(
        CallError::new(ErrorCode::PermissionDenied, message)
            .hint(hint)
            .details(serde_json::json!({ "requires": missing })),
    )
}

fn refusal(host: &Host, found: &Found, held: &Held) -> CallError {
    let tool = &found.tool;
    let asks_for = tool.asks_for();
    let asked = match held {
        Held::NotGranted | Held::Expired | Held::NoGrants => format!(": {}", asks_for.join("; ")),
        _ => String::new(),
    };
    let message = format!("{} {}{asked}", tool.named(), held.clause());
    let hint = if host.grants.is_policy() {
        format!(
            "you cannot grant this. Grants come from the policy file {}; tell the user that whoever runs this server has to review the plugin and add it there",
            escape(&host.grants.file().display().to_string())
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

fn question(found: &Found, request: &CallRequest<'_>) -> Question {
    let tool = &found.tool;
    let wants = plain(&tool.requested, &tool.reasons, &found.plugin.mounts);
    let arguments = match &request.wants {
        Wants::Tool { arguments, .. } => arguments.map_or("{}", |arguments| arguments.get()),
        _ => "{}",
    };
    let message = format!(
        "Allow `{}` to make this one call? It wants to {}. The call's arguments: {}",
        tool.full_name,
        wants.join(", and to "),
        escape(&shorten(arguments, SHOWN_ARGUMENTS))
    );
    Question {
        message,
        component: found.plugin.digest.clone(),
    }
}
