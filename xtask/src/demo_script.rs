//! What the demo's client does, step by step, and what it expects of each answer. The first thing that is not as
//! expected ends the demo with an error that says what came instead.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::client::Client;
use crate::demo::Stage;
use crate::demo_view::{plain, show_lines, show_tool, tool_name};
use crate::terminal::{bold, dim, duration, good, heading, note, size};

const PROTOCOL: &str = "2025-11-25";
/// How far the plugin's clock may be from this program's.
const CLOCK_TOLERANCE: u64 = 5;

pub(crate) struct Demo {
    pub(crate) client: Client,
    pub(crate) stage: Stage,
    /// JSON text to query.
    document: String,
    /// The names of the tools, when last asked for.
    pub(crate) tools: BTreeSet<String>,
}

/// What a tool answered.
pub(crate) struct ToolAnswer {
    pub(crate) text: String,
    structured: Value,
    pub(crate) is_error: bool,
    pub(crate) took: Duration,
}

impl Demo {
    pub(crate) fn new(client: Client, stage: Stage, document: String) -> Self {
        Self {
            client,
            stage,
            document,
            tools: BTreeSet::new(),
        }
    }

    pub(crate) fn run(mut self) -> Result<()> {
        self.handshake()?;
        heading("the tools it offers");
        let tools = self.list_tools()?;
        tools.iter().for_each(show_tool);
        heading("real calls");
        self.call_jq()?;
        self.call_clock()?;
        heading("a call with a wrong argument");
        self.call_wrongly()?;
        heading("the folder changes while the client is connected");
        self.changes()?;
        heading("the client leaves");
        let took = self.client.finish()?;
        ensure!(
            took < Duration::from_secs(1),
            "the host took {} to leave",
            duration(took)
        );
        note(&format!(
            "the host is gone {} after the end of its input",
            duration(took)
        ));
        note(&good("\nEverything came as expected."));
        Ok(())
    }

    fn handshake(&mut self) -> Result<()> {
        let client_info = json!({"name": "toolbay-demo", "version": "1"});
        let params =
            json!({"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client_info});
        let answer = self.client.request("initialize", &params)?;
        let result = expect_result("initialize", answer.result)?;
        self.client.notify("notifications/initialized")?;
        let text = |pointer: &str| {
            result
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        ensure!(
            text("/protocolVersion") == PROTOCOL,
            "another protocol was agreed on: {result}"
        );
        ensure!(
            result.pointer("/capabilities/tools/listChanged") == Some(&Value::Bool(true)),
            "the host does not offer to tell of changes: {result}"
        );
        note(&format!(
            "{} {}, MCP {}; it tells when its tools change  {}",
            bold(text("/serverInfo/name")),
            text("/serverInfo/version"),
            text("/protocolVersion"),
            dim(&duration(answer.took))
        ));
        Ok(())
    }

    pub(crate) fn list_tools(&mut self) -> Result<Vec<Value>> {
        let answer = self.client.request("tools/list", &json!({}))?;
        let mut result = expect_result("tools/list", answer.result)?;
        let Some(Value::Array(tools)) = result.get_mut("tools").map(Value::take) else {
            bail!("tools/list gave no tools: {result}");
        };
        self.tools = tools.iter().map(tool_name).map(str::to_owned).collect();
        Ok(tools)
    }

    fn call_jq(&mut self) -> Result<()> {
        let document = std::mem::take(&mut self.document);
        let bytes = size(document.len() as u64);
        note(&dim(&format!(
            "input of the first two: `cargo metadata` of this workspace, {bytes}"
        )));
        let filter = r#".packages | map(select(.source == null) | .name) | sort | join(", ")"#;
        let arguments = json!({"filter": filter, "input": document});
        let answer = self.call_and_show("jq_text", filter, &arguments, &[])?;
        ensure!(
            answer.text.contains("toolbay-sdk") && answer.text.contains("xtask"),
            "wrong members: {}",
            answer.text
        );

        let filter = ".packages | group_by(.license) | map({license: .[0].license, crates: length}) \
                      | sort_by(-.crates) | .[:3][]";
        let arguments = json!({"filter": filter, "input": document});
        let answer = self.call_and_show("jq_query", filter, &arguments, &["results"])?;
        answer.expect("/count", &json!(3))
    }

    fn call_clock(&mut self) -> Result<()> {
        let arguments = json!({"zone": "Europe/Berlin"});
        let answer = self.call_and_show(
            "clock_now",
            "Europe/Berlin",
            &arguments,
            &["iso", "weekday"],
        )?;
        let told = answer
            .structured
            .get("unix_seconds")
            .and_then(Value::as_u64);
        let here = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        ensure!(
            told.is_some_and(|told| told.abs_diff(here) <= CLOCK_TOLERANCE),
            "the clock is wrong: {told:?} instead of {here}"
        );

        let arguments =
            json!({"time": "2026-07-01 09:30", "from": "Europe/Berlin", "to": "America/New_York"});
        let what = "09:30 in Berlin, in New York";
        let answer = self.call_and_show("clock_convert", what, &arguments, &["sentence"])?;
        answer.expect("/to/iso", &json!("2026-07-01T03:30:00-04:00"))?;

        let arguments = json!({"start": "2026-02-28 12:00", "end": "2026-03-01 06:00"});
        let what = "end of February to beginning of March";
        let answer = self.call_and_show("clock_difference", what, &arguments, &["sentence"])?;
        answer.expect("/total_seconds", &json!(18 * 3600))
    }

    fn call_wrongly(&mut self) -> Result<()> {
        let arguments = json!({"time": "09:30", "zone": "Europe/Berlin"});
        let answer = self.call("clock_convert", &arguments)?;
        note(&format!(
            "{} {arguments}  {}",
            bold("clock_convert"),
            dim(&duration(answer.took))
        ));
        show_lines(&answer.text);
        ensure!(
            answer.is_error,
            "a call without `to` was taken: {}",
            answer.text
        );
        ensure!(
            answer.structured.is_null(),
            "an error carries structured content: {}",
            answer.structured
        );
        ensure!(
            answer.text.contains("`to`") || answer.text.contains("\"to\""),
            "the error does not name the argument `to`"
        );
        Ok(())
    }

    /// Calls a tool and shows these fields of its structured result, or without any its text.
    fn call_and_show(
        &mut self,
        tool: &str,
        what: &str,
        arguments: &Value,
        shown: &[&str],
    ) -> Result<ToolAnswer> {
        let answer = self.call(tool, arguments)?;
        note(&format!(
            "{} {what}  {}",
            bold(tool),
            dim(&duration(answer.took))
        ));
        ensure!(!answer.is_error, "{tool} failed: {}", answer.text);
        if shown.is_empty() {
            show_lines(&answer.text);
        }
        for field in shown {
            show_lines(&plain(answer.structured.get(field).unwrap_or(&Value::Null)));
        }
        Ok(answer)
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Result<ToolAnswer> {
        let answer = self
            .client
            .request("tools/call", &json!({"name": tool, "arguments": arguments}))?;
        let result = expect_result(tool, answer.result)?;
        let text = result
            .pointer("/content/0/text")
            .and_then(Value::as_str)
            .with_context(|| format!("{tool} answered without text: {result}"))?;
        Ok(ToolAnswer {
            text: text.to_owned(),
            structured: result
                .get("structuredContent")
                .cloned()
                .unwrap_or(Value::Null),
            is_error: result.get("isError") == Some(&Value::Bool(true)),
            took: answer.took,
        })
    }
}

impl ToolAnswer {
    fn expect(&self, pointer: &str, expected: &Value) -> Result<()> {
        let value = self.structured.pointer(pointer).unwrap_or(&Value::Null);
        ensure!(
            value == expected,
            "{pointer} is {value} instead of {expected} in {}",
            self.structured
        );
        Ok(())
    }
}

fn expect_result(what: &str, result: Result<Value, Value>) -> Result<Value> {
    result.map_err(|error| anyhow!("{what} was answered with an error: {error}"))
}
