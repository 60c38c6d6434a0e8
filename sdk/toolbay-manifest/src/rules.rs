//! The rules that single names, texts and schemas have to keep. They know neither JSON nor TOML, and each gives the bare problem and a
//! hint, so that the SDK's macros can say the same at compile time as the host at load.

use serde_json::Value;

use crate::error::shorten;

/// The plugin name that belongs to the host itself.
pub const RESERVED_PLUGIN_NAME: &str = "toolbay";
/// How many characters `{plugin}_{tool}` may have: some clients cap server and tool together at 60, others put a prefix of their own before it.
pub const MAX_NAME_CHARS: usize = 46;
/// How many characters a plugin's name may have.
const MAX_PLUGIN_NAME_CHARS: usize = 32;
/// How many characters a description may have.
pub const MAX_DESCRIPTION_CHARS: usize = 4096;
/// How many characters any other text may have: a version, a title, a licence, a reason.
pub const MAX_FIELD_CHARS: usize = 256;
/// How many icons one thing may have.
pub const MAX_ICONS: usize = 16;
/// How large an icon's `src` may be, in bytes; a `data:` URI holds the image itself.
pub const MAX_ICON_BYTES: usize = 64 * 1024;
/// How large one JSON Schema may be, as compact JSON text.
pub const MAX_SCHEMA_BYTES: usize = 256 * 1024;
/// How many objects and arrays deep a JSON Schema may be.
pub const MAX_SCHEMA_DEPTH: usize = 64;
/// How many tools one plugin may have.
pub const MAX_TOOLS: usize = 512;
/// How many resources one plugin may have.
pub const MAX_RESOURCES: usize = 512;
/// How many prompts one plugin may have.
pub const MAX_PROMPTS: usize = 512;
/// How many arguments one prompt may have.
pub const MAX_PROMPT_ARGUMENTS: usize = 64;
/// How many characters the name of a prompt's argument may have.
const MAX_ARGUMENT_NAME_CHARS: usize = 64;
/// How large a whole manifest may be, as text.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// What is wrong with one name or text, before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What is wrong, naming the value.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

pub(crate) fn broken(problem: impl Into<String>, hint: impl Into<String>) -> Broken {
    Broken {
        problem: problem.into(),
        hint: hint.into(),
    }
}

/// Checks the name of a plugin: `[a-z][a-z0-9-]{0,31}`, and not the reserved `toolbay`.
///
/// ```
/// assert!(toolbay_manifest::check_plugin_name("git-log").is_ok());
/// assert!(toolbay_manifest::check_plugin_name("Git").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_plugin_name(name: &str) -> Result<(), Broken> {
    if name == RESERVED_PLUGIN_NAME {
        return Err(broken(
            "the name `toolbay` belongs to the host",
            "choose another name for the plugin",
        ));
    }
    if name.chars().count() > MAX_PLUGIN_NAME_CHARS {
        let problem = format!(
            "the name `{}` has more than {MAX_PLUGIN_NAME_CHARS} characters",
            shorten(name)
        );
        return Err(broken(problem, "choose a shorter name"));
    }
    if !is_name(name, b'-') {
        let problem = format!("`{}` is not a plugin name", shorten(name));
        return Err(broken(
            problem,
            "write a lower-case letter, then lower-case letters, digits and `-`: `git-log`",
        ));
    }
    Ok(())
}

/// Checks the name of a tool: `[a-z][a-z0-9_]*`. That it fits beside its plugin's name is checked by the manifest.
///
/// ```
/// assert!(toolbay_manifest::check_tool_name("list_files").is_ok());
/// assert!(toolbay_manifest::check_tool_name("listFiles").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_tool_name(name: &str) -> Result<(), Broken> {
    check_name_of("tool", name)
}

/// Checks the name of a resource: the same as a tool's.
///
/// ```
/// assert!(toolbay_manifest::check_resource_name("daily_note").is_ok());
/// assert!(toolbay_manifest::check_resource_name("daily-note").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_resource_name(name: &str) -> Result<(), Broken> {
    check_name_of("resource", name)
}

/// Checks the name of a prompt: the same as a tool's. That it fits beside its plugin's name is checked by the manifest.
///
/// ```
/// assert!(toolbay_manifest::check_prompt_name("summarise").is_ok());
/// assert!(toolbay_manifest::check_prompt_name("Summarise").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_prompt_name(name: &str) -> Result<(), Broken> {
    check_name_of("prompt", name)
}

/// Checks the name of a prompt's argument: `[A-Za-z][A-Za-z0-9_-]{0,63}`.
///
/// ```
/// assert!(toolbay_manifest::check_argument_name("resourceUri").is_ok());
/// assert!(toolbay_manifest::check_argument_name("the style").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_argument_name(name: &str) -> Result<(), Broken> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= MAX_ARGUMENT_NAME_CHARS
        && name.bytes().all(is_plain)
    {
        return Ok(());
    }
    Err(broken(
        format!("`{}` is not an argument's name", shorten(name)),
        format!(
            "write a letter, then letters, digits, `_` and `-`, at most {MAX_ARGUMENT_NAME_CHARS}: `style`"
        ),
    ))
}

fn check_name_of(what: &str, name: &str) -> Result<(), Broken> {
    if is_name(name, b'_') && name.len() <= MAX_NAME_CHARS {
        return Ok(());
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let problem = format!(
            "the {what} name `{}` has more than {MAX_NAME_CHARS} characters",
            shorten(name)
        );
        return Err(broken(problem, "choose a shorter name"));
    }
    let problem = format!("`{}` is not a {what} name", shorten(name));
    Err(broken(
        problem,
        "write a lower-case letter, then lower-case letters, digits and `_`: `list_files`",
    ))
}

/// Checks where an icon is: an `https:` URL, or a `data:` URI of an image.
///
/// ```
/// assert!(toolbay_manifest::check_icon_source("https://example.com/note.png").is_ok());
/// assert!(toolbay_manifest::check_icon_source("note.png").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_icon_source(src: &str) -> Result<(), Broken> {
    if src.len() > MAX_ICON_BYTES {
        return Err(broken(
            format!(
                "the icon has {} bytes; at most {MAX_ICON_BYTES} are allowed",
                src.len()
            ),
            "use a smaller image, or an `https:` URL",
        ));
    }
    let rest = ["https://", "data:image/"]
        .iter()
        .find_map(|start| src.strip_prefix(start));
    let is_plain =
        |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    if rest.is_some_and(is_plain) {
        return Ok(());
    }
    Err(broken(
        format!("`{}` is no icon that a client could show", shorten(src)),
        "write an `https:` URL or a `data:image/…` URI: \"https://example.com/icon.png\"",
    ))
}

/// Checks a media type: `type/subtype`, and parameters behind `;`.
///
/// ```
/// assert!(toolbay_manifest::check_mime_type("text/markdown; charset=utf-8").is_ok());
/// assert!(toolbay_manifest::check_mime_type("markdown").is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_mime_type(text: &str) -> Result<(), Broken> {
    // The characters of a token in RFC 9110, section 5.6.2.
    let is_token = |text: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_part)
    };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_printable = parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_kind = kind
        .trim_end()
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    if is_kind && is_printable && text.len() <= MAX_FIELD_CHARS {
        return Ok(());
    }
    Err(broken(
        format!("`{}` is not a media type", shorten(text)),
        "write a type, `/` and a subtype: \"text/markdown\"",
    ))
}

/// Checks that the name a client will see, `{plugin}_{tool}` or `{plugin}_{prompt}`, is short enough for every client.
pub(crate) fn check_full_name(what: &str, plugin: &str, name: &str) -> Result<(), Broken> {
    let length = plugin.len() + 1 + name.len();
    if length > MAX_NAME_CHARS {
        let problem = format!(
            "`{plugin}_{name}` has {length} characters; at most {MAX_NAME_CHARS} fit all clients"
        );
        let hint = format!("shorten the plugin's or the {what}'s name");
        return Err(broken(problem, hint));
    }
    Ok(())
}

/// Whether the text is a lower-case letter, then lower-case letters, digits and the one separator.
pub(crate) fn is_name(name: &str, separator: u8) -> bool {
    name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == separator)
}

/// Checks a text that people and models read: not empty, at most `max_chars` characters, and none of them controls or hides
/// anything. `lines` says whether it may have newlines and tabs.
///
/// ```
/// assert!(toolbay_manifest::check_text("Adds two numbers.", 4096, true).is_ok());
/// assert!(toolbay_manifest::check_text("Adds\u{200b} two numbers.", 4096, true).is_err());
/// ```
///
/// # Errors
/// The problem and what to write instead.
pub fn check_text(text: &str, max_chars: usize, lines: bool) -> Result<(), Broken> {
    if text.trim().is_empty() {
        return Err(broken(
            "the text is empty",
            "write at least one sentence, or leave the key out where it may be",
        ));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        return Err(broken(
            format!("the text has {chars} characters; at most {max_chars} are allowed"),
            "shorten it",
        ));
    }
    check_characters(text, lines)
}

fn check_characters(text: &str, lines: bool) -> Result<(), Broken> {
    let refused = |character: &char| match character {
        '\n' | '\t' => !lines,
        other => other.is_control() || is_invisible(*other),
    };
    match text.chars().find(refused) {
        None => Ok(()),
        Some(character) => {
            let problem = format!(
                "the text has the character U+{:04X}, which controls or hides text",
                u32::from(character)
            );
            Err(broken(problem, "remove it"))
        }
    }
}

/// Characters that change how text is shown, or that a person does not see and a model does.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180e}'
        // Zero width, and the marks and overrides of writing direction.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        // Tags and further variation selectors, in which whole hidden sentences have been sent.
        | '\u{e0000}'..='\u{e0fff}')
}

/// Checks one JSON Schema as far as a manifest goes: its size, its depth, and the texts in it. Whether it is a valid schema is for whoever
/// compiles it. An input schema also needs an object at its root.
pub(crate) fn check_schema(schema: &Value, object: bool) -> Result<(), Broken> {
    let Value::Object(root) = schema else {
        return Err(broken(
            "the schema is not an object",
            r#"write {"type": "object"} for "any object""#,
        ));
    };
    let root_type = root.get("type");
    if object && root_type.and_then(Value::as_str) != Some("object") {
        let problem = match root_type {
            Some(other) => format!(
                "the schema has the type {} at its root",
                shorten(&other.to_string())
            ),
            None => "the schema has no `type` at its root".to_owned(),
        };
        return Err(broken(
            problem,
            r#"write "type": "object" at the root: MCP takes and gives objects"#,
        ));
    }
    if depth_exceeds(schema, MAX_SCHEMA_DEPTH) {
        let problem = format!("the schema is more than {MAX_SCHEMA_DEPTH} levels deep");
        return Err(broken(problem, "use `$defs` and `$ref` for nested types"));
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_SCHEMA_BYTES {
        let problem =
            format!("the schema has {bytes} bytes; at most {MAX_SCHEMA_BYTES} are allowed");
        return Err(broken(
            problem,
            "use `$defs` and `$ref` for repeated types, and shorten descriptions",
        ));
    }
    check_schema_texts(schema)
}

fn depth_exceeds(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => {
            limit == 0 || items.iter().any(|item| depth_exceeds(item, limit - 1))
        }
        Value::Object(entries) => {
            limit == 0
                || entries
                    .values()
                    .any(|entry| depth_exceeds(entry, limit - 1))
        }
        _ => false,
    }
}

fn check_schema_texts(value: &Value) -> Result<(), Broken> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_schema_texts),
        Value::Object(entries) => entries.iter().try_for_each(|(key, entry)| {
            let in_key = |broken: Broken| Broken {
                problem: format!("in the schema's key `{}`, {}", shorten(key), broken.problem),
                ..broken
            };
            check_characters(key, false).map_err(in_key)?;
            match (key.as_str(), entry) {
                ("title", Value::String(text)) => check_characters(text, false).map_err(in_key),
                ("description" | "$comment", Value::String(text)) => {
                    check_characters(text, true).map_err(in_key)
                }
                _ => check_schema_texts(entry),
            }
        }),
        _ => Ok(()),
    }
}

/// The known word that looks most like `word`, if any looks like it at all.
///
/// ```
/// assert_eq!(toolbay_manifest::nearest("timout", ["timeout", "memory"]), Some("timeout"));
/// assert_eq!(toolbay_manifest::nearest("xyz", ["timeout", "memory"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Someone who writes `max_result` or `maxResult` means `max-result`.
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase()
    };
    let wanted = plain(word.get(..64).unwrap_or(word));
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn plugin_names_are_what_the_pattern_says(name in "[a-z][a-z0-9-]{0,31}") {
            prop_assume!(name != RESERVED_PLUGIN_NAME);
            prop_assert_eq!(check_plugin_name(&name), Ok(()));
        }

        #[test]
        fn tool_names_are_what_the_pattern_says(name in "[a-z][a-z0-9_]{0,45}") {
            prop_assert_eq!(check_tool_name(&name), Ok(()));
        }

        #[test]
        fn other_names_are_refused(name in "[^a-z]\\PC{0,8}|[a-z]\\PC{0,4}[A-Z.:/é ]\\PC{0,4}") {
            prop_assert!(check_plugin_name(&name).is_err());
            prop_assert!(check_tool_name(&name).is_err());
        }

        #[test]
        fn a_message_never_carries_a_control_character(name: String) {
            for outcome in [check_plugin_name(&name), check_tool_name(&name), check_text(&name, 9, true)] {
                if let Err(broken) = outcome {
                    prop_assert!(!broken.problem.chars().any(|found| found.is_control() || is_invisible(found)));
                }
            }
        }
    }

    #[test]
    fn too_long_and_reserved_names_are_refused() {
        for name in ["", "toolbay", &"a".repeat(33), "a_b", "-a"] {
            assert!(check_plugin_name(name).is_err(), "{name}");
        }
        for name in ["", "a-b", "_a", "1a", &"a".repeat(47)] {
            assert!(check_tool_name(name).is_err(), "{name}");
        }
        assert!(check_full_name("tool", &"a".repeat(30), &"b".repeat(15)).is_ok());
        assert!(check_full_name("tool", &"a".repeat(30), &"b".repeat(16)).is_err());
    }

    #[test]
    fn hidden_characters_are_refused_everywhere_and_line_breaks_in_single_lines() {
        let hidden = [
            '\u{0}',
            '\u{1b}',
            '\r',
            '\u{9b}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ];
        for character in hidden {
            assert!(
                check_text(&format!("a{character}b"), 99, true).is_err(),
                "{character:?}"
            );
        }
        assert!(check_text("a\n\tb", 99, true).is_ok());
        assert!(check_text("a\nb", 99, false).is_err());
        assert!(check_text("Größe · 大きさ · 🙂", 99, false).is_ok());
    }

    #[test]
    fn schemas_are_bounded() {
        let nested = |levels: usize| {
            (0..levels).fold(
                json!({"type": "object"}),
                |inner, _| json!({"type": "object", "not": inner}),
            )
        };
        assert_eq!(check_schema(&nested(MAX_SCHEMA_DEPTH - 1), true), Ok(()));
        assert!(check_schema(&nested(MAX_SCHEMA_DEPTH), true).is_err());
        let large = json!({"type": "object", "default": "x".repeat(MAX_SCHEMA_BYTES)});
        assert!(check_schema(&large, true).is_err());
        for (schema, input, output) in [
            (json!({"type": "object"}), true, true),
            (json!({"type": ["object"]}), false, true),
            (json!({}), false, true),
            (json!(true), false, false),
            (
                json!({"type": "object", "properties": {"a\u{202e}b": {}}}),
                false,
                false,
            ),
            (
                json!({"type": "object", "properties": {"description": {"description": "x\u{200b}"}}}),
                false,
                false,
            ),
            (
                json!({"type": "object", "properties": {"mark": {"default": "\u{200b}"}}}),
                true,
                true,
            ),
        ] {
            assert_eq!(check_schema(&schema, true).is_ok(), input, "{schema}");
            assert_eq!(check_schema(&schema, false).is_ok(), output, "{schema}");
        }
    }
}
