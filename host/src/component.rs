//! What can be told from a component's bytes without compiling or running it: whether it is one, what it carries, and what it asks for.

use toolbay_manifest::section;
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::text::{escape, shorten};

/// The interfaces of ours that a plugin exports at least one of, whatever their version.
const OFFERS: [&str; 3] = [
    "toolbay:plugin/tools@",
    "toolbay:plugin/resources@",
    "toolbay:plugin/prompts@",
];
const DESCRIBE: &str = "toolbay:plugin/describe@";

/// The version of the plugin interface that this host speaks.
const VERSION: &str = "0.1.";

/// What the host offers to a component. Each stands for its WASI 0.2 interfaces, whatever the last number.
const OFFERED: [&str; 7] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
const OFFERED_TYPES: &str = "toolbay:plugin/types@";

/// Interfaces of our own that a component may import.
const OFFERED_OWN: [&str; 8] = [
    "toolbay:plugin/calls@",
    "toolbay:plugin/cancellation@",
    "toolbay:plugin/changes@",
    "toolbay:plugin/cursors@",
    "toolbay:plugin/input@",
    "toolbay:plugin/kv@",
    "toolbay:plugin/logging@",
    "toolbay:plugin/progress@",
];

/// What was found in a component's bytes.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// The text in the custom section `toolbay:manifest`.
    pub(crate) manifest: Option<String>,
    /// Whether it exports `describe`.
    pub(crate) describes: bool,
    /// What it imports, each interface by its name.
    pub(crate) imports: Vec<String>,
}

/// Why these bytes are no plugin.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ComponentError {
    #[error("the file is empty")]
    Empty,
    #[error("it is not WebAssembly")]
    NotWasm,
    #[error("it is a core module, not a component")]
    CoreModule,
    /// The bytes end too early: either somebody is still writing, or the file is damaged.
    #[error("it ends in the middle: {0}")]
    Truncated(String),
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    #[error(
        "it offers nothing: there is none of `toolbay:plugin/tools@0.1.0`, `toolbay:plugin/resources@0.1.0` and `toolbay:plugin/prompts@0.1.0` among its exports"
    )]
    OtherWorld { exports: Vec<String> },
    #[error("it is made for `{0}`, and this host speaks 0.1.0")]
    OtherVersion(String),
    #[error("it imports `{0}`, which this host does not offer")]
    UnknownImport(String),
    #[error("its manifest section cannot be read: {0}")]
    Manifest(String),
}

impl ComponentError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Empty | Self::Truncated(_) => "copy or build it again; copying to another name first and renaming avoids half-written files".into(),
            Self::NotWasm => "put only WebAssembly components into the folder; other files need another ending than .wasm".into(),
            Self::CoreModule => "build it for the target wasm32-wasip2, which makes components".into(),
            Self::Invalid(_) => "build it again with current tools".into(),
            Self::OtherWorld { exports } if exports.is_empty() => "it exports nothing at all; a plugin exports `toolbay:plugin/tools`".into(),
            Self::OtherWorld { exports } => format!("it exports {}; a plugin exports `toolbay:plugin/tools`", exports.join(", ")),
            Self::OtherVersion(_) => "build it with an SDK of this host's version, or update the host".into(),
            Self::UnknownImport(_) => "a plugin may import WASI 0.2 (cli, clocks, filesystem, http, io, random, sockets), `toolbay:plugin` (calls, cancellation, changes, cursors, input, kv, logging, progress), and nothing else".into(),
            Self::Manifest(_) => "build the plugin again, so that its manifest is written anew".into(),
        }
    }
}

/// Looks at the whole component. Costs about a millisecond for 100 KB.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, ComponentError> {
    match bytes {
        [] => return Err(ComponentError::Empty),
        [0, b'a', b's', b'm', ..] => {}
        short if b"\0asm".starts_with(short) => {
            return Err(ComponentError::Truncated(
                "not even the header is whole".into(),
            ));
        }
        _ => return Err(ComponentError::NotWasm),
    }
    let mut found = Found::default();
    // First the outline, which needs no understanding of the code: it tells a damaged file from one that is merely not for us.
    outline(bytes, &mut found)?;
    let mut validator =
        Validator::new_with_features(WasmFeatures::default() | WasmFeatures::COMPONENT_MODEL);
    validator
        .validate_all(bytes)
        .map_err(|error| ComponentError::Invalid(sentence(&error)))?;
    found.check()
}

#[derive(Default)]
struct Found {
    exports: Vec<String>,
    imports: Vec<String>,
    manifest: Option<Result<String, String>>,
}

fn outline(bytes: &[u8], found: &mut Found) -> Result<(), ComponentError> {
    let broken = |error: wasmparser::BinaryReaderError| {
        if error.message().contains("unexpected end") {
            ComponentError::Truncated(sentence(&error))
        } else {
            ComponentError::Invalid(sentence(&error))
        }
    };
    // A nested module or component is read by a parser of its own; only the outermost level's names count.
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(ComponentError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(broken)?;
                    if export.kind == ComponentExternalKind::Instance
                        || export.kind == ComponentExternalKind::Func
                    {
                        found.exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found
                        .imports
                        .push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == section::NAME => {
                found.manifest = Some(
                    std::str::from_utf8(section.data())
                        .map(str::to_owned)
                        .map_err(|error| error.to_string()),
                );
            }
            _ => {}
        }
    }
    Ok(())
}

impl Found {
    fn check(self) -> Result<Inspected, ComponentError> {
        let speaks = |name: &str, interface: &str| {
            name.strip_prefix(interface)
                .is_some_and(|version| version.starts_with(VERSION))
        };
        let offers = |name: &String| OFFERS.iter().any(|own| speaks(name, own));
        let of_other_version = |name: &&String| OFFERS.iter().any(|own| name.starts_with(own));
        if !self.exports.iter().any(offers) {
            if let Some(other) = self.exports.iter().find(of_other_version) {
                return Err(ComponentError::OtherVersion(escape(other)));
            }
            let exports = self
                .exports
                .iter()
                .take(5)
                .map(|name| format!("`{}`", shorten(&escape(name), 80)))
                .collect();
            return Err(ComponentError::OtherWorld { exports });
        }
        let offered = |name: &String| {
            OFFERED
                .iter()
                .any(|known| name.starts_with(known) && name.contains("@0.2."))
                || name.starts_with(OFFERED_TYPES)
                || OFFERED_OWN.iter().any(|known| speaks(name, known))
        };
        if let Some(unknown) = self.imports.iter().find(|name| !offered(name)) {
            return Err(ComponentError::UnknownImport(shorten(
                &escape(unknown),
                120,
            )));
        }
        let manifest = self
            .manifest
            .transpose()
            .map_err(ComponentError::Manifest)?;
        Ok(Inspected {
            manifest,
            describes: self.exports.iter().any(|name| speaks(name, DESCRIBE)),
            imports: self.imports,
        })
    }
}

fn sentence(error: &wasmparser::BinaryReaderError) -> String {
    format!(
        "{} (at byte {})",
        shorten(&escape(error.message()), 200),
        error.offset()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(inspect(bytes).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        check(b"", "the file is empty");
        check(
            b"\0as",
            "it ends in the middle: not even the header is whole",
        );
        check(b"PK\x03\x04", "it is not WebAssembly");
        check(b"\0asm\x01\0\0\0", "it is a core module, not a component");
        check(
            b"\0asm\x0d\0\x01\0",
            "it offers nothing: there is none of `toolbay:plugin/tools@0.1.0`, `toolbay:plugin/resources@0.1.0` and `toolbay:plugin/prompts@0.1.0` among its exports",
        );
        check(
            b"\0asm\x0d\0\x01\0\x07\xff",
            "it ends in the middle: unexpected end-of-file (at byte 10)",
        );
        check(&[0; 64], "it is not WebAssembly");
    }
}
