//! `toolbay new`: writes the crate of a new plugin.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::Value;

use crate::cli::New;
use crate::scaffold::{self, Names};
use crate::terminal;
use crate::text::escape;

/// The version of the SDK that was released with this program.
const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(arguments: &New) -> Result<u8> {
    match write(arguments) {
        Ok(folder) => {
            let shown = escape(&folder.display().to_string());
            terminal::say(&format!(
                "made {shown}\nnext:\n  cd {shown}\n  toolbay build\n  toolbay test\n"
            ));
            Ok(super::OK)
        }
        Err(error) => {
            terminal::complain(&error);
            Ok(super::PROBLEM)
        }
    }
}

fn write(arguments: &New) -> Result<PathBuf> {
    let folder = &arguments.name;
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    check_name(name)?;
    check_free(folder)?;
    let sdk = sdk(arguments)?;
    let names = Names {
        plugin: name,
        sdk: &sdk,
    };
    // Beside its place, and moved there whole: a disk that is full leaves nothing half done.
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let partial = tempfile::Builder::new()
        .prefix(".toolbay-new-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write in {}", parent.display()))?;
    write_files(partial.path(), arguments, &names)
        .with_context(|| format!("cannot write {}", folder.display()))?;
    std::fs::rename(partial.path(), folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    // It has another name now, so nothing is left to remove.
    let _ = partial.keep();
    Ok(folder.clone())
}

fn write_files(into: &Path, arguments: &New, names: &Names<'_>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, text) in scaffold::files(arguments.template, names) {
        let path = into.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    // Temporary folders are for their owner alone; this one is to be like any other.
    std::fs::set_permissions(into, std::fs::Permissions::from_mode(0o755))
}

/// The name has to do for the plugin and for the crate.
fn check_name(name: &str) -> Result<()> {
    if let Err(broken) = toolbay_manifest::check_plugin_name(name) {
        bail!(
            "`{}` cannot be the name of a plugin: {}\nhint: {}",
            escape(name),
            broken.problem,
            broken.hint
        );
    }
    // Words that cargo refuses as a crate's name.
    const NOT_A_CRATE: [&str; 49] = [
        "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
        "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for",
        "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override",
        "priv", "pub", "ref", "return", "self", "static", "std", "struct", "super", "test",
        "trait", "true", "try", "type", "unsafe", "use", "while",
    ];
    if NOT_A_CRATE.contains(&name) {
        bail!(
            "`{name}` cannot be the name of a crate: Rust uses the word itself\nhint: choose another, such as `my-{name}`"
        );
    }
    Ok(())
}

fn check_free(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!(
                    "{} exists already\nhint: choose another name, or remove it first",
                    folder.display()
                );
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!(
            "{} exists already: {error}\nhint: choose another name",
            folder.display()
        ),
    }
}

/// The value of the dependency on the SDK.
fn sdk(arguments: &New) -> Result<String> {
    if let Some(folder) = &arguments.sdk {
        return path_dependency(&sdk_folder(folder)?);
    }
    if let (Some(url), Some(tag)) = (&arguments.git, &arguments.tag) {
        return Ok(format!(
            "{{ git = {}, tag = {} }}",
            quoted(url),
            quoted(tag)
        ));
    }
    if let Some(version) = &arguments.sdk_version {
        return Ok(quoted(version));
    }
    if let Some(folder) = own_checkout() {
        terminal::say(&format!(
            "note: with the SDK of this checkout, {}; --sdk-version takes one from the registry\n",
            folder.display()
        ));
        return path_dependency(&folder);
    }
    Ok(quoted(SDK_VERSION))
}

fn path_dependency(folder: &Path) -> Result<String> {
    let Some(path) = folder.to_str() else {
        bail!(
            "{} cannot be written into Cargo.toml\nhint: move the SDK to a folder whose path is UTF-8",
            folder.display()
        );
    };
    Ok(format!("{{ path = {} }}", quoted(path)))
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// The folder of the crate `toolbay-sdk`, at this place or in it.
fn sdk_folder(named: &Path) -> Result<PathBuf> {
    let named = std::path::absolute(named)?;
    [named.join("toolbay-sdk"), named.join("sdk/toolbay-sdk"), named.clone()]
        .into_iter()
        .find(|folder| is_sdk(folder))
        .with_context(|| {
            format!(
                "there is no crate `toolbay-sdk` in {}\nhint: --sdk names the folder that holds it, which is `sdk` in Toolbay's repository",
                named.display()
            )
        })
}

fn is_sdk(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| {
        text.lines()
            .any(|line| line.trim() == "name = \"toolbay-sdk\"")
    })
}

/// The SDK beside the program, where that lies in the build folder of its own repository.
fn own_checkout() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let build_folder = program
        .ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == "target"))?;
    let sdk = build_folder.parent()?.join("sdk/toolbay-sdk");
    is_sdk(&sdk).then_some(sdk)
}
