//! Splits the input into lines with as few reads as possible, and never holds more than one line over the limit.
//! It must not know what the lines mean.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use super::descriptor;
use super::envelope::SEARCHED_PREFIX;

const INITIAL_BUFFER: usize = 64 * 1024;
/// A buffer that grew beyond this for one long line is given back afterwards.
const KEPT_BUFFER: usize = 2 * 1024 * 1024;
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
    buffer: Vec<u8>,
    /// What is read and not handed out yet: `buffer[start..end]`, of which nothing before `searched` is a newline.
    start: usize,
    searched: usize,
    end: usize,
    skipping: bool,
    at_beginning: bool,
    at_end: bool,
}

impl Lines {
    pub(super) fn new(input: OwnedFd, max_line: usize) -> Self {
        Self {
            input,
            max_line,
            buffer: vec![0; INITIAL_BUFFER],
            start: 0,
            searched: 0,
            end: 0,
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
            // One byte more than the limit may be the `\r` before the newline.
            if !self.skipping && self.end - self.start > self.max_line + 1 {
                self.skipping = true;
                let range = self.start..self.end;
                (self.start, self.searched, self.end) = (0, 0, 0);
                break (range, true);
            }
            if self.at_end {
                let range = self.start..self.end;
                (self.start, self.searched, self.end) = (0, 0, 0);
                if range.is_empty() || self.skipping {
                    return Ok(None);
                }
                break (range, false);
            }
            self.fill()?;
        };

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
        self.buffer.get(self.searched..self.end)
    }

    /// The next complete line in the buffer, skipping the rest of one that was too long.
    fn find_line(&mut self) -> Option<Range<usize>> {
        loop {
            let found = self
                .unsearched()
                .and_then(|rest| memchr::memchr(b'\n', rest));
            let Some(offset) = found else {
                if self.skipping {
                    (self.start, self.end) = (0, 0);
                }
                self.searched = self.end;
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
        if self.start == self.end {
            (self.start, self.searched, self.end) = (0, 0, 0);
            if self.buffer.len() > KEPT_BUFFER {
                self.buffer = vec![0; INITIAL_BUFFER];
            }
        } else if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.searched -= self.start;
                self.end -= self.start;
                self.start = 0;
            }
            // Room for another half, so that a long line is not moved again for every few bytes.
            if self.end > self.buffer.len() / 2 {
                let wanted = self
                    .buffer
                    .len()
                    .saturating_mul(2)
                    .min(self.max_line.saturating_add(INITIAL_BUFFER));
                self.buffer.resize(wanted.max(self.end + 1), 0);
            }
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = descriptor::read(&self.input, room)?;
        self.at_end = read == 0;
        self.end += read;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
