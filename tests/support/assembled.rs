//! Components that no compiler would make: written by hand as core WebAssembly in `tests/guests/wat/`, put into the
//! component's form here. Each is a plugin of its own with one tool, `run`.

use std::path::PathBuf;

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::paths;

/// One of the plugins of `tests/guests/wat/`, its manifest baked in. In a plugin's name, `_` becomes `-`.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    bake(&bare(name), &manifest(name))
}

/// The same without a manifest, for a test that gives it one of its own.
pub(crate) fn bare(name: &str) -> Vec<u8> {
    let source = source(name);
    if source.contains("(import \"toolbay:plugin/kv@0.1.0\"") {
        let world = "package guests:of-tests; world keeper { import toolbay:plugin/kv@0.1.0; export toolbay:plugin/tools@0.1.0; }";
        return component(
            &source,
            &Wit::FolderAnd(paths::root().join("wit"), world),
            "keeper",
        );
    }
    component(&source, &wit_folder(), "tools-world")
}

/// One that brings no manifest but the one it gives when asked to describe itself.
pub(crate) fn undescribed(name: &str) -> Vec<u8> {
    let world = "package guests:of-tests; world describer { export toolbay:plugin/describe@0.1.0; export toolbay:plugin/tools@0.1.0; }";
    component(
        &source(name),
        &Wit::FolderAnd(paths::root().join("wit"), world),
        "describer",
    )
}

/// A component of a world that has nothing to do with this project.
pub(crate) fn of_another_world() -> Vec<u8> {
    component(
        r#"(module (memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
            (func (export "run")))"#,
        &Wit::Text("package another:thing@1.0.0; world program { export run: func(); }"),
        "program",
    )
}

/// A component whose export has the right name and a wrong type.
pub(crate) fn of_wrong_type() -> Vec<u8> {
    let bytes = component(
        r#"(module (memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
            (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32) (result i32) i32.const 7))"#,
        &Wit::Text(
            "package toolbay:plugin@0.1.0; interface tools { call: func(name: string) -> u32; } world wrong { export tools; }",
        ),
        "wrong",
    );
    bake(&bytes, &manifest("wrong_type"))
}

/// One that imports these interfaces, of which it uses nothing, and can be looked at and not run.
pub(crate) fn importing(interfaces: &[&str]) -> Vec<u8> {
    let imports: String = interfaces
        .iter()
        .map(|name| format!("(import \"{name}\" (instance))\n"))
        .collect();
    let text = format!(
        "(component {imports} (instance $tools) (export \"toolbay:plugin/tools@0.1.0\" (instance $tools)))"
    );
    wat::parse_str(text).expect("the text is a component")
}

/// A core module, which is WebAssembly but no component.
pub(crate) fn core_module() -> Vec<u8> {
    wat::parse_str("(module (func (export \"run\")))").expect("the text is WebAssembly")
}

/// The manifest that the plugins made here get.
pub(crate) fn manifest(name: &str) -> Value {
    let name = name.replace('_', "-");
    json!({
        "manifest-version": 1,
        "plugin": {"name": name, "version": "0.1.0", "description": "Assembled by hand"},
        "tools": {"run": {
            "description": "Does what its plugin's name says.",
            "input-schema": {"type": "object", "properties": {"text": {"type": "string"}}},
            "timeout": "300ms",
            "memory": "64MiB",
        }},
    })
}

/// Puts a manifest into a component, without asking whether it is a good one.
pub(crate) fn bake(component: &[u8], manifest: &Value) -> Vec<u8> {
    const HEADER: usize = 8;
    const NAME: &str = "toolbay:manifest";
    let text = manifest.to_string();
    let mut content = leb128(NAME.len());
    content.extend_from_slice(NAME.as_bytes());
    content.extend_from_slice(text.as_bytes());
    let mut bytes = component[..HEADER].to_vec();
    bytes.push(0);
    bytes.extend(leb128(content.len()));
    bytes.extend(content);
    bytes.extend_from_slice(&component[HEADER..]);
    bytes
}

/// The manifest of a baked component.
pub(crate) fn manifest_of(component: &[u8]) -> Value {
    let section = &component[first_section(component)];
    let start = section.iter().position(|byte| *byte == b'{');
    let text = &section[start.expect("the section holds a manifest")..];
    serde_json::from_slice(text).expect("a manifest is JSON")
}

/// Takes a manifest out again.
pub(crate) fn unbaked(component: &[u8]) -> Vec<u8> {
    let end = first_section(component).end;
    [&component[..8], &component[end..]].concat()
}

/// Where the section lies that comes first, which is a custom one.
fn first_section(component: &[u8]) -> std::ops::Range<usize> {
    assert_eq!(component.get(8), Some(&0), "no section comes first");
    let mut size = 0;
    let end = 9;
    for (place, byte) in component[9..].iter().enumerate() {
        size |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let start = end + place + 1;
            return start..start + size;
        }
    }
    panic!("the section has no size")
}

/// Where a component's interface is written.
enum Wit {
    Folder(PathBuf),
    Text(&'static str),
    /// A world made of what a folder has.
    FolderAnd(PathBuf, &'static str),
}

fn wit_folder() -> Wit {
    Wit::Folder(paths::root().join("wit"))
}

fn source(name: &str) -> String {
    let path = paths::root()
        .join("tests/guests/wat")
        .join(format!("{name}.wat"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn component(source: &str, wit: &Wit, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = match wit {
        Wit::Folder(path) => resolve.push_dir(path).map(|(package, _)| package),
        Wit::Text(text) => resolve.push_str("inline.wit", text),
        Wit::FolderAnd(path, text) => resolve
            .push_dir(path)
            .and_then(|_| resolve.push_str("inline.wit", text)),
    };
    let package = package.expect("the interface is valid WIT");
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    let mut module = wat::parse_str(source).unwrap_or_else(|error| panic!("{error}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes a section");
    // Not validated: some of these are wrong on purpose.
    let encoder = ComponentEncoder::default().validate(false).module(&module);
    encoder
        .and_then(|mut encoder| encoder.encode())
        .unwrap_or_else(|error| panic!("{error:#}\n{source}"))
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
