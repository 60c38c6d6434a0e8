//! What a call takes into the sandbox and what is done about it afterwards: secrets looked up before, covered in whatever comes out, and what
//! the guest was refused told to whoever reads the error.

use std::sync::Arc;

use super::error::{CallError, ErrorCode};
use super::output::ToolOutput;
use crate::catalog::Found;
use crate::host::Host;
use crate::permissions::access::ToolAccess;
use crate::permissions::reach::{Reach, SecretValue};
use crate::permissions::usage::{Denial, Usage};
use crate::principal::Principal;
use crate::redact::Redactor;
use crate::sandbox::types::{Content, ResourceBody};
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
            format!("tool `{}` needs the secret `{name}`, which is not set", found.tool.full_name),
        )
        .hint(&format!(
            "never ask for its value; ask the user to run `toolbay secret set {plugin} {name}` in their own terminal, then call again"
        ));
    };
    CallError::new(
        ErrorCode::Unavailable,
        format!(
            "tool `{}` needs the secret `{name}`, which cannot be looked up: {}",
            found.tool.full_name,
            escape(&error.to_string())
        ),
    )
    .hint(&format!("for the user: {}", escape(&error.hint())))
}

/// Covers the secrets in everything that came out of the guest: a server may have echoed them.
pub(super) fn redact(
    reach: &Reach,
    outcome: Result<ToolOutput, CallError>,
) -> Result<ToolOutput, CallError> {
    if reach.secrets.is_empty() {
        return outcome;
    }
    let redactor = Redactor::new(reach.secrets.iter().map(|secret| secret.value.as_str()));
    match outcome {
        Ok(mut output) => {
            redact_output(&redactor, &mut output);
            Ok(output)
        }
        Err(mut error) => {
            error.message = redactor.redact_text(&error.message).into_owned();
            error.details = error.details.and_then(|details| {
                serde_json::from_str(&redactor.redact_text(&details.to_string())).ok()
            });
            Err(error)
        }
    }
}

fn redact_output(redactor: &Redactor, output: &mut ToolOutput) {
    let text = |text: &mut String| {
        if let std::borrow::Cow::Owned(covered) = redactor.redact_text(text) {
            *text = covered;
        }
    };
    let bytes = |bytes: &mut Vec<u8>| {
        if let std::borrow::Cow::Owned(covered) = redactor.redact_bytes(bytes) {
            *bytes = covered;
        }
    };
    for content in &mut output.result.content {
        match content {
            Content::Text(content) => text(&mut content.text),
            Content::Image(content) => bytes(&mut content.data),
            Content::Audio(content) => bytes(&mut content.data),
            Content::ResourceLink(link) => {
                text(&mut link.uri);
                text(&mut link.name);
                link.title.iter_mut().for_each(text);
                link.description.iter_mut().for_each(text);
            }
            Content::EmbeddedResource(resource) => {
                text(&mut resource.uri);
                match &mut resource.body {
                    ResourceBody::Text(body) => text(body),
                    ResourceBody::Blob(body) => bytes(body),
                }
            }
        }
        let meta = match content {
            Content::Text(content) => &mut content.meta,
            Content::Image(content) => &mut content.meta,
            Content::Audio(content) => &mut content.meta,
            Content::ResourceLink(content) => &mut content.meta,
            Content::EmbeddedResource(content) => &mut content.meta,
        };
        meta.iter_mut().for_each(text);
    }
    // JSON stays JSON: what covers a value is as long as it was and needs no escapes.
    for json in [&mut output.structured, &mut output.meta] {
        if let Some(value) = json
            && let std::borrow::Cow::Owned(covered) = redactor.redact_text(value.get())
        {
            *json = serde_json::value::RawValue::from_string(covered).ok();
        }
    }
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
            "; such a line goes into [tools.{}] of the plugin's plugin.toml, and the user has to grant it",
            found.tool.label.tool
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
