//! The official schemas of the protocol's revisions: which there are, and whether a value fits one of their definitions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::paths;

/// The revisions of which there is a schema.
pub(crate) const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const OLDER: &str = "2025-06-18";

/// The revision by whose schema messages of `negotiated` are checked. For those before 2025-06-18 there is none in JSON
/// Schema form at hand; what the host sends them is a subset of the next one's.
pub(crate) fn revision_for(negotiated: &str) -> &'static str {
    match negotiated {
        MODERN => MODERN,
        LEGACY => LEGACY,
        _ => OLDER,
    }
}

/// Checks a value against one definition; the error lists every fault with its place.
pub(crate) fn check(revision: &'static str, definition: &str, value: &Value) -> Result<(), String> {
    let Some(schemas) = schemas() else {
        return Ok(());
    };
    let faults: Vec<String> = schemas
        .validator(revision, definition)?
        .iter_errors(value)
        .take(8)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "not a {definition} of {revision}: {}",
            faults.join("; ")
        ))
    }
}

/// Whether a revision knows the definition at all.
pub(crate) fn defines(revision: &'static str, definition: &str) -> bool {
    schemas().is_none_or(|schemas| {
        schemas
            .definitions(revision)
            .is_some_and(|all| all.contains_key(definition))
    })
}

/// What the extension `io.modelcontextprotocol/tasks` adds to the newest revision, by its specification of 2026-07-28.
fn tasks() -> Value {
    let task = json!({
        "type": "object",
        "required": ["taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "resultType"],
        "properties": {
            "taskId": {"type": "string", "minLength": 1},
            "status": {"enum": ["working", "input_required", "completed", "cancelled", "failed"]},
            "statusMessage": {"type": "string"},
            "createdAt": {"type": "string", "format": "date-time"},
            "lastUpdatedAt": {"type": "string", "format": "date-time"},
            "ttlMs": {"type": ["integer", "null"], "minimum": 0},
            "pollIntervalMs": {"type": "integer", "minimum": 0},
            "_meta": {"$ref": "#/$defs/ResultMetaObject"},
            // It belongs to results that ask for input, and a task has another way.
            "requestState": false,
        },
    });
    let created = json!({
        "$ref": "#/$defs/Task",
        "properties": {"resultType": {"const": "task"}, "result": false, "error": false, "inputRequests": false},
    });
    // Each state has what belongs to it, and nothing of the others.
    let states = [
        ("working", None),
        ("cancelled", None),
        (
            "input_required",
            Some((
                "inputRequests",
                json!({"$ref": "#/$defs/InputRequests", "minProperties": 1}),
            )),
        ),
        (
            "completed",
            Some(("result", json!({"$ref": "#/$defs/CallToolResult"}))),
        ),
        ("failed", Some(("error", json!({"$ref": "#/$defs/Error"})))),
    ];
    let states = states.map(|(status, own)| {
        let mut properties = json!({"status": {"const": status}, "result": false, "error": false, "inputRequests": false});
        let mut required = vec!["status"];
        if let Some((name, schema)) = own {
            properties[name] = schema;
            required.push(name);
        }
        json!({"properties": properties, "required": required})
    });
    let got = json!({
        "$ref": "#/$defs/Task",
        "properties": {"resultType": {"const": "complete"}},
        "oneOf": states,
    });
    let acknowledged = json!({
        "type": "object",
        "required": ["resultType"],
        "properties": {"resultType": {"const": "complete"}, "_meta": {"$ref": "#/$defs/ResultMetaObject"}},
        "additionalProperties": false,
    });
    json!({"Task": task, "CreateTaskResult": created, "GetTaskResult": got, "TaskAcknowledgement": acknowledged})
}

struct Schemas {
    documents: HashMap<&'static str, Value>,
    validators: Mutex<HashMap<(&'static str, String), Arc<Validator>>>,
}

/// Reads the schemas once for a process; where there are none, says so once.
fn schemas() -> Option<&'static Schemas> {
    static SCHEMAS: OnceLock<Option<Schemas>> = OnceLock::new();
    SCHEMAS
        .get_or_init(|| {
            let Some(folder) = paths::schemas() else {
                eprintln!(
                    "SKIPPED: lines are not checked against the official schemas, which are neither in ../shared/mcp nor where TOOLBAY_MCP_SCHEMAS says"
                );
                return None;
            };
            let read = |revision: &'static str| {
                let path = folder.join(format!("schema-{revision}.json"));
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let mut document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                if revision == MODERN {
                    let all = document["$defs"].as_object_mut().expect("a schema has definitions");
                    all.extend(tasks().as_object().expect("it is an object").clone());
                }
                (revision, document)
            };
            Some(Schemas { documents: [MODERN, LEGACY, OLDER].map(read).into(), validators: Mutex::default() })
        })
        .as_ref()
}

impl Schemas {
    fn definitions(&self, revision: &'static str) -> Option<&serde_json::Map<String, Value>> {
        self.documents[revision][Self::keyword(revision)].as_object()
    }

    /// Draft 7, in which the oldest is written, has another word for it.
    fn keyword(revision: &'static str) -> &'static str {
        if revision == OLDER {
            "definitions"
        } else {
            "$defs"
        }
    }

    fn validator(
        &self,
        revision: &'static str,
        definition: &str,
    ) -> Result<Arc<Validator>, String> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(validator) = validators.get(&(revision, definition.to_owned())) {
            return Ok(Arc::clone(validator));
        }
        if !self
            .definitions(revision)
            .is_some_and(|all| all.contains_key(definition))
        {
            return Err(format!("{revision} has no {definition}"));
        }
        let keyword = Self::keyword(revision);
        let document = &self.documents[revision];
        let schema = json!({
            "$schema": document["$schema"],
            keyword: document[keyword],
            // `allOf`, since draft 7 ignores whatever stands beside a `$ref`.
            "allOf": [{"$ref": format!("#/{keyword}/{definition}")}],
        });
        let validator = jsonschema::validator_for(&schema)
            .map_err(|error| format!("{revision} {definition}: {error}"))?;
        let validator = Arc::new(validator);
        validators.insert((revision, definition.to_owned()), Arc::clone(&validator));
        Ok(validator)
    }
}
