//! What goes over the wire: requests in both eras, written without building a tree, and the checks of their answers.

use std::io::Write as _;

use anyhow::{Result, bail};
use memchr::memmem;
use serde_json::Value;

const INITIALIZE: &str = r#""protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1.0.0"}"#;
/// What a request of the modern era carries.
const MODERN_META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(super) const BOTH: [Self; 2] = [Self::Legacy, Self::Modern];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }

    /// What stands before the closing brace of `params`.
    fn meta(self) -> &'static str {
        match self {
            Self::Legacy => "",
            Self::Modern => MODERN_META,
        }
    }

    /// The first request of a connection: its method and the members of its parameters.
    pub(super) fn opening(self) -> (&'static str, &'static str) {
        match self {
            Self::Legacy => ("initialize", INITIALIZE),
            Self::Modern => ("server/discover", ""),
        }
    }
}

/// A request with these parameters, given as the members of an object.
pub(super) fn request(era: Era, id: u64, method: &str, members: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(members.len() + 400);
    let comma = if members.is_empty() || era.meta().is_empty() {
        ""
    } else {
        ","
    };
    // Writing into memory does not fail.
    let _ = writeln!(
        line,
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{members}{comma}{}}}}}"#,
        era.meta()
    );
    line
}

/// Calls of one tool, of which only the id and the arguments differ.
pub(super) struct Calls {
    after_id: Vec<u8>,
    end: Vec<u8>,
}

impl Calls {
    pub(super) fn new(era: Era, tool: &str) -> Self {
        let comma = if era.meta().is_empty() { "" } else { "," };
        Self {
            after_id: format!(
                r#","method":"tools/call","params":{{"name":"{tool}","arguments":{{"#
            )
            .into_bytes(),
            end: format!("}}{comma}{}}}}}\n", era.meta()).into_bytes(),
        }
    }

    /// Appends a call with these members of `arguments`.
    pub(super) fn write(&self, line: &mut Vec<u8>, id: u64, arguments: &[u8]) {
        line.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        let _ = write!(line, "{id}");
        line.extend_from_slice(&self.after_id);
        line.extend_from_slice(arguments);
        line.extend_from_slice(&self.end);
    }

    /// Appends a call of `add` whose sum is the id and a half.
    pub(super) fn write_add(&self, line: &mut Vec<u8>, id: u64) {
        line.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        let _ = write!(line, "{id}");
        line.extend_from_slice(&self.after_id);
        let _ = write!(line, r#""a":{id},"b":0.5"#);
        line.extend_from_slice(&self.end);
    }
}

/// The id of a message that answers something; nothing for a notification.
pub(super) fn answered_id(line: &[u8]) -> Option<u64> {
    const KEY: &[u8] = br#""id":"#;
    // The id stands within the first few bytes in every server's answers, and a notification is short.
    let head = line.get(..line.len().min(120))?;
    let digits = head.get(memmem::find(head, KEY)? + KEY.len()..)?;
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    str::from_utf8(digits.get(..length)?).ok()?.parse().ok()
}

/// Whether this is the right answer to `write_add`: the sum in the structured value and in the text.
pub(super) fn check_sum(line: &[u8], id: u64) -> Result<()> {
    let mut expected = [0_u8; 64];
    let mut rest = expected.as_mut_slice();
    write!(rest, r#""structuredContent":{{"result":{id}.5}}"#)?;
    let unused = rest.len();
    let structured = expected.get(..expected.len() - unused).unwrap_or_default();
    if answered_id(line) != Some(id) || memmem::find(line, structured).is_none() {
        bail!(
            "a wrong answer to the sum of {id} and a half: {}",
            shown(line)
        );
    }
    Ok(())
}

/// Whether the first text of the answer is this JSON string, quotes left out.
pub(super) fn check_text(line: &[u8], id: u64, text: &[u8]) -> Result<()> {
    const KEY: &[u8] = br#""text":""#;
    let at = memmem::find(line, KEY).map(|at| at + KEY.len());
    let found = at.and_then(|at| line.get(at..at + text.len()));
    if answered_id(line) != Some(id) || found != Some(text) {
        bail!("a wrong echo of {} bytes: {}", text.len(), shown(line));
    }
    Ok(())
}

/// The result of an answer, or an error that shows it.
pub(super) fn result(line: &[u8]) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(line)?;
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => bail!("an error instead of a result: {}", shown(line)),
    }
}

/// The start of a line, for an error.
pub(super) fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(..line.len().min(400)).unwrap_or_default());
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_request_is_json_in_both_eras() {
        for era in Era::BOTH {
            let mut line = Vec::new();
            Calls::new(era, "bench_add").write_add(&mut line, 7);
            let call: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(call["params"]["arguments"], json!({"a": 7, "b": 0.5}));
            assert_eq!(call["params"].get("_meta").is_some(), era == Era::Modern);
            for (method, members) in [
                era.opening(),
                ("tools/list", ""),
                ("tools/call", r#""name":"x","arguments":{}"#),
            ] {
                let line = request(era, 1, method, members);
                let request: Value = serde_json::from_slice(&line).unwrap();
                assert_eq!(request["method"], method);
            }
        }
    }

    #[test]
    fn only_the_right_sum_passes() {
        let line = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"structuredContent":{"result":7.5},"isError":false}}"#;
        assert!(check_sum(line, 7).is_ok());
        assert!(check_sum(line, 8).is_err());
        let other = br#"{"jsonrpc":"2.0","id":7,"result":{"structuredContent":{"result":17.5}}}"#;
        assert!(check_sum(other, 7).is_err());
        assert_eq!(
            answered_id(br#"{"jsonrpc":"2.0","method":"notifications/x"}"#),
            None
        );
    }
}
