//! What the demo's client does, step by step, and what it expects of each answer. The first thing that is not as
//! expected ends the demo with an error that says what came instead.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::client::Client;
use crate::demo::Stage;
use crate::demo_view::{shorten, show_lines, show_tool, tool_name};
use crate::terminal::{bold, dim, duration, good, heading, note, size};

const PROTOCOL: &str = "2025-11-25";
const LIST_CHANGED: &str = "notifications/tools/list_changed";
/// Long enough for a busy machine to notice a file and compile it.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);
/// How far the plugin's clock may be from this program's.
const CLOCK_TOLERANCE: u64 = 5;

pub(crate) struct Demo {
    client: Client,
    stage: Stage,
    /// JSON text to query.
    document: String,
    tools: BTreeSet<String>,
}

/// What a tool answered.
struct ToolAnswer {
    text: String,
    structured: Value,
    is_error: bool,
    took: Duration,
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
        self.replace_by_another_build()?;
        self.replace_by_other_tools()?;
        self.add()?;
        self.remove()?;
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

    fn list_tools(&mut self) -> Result<Vec<Value>> {
        let answer = self.client.request("tools/list", &json!({}))?;
        let mut result = expect_result("tools/list", answer.result)?;
        let Some(Value::Array(tools)) = result.get_mut("tools").map(Value::take) else {
            bail!("tools/list gave no tools: {result}");
        };
        self.tools = tools.iter().map(tool_name).map(str::to_owned).collect();
        Ok(tools)
    }

    fn call_jq(&mut self) -> Result<()> {
        let document = self.document.clone();
        note(&dim(&format!(
            "input: `cargo metadata` of this workspace, {}",
            size(document.len() as u64)
        )));
        let filter = r#".packages | map(select(.source == null) | .name) | sort | join(", ")"#;
        let answer = self.call_and_show(
            "jq_text",
            filter,
            &json!({"filter": filter, "input": document}),
        )?;
        ensure!(
            answer.text.contains("toolbay-sdk") && answer.text.contains("xtask"),
            "wrong members: {}",
            answer.text
        );

        let filter = ".packages | group_by(.license) | map({license: .[0].license, crates: length}) \
                      | sort_by(-.crates) | .[:3][]";
        let answer = self.call_and_show(
            "jq_query",
            filter,
            &json!({"filter": filter, "input": document}),
        )?;
        let counted = answer.structured.get("count").and_then(Value::as_u64);
        ensure!(
            counted == Some(3),
            "three results were asked for: {}",
            answer.structured
        );
        Ok(())
    }

    fn call_clock(&mut self) -> Result<()> {
        let answer = self.call_and_show(
            "clock_now",
            "Europe/Berlin",
            &json!({"zone": "Europe/Berlin"}),
        )?;
        let told = answer
            .structured
            .get("unix_seconds")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let here = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        ensure!(
            told.abs_diff(here) <= CLOCK_TOLERANCE,
            "the clock is wrong: {told} instead of {here}"
        );

        let arguments =
            json!({"time": "2026-07-01 09:30", "from": "Europe/Berlin", "to": "America/New_York"});
        let answer =
            self.call_and_show("clock_convert", "09:30 in Berlin for New York", &arguments)?;
        let converted = answer
            .structured
            .pointer("/to/iso")
            .and_then(Value::as_str)
            .unwrap_or_default();
        ensure!(
            converted == "2026-07-01T03:30:00-04:00",
            "wrong time in New York: {}",
            answer.structured
        );

        let arguments = json!({"start": "2026-02-28 12:00", "end": "2026-03-01 06:00"});
        let answer =
            self.call_and_show("clock_difference", "end of February to March", &arguments)?;
        let seconds = answer
            .structured
            .get("total_seconds")
            .and_then(Value::as_u64);
        ensure!(
            seconds == Some(18 * 3600),
            "wrong difference: {}",
            answer.structured
        );
        Ok(())
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

    /// The same tools with other code: nothing to announce, but the very next calls get the new answer.
    fn replace_by_another_build(&mut self) -> Result<()> {
        let arguments = json!({"name": "Ada"});
        let before = self.call("greeter_greet", &arguments)?.text;
        note(&format!(
            "{} (the same tools, other code)",
            bold("greeter.wasm is replaced by another build")
        ));
        let start = Instant::now();
        self.stage
            .put(&self.stage.test_guest("greeter-v2"), "greeter")?;
        let after = loop {
            let answer = self.call("greeter_greet", &arguments)?;
            ensure!(
                !answer.is_error,
                "a call failed during the replacement: {}",
                answer.text
            );
            if answer.text != before {
                break answer.text;
            }
            ensure!(
                start.elapsed() < CHANGE_LIMIT,
                "the old build still answers after {}",
                duration(start.elapsed())
            );
            // Between calls, a notice would be read here; the list stayed the same, so none may come.
            if let Some(notice) = self.client.notice(Duration::from_millis(5))? {
                bail!(
                    "{} came although the list of tools is the same",
                    notice.method
                );
            }
        };
        note(&format!(
            "  greeter_greet: {before}  ->  {}  {}",
            good(&after),
            dim(&format!("{} after the rename", duration(start.elapsed())))
        ));
        Ok(())
    }

    fn replace_by_other_tools(&mut self) -> Result<()> {
        note(&bold(
            "greeter.wasm is replaced by a build with other tools",
        ));
        let start = Instant::now();
        self.stage
            .put(&self.stage.test_guest("greeter-v3"), "greeter")?;
        self.expect_change(
            start,
            &["greeter_dismiss", "greeter_welcome"],
            &["greeter_greet"],
        )?;
        let answer = self.call("greeter_welcome", &json!({"name": "Ada"}))?;
        show_answer("greeter_welcome", &answer);
        ensure!(
            answer.text.contains("Welcome, Ada!"),
            "another answer was expected"
        );
        Ok(())
    }

    fn add(&mut self) -> Result<()> {
        note(&bold("counter.wasm is dropped in"));
        let start = Instant::now();
        self.stage
            .put(&self.stage.test_guest("counter"), "counter")?;
        self.expect_change(start, &["counter_next"], &[])?;
        let answer = self.call("counter_next", &json!({}))?;
        show_answer("counter_next", &answer);
        ensure!(!answer.is_error, "the new tool does not answer");
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        note(&bold("counter.wasm is removed"));
        let start = Instant::now();
        self.stage.remove("counter")?;
        self.expect_change(start, &[], &["counter_next"])?;
        let call = json!({"name": "counter_next", "arguments": {}});
        let Err(error) = self.client.request("tools/call", &call)?.result else {
            bail!("the removed tool still answers");
        };
        let message = error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        note(&format!("  counter_next: {message}"));
        Ok(())
    }

    /// Waits for the notice, lists the tools again and compares.
    fn expect_change(&mut self, start: Instant, added: &[&str], removed: &[&str]) -> Result<()> {
        let Some(notice) = self.client.notice(CHANGE_LIMIT)? else {
            return Err(self
                .client
                .with_log(&format!("no notice within {}", duration(CHANGE_LIMIT))));
        };
        ensure!(
            notice.method == LIST_CHANGED,
            "{} came instead of {LIST_CHANGED}",
            notice.method
        );
        note(&format!(
            "  {LIST_CHANGED}  {}",
            dim(&format!("{} later", duration(notice.at - start)))
        ));
        let before = self.tools.clone();
        self.list_tools()?;
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<BTreeSet<_>>()
        };
        let (new, gone): (BTreeSet<_>, BTreeSet<_>) =
            (&self.tools - &before, &before - &self.tools);
        ensure!(
            new == set(added) && gone == set(removed),
            "the list changed otherwise: new {new:?}, gone {gone:?}"
        );
        let changes = new
            .iter()
            .map(|tool| good(&format!("+{tool}")))
            .chain(gone.iter().map(|tool| format!("-{tool}")));
        note(&format!(
            "  tools/list: {}",
            changes.collect::<Vec<_>>().join(" ")
        ));
        Ok(())
    }

    fn call_and_show(&mut self, tool: &str, what: &str, arguments: &Value) -> Result<ToolAnswer> {
        let answer = self.call(tool, arguments)?;
        note(&format!(
            "{} {what}  {}",
            bold(tool),
            dim(&duration(answer.took))
        ));
        show_lines(&answer.text);
        ensure!(!answer.is_error, "{tool} failed: {}", answer.text);
        Ok(answer)
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Result<ToolAnswer> {
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

fn expect_result(what: &str, result: Result<Value, Value>) -> Result<Value> {
    result.map_err(|error| anyhow!("{what} was answered with an error: {error}"))
}

fn show_answer(tool: &str, answer: &ToolAnswer) {
    note(&format!(
        "  {tool}: {}  {}",
        shorten(&answer.text, 100),
        dim(&duration(answer.took))
    ));
}
