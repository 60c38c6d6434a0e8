//! How many files one guest has open: counted where they are opened, and looked up where they may have been closed.

use std::sync::{Arc, Weak};

use super::super::descriptors::{Descriptors, Reserved};

/// The most files, folders and listings that one guest may have open.
pub(super) const MAX_OPEN: usize = 256;

/// The most streams of open files, and open files, together. Each stream may hold one buffer of 64 KiB.
pub(super) const MAX_REFERENCES: usize = 512;

/// How many descriptors are taken from the host's budget at a time.
const RESERVED_AT_ONCE: u32 = 16;

/// The open files of one guest.
pub(super) struct Handles {
    descriptors: Descriptors,
    reserved: Reserved,
    /// How many of the reserved ones are for the mounts themselves.
    mounts: usize,
    /// What was opened. A file lives as long as a descriptor or a stream of it does.
    opened: Vec<Weak<dyn Send + Sync>>,
}

/// Why nothing more may be opened, as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full(pub(super) &'static str);

impl Handles {
    /// For a guest with so many mounts; nothing where the host has no descriptors left.
    pub(super) fn new(descriptors: Descriptors, mounts: usize) -> Option<Self> {
        let mut reserved = Reserved::default();
        descriptors
            .reserve(u32::try_from(mounts).ok()?, &mut reserved)
            .then_some(Self {
                descriptors,
                reserved,
                mounts,
                opened: Vec::new(),
            })
    }

    /// Makes sure that one more file may be opened.
    pub(super) fn admit(&mut self) -> Result<(), Full> {
        if self.opened.len() < self.reserved.count() - self.mounts && self.opened.len() < MAX_OPEN {
            return Ok(());
        }
        self.opened.retain(|file| file.strong_count() > 0);
        if self.opened.len() >= MAX_OPEN {
            return Err(Full(
                "it has 256 files open already, which is the most for one call",
            ));
        }
        let has_room = self.opened.len() < self.reserved.count() - self.mounts;
        if has_room
            || self
                .descriptors
                .reserve(RESERVED_AT_ONCE, &mut self.reserved)
        {
            Ok(())
        } else {
            Err(Full("too many files are open in this host"))
        }
    }

    /// Makes sure that one more stream may be made of an open file.
    pub(super) fn admit_stream(&self) -> Result<(), Full> {
        let references: usize = self.opened.iter().map(Weak::strong_count).sum();
        if references < MAX_REFERENCES {
            Ok(())
        } else {
            Err(Full(
                "it holds 512 files and streams already, which is the most for one call",
            ))
        }
    }

    /// Counts a file that was opened.
    pub(super) fn add<T: Send + Sync + 'static>(&mut self, file: &Arc<T>) {
        let file: Weak<T> = Arc::downgrade(file);
        self.opened.push(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_files_make_room() {
        let mut handles = Handles::new(Descriptors::of(1000), 2).unwrap();
        let mut files = Vec::new();
        for _ in 0..MAX_OPEN {
            handles.admit().unwrap();
            let file = Arc::new(());
            handles.add(&file);
            files.push(file);
        }
        handles.admit().unwrap_err();
        files.truncate(MAX_OPEN - 1);
        handles.admit().unwrap();
    }

    #[test]
    fn streams_count_with_their_files() {
        let mut handles = Handles::new(Descriptors::of(1000), 1).unwrap();
        handles.admit().unwrap();
        let file = Arc::new(());
        handles.add(&file);
        let mut streams = Vec::new();
        for _ in 1..MAX_REFERENCES {
            handles.admit_stream().unwrap();
            streams.push(file.clone());
        }
        handles.admit_stream().unwrap_err();
        streams.pop();
        handles.admit_stream().unwrap();
    }

    #[test]
    fn guests_share_a_budget() {
        let descriptors = Descriptors::of(20);
        let mut one = Handles::new(descriptors.clone(), 1).unwrap();
        one.admit().unwrap();
        let mut other = Handles::new(descriptors.clone(), 1).unwrap();
        assert_eq!(
            other.admit(),
            Err(Full("too many files are open in this host"))
        );
        drop(one);
        other.admit().unwrap();
        assert!(Handles::new(descriptors, 21).is_none());
    }
}
