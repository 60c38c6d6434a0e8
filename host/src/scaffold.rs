//! The files of a new plugin's crate. Owns the templates and what is filled into them; knows nothing of where they are written.

use crate::cli::Template;

/// What a template's blanks are filled with.
pub(crate) struct Names<'a> {
    /// The plugin's name, which is the crate's.
    pub(crate) plugin: &'a str,
    /// The value of the dependency `toolbay-sdk` in Cargo.toml.
    pub(crate) sdk: &'a str,
}

/// One file: its path in the crate, and its text.
pub(crate) type File = (&'static str, String);

/// What tells the templates apart.
struct Kind {
    description: &'static str,
    tool: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// The files that a template has of its own, from its folder.
macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../templates/", $folder, "/", $path)))),*]
    };
}

const COMMON: [(&str, &str); 3] = [
    (
        "Cargo.toml",
        include_str!("../templates/Cargo.toml.template"),
    ),
    (
        ".gitignore",
        include_str!("../templates/gitignore.template"),
    ),
    ("README.md", include_str!("../templates/README.md.template")),
];

/// All files of a new crate.
pub(crate) fn files(template: Template, names: &Names<'_>) -> Vec<File> {
    let kind = kind(template);
    let blanks = [
        ("{{name}}", names.plugin),
        ("{{sdk}}", names.sdk),
        ("{{description}}", kind.description),
        ("{{tool}}", kind.tool),
    ];
    let fill = |text: &str| {
        let filled = blanks.iter().fold(text.to_owned(), |text, (blank, value)| {
            text.replace(blank, value)
        });
        debug_assert!(!filled.contains("{{"), "a blank is left open: {filled}");
        filled
    };
    COMMON
        .iter()
        .chain(kind.files)
        .map(|(path, text)| (*path, fill(text)))
        .collect()
}

fn kind(template: Template) -> Kind {
    match template {
        Template::Tool => Kind {
            description: "Tells how long a text is.",
            tool: "measure",
            files: files!("tool": "plugin.toml", "src/lib.rs", "tests/sandbox.rs"),
        },
        Template::Http => Kind {
            description: "Tells the weather of the next days.",
            tool: "forecast",
            files: files!("http": "plugin.toml", "src/lib.rs", "tests/sandbox.rs"),
        },
        Template::Files => Kind {
            description: "Finds lines in the text files of a folder.",
            tool: "find",
            files: files!("files": "plugin.toml", "src/lib.rs", "tests/sandbox.rs"),
        },
        Template::Resource => Kind {
            description: "Our guides, for a model to read.",
            tool: "read_guide",
            files: files!(
                "resource": "plugin.toml", "src/lib.rs", "tests/sandbox.rs", "guides/style.md", "guides/release.md"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use toolbay_manifest::SourceManifest;

    use super::*;

    #[test]
    fn no_blank_is_left_open_and_what_is_written_can_be_read() {
        for template in Template::value_variants() {
            let names = Names {
                plugin: "first-try",
                sdk: "{ path = \"/sdk\" }",
            };
            let files = files(*template, &names);
            for (path, text) in &files {
                assert!(!text.contains("{{"), "{template:?} {path}");
                assert!(text.ends_with('\n'), "{template:?} {path}");
            }
            let text = |wanted: &str| {
                let (_, text) = files.iter().find(|(path, _)| *path == wanted).unwrap();
                text.as_str()
            };
            let manifest = SourceManifest::from_toml(text("plugin.toml")).unwrap();
            assert_eq!(manifest.plugin.name, "first-try");
            let cargo: toml::Table = text("Cargo.toml").parse().unwrap();
            assert_eq!(
                cargo["dependencies"]["toolbay-sdk"]["path"].as_str(),
                Some("/sdk")
            );
        }
    }
}
