//! Reading the log back: the files that were put aside, oldest first, the current one, and what is added to it while somebody looks.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::FILE;
use super::log_file::KEPT;

/// One line of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Recorded {
    pub(crate) event: String,
    pub(crate) time: String,
    pub(crate) plugin: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) duration_us: u64,
    pub(crate) denials: Vec<String>,
    pub(crate) tools: Vec<String>,
    pub(crate) until: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) kept_in: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) principal: Option<String>,
    /// How many lines are missing.
    pub(crate) lines: u64,
}

/// Reads the log of a folder from its beginning on.
#[derive(Debug)]
pub(crate) struct Reader {
    folder: PathBuf,
    /// Those that were put aside, oldest first.
    aside: Vec<File>,
    current: Option<BufReader<File>>,
    /// A line whose end has not been written yet.
    unfinished: Vec<u8>,
}

/// The files of a folder's log that there are, the current one first.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let aside = (1..=KEPT).map(|number| folder.join(format!("audit.{number}.jsonl")));
    std::iter::once(folder.join(FILE))
        .chain(aside)
        .filter(|path| path.is_file())
        .collect()
}

impl Reader {
    /// Opens all files, of which each may be renamed at any time.
    ///
    /// # Errors
    ///
    /// The first one that is there and cannot be opened.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let mut seen = BTreeSet::new();
        let mut open = |name: &str| -> io::Result<Option<File>> {
            let file = match File::open(folder.join(name)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let metadata = file.metadata()?;
            Ok(seen
                .insert((metadata.dev(), metadata.ino()))
                .then_some(file))
        };
        // The newest first: one that is put aside meanwhile is met again under its new name, and passed over there.
        let current = open(FILE)?.map(BufReader::new);
        let mut aside = Vec::new();
        for number in 1..=KEPT {
            aside.extend(open(&format!("audit.{number}.jsonl"))?);
        }
        aside.reverse();
        Ok(Self {
            folder: folder.to_owned(),
            aside,
            current,
            unfinished: Vec::new(),
        })
    }

    /// Hands over the lines that were not handed over before.
    ///
    /// # Errors
    ///
    /// Whatever reading says, and `each`.
    pub(crate) fn read<E: From<io::Error>>(
        &mut self,
        mut each: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        for file in std::mem::take(&mut self.aside) {
            self.read_lines(&mut BufReader::new(file), &mut each)?;
            self.end_line(&mut each)?;
        }
        loop {
            let Some(mut current) = self.current.take() else {
                self.current = self.open_current()?.map(BufReader::new);
                if self.current.is_none() {
                    return Ok(());
                }
                continue;
            };
            // Looked at before reading: whatever was written to a file that has lost its name is read to its end.
            let has_name = self.has_name(current.get_ref())?;
            self.read_lines(&mut current, &mut each)?;
            if has_name {
                self.current = Some(current);
                return Ok(());
            }
            self.end_line(&mut each)?;
        }
    }

    fn read_lines<E: From<io::Error>>(
        &mut self,
        file: &mut impl BufRead,
        each: &mut impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        while file.read_until(b'\n', &mut self.unfinished)? > 0 {
            if self.unfinished.ends_with(b"\n") {
                self.end_line(each)?;
            }
        }
        Ok(())
    }

    fn end_line<E>(&mut self, each: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let line = std::mem::take(&mut self.unfinished);
        let line = String::from_utf8_lossy(&line);
        match line.trim_end() {
            "" => Ok(()),
            line => each(line),
        }
    }

    fn open_current(&self) -> io::Result<Option<File>> {
        match File::open(self.folder.join(FILE)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn has_name(&self, file: &File) -> io::Result<bool> {
        let open = file.metadata()?;
        let named = fs::metadata(self.folder.join(FILE));
        Ok(named.is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())))
    }
}
