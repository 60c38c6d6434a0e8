//! Seals what a client keeps for the host: it can read it, and neither make nor change it, use it for another caller or another purpose, nor after
//! its time. All hosts of a user share the key, so that a state outlives the host that made it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::files::{Unfinished, read_if_there};
use crate::state::Store;

/// The key's name in the state folder.
const FILE: &str = "seal.key";

const KEY_BYTES: usize = 64;

/// Longer texts are not even looked at.
const MAX_SEALED: usize = 1 << 20;

/// How much of an authentication code a stamped text has: 128 bits.
const STAMP_BYTES: usize = 16;

/// Longer stamped texts are not even looked at.
const MAX_STAMPED: usize = 4096;

/// The key, and where is written down what was used.
pub(crate) struct Seal {
    path: PathBuf,
    store: Store,
    key: OnceLock<[u8; KEY_BYTES]>,
}

/// What is sealed is for one purpose and one caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct For<'a> {
    pub(crate) purpose: &'static str,
    pub(crate) principal: &'a str,
}

/// Something that was opened.
#[derive(Debug)]
pub(crate) struct Opened<T> {
    pub(crate) content: T,
    nonce: u128,
    expires: u64,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    expires: u64,
    nonce: u128,
    content: T,
}

/// It was not sealed here for this, or has expired, or was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seal")
    }
}

impl Seal {
    /// A seal whose key lies in this folder. Nothing is read or made yet.
    pub(crate) fn new(folder: &Path, store: Store) -> Self {
        Self {
            path: folder.join(FILE),
            store,
            key: OnceLock::new(),
        }
    }

    pub(crate) fn seal<T: Serialize>(
        &self,
        whom: For<'_>,
        lifetime: Duration,
        content: &T,
    ) -> String {
        let envelope = Envelope {
            expires: now() + lifetime.as_secs(),
            nonce: u128::from_le_bytes(random()),
            content,
        };
        let text = serde_json::to_vec(&envelope).unwrap_or_default();
        let mac = self.mac(whom, &text).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(mac)
        )
    }

    /// # Errors
    ///
    /// Where it was not sealed here for this purpose and caller, or has expired.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        whom: For<'_>,
        sealed: &str,
    ) -> Result<Opened<T>, Broken> {
        if sealed.len() > MAX_SEALED {
            return Err(Broken);
        }
        let (text, mac) = sealed.split_once('.').ok_or(Broken)?;
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_| Broken)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| Broken)?;
        self.mac(whom, &text)
            .verify_slice(&mac)
            .map_err(|_| Broken)?;
        let envelope: Envelope<T> = serde_json::from_slice(&text).map_err(|_| Broken)?;
        if envelope.expires <= now() {
            return Err(Broken);
        }
        Ok(Opened {
            content: envelope.content,
            nonce: envelope.nonce,
            expires: envelope.expires,
        })
    }

    /// Bytes that whoever keeps them cannot change, for this purpose, caller and place. Not secret, and good as often and as long as the key is.
    pub(crate) fn stamp(&self, whom: For<'_>, place: &str, bytes: &[u8]) -> String {
        let mut stamped = self.short_mac(whom, place, bytes).to_vec();
        stamped.extend_from_slice(bytes);
        URL_SAFE_NO_PAD.encode(stamped)
    }

    /// The bytes in a text that [`stamp`](Self::stamp) made for the same.
    pub(crate) fn stamped(&self, whom: For<'_>, place: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_STAMPED {
            return None;
        }
        let stamped = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mac, bytes) = stamped.split_at_checked(STAMP_BYTES)?;
        // Compared in the same time wherever they differ.
        let own = self.short_mac(whom, place, bytes);
        let differs = own
            .iter()
            .zip(mac)
            .fold(0, |differs, (one, other)| differs | (one ^ other));
        (differs == 0).then(|| bytes.to_vec())
    }

    fn short_mac(&self, whom: For<'_>, place: &str, bytes: &[u8]) -> [u8; STAMP_BYTES] {
        let mut text = (place.len() as u64).to_le_bytes().to_vec();
        text.extend_from_slice(place.as_bytes());
        text.extend_from_slice(bytes);
        let mac: [u8; 32] = self.mac(whom, &text).finalize().into_bytes().into();
        let mut short = [0; STAMP_BYTES];
        for (to, from) in short.iter_mut().zip(mac) {
            *to = from;
        }
        short
    }

    /// Uses what was opened up: from now on no host of this user takes it again.
    ///
    /// # Errors
    ///
    /// Where it was used before, or nobody can know.
    pub(crate) async fn spend<T>(&self, opened: &Opened<T>) -> Result<(), Broken> {
        match self
            .store
            .spend(opened.nonce.to_le_bytes(), opened.expires)
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(Broken),
            Err(error) => {
                tracing::warn!("what a client sent back cannot be checked for being new: {error}");
                Err(Broken)
            }
        }
    }

    fn mac(&self, whom: For<'_>, text: &[u8]) -> Hmac<Sha256> {
        let key = self.key.get_or_init(|| {
            key(&self.path).unwrap_or_else(|error| {
                tracing::warn!(path = %self.path.display(), %error, "the key for what clients keep can be neither read nor made; it is good for this run alone");
                random()
            })
        });
        let mut mac = Hmac::<Sha256>::new(key.into());
        // Neither of these two has a zero byte, so no two pairs come to the same.
        for part in [whom.purpose, whom.principal] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(text);
        mac
    }
}

impl<T> Opened<T> {
    /// Tells it from everything else that was sealed.
    pub(crate) fn nonce(&self) -> u128 {
        self.nonce
    }
}

/// The nonce of something that was just sealed.
pub(crate) fn nonce_of(sealed: &str) -> Option<u128> {
    #[derive(Deserialize)]
    struct Nonce {
        nonce: u128,
    }
    let text = URL_SAFE_NO_PAD.decode(sealed.split_once('.')?.0).ok()?;
    let nonce: Nonce = serde_json::from_slice(&text).ok()?;
    Some(nonce.nonce)
}

/// The key in the file, made first where there is none. Of several hosts that make one at once, one wins.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let read = || match read_if_there(path, KEY_BYTES as u64)? {
        Some(bytes) => <[u8; KEY_BYTES]>::try_from(bytes)
            .map(Some)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no key")),
        None => Ok(None),
    };
    if let Some(key) = read()? {
        return Ok(key);
    }
    let unfinished = Unfinished::write(path, &random::<KEY_BYTES>())?;
    match fs::hard_link(unfinished.path(), path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    read()?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is gone again"))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without the system's random source there is nothing to make a key from, and the host's guests would not run either.
    if getrandom::fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers; what clients keep is not safe");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(60);

    fn local(purpose: &'static str) -> For<'static> {
        For {
            purpose,
            principal: "local",
        }
    }

    #[tokio::test]
    async fn what_is_sealed_is_good_for_its_purpose_and_caller_once_and_for_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::new(folder.path(), Store::new(folder.path()));
        let sealed = seal.seal(local("a"), LATER, &"content");
        let opened: Opened<String> = seal.open(local("a"), &sealed).unwrap();
        assert_eq!(opened.content, "content");
        assert_eq!(nonce_of(&sealed), Some(opened.nonce()));
        assert!(seal.open::<String>(local("b"), &sealed).is_err());
        let other = For {
            principal: "other",
            ..local("a")
        };
        assert!(seal.open::<String>(other, &sealed).is_err());
        for broken in [format!("{sealed}x"), sealed.replace('.', ""), String::new()] {
            assert!(seal.open::<String>(local("a"), &broken).is_err());
        }
        let expired = seal.seal(local("a"), Duration::ZERO, &"content");
        assert!(seal.open::<String>(local("a"), &expired).is_err());

        // Another host of the same user knows what it is, and that it was used.
        seal.spend(&opened).await.unwrap();
        let restarted = Seal::new(folder.path(), Store::new(folder.path()));
        let again: Opened<String> = restarted.open(local("a"), &sealed).unwrap();
        assert_eq!(restarted.spend(&again).await, Err(Broken));
        let elsewhere = tempfile::tempdir().unwrap();
        let stranger = Seal::new(elsewhere.path(), Store::new(elsewhere.path()));
        assert!(stranger.open::<String>(local("a"), &sealed).is_err());
    }

    #[test]
    fn what_is_stamped_is_good_for_its_place_and_caller() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::new(folder.path(), Store::new(folder.path()));
        let text = seal.stamp(local("a"), "here", b"position");
        assert_eq!(text, seal.stamp(local("a"), "here", b"position"));
        let open = |whom, place, text: &str| seal.stamped(whom, place, text);
        assert_eq!(open(local("a"), "here", &text).unwrap(), b"position");
        let other = For {
            principal: "other",
            ..local("a")
        };
        assert_eq!(open(other, "here", &text), None);
        assert_eq!(open(local("b"), "here", &text), None);
        assert_eq!(open(local("a"), "there", &text), None);
        // The place and the bytes are told apart.
        let moved = seal.stamp(local("a"), "her", b"eposition");
        assert_eq!(open(local("a"), "here", &moved), None);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(open(local("a"), "here", &changed), None, "{index}");
        }
        for broken in ["", "AAAA", "not base64!", "x".repeat(10_000).as_str()] {
            assert_eq!(open(local("a"), "here", broken), None);
        }
    }

    #[test]
    fn the_key_is_its_owners_alone_and_a_damaged_one_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let made = key(&path).unwrap();
        assert_eq!(key(&path).unwrap(), made);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "short").unwrap();
        assert!(key(&path).is_err());
    }
}
