//! Lines from a descriptor, found with as little work as can be: what the client costs is measured along with the server.

use std::fs::File;
use std::io::Read;
use std::ops::Range;

use anyhow::{Context, Result, bail};

const FIRST_CAPACITY: usize = 256 * 1024;

pub(super) struct Lines {
    source: File,
    buffer: Vec<u8>,
    /// What is in the buffer and was not given out yet.
    start: usize,
    end: usize,
    /// Up to here there is no line end.
    searched: usize,
    last: Range<usize>,
}

impl Lines {
    pub(super) fn new(source: File) -> Self {
        Self {
            source,
            buffer: vec![0; FIRST_CAPACITY],
            start: 0,
            end: 0,
            searched: 0,
            last: 0..0,
        }
    }

    /// The next line without its end; waits for it.
    pub(super) fn next(&mut self) -> Result<&[u8]> {
        while !self.take() {
            self.fill()?;
        }
        Ok(self.last())
    }

    /// The next line if all of it has been read already.
    pub(super) fn next_if_there(&mut self) -> Option<&[u8]> {
        self.take().then(|| self.last())
    }

    /// The line that was given out last.
    pub(super) fn last(&self) -> &[u8] {
        self.buffer.get(self.last.clone()).unwrap_or_default()
    }

    /// Finds a line in what has been read.
    fn take(&mut self) -> bool {
        let unsearched = self.buffer.get(self.searched..self.end).unwrap_or_default();
        let Some(at) = memchr::memchr(b'\n', unsearched) else {
            self.searched = self.end;
            return false;
        };
        self.last = self.start..self.searched + at;
        self.start = self.last.end + 1;
        self.searched = self.start;
        true
    }

    fn fill(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.searched -= self.start;
                self.start = 0;
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let bytes = self
            .source
            .read(room)
            .context("the server's output cannot be read")?;
        if bytes == 0 {
            bail!("the server closed its output");
        }
        self.end += bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    #[test]
    fn lines_of_all_lengths_come_out_as_they_went_in() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let lengths = [
            0,
            1,
            300_000,
            5,
            FIRST_CAPACITY - 1,
            FIRST_CAPACITY,
            0,
            1_000_000,
        ];
        let writer = thread::spawn(move || {
            for length in lengths {
                ours.write_all(&vec![b'x'; length]).unwrap();
                ours.write_all(b"\n").unwrap();
            }
        });
        let mut lines = Lines::new(File::from(OwnedFd::from(theirs)));
        for length in lengths {
            assert_eq!(lines.next().unwrap().len(), length);
        }
        assert!(lines.next_if_there().is_none());
        writer.join().unwrap();
        assert!(lines.next().is_err());
    }
}
