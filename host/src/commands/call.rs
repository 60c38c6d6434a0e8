//! `toolbay call`: one tool call from the command line, on the path of an MCP call.

use std::io::Read;

use anyhow::{Context, Result, bail};

use crate::cli::{Call, CallOutput};
use crate::config::Config;
use crate::host::Host;
use crate::terminal;
use crate::text::escape_lines;

pub(crate) fn run(arguments: &Call) -> Result<u8> {
    super::start_log("warn");
    let config = Config::resolve(&arguments.folders)?.with_policy(arguments.policy.as_deref())?;
    let json = read_arguments(&arguments.json)?;
    let runtime = super::runtime()?;
    let answer = runtime.block_on(async {
        let host = Host::new(config)?;
        host.load_once(false).await;
        let answer = crate::mcp::call_once(&host, &arguments.tool, &json).await;
        host.finish().await;
        anyhow::Ok(answer)
    });
    super::finish(runtime);
    let result = match answer? {
        Ok(result) => result,
        Err(unknown) => {
            terminal::say(&format!(
                "error: {unknown}\nhint: `toolbay list` shows the tools and what is wrong with the others\n"
            ));
            return Ok(super::PROBLEM);
        }
    };
    print(&result, arguments.output)
}

/// Prints the result of a call, and gives the exit code that says whether it failed.
pub(super) fn print(result: &serde_json::Value, output: CallOutput) -> Result<u8> {
    let failed = result.get("isError").and_then(serde_json::Value::as_bool) == Some(true);
    match output {
        CallOutput::Json => terminal::print_json(result)?,
        CallOutput::Text if failed => {
            let sentence = texts(result).into_iter().next().unwrap_or_default();
            terminal::say(&format!("error: {}\n", escape_lines(&sentence)));
        }
        CallOutput::Text => {
            for text in texts(result) {
                terminal::print(&format!(
                    "{}\n",
                    if terminal::stdout_is_terminal() {
                        escape_lines(&text)
                    } else {
                        text
                    }
                ))?;
            }
        }
    }
    Ok(if failed { super::PROBLEM } else { super::OK })
}

pub(super) fn read_arguments(json: &str) -> Result<String> {
    let mut text = json.to_owned();
    if json == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the arguments from standard input")?;
    }
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("--json is not JSON: {text}"))?;
    if !value.is_object() {
        bail!("--json must be an object, such as '{{\"name\": \"value\"}}'");
    }
    Ok(text.trim().to_owned())
}

/// What a terminal can show of a result; content of other kinds is named.
fn texts(result: &serde_json::Value) -> Vec<String> {
    let contents = result.get("content").and_then(serde_json::Value::as_array);
    let field = |content: &serde_json::Value, name: &str| {
        content
            .get(name)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    contents
        .into_iter()
        .flatten()
        .map(
            |content| match content.get("type").and_then(serde_json::Value::as_str) {
                Some("text") => field(content, "text"),
                Some("resource_link") => format!("(link: {})", field(content, "uri")),
                Some(kind) => format!(
                    "({kind} {}; --output json shows it)",
                    field(content, "mimeType")
                ),
                None => String::new(),
            },
        )
        .collect()
}
