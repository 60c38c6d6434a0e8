//! Manifests as data: in `good/` whole ones on which no lint fires, in `bad/` and `adversarial/` one file a lint with cases on which it does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in tests a failed expectation is a failed test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use toolbay_check::{Severity, check, lints};
use toolbay_manifest::Manifest;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn nothing_is_said_about_good_manifests() {
    let files = files("good");
    assert!(files.len() >= 20);
    let mut said = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let imports: Vec<String> = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# imports: "))
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let manifest = Manifest::from_toml(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let findings = check(&manifest, &imports).findings;
        said.extend(findings.iter().map(|finding| {
            format!(
                "{}: {} at {}: {}",
                file.file_name().unwrap().display(),
                finding.lint.code,
                finding.place,
                finding.message
            )
        }));
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// A case of `bad/`, made into a manifest: `args`, `defs`, `one-of` and `returns` stand for the schemas.
fn manifest(case: &Value) -> Manifest {
    let mut tools = Map::new();
    for (name, tool) in case["tools"].as_object().into_iter().flatten() {
        tools.insert(name.clone(), whole(tool));
    }
    for number in 0..case["many-tools"].as_u64().unwrap_or_default() {
        tools.insert(format!("look_{number}"), whole(&json!({})));
    }
    let mut mounts: Map<String, Value> = case["mounts"].as_object().cloned().unwrap_or_default();
    let asks_for_data = |part: &str| case[part].to_string().contains("\"data\":");
    if mounts.is_empty()
        && ["tools", "resources", "prompts"]
            .into_iter()
            .any(asks_for_data)
    {
        mounts.insert("data".into(), "read-write".into());
    }
    let mounts: Map<String, Value> = mounts
        .into_iter()
        .map(|(name, access)| (name, json!({"access": access})))
        .collect();
    let plugin = json!({"name": case["plugin"].as_str().unwrap_or("sample"), "version": "1.0.0", "description": "A sample", "allow": case.get("allow")});
    let (resources, prompts) = (case.get("resources"), case.get("prompts"));
    let text = json!({"manifest-version": 1, "plugin": plugin, "mounts": mounts, "tools": tools, "resources": resources, "prompts": prompts})
        .to_string();
    Manifest::from_json(&text).unwrap_or_else(|error| panic!("{}: {error}", case["about"]))
}

fn whole(tool: &Value) -> Value {
    let mut tool = tool.as_object().cloned().unwrap_or_default();
    let mut input = json!({"type": "object"});
    let mut required: Vec<String> = Vec::new();
    let mut properties = tool
        .remove("args")
        .and_then(|args| args.as_object().cloned())
        .unwrap_or_default();
    for number in 0..tool
        .remove("required-args")
        .and_then(|count| count.as_u64())
        .unwrap_or_default()
    {
        let name = format!("part_{number}");
        properties.insert(
            name.clone(),
            json!({"type": "boolean", "description": "Whether that part is wanted"}),
        );
        required.push(name);
    }
    input["properties"] = Value::Object(properties);
    input["required"] = required.into();
    for (key, keyword) in [("defs", "$defs"), ("one-of", "oneOf")] {
        if let Some(value) = tool.remove(key) {
            input[keyword] = value;
        }
    }
    if tool.remove("closed").is_some() {
        input["additionalProperties"] = false.into();
    }
    if let Some(returns) = tool.remove("returns") {
        tool.insert(
            "output-schema".into(),
            json!({"type": "object", "properties": returns}),
        );
    }
    tool.insert("input-schema".into(), input);
    tool.entry("description").or_insert_with(|| {
        "Walks through the vault and its folders and returns a summary of what lies there.".into()
    });
    Value::Object(tool)
}

/// Every case of a file against the findings of the lint that the file is named after: the number of cases, and what differs.
fn compare(file: &Path) -> (usize, Vec<String>) {
    let code = file.file_stem().unwrap().to_str().unwrap();
    assert!(toolbay_check::find(code).is_ok(), "{code} is no lint");
    let text = fs::read_to_string(file).unwrap();
    let cases: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cases = serde_json::to_value(cases).unwrap();
    let cases = cases["case"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let imports: Vec<String> = case["imports"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let found: Vec<String> = check(&manifest(case), &imports)
            .findings
            .iter()
            .filter(|finding| finding.lint.code == code)
            .map(|finding| finding.place.to_string())
            .collect();
        let mut expected: Vec<String> = case["fires"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|place| place.as_str().unwrap().to_owned())
            .collect();
        let mut sorted = found.clone();
        sorted.sort();
        expected.sort();
        if (sorted != expected) != case.get("misses").is_some() {
            wrong.push(format!(
                "{code}, {}: expected {expected:?}, found {found:?}",
                case["about"]
            ));
        }
    }
    (cases.len(), wrong)
}

#[test]
fn every_lint_fires_on_its_cases() {
    let mut wrong = Vec::new();
    let files = files("bad");
    for lint in lints() {
        assert!(
            files
                .iter()
                .any(|file| file.file_stem().unwrap() == lint.code),
            "{} has no cases",
            lint.code
        );
    }
    for file in files {
        let (count, differences) = compare(&file);
        assert!(count >= 3, "{} has {count} cases", file.display());
        wrong.extend(differences);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Cases written after the lints, to get past them or to trip them. `misses` says of a case that the lint does not get it right, and why that stays.
#[test]
fn cases_written_against_the_lints() {
    let mut wrong = Vec::new();
    for file in files("adversarial") {
        wrong.extend(compare(&file).1);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_lint_documents_itself() {
    for lint in lints() {
        for text in [lint.finds, lint.why, lint.advice, lint.bad, lint.good] {
            assert!(!text.is_empty(), "{}", lint.code);
        }
        assert!(
            lint.code
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{}",
            lint.code
        );
    }
    assert!(lints().iter().any(|lint| lint.severity == Severity::Error));
}
