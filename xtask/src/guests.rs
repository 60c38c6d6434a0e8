//! Building the host, and the guests into finished components.
//!
//! cargo builds two workspaces of guests into one build folder; each component then gets its manifest baked in by the
//! release host, which alone knows how to run one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::places::Places;
use crate::process::{self, BUILD_LIMIT, program};
use crate::target_setup::GuestToolchain;
use crate::terminal::{self, Consent, dim, heading, note};
use crate::wasi_libc::names_preview1;

/// A component as cargo left it.
struct Built {
    package: String,
    file: PathBuf,
}

pub(crate) fn build_host(places: &Places) -> Result<()> {
    heading("the host, as a release build (some minutes the first time)");
    process::run(
        process::cargo().current_dir(&places.root).args([
            "build",
            "--release",
            "--package",
            "toolbay",
        ]),
        BUILD_LIMIT,
    )
    .context("the host does not build")?;
    note(&format!(
        "{}  {}",
        places.short(&places.host()),
        dim(&size(&places.host())?)
    ));
    Ok(())
}

pub(crate) fn build_plugins(places: &Places, consent: Consent) -> Result<()> {
    build(places, consent, &[("plugins", "plugins", places.plugins())])
}

pub(crate) fn build_all(places: &Places, consent: Consent) -> Result<()> {
    build(
        places,
        consent,
        &[
            ("plugins", "plugins", places.plugins()),
            (
                "the guests of the tests",
                "tests/guests",
                places.test_guests(),
            ),
        ],
    )
}

fn build(places: &Places, consent: Consent, workspaces: &[(&str, &str, PathBuf)]) -> Result<()> {
    heading("the WebAssembly target");
    let toolchain = GuestToolchain::find_or_set_up(places, consent)?;
    note(&toolchain.describe());
    for (name, folder, results) in workspaces {
        let folder = places.root.join(folder);
        if !folder.join("Cargo.toml").is_file() {
            note(&format!(
                "{} is not there: nothing to build",
                places.short(&folder)
            ));
            continue;
        }
        heading(name);
        let components = cargo_build(places, &toolchain, &folder)?;
        finish(places, &components, results)?;
    }
    Ok(())
}

/// Builds one workspace and reads from cargo's messages what came out.
fn cargo_build(
    places: &Places,
    toolchain: &GuestToolchain,
    workspace: &Path,
) -> Result<Vec<Built>> {
    let mut command = toolchain.cargo_build(places)?;
    command.current_dir(workspace).args([
        "--workspace",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let captured = process::capture_stdout(&mut command, BUILD_LIMIT)?;
    if !captured.status.success() {
        bail!("{} does not build", places.short(workspace));
    }
    let mut components: Vec<Built> = captured.stdout.lines().filter_map(component).collect();
    components.sort_by(|one, other| one.package.cmp(&other.package));
    Ok(components)
}

/// The component that one message of cargo tells of, if it does.
fn component(line: &str) -> Option<Built> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let file = message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find(|file| file.ends_with(".wasm"))?;
    // `path+file:///a/folder/name#0.1.0`, or `…#name@0.1.0` where the folder has another name.
    let (folder, version) = message.get("package_id")?.as_str()?.rsplit_once('#')?;
    let package = match version.split_once('@') {
        Some((name, _)) => name,
        None => folder.rsplit('/').next()?,
    };
    Some(Built {
        package: package.to_owned(),
        file: file.into(),
    })
}

/// Puts each component in its place, with its manifest inside. What is newer than all it was made from stays.
fn finish(places: &Places, components: &[Built], results: &Path) -> Result<()> {
    fs::create_dir_all(results)?;
    let baker = Baker::find(places);
    for component in components {
        let result = results.join(format!("{}.wasm", component.package));
        if !is_newer(&result, &[&component.file, &places.host()]) {
            let partial = results.join(format!(".{}.partial", component.package));
            baker.bake(&component.file, &partial)?;
            fs::rename(&partial, &result)?;
        }
        let mut remarks = vec![size(&result)?];
        if names_preview1(&fs::read(&result)?) {
            remarks.push("with the preview-1 adapter".to_owned());
        }
        note(&format!(
            "{}  {}",
            places.short(&result),
            dim(&remarks.join(", "))
        ));
    }
    remove_leftovers(components, results)
}

/// The step that writes a component's manifest into it.
enum Baker {
    Host(PathBuf),
    /// There is no release host to do it: the component works all the same, its manifest is asked of it when loaded.
    None,
}

impl Baker {
    fn find(places: &Places) -> Self {
        let host = places.host();
        let help = process::ask(program(&host).args(["bake", "--help"]));
        if help.is_some_and(|help| !help.is_empty()) {
            return Self::Host(host);
        }
        note("no release host to bake the manifests in: the components are copied as they are");
        Self::None
    }

    fn bake(&self, from: &Path, to: &Path) -> Result<()> {
        match self {
            Self::Host(host) => process::run_quietly(
                program(host).arg("bake").arg(from).arg(to),
                std::time::Duration::from_secs(60),
            )
            .with_context(|| format!("{} gets no manifest", from.display())),
            Self::None => {
                fs::copy(from, to)?;
                Ok(())
            }
        }
    }
}

/// A package that was renamed or removed must not leave a component that later runs still find.
fn remove_leftovers(components: &[Built], results: &Path) -> Result<()> {
    for entry in fs::read_dir(results)? {
        let path = entry?.path();
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_component = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        if is_component && !components.iter().any(|component| component.package == stem) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_newer(result: &Path, sources: &[&Path]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(made) = time(result) else {
        return false;
    };
    sources
        .iter()
        .all(|source| time(source).is_none_or(|changed| changed < made))
}

fn size(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path)
        .with_context(|| format!("{} was not built", path.display()))?
        .len();
    Ok(terminal::size(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_in_what_cargo_says() {
        let artifact = |package: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{package}","filenames":["{file}"]}}"#
            )
        };
        let cases = [
            (
                artifact("path+file:///w/plugins/jq#0.1.0", "/t/jq.wasm"),
                Some("jq"),
            ),
            (
                artifact(
                    "path+file:///w/guests/v1#greeter-v1@0.1.0",
                    "/t/greeter_v1.wasm",
                ),
                Some("greeter-v1"),
            ),
            (artifact("registry+x#serde@1.0.0", "/t/libserde.rlib"), None),
            (
                r#"{"reason":"build-finished","success":true}"#.to_owned(),
                None,
            ),
            ("not json".to_owned(), None),
        ];
        for (line, expected) in cases {
            let package = component(&line).map(|built| built.package);
            assert_eq!(package.as_deref(), expected, "{line}");
        }
    }
}
