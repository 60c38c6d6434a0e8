//! Results that are too large to be passed on at once, kept on the disk for a while so that whoever called can read them to their end: a list a part at a time, anything
//! else as text. Each is its caller's alone. The files lie in a folder of this host's in the state folder, and go with it; those of a host that was killed go when another one keeps something.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::files::create_private_folder;
use crate::owner::Owner;

/// The folder of the hosts' folders in the state folder.
const FOLDER: &str = "results";

/// What their URIs begin with.
pub(crate) const URI: &str = "toolbay://result/";

/// So many are kept at most; the oldest goes first.
const MAX_RESULTS: usize = 64;

/// So many bytes are kept at most.
const MAX_BYTES: u64 = 1 << 30;

/// So long one is kept.
const LIFETIME: Duration = Duration::from_secs(600);

/// The kept results of one host.
#[derive(Debug)]
pub(crate) struct Results {
    folder: PathBuf,
    owner: Arc<Owner>,
    kept: Mutex<HashMap<String, Arc<Kept>>>,
    /// Whether anything was ever kept: as long as not, nobody looks.
    used: AtomicBool,
}

/// Whose a result is: a caller's, of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) principal: Arc<str>,
    /// The tool's full name.
    pub(crate) tool: String,
}

/// One result.
#[derive(Debug)]
struct Kept {
    whose: Whose,
    path: PathBuf,
    bytes: u64,
    since: Instant,
    list: Option<List>,
}

/// What a page of a list is beside its items.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    pub(crate) next_cursor: Option<Value>,
    pub(crate) has_more: Option<Value>,
    pub(crate) total_count: Option<Value>,
}

#[derive(Debug)]
struct List {
    /// Where each item begins, and where the last one ends.
    offsets: Vec<u64>,
    beside: Beside,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Part {
    /// The JSON texts of the items, in order.
    pub(crate) items: Vec<String>,
    /// Where the next part begins; nothing after the last.
    pub(crate) next: Option<usize>,
    /// What the page was, for the last part.
    pub(crate) beside: Beside,
}

impl Results {
    /// Those of this host. Nothing is made yet.
    pub(crate) fn new(state: &Path, owner: Arc<Owner>) -> Self {
        Self {
            folder: state.join(FOLDER),
            owner,
            kept: Mutex::default(),
            used: AtomicBool::new(false),
        }
    }

    /// Whether anything was ever kept.
    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Keeps the items of a list, and gives the name by which they are found. Blocks.
    ///
    /// # Errors
    ///
    /// Where they cannot be written.
    pub(crate) fn keep_list(
        &self,
        whose: Whose,
        items: &[Box<RawValue>],
        beside: Beside,
    ) -> io::Result<String> {
        let mut offsets = Vec::with_capacity(items.len() + 1);
        self.keep(whose, |file| {
            let mut at = 0_u64;
            for item in items {
                offsets.push(at);
                file.write_all(item.get().as_bytes())?;
                at += item.get().len() as u64;
            }
            offsets.push(at);
            Ok((at, Some(List { offsets, beside })))
        })
    }

    /// Keeps a text. Blocks.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub(crate) fn keep_text(&self, whose: Whose, text: &str) -> io::Result<String> {
        self.keep(whose, |file| {
            file.write_all(text.as_bytes())?;
            Ok((text.len() as u64, None))
        })
    }

    fn keep(
        &self,
        whose: Whose,
        write: impl FnOnce(&mut File) -> io::Result<(u64, Option<List>)>,
    ) -> io::Result<String> {
        let folder = self.own_folder()?;
        let mut bytes = [0_u8; 16];
        let _ = getrandom::fill(&mut bytes);
        let name = format!("{:032x}", u128::from_be_bytes(bytes));
        let path = folder.join(&name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let written = write(&mut file).inspect_err(|_| drop(fs::remove_file(&path)))?;
        let kept = Kept {
            whose,
            path,
            bytes: written.0,
            since: Instant::now(),
            list: written.1,
        };
        self.used.store(true, Ordering::Relaxed);
        let mut all = self.lock();
        all.insert(name.clone(), Arc::new(kept));
        forget_too_many(&mut all);
        Ok(name)
    }

    /// The part of a list from this item on, as many as fit into so many bytes: at least one. Nothing where there is no such list of theirs. Blocks.
    pub(crate) fn part(&self, name: &str, whose: &Whose, from: usize, most: usize) -> Option<Part> {
        let kept = self.find(name, &whose.principal)?;
        let list = kept.list.as_ref().filter(|_| kept.whose == *whose)?;
        let start = *list.offsets.get(from)?;
        let fits = |end: u64| end - start <= most as u64;
        let behind = list.offsets.get(from + 1..)?;
        let count = behind.iter().take_while(|end| fits(**end)).count().max(1);
        let end = *behind.get(count - 1)?;
        let mut text = vec![0; usize::try_from(end - start).ok()?];
        let mut file = File::open(&kept.path).ok()?;
        file.seek(SeekFrom::Start(start)).ok()?;
        file.read_exact(&mut text).ok()?;
        let text = String::from_utf8(text).ok()?;
        let bounds = list.offsets.get(from..=from + count)?;
        let items = bounds.windows(2).filter_map(|bounds| {
            let [one, next] = bounds else { return None };
            let at = |offset: u64| usize::try_from(offset - start).ok();
            text.get(at(*one)?..at(*next)?).map(str::to_owned)
        });
        let next = from + count;
        Some(Part {
            items: items.collect(),
            next: (next + 1 < list.offsets.len()).then_some(next),
            beside: list.beside.clone(),
        })
    }

    /// The text from this byte on, at most so many bytes of it, and where it goes on. A list is the text of its items. Nothing where there is none of theirs. Blocks.
    pub(crate) fn text(
        &self,
        name: &str,
        principal: &Arc<str>,
        from: u64,
        most: usize,
    ) -> Option<(String, Option<u64>)> {
        let kept = self.find(name, principal)?;
        let mut file = File::open(&kept.path).ok()?;
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes).ok()?;
        // A part ends with a whole character.
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        bytes.truncate(whole);
        let next = from + bytes.len() as u64;
        let is_last = next >= kept.bytes || bytes.is_empty();
        Some((String::from_utf8(bytes).ok()?, (!is_last).then_some(next)))
    }

    /// Whether a result is a list.
    pub(crate) fn is_list(&self, name: &str, principal: &Arc<str>) -> Option<Option<Whose>> {
        let kept = self.find(name, principal)?;
        Some(kept.list.as_ref().map(|_| kept.whose.clone()))
    }

    fn find(&self, name: &str, principal: &Arc<str>) -> Option<Arc<Kept>> {
        let kept = self.lock();
        let kept = kept.get(name)?;
        (kept.whose.principal == *principal && kept.since.elapsed() < LIFETIME)
            .then(|| kept.clone())
    }

    /// Gives up what is too old.
    pub(crate) fn sweep(&self) {
        if self.is_used() {
            forget_too_many(&mut self.lock());
        }
    }

    fn own_folder(&self) -> io::Result<PathBuf> {
        let own = self.owner.name()?;
        create_private_folder(&self.folder)?;
        for entry in fs::read_dir(&self.folder)?.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name != own && self.owner.is_gone(&name) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let folder = self.folder.join(own);
        create_private_folder(&folder)?;
        Ok(folder)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        if self.is_used()
            && let Ok(own) = self.owner.name()
        {
            let _ = fs::remove_dir_all(self.folder.join(own));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn forget_too_many(all: &mut HashMap<String, Arc<Kept>>) {
    all.retain(|_, kept| kept.since.elapsed() < LIFETIME);
    while all.len() > MAX_RESULTS || all.values().map(|kept| kept.bytes).sum::<u64>() > MAX_BYTES {
        let oldest = all.iter().min_by_key(|(_, kept)| kept.since);
        let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
            return;
        };
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(principal: &str) -> Whose {
        Whose {
            principal: principal.into(),
            tool: "notes_list".into(),
        }
    }

    fn items(count: usize) -> Vec<Box<RawValue>> {
        (0..count)
            .map(|number| RawValue::from_string(format!("{{\"é\":{number}}}")).unwrap())
            .collect()
    }

    #[test]
    fn a_list_is_read_to_its_end_by_its_caller_alone() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path(), Arc::new(Owner::new(folder.path())));
        let beside = Beside {
            has_more: Some(true.into()),
            ..Beside::default()
        };
        let name = results
            .keep_list(whose("local"), &items(1000), beside)
            .unwrap();
        let (mut from, mut read) = (Some(0), Vec::new());
        while let Some(start) = from {
            let part = results.part(&name, &whose("local"), start, 100).unwrap();
            assert!(part.items.iter().map(String::len).sum::<usize>() <= 100);
            assert_eq!(part.beside.has_more, Some(true.into()));
            read.extend(part.items);
            from = part.next;
        }
        let all: Vec<String> = items(1000)
            .iter()
            .map(|item| item.get().to_owned())
            .collect();
        assert_eq!(read, all);
        // One that fits nowhere comes alone.
        assert_eq!(
            results
                .part(&name, &whose("local"), 7, 1)
                .unwrap()
                .items
                .len(),
            1
        );
        assert!(results.part(&name, &whose("local"), 1000, 100).is_none());
        assert!(results.part(&name, &whose("other"), 0, 100).is_none());
        let other_tool = Whose {
            tool: "notes_find".into(),
            ..whose("local")
        };
        assert!(results.part(&name, &other_tool, 0, 100).is_none());
    }

    #[test]
    fn a_text_is_cut_between_characters_and_the_files_go_with_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path(), Arc::new(Owner::new(folder.path())));
        let text = "é".repeat(1000);
        let name = results.keep_text(whose("local"), &text).unwrap();
        let (mut from, mut read) = (Some(0), String::new());
        while let Some(start) = from {
            let (part, next) = results.text(&name, &"local".into(), start, 33).unwrap();
            read += &part;
            from = next;
        }
        assert_eq!(read, text);
        assert!(results.text(&name, &"other".into(), 0, 33).is_none());
        for _ in 0..2 * MAX_RESULTS {
            results.keep_text(whose("local"), "x").unwrap();
        }
        assert!(results.text(&name, &"local".into(), 0, 33).is_none());
        let own = folder
            .path()
            .join(FOLDER)
            .join(results.owner.name().unwrap());
        assert_eq!(fs::read_dir(&own).unwrap().count(), MAX_RESULTS);
        drop(results);
        assert!(!own.exists());
    }
}
