//! From a candidate to a plugin, or to a problem that says what to do. Everything about a plugin that can fail early fails here.

use std::path::Path;
use std::sync::Arc;

use toolbay_manifest::{Manifest, ManifestError};

use crate::catalog::PluginProblem;
use crate::component::{self, ComponentError};
use crate::config::MAX_COMPONENT;
use crate::digest::Digest;
use crate::discover::{Candidate, Unusable};
use crate::files::{read_if_there, read_up_to, write_atomically};
use crate::plugin::Plugin;
use crate::sandbox::{PrepareError, Sandbox};
use crate::text::{escape, shorten};

/// The largest manifest that is read, wherever it lies.
const MAX_MANIFEST: u64 = 4 << 20;

/// Why a candidate is not a plugin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The manifest is wrong, wherever it came from.
    #[error("its manifest{} is wrong: {error}", origin(.sidecar.as_deref()))]
    Manifest {
        error: ManifestError,
        sidecar: Option<std::path::PathBuf>,
    },
    #[error(
        "it carries no manifest, has none beside it, and does not export `toolbay:plugin/describe`"
    )]
    NoManifest,
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error("the {which} schema of its tool `{tool}` cannot be used: {error}")]
    Schema {
        tool: String,
        which: &'static str,
        error: String,
    },
}

fn origin(sidecar: Option<&Path>) -> String {
    sidecar
        .and_then(Path::file_name)
        .map(|name| format!(" {}", name.to_string_lossy()))
        .unwrap_or_default()
}

impl LoadError {
    /// The problem as the user sees it.
    pub(crate) fn problem(&self, path: &Path) -> PluginProblem {
        PluginProblem {
            path: path.to_owned(),
            reason: shorten(&escape(&self.to_string()), 1000),
            hint: self.hint(path),
            serving_earlier: false,
        }
    }

    fn hint(&self, path: &Path) -> String {
        match self {
            Self::Unusable(unusable) => unusable.hint().into(),
            Self::Read(_) => "check the permissions of the file".into(),
            Self::Component(error) => error.hint(),
            Self::Manifest { error, .. } => error.hint().map_or_else(|| "correct the manifest and build the plugin again".into(), |hint| escape(&hint)),
            Self::NoManifest => {
                let sidecar = path.with_extension("toml");
                format!("build it with the Toolbay SDK, or write its manifest into {}", sidecar.display())
            }
            Self::Prepare(PrepareError::Compile(_)) => "build it again with current tools; `TOOLBAY_LOG=debug` shows more".into(),
            Self::Prepare(PrepareError::Sandbox(_)) => "guests need terabytes of address space, of which little is used: lift a limit on it (`ulimit -v unlimited`)".into(),
            Self::Prepare(_) => "build it again with an SDK of this host's version".into(),
            Self::Schema { .. } => "correct the type that the schema is made from; schemas are JSON Schema 2020-12 without remote references".into(),
        }
    }

    /// Whether waiting may mend it, because somebody may still be writing the file.
    pub(crate) fn may_be_unfinished(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::NoManifest
                | Self::Manifest { .. }
                | Self::Component(
                    ComponentError::Empty
                        | ComponentError::NotWasm
                        | ComponentError::Truncated(_)
                        | ComponentError::Invalid(_)
                        | ComponentError::OtherWorld { .. }
                )
        )
    }
}

/// A candidate's bytes, read once: what is hashed is what is compiled.
pub(crate) struct Content {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) digest: Digest,
    /// The manifest beside it.
    pub(crate) sidecar: Option<Vec<u8>>,
}

impl Content {
    /// A component that has no file yet.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self {
            digest: Digest::of(&bytes),
            bytes: bytes.into(),
            sidecar: None,
        }
    }

    /// Tells this content from the candidate's next: the component's digest and the manifest beside it.
    pub(crate) fn key(&self) -> (Digest, Option<Digest>) {
        (self.digest.clone(), self.sidecar.as_deref().map(Digest::of))
    }
}

/// Reads a candidate's files.
pub(crate) fn read(candidate: &Candidate) -> Result<Content, LoadError> {
    let fingerprint = candidate.file.clone()?;
    let bytes: Arc<[u8]> = read_up_to(&candidate.path, MAX_COMPONENT)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::FileTooLarge => {
                LoadError::Unusable(Unusable::TooLarge(fingerprint.size))
            }
            _ => LoadError::Read(error),
        })?
        .into();
    let digest = Digest::of(&bytes);
    let sidecar = match &candidate.sidecar {
        Some(sidecar) => read_if_there(&sidecar.path, MAX_MANIFEST).map_err(LoadError::Read)?,
        None => None,
    };
    Ok(Content {
        bytes,
        digest,
        sidecar,
    })
}

/// Makes the plugin: checks the component, finds its manifest, checks every schema.
pub(crate) async fn load(
    sandbox: &Sandbox,
    cache: &Path,
    candidate: &Candidate,
    content: &Content,
) -> Result<(Plugin, Manifest), LoadError> {
    let inspected = {
        let bytes = content.bytes.clone();
        tokio::task::spawn_blocking(move || component::inspect(&bytes))
            .await
            .map_err(|error| LoadError::Read(std::io::Error::other(error)))??
    };
    let manifest = match (inspected.manifest, &content.sidecar) {
        (Some(text), _) => Manifest::from_json(&text).map_err(|error| LoadError::Manifest {
            error,
            sidecar: None,
        })?,
        (None, Some(text)) => {
            let wrong = |error| LoadError::Manifest {
                error,
                sidecar: candidate
                    .sidecar
                    .as_ref()
                    .map(|sidecar| sidecar.path.clone()),
            };
            let text = std::str::from_utf8(text).map_err(|error| {
                LoadError::Read(std::io::Error::other(format!(
                    "its manifest is not UTF-8: {error}"
                )))
            })?;
            Manifest::from_toml(text).map_err(wrong)?
        }
        (None, None) if inspected.describes => described(sandbox, cache, content).await?,
        (None, None) => return Err(LoadError::NoManifest),
    };
    let plugin = Plugin::new(
        candidate,
        content.digest.clone(),
        &manifest,
        Some(content.bytes.clone()),
    );
    for tool in &plugin.tools {
        let wrong = |which, error: &crate::schema::SchemaError| LoadError::Schema {
            tool: tool.label.tool.to_string(),
            which,
            error: error.to_string(),
        };
        tool.input().map_err(|error| wrong("input", error))?;
        tool.output().map_err(|error| wrong("output", error))?;
    }
    Ok((plugin, manifest))
}

/// The manifest that the component gives of itself, asked once and kept by digest.
async fn described(
    sandbox: &Sandbox,
    cache: &Path,
    content: &Content,
) -> Result<Manifest, LoadError> {
    let wrong = |error| LoadError::Manifest {
        error,
        sidecar: None,
    };
    let kept = cache
        .join("manifests")
        .join(format!("{}.json", content.digest));
    if let Ok(Some(text)) = read_if_there(&kept, MAX_MANIFEST)
        && let Ok(manifest) = Manifest::from_json(&String::from_utf8_lossy(&text))
    {
        return Ok(manifest);
    }
    let prepared = sandbox.prepare(&content.digest, &content.bytes).await?;
    let text = sandbox.describe(&prepared).await?;
    let manifest = Manifest::from_json(&text).map_err(wrong)?;
    if let Err(error) = write_atomically(&kept, text.as_bytes()) {
        tracing::warn!(path = %kept.display(), %error, "cannot keep a manifest in the cache");
    }
    Ok(manifest)
}
