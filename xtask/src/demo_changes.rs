//! The part of the demo in which the served folder changes: each change must reach the connected client, as a notice
//! where the list of tools changed, and only then.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::demo_script::{Demo, ToolAnswer};
use crate::demo_view::shorten;
use crate::terminal::{bold, dim, duration, good, note};

const LIST_CHANGED: &str = "notifications/tools/list_changed";
/// Long enough for a busy machine to notice a file and compile it.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);

impl Demo {
    pub(crate) fn changes(&mut self) -> Result<()> {
        self.replace_by_another_build()?;
        self.replace_by_other_tools()?;
        self.add()?;
        self.remove()
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
}

fn show_answer(tool: &str, answer: &ToolAnswer) {
    note(&format!(
        "  {tool}: {}  {}",
        shorten(&answer.text, 100),
        dim(&duration(answer.took))
    ));
}
