//! What a guest writes to its standard output and error: escaped, capped log lines, and never anything else. The guest is not told when
//! the cap is reached, because `println!` panics when its stream closes.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::run::Label;
use crate::text::escape;

/// The most bytes of output that one call may put into the log, both streams together.
const MAX_LOGGED: usize = 64 << 10;

/// A longer line is broken here.
const MAX_LINE: usize = 4 << 10;

/// How much of the newest output is kept, to say why a guest crashed.
const MAX_TAIL: usize = 2 << 10;

/// Both streams of one call.
#[derive(Debug, Clone)]
pub(super) struct GuestOutput(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    label: Label,
    line: Vec<u8>,
    /// The level of a line that was so long that it was broken.
    continued: Option<Level>,
    logged: usize,
    tail: Vec<u8>,
}

impl GuestOutput {
    pub(super) fn new(label: Label) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            label,
            line: Vec::new(),
            continued: None,
            logged: 0,
            tail: Vec::new(),
        })))
    }

    /// The newest output as escaped lines, oldest first.
    pub(super) fn tail(&self) -> Vec<String> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&inner.tail)
            .lines()
            .map(escape)
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Logs what stands in the last line without its line feed.
    pub(super) fn finish(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .end_line();
    }

    fn write(&self, bytes: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes);
    }
}

impl Inner {
    fn write(&mut self, bytes: &[u8]) {
        let newest = bytes
            .get(bytes.len().saturating_sub(MAX_TAIL)..)
            .unwrap_or_default();
        self.tail.extend_from_slice(newest);
        let surplus = self.tail.len().saturating_sub(MAX_TAIL);
        self.tail.drain(..surplus);

        if self.logged >= MAX_LOGGED {
            return;
        }
        let room = MAX_LOGGED - self.logged;
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.logged += taken.len();
        for piece in taken.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(MAX_LINE) {
                self.line.extend_from_slice(part);
                if part.ends_with(b"\n") || self.line.len() >= MAX_LINE {
                    self.end_line();
                }
            }
        }
        if self.logged >= MAX_LOGGED {
            self.end_line();
            tracing::warn!(target: "guest", plugin = %self.label.plugin, tool = %self.label.tool, "the rest of this call's output is discarded: it wrote more than {MAX_LOGGED} bytes");
        }
    }

    fn end_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.line);
        let (level, text) = match self.continued.take() {
            Some(level) => (level, line.as_ref()),
            None => level_of(&line),
        };
        self.continued = (!line.ends_with('\n')).then_some(level);
        self.label
            .log(level, &escape(text.trim_end_matches(['\n', '\r'])));
        self.line.clear();
    }
}

/// The level that a line says it has, as the SDK's `log` writes it (`<warn> text`), and the rest of the line. Any other line has the level `info`.
fn level_of(line: &str) -> (Level, &str) {
    const LEVELS: [(&str, Level); 5] = [
        ("<error> ", Level::ERROR),
        ("<warn> ", Level::WARN),
        ("<info> ", Level::INFO),
        ("<debug> ", Level::DEBUG),
        ("<trace> ", Level::TRACE),
    ];
    LEVELS
        .into_iter()
        .find_map(|(prefix, level)| Some((level, line.strip_prefix(prefix)?)))
        .unwrap_or((Level::INFO, line))
}

impl Label {
    /// Logs what this guest has to say. A level is part of where an event is logged, so each has a place of its own.
    fn log(&self, level: Level, text: &str) {
        let Self { plugin, tool } = self;
        match level {
            Level::ERROR => tracing::error!(target: "guest", %plugin, %tool, "{text}"),
            Level::WARN => tracing::warn!(target: "guest", %plugin, %tool, "{text}"),
            Level::INFO => tracing::info!(target: "guest", %plugin, %tool, "{text}"),
            Level::DEBUG => tracing::debug!(target: "guest", %plugin, %tool, "{text}"),
            Level::TRACE => tracing::trace!(target: "guest", %plugin, %tool, "{text}"),
        }
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        GuestOutput::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LOGGED)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_say_its_level() {
        assert_eq!(level_of("<warn> odd"), (Level::WARN, "odd"));
        assert_eq!(level_of("<error> <warn> x"), (Level::ERROR, "<warn> x"));
        for line in [
            "odd",
            "<warn>odd",
            "<Warn> odd",
            " <warn> odd",
            "<fatal> odd",
            "",
        ] {
            assert_eq!(level_of(line), (Level::INFO, line));
        }
    }

    #[test]
    fn the_tail_is_the_newest_output_and_escaped() {
        let output = GuestOutput::new(Label::new("p", "t"));
        output.write(&vec![b'x'; 200_000]);
        output.write(b"\n\x1b[31mred\nlast");
        let tail = output.tail();
        assert_eq!(tail.last().map(String::as_str), Some("last"));
        assert_eq!(
            tail.get(tail.len() - 2).map(String::as_str),
            Some("\\u{1b}[31mred")
        );
        assert!(tail.iter().map(String::len).sum::<usize>() <= MAX_TAIL + 16);
    }
}
