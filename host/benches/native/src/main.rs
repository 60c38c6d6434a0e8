//! A native MCP server with the tools of the `bench` plugin, to compare the host with. It is deliberately plain: the macros and the
//! transport of the official SDK as its documentation shows them, and no tuning.
//!
//! With `--pipes` it uses the SDK's faster transport for pipes.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::transport::{stdio, stdio_pipes};
use rmcp::{ServiceExt, schemars, tool, tool_router};
use serde::{Deserialize, Serialize};

#[derive(Clone)]
struct Native;

#[derive(Deserialize, schemars::JsonSchema)]
struct AddParameters {
    /// The first number
    a: f64,
    /// The second number
    b: f64,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Sum {
    result: f64,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct EchoParameters {
    /// Any text, also a very long one
    text: String,
}

#[tool_router(server_handler)]
impl Native {
    #[tool(description = "Adds two numbers and returns their sum.")]
    fn add(&self, Parameters(AddParameters { a, b }): Parameters<AddParameters>) -> Json<Sum> {
        Json(Sum { result: a + b })
    }

    #[tool(description = "Returns the text that it gets.")]
    fn echo(&self, Parameters(EchoParameters { text }): Parameters<EchoParameters>) -> String {
        text
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let quit = if std::env::args().any(|argument| argument == "--pipes") {
        Native.serve(stdio_pipes()).await?.waiting().await
    } else {
        Native.serve(stdio()).await?.waiting().await
    };
    quit?;
    Ok(())
}
