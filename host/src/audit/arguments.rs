//! The hash that stands for a call's arguments, and the installation's key that it is made with.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::digest::hex;
use crate::files::{create_private_folder, read_if_there, write_atomically};
use crate::lock::Lock;

const FILE: &str = "audit.key";
const LOCK: &str = "audit.key.lock";

/// How long to wait for another host that makes the key.
const PATIENCE: Duration = Duration::from_millis(500);

/// The key's bytes.
const LENGTH: usize = 32;

/// The first half of an HMAC-SHA-256; prints as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArgumentsHash([u8; 16]);

impl fmt::Display for ArgumentsHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ArgumentsHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The key, taken in by the hash function already.
pub(super) struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

impl Key {
    /// Reads the installation's key, or makes it. Of several hosts that find none, one makes it and the others read that.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        if let Some(key) = read(folder)? {
            return Self::of(&key);
        }
        create_private_folder(folder)?;
        let _lock = Lock::take(&folder.join(LOCK), PATIENCE)?;
        if let Some(key) = read(folder)? {
            return Self::of(&key);
        }
        let key = random()?;
        write_atomically(&folder.join(FILE), hex(&*key).as_bytes())?;
        Self::of(&key)
    }

    fn of(key: &[u8; LENGTH]) -> io::Result<Self> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(io::Error::other)
    }

    pub(super) fn hash(&self, arguments: &str) -> ArgumentsHash {
        let mut hmac = self.0.clone();
        hmac.update(arguments.as_bytes());
        let mut hash = [0; 16];
        for (half, byte) in hash.iter_mut().zip(hmac.finalize().into_bytes()) {
            *half = byte;
        }
        ArgumentsHash(hash)
    }
}

/// The key that is there. A damaged one counts as none, as after a power cut: it only means that hashes from before say nothing any more.
fn read(folder: &Path) -> io::Result<Option<Zeroizing<[u8; LENGTH]>>> {
    const DIGITS: u64 = 2 * LENGTH as u64;
    let text = match read_if_there(&folder.join(FILE), DIGITS) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
        text => text?,
    };
    Ok(text.map(Zeroizing::new).and_then(|text| unhex(&text)))
}

fn unhex(digits: &[u8]) -> Option<Zeroizing<[u8; LENGTH]>> {
    if digits.len() != 2 * LENGTH {
        return None;
    }
    let mut key = Zeroizing::new([0; LENGTH]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// From the system's own source.
fn random() -> io::Result<Zeroizing<[u8; LENGTH]>> {
    let mut key = Zeroizing::new([0; LENGTH]);
    File::open("/dev/urandom")?.read_exact(&mut *key)?;
    Ok(key)
}
