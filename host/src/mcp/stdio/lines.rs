//! Splits the input into lines with as few reads as possible, and never holds more than one line over the limit.
//! It must not know what the lines mean.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use super::descriptor;
use super::envelope::SEARCHED_PREFIX;

const INITIAL_BUFFER: usize = 64 * 1024;
/// A buffer that grew beyond this for a long line is given back once so many lines after it did not need it.
const KEPT_BUFFER: usize = 2 * 1024 * 1024;
const LINES_WITHOUT_NEED: u32 = 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, PartialEq)]
pub(super) enum Line<'buffer> {
    /// Without its line end.
    Whole(&'buffer [u8]),
    /// The beginning of a line over the limit; the rest of it is skipped.
    TooLong(&'buffer [u8]),
}

pub(super) struct Lines {
    input: OwnedFd,
    max_line: usize,
    /// What is read. Before `start` it is handed out already; before `searched` there is no newline.
    buffer: Vec<u8>,
    start: usize,
    searched: usize,
    lines_since_need: u32,
    skipping: bool,
    at_beginning: bool,
    at_end: bool,
}

impl Lines {
    pub(super) fn new(input: OwnedFd, max_line: usize) -> Self {
        Self {
            input,
            max_line,
            buffer: Vec::with_capacity(INITIAL_BUFFER),
            start: 0,
            searched: 0,
            lines_since_need: 0,
            skipping: false,
            at_beginning: true,
            at_end: false,
        }
    }

    /// The next line, and whether one more is here already; `None` at the end of input. A last line without a newline
    /// counts as a line: it may be a whole message (`printf '{…}' | toolbay serve`), and where it was cut off it does not
    /// parse.
    pub(super) fn next(&mut self) -> io::Result<Option<(Line<'_>, bool)>> {
        let (range, too_long) = loop {
            if let Some(range) = self.find_line() {
                break (range, false);
            }
            let rest = self.start..self.buffer.len();
            // One byte more than the limit may be the `\r` before the newline.
            if !self.skipping && rest.len() > self.max_line + 1 {
                self.skipping = true;
                self.start = rest.end;
                break (rest, true);
            }
            if self.at_end {
                self.start = rest.end;
                if rest.is_empty() || self.skipping {
                    return Ok(None);
                }
                break (rest, false);
            }
            self.fill()?;
        };
        if range.len() > KEPT_BUFFER {
            self.lines_since_need = 0;
        } else {
            self.lines_since_need = self.lines_since_need.saturating_add(1);
        }

        let more = !self.skipping
            && self
                .unsearched()
                .is_some_and(|rest| memchr::memchr(b'\n', rest).is_some());
        let mut line = self.buffer.get(range).unwrap_or_default();
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if std::mem::take(&mut self.at_beginning) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if too_long || line.len() > self.max_line {
            return Ok(Some((
                Line::TooLong(line.get(..SEARCHED_PREFIX).unwrap_or(line)),
                more,
            )));
        }
        Ok(Some((Line::Whole(line), more)))
    }

    fn unsearched(&self) -> Option<&[u8]> {
        self.buffer.get(self.searched..)
    }

    /// The next complete line in the buffer, skipping the rest of one that was too long.
    fn find_line(&mut self) -> Option<Range<usize>> {
        loop {
            let found = self
                .unsearched()
                .and_then(|rest| memchr::memchr(b'\n', rest));
            let Some(offset) = found else {
                self.searched = self.buffer.len();
                if self.skipping {
                    self.start = self.searched;
                }
                return None;
            };
            let line = self.start..self.searched + offset;
            self.start = line.end + 1;
            self.searched = self.start;
            if !std::mem::take(&mut self.skipping) {
                return Some(line);
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            (self.start, self.searched) = (0, 0);
            if self.buffer.capacity() > KEPT_BUFFER && self.lines_since_need >= LINES_WITHOUT_NEED {
                self.buffer = Vec::with_capacity(INITIAL_BUFFER);
            }
        } else if self.buffer.len() == self.buffer.capacity() {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
            // Twice the room, so that a long line is not moved again for every few bytes, but no more than it may need.
            let needed = self.max_line.saturating_add(INITIAL_BUFFER);
            let length = self.buffer.len();
            if length > self.buffer.capacity() / 2 {
                self.buffer
                    .reserve_exact(length.min(needed.saturating_sub(length)).max(1));
            }
        }
        self.at_end = descriptor::read(&self.input, &mut self.buffer)? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
