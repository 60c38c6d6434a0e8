//! Which program runs which component: from the environment, or built.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::child;

/// Which component is asked for.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The one of the crate under test; found or built once in a process.
    ThisCrate,
    File(PathBuf),
}

/// A component and its plugin's name.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) file: PathBuf,
    pub(super) plugin: String,
}

impl Source {
    #[track_caller]
    pub(super) fn find(&self, program: &Program) -> Component {
        static FOUND: OnceLock<Result<Component, String>> = OnceLock::new();
        let found = match self {
            Self::ThisCrate => FOUND.get_or_init(|| find(program)).clone(),
            Self::File(file) => inspect(program, file),
        };
        found.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The program `toolbay`.
#[derive(Debug, Clone)]
pub(super) struct Program(pub(super) PathBuf);

impl Program {
    pub(super) fn usual() -> Self {
        let named = env::var_os("TOOLBAY_BIN").map(PathBuf::from);
        Self(named.unwrap_or_else(|| "toolbay".into()))
    }

    pub(super) fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

fn find(program: &Program) -> Result<Component, String> {
    if let Some(file) = env::var_os("TOOLBAY_TEST_COMPONENT") {
        return inspect(program, Path::new(&file));
    }
    if let Some(folder) = env::var_os("TOOLBAY_TEST_COMPONENTS") {
        let package = env::var("CARGO_PKG_NAME").map_err(|_| NOT_BY_CARGO.to_owned())?;
        return inspect(program, &Path::new(&folder).join(format!("{package}.wasm")));
    }
    let folder = env::var_os("CARGO_MANIFEST_DIR").ok_or(NOT_BY_CARGO)?;
    let mut command = program.command();
    command.arg("build").arg(&folder).arg("--json");
    let printed = child::run(command, "").map_err(|error| {
        format!("the component cannot be built: {error}\nhint: run the tests with `toolbay test`, or set TOOLBAY_TEST_COMPONENT to a component")
    })?;
    built(&printed).ok_or_else(|| format!("`toolbay build --json` printed no plugin: {printed}"))
}

const NOT_BY_CARGO: &str =
    "the test was not started by cargo; set TOOLBAY_TEST_COMPONENT to the component";

/// What `toolbay build --json` says it has made: the plugin of this package, where there are several.
fn built(printed: &str) -> Option<Component> {
    let plugins: Value = serde_json::from_str(printed).ok()?;
    let plugins = plugins.as_array()?;
    let package = env::var("CARGO_PKG_NAME").ok();
    let own = plugins
        .iter()
        .find(|plugin| plugin.get("package").and_then(Value::as_str) == package.as_deref());
    let plugin = own.or(plugins.first())?;
    let text = |key: &str| plugin.get(key).and_then(Value::as_str);
    Some(Component {
        file: text("file")?.into(),
        plugin: text("plugin")?.to_owned(),
    })
}

fn inspect(program: &Program, file: &Path) -> Result<Component, String> {
    let file = file
        .canonicalize()
        .map_err(|error| format!("cannot find the component {}: {error}", file.display()))?;
    let mut command = program.command();
    command.arg("inspect").arg(&file).arg("--json");
    let printed = child::run(command, "")?;
    let plugin: Option<Value> = serde_json::from_str(&printed).ok();
    let name = plugin
        .as_ref()
        .and_then(|plugin| plugin.pointer("/plugin/name").or(plugin.get("name")));
    match name.and_then(Value::as_str) {
        Some(name) => Ok(Component {
            plugin: name.to_owned(),
            file,
        }),
        None => Err(format!("{} is no plugin", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_read() {
        let component = built(
            r#"[{"plugin": "weather", "file": "/w/target/weather.wasm", "tools": ["weather_now"]}]"#,
        );
        let component = component.unwrap();
        assert_eq!(component.plugin, "weather");
        assert_eq!(component.file, Path::new("/w/target/weather.wasm"));
        assert!(built("[]").is_none());
        assert!(built("error").is_none());
    }
}
