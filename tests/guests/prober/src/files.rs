//! Attempts with paths, mostly through the standard library, as any plugin makes them.

use std::fs::{self, File};
use std::io::{self, Write};

use toolbay_sdk::prelude::*;

use crate::{Outcome, outcome};

/// Reads a file.
#[tool]
pub fn read(path: &str) -> Outcome {
    fs::read_to_string(path).into()
}

/// Writes a file.
#[tool]
pub fn write(path: &str, text: &str) -> Outcome {
    outcome(fs::write(path, text))
}

/// Lists the names in a folder.
#[tool]
pub fn list(path: &str) -> Outcome {
    let names = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    match names() {
        Ok(names) => Outcome::found(names),
        Err(error) => Outcome::refused(error),
    }
}

/// Opens something by a path with `..` in it.
#[tool]
pub fn path_dotdot(path: &str) -> Outcome {
    fs::read_to_string(path).into()
}

/// Opens something by an absolute path, past the standard library, which would refuse it itself.
#[tool]
pub fn path_absolute(path: &str) -> Outcome {
    crate::links::open_raw("/vault", path)
}

/// Opens something that is behind a link.
#[tool]
pub fn link_out(path: &str) -> Outcome {
    fs::read_to_string(path).into()
}

/// Opens something of the kernel's behind a link.
#[tool]
pub fn proc_self(path: &str) -> Outcome {
    fs::read_to_string(path).into()
}

/// Opens a named pipe, to read and to write.
#[tool]
pub fn open_fifo(path: &str) -> Outcome {
    let read = File::open(path).map(drop);
    let written = fs::OpenOptions::new().write(true).open(path).map(drop);
    outcome(read.or(written))
}

/// Opens a file again and again without closing it.
#[tool]
pub fn open_many(path: &str, times: u32) -> Outcome {
    let mut open = Vec::new();
    for _ in 0..times {
        match File::open(path) {
            Ok(file) => open.push(file),
            Err(error) => return Outcome::refused(format!("after {}: {error}", open.len())),
        }
    }
    Outcome::found([open.len().to_string()])
}

/// Opens the same file over and over, and tells every different content that it saw.
#[tool]
pub fn rename_race(path: &str, rounds: u32) -> Outcome {
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..rounds {
        let now = match fs::read_to_string(path) {
            Ok(content) => format!("content: {content}"),
            Err(error) => format!("error: {error}"),
        };
        if !seen.contains(&now) {
            seen.push(now);
        }
    }
    Outcome::found(seen)
}

/// Tries every way to change something, and tells which of them worked.
#[tool]
pub fn write_read_only() -> Outcome {
    let attempts: [(&str, io::Result<()>); 8] = [
        ("create", fs::write("/vault/new", "x")),
        ("overwrite", fs::write("/vault/file", "x")),
        (
            "append",
            fs::OpenOptions::new()
                .append(true)
                .open("/vault/file")
                .and_then(|mut file| file.write_all(b"x")),
        ),
        ("rename", fs::rename("/vault/file", "/vault/renamed")),
        ("remove", fs::remove_file("/vault/file")),
        ("make folder", fs::create_dir("/vault/folder")),
        ("remove folder", fs::remove_dir("/vault/sub")),
        ("link", fs::hard_link("/vault/file", "/vault/linked")),
    ];
    let worked: Vec<String> = attempts
        .iter()
        .filter(|(_, result)| result.is_ok())
        .map(|(attempt, _)| (*attempt).to_owned())
        .collect();
    let errors = attempts
        .iter()
        .find_map(|(_, result)| result.as_ref().err());
    match errors {
        Some(error) if worked.is_empty() => Outcome::refused(error),
        _ => Outcome::found(worked),
    }
}

/// Makes many files in a folder.
#[tool]
pub fn fill_directory(count: u32) -> Outcome {
    let fill = || -> io::Result<()> {
        fs::create_dir("/vault/full")?;
        for number in 0..count {
            File::create(format!("/vault/full/{number}"))?;
        }
        Ok(())
    };
    outcome(fill())
}
