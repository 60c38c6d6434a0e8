//! What a call takes into the sandbox, secrets looked up; and afterwards, what the guest was refused told to whoever reads the error.

use std::sync::Arc;

use tokio::time::Instant;

use super::error::{CallError, ErrorCode};
use crate::catalog::Found;
use crate::host::Host;
use crate::permissions::access::ToolAccess;
use crate::permissions::reach::{Reach, Retry, SecretValue};
use crate::permissions::usage::{Denial, Usage};
use crate::principal::Principal;
use crate::secrets::SecretError;
use crate::text::escape;

/// How many refusals an error tells of.
const TOLD_DENIALS: usize = 3;

/// The reach of one call.
pub(super) async fn reach(
    host: &Host,
    found: &Found,
    access: &Arc<ToolAccess>,
    principal: &Principal,
    keyed: bool,
) -> Result<Reach, CallError> {
    let secrets = if access.secrets.is_empty() {
        Arc::default()
    } else {
        secrets(host, found, access).await?
    };
    Ok(Reach {
        access: access.clone(),
        principal: principal.name.clone(),
        scope: found.plugin.scope.clone(),
        secrets,
        usage: Usage::default(),
        retry: found.tool.services.retry.map(|retry| Retry {
            max: retry.max,
            keyed,
            until: Instant::now() + found.tool.limits.timeout,
        }),
    })
}

/// The values of the tool's secrets. They are looked up for each call, so that a changed one counts at once.
async fn secrets(
    host: &Host,
    found: &Found,
    access: &Arc<ToolAccess>,
) -> Result<Arc<[SecretValue]>, CallError> {
    let (store, access, plugin) = (
        host.secrets.clone(),
        access.clone(),
        found.tool.label.plugin.clone(),
    );
    // A file or a keyring: neither is waited for on this thread.
    let looked_up = tokio::task::spawn_blocking(move || {
        access
            .secrets
            .iter()
            .map(|asked| match store.get(&plugin, &asked.name) {
                Ok(Some(value)) => Ok(SecretValue {
                    name: asked.name.clone(),
                    host: asked.secret.host.clone(),
                    header: asked.secret.header.clone(),
                    format: asked.secret.format.clone().unwrap_or_else(|| "{}".into()),
                    value,
                }),
                Ok(None) => Err((asked.name.clone(), None)),
                Err(error) => Err((asked.name.clone(), Some(error))),
            })
            .collect::<Result<Vec<_>, _>>()
    })
    .await;
    match looked_up {
        Ok(Ok(secrets)) => Ok(secrets.into()),
        Ok(Err((name, error))) => Err(no_secret(found, &name, error.as_ref())),
        Err(error) => Err(CallError::new(
            ErrorCode::Internal,
            format!(
                "the secrets of `{}` could not be looked up: {error}",
                found.tool.full_name
            ),
        )),
    }
}

fn no_secret(found: &Found, name: &str, error: Option<&SecretError>) -> CallError {
    let plugin = &found.tool.label.plugin;
    let Some(error) = error else {
        return CallError::new(
            ErrorCode::PermissionDenied,
            format!("{} needs the secret `{name}`, which is not set", found.tool.named()),
        )
        .hint(&format!(
            "never ask for its value; ask the user to run `toolbay secret set {plugin} {name}` in their own terminal, then call again"
        ));
    };
    CallError::new(
        ErrorCode::Unavailable,
        format!(
            "{} needs the secret `{name}`, which cannot be looked up: {}",
            found.tool.named(),
            escape(&error.to_string())
        ),
    )
    .hint(&format!("for the user: {}", escape(&error.hint())))
}

/// Tells in a failed call's hint what the sandbox refused, and the line that would ask for it.
pub(super) fn tell_denials(found: &Found, denials: &[Denial], error: &mut CallError) {
    // What the guest passes on in its own words need not be said twice.
    let untold: Vec<&Denial> = denials
        .iter()
        .filter(|denial| !error.message.contains(&denial.what))
        .take(TOLD_DENIALS)
        .collect();
    if untold.is_empty() {
        return;
    }
    let told: Vec<String> = untold
        .iter()
        .map(|denial| match &denial.remedy {
            Some(remedy) => format!("{} (what would allow it: {remedy})", denial.what),
            None => denial.what.clone(),
        })
        .collect();
    let of_manifest = |denial: &&Denial| {
        let remedy = denial.remedy.as_deref();
        remedy.is_some_and(|remedy| !remedy.starts_with("toolbay "))
    };
    let where_to = if untold.iter().any(of_manifest) {
        format!(
            "; such a line goes into {} of the plugin's plugin.toml, and the user has to grant it",
            found.tool.label.table()
        )
    } else {
        String::new()
    };
    let refused = format!("the sandbox refused: {}{where_to}", told.join("; "));
    error.hint = Some(match error.hint.take() {
        Some(hint) => format!("{hint}; {refused}"),
        None => refused,
    });
}
