//! The custom section `toolbay:manifest` of a component, directly after the 8-byte header, so that one bounded read finds the manifest and
//! nothing is compiled or run. Owns the bytes; whether the text is a manifest is for [`Manifest::from_json`](crate::Manifest::from_json).

use std::io::{self, Read};

use crate::rules::MAX_MANIFEST_BYTES;

/// The section's name.
pub const NAME: &str = "toolbay:manifest";
/// How many bytes of a file to read first: most manifests fit.
pub const PREFIX_BYTES: usize = 64 * 1024;

const MAGIC: [u8; 4] = *b"\0asm";
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];
const HEADER_BYTES: usize = 8;
const CUSTOM_SECTION: u8 = 0;
/// A LEB128 number of 32 bits has at most 5 bytes.
const MAX_LEB_BYTES: usize = 5;

/// Why bytes are no component, or the section cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// There are no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// It does not begin as WebAssembly does.
    #[error("this is not WebAssembly: it does not begin with the bytes `\\0asm`")]
    NotWasm,
    /// It is a core module.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// It is WebAssembly of a kind that nobody knew when this was written.
    #[error(
        "this is neither a component nor a core module that toolbay knows (version bytes {0:02x?})"
    )]
    UnknownVersion([u8; 4]),
    /// It ends in the middle of something.
    #[error("the component is cut short: it ends at byte {at} inside a section")]
    Truncated {
        /// Where it ends.
        at: usize,
    },
    /// A length is written in no valid way.
    #[error("the component is damaged: the length at byte {at} is not a valid number")]
    Damaged {
        /// Where the length is.
        at: usize,
    },
    /// The manifest is larger than [`MAX_MANIFEST_BYTES`].
    #[error("the section `{NAME}` has {bytes} bytes; at most {MAX_MANIFEST_BYTES} are allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// The manifest is not UTF-8.
    #[error("the section `{NAME}` is not text in UTF-8")]
    NotText,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
}

impl SectionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::CoreModule => Some(
                "build it with `--target wasm32-wasip2`, or make a component of it with `wasm-tools component new`",
            ),
            Self::Empty | Self::Truncated { .. } | Self::Damaged { .. } => {
                Some("build or copy it again")
            }
            Self::TooLarge { .. } => Some("shorten descriptions and schemas, or split the plugin"),
            _ => None,
        }
    }
}

/// What the first bytes of a component say about its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section<'a> {
    /// Its JSON text.
    Found(&'a str),
    /// The component carries none at this place.
    Absent,
    /// Too few bytes were given: this many from the start would do for the next step. If the file has no more, it is cut short.
    NeedsBytes(usize),
}

/// Looks for the manifest in the first bytes of a component.
///
/// ```
/// use toolbay_manifest::section::{self, Section};
///
/// let component = b"\0asm\x0d\0\x01\0";
/// let baked = section::bake(component, "{}")?;
/// assert_eq!(section::read(&baked)?, Section::Found("{}"));
/// assert_eq!(section::read(&baked[..4])?, Section::NeedsBytes(8));
/// # Ok::<(), section::SectionError>(())
/// ```
///
/// # Errors
/// Bytes that are no component, or a section that is damaged, too large or no text.
pub fn read(prefix: &[u8]) -> Result<Section<'_>, SectionError> {
    if !check_header(prefix)? {
        return Ok(Section::NeedsBytes(HEADER_BYTES));
    }
    match prefix.get(HEADER_BYTES) {
        None => return Ok(Section::NeedsBytes(HEADER_BYTES + 1)),
        Some(&CUSTOM_SECTION) => {}
        Some(_) => return Ok(Section::Absent),
    }
    let Some((size, name_at)) = leb(prefix, HEADER_BYTES + 1)? else {
        return Ok(Section::NeedsBytes(HEADER_BYTES + 1 + MAX_LEB_BYTES));
    };
    let end = name_at.saturating_add(size);
    // Any other section may be of any size: decide by the name before asking for the whole.
    let name_end = name_at + 1 + NAME.len();
    if name_end > end {
        return Ok(Section::Absent);
    }
    let Some(name) = prefix.get(name_at..name_end) else {
        return Ok(Section::NeedsBytes(name_end));
    };
    if !is_our_name(name) {
        return Ok(Section::Absent);
    }
    let bytes = end - name_end;
    if bytes > MAX_MANIFEST_BYTES {
        return Err(SectionError::TooLarge { bytes });
    }
    match prefix.get(name_end..end) {
        None => Ok(Section::NeedsBytes(end)),
        Some(text) => str::from_utf8(text)
            .map(Section::Found)
            .map_err(|_| SectionError::NotText),
    }
}

/// Reads the manifest's JSON text from the start of a component, and never more of it than that takes.
///
/// ```
/// use toolbay_manifest::section;
///
/// let baked = section::bake(b"\0asm\x0d\0\x01\0", "{}")?;
/// assert_eq!(section::read_from(baked.as_slice())?.as_deref(), Some("{}"));
/// # Ok::<(), section::SectionError>(())
/// ```
///
/// # Errors
/// As [`read`], and where the source cannot be read or ends too early.
pub fn read_from(source: impl Read) -> Result<Option<String>, SectionError> {
    let mut source = source;
    let mut prefix = Vec::new();
    let mut wanted = PREFIX_BYTES;
    loop {
        let missing = u64::try_from(wanted.saturating_sub(prefix.len())).unwrap_or(u64::MAX);
        source
            .by_ref()
            .take(missing)
            .read_to_end(&mut prefix)
            .map_err(SectionError::Read)?;
        let ended = prefix.len() < wanted;
        match read(&prefix)? {
            Section::Found(text) => return Ok(Some(text.to_owned())),
            Section::Absent => return Ok(None),
            Section::NeedsBytes(_) if prefix.is_empty() => return Err(SectionError::Empty),
            // Nothing after the header is a component too: an empty one.
            Section::NeedsBytes(_) if ended && prefix.len() == HEADER_BYTES => return Ok(None),
            Section::NeedsBytes(_) if ended => {
                return Err(SectionError::Truncated { at: prefix.len() });
            }
            Section::NeedsBytes(bytes) => wanted = bytes,
        }
    }
}

/// Gives the component with this manifest directly after its header, instead of any that it carried before.
///
/// Whether the text is a valid manifest is not checked here.
///
/// # Errors
/// Bytes that are no component or are cut short, or a manifest that is too large.
pub fn bake(component: &[u8], manifest_json: &str) -> Result<Vec<u8>, SectionError> {
    if manifest_json.len() > MAX_MANIFEST_BYTES {
        return Err(SectionError::TooLarge {
            bytes: manifest_json.len(),
        });
    }
    if component.is_empty() {
        return Err(SectionError::Empty);
    }
    if !check_header(component)? {
        return Err(SectionError::Truncated {
            at: component.len(),
        });
    }
    let mut baked = Vec::with_capacity(component.len() + manifest_json.len() + 32);
    baked.extend_from_slice(&MAGIC);
    baked.extend_from_slice(&COMPONENT);
    baked.push(CUSTOM_SECTION);
    write_leb(&mut baked, 1 + NAME.len() + manifest_json.len());
    write_leb(&mut baked, NAME.len());
    baked.extend_from_slice(NAME.as_bytes());
    baked.extend_from_slice(manifest_json.as_bytes());

    let mut at = HEADER_BYTES;
    while let Some(&id) = component.get(at) {
        let truncated = || SectionError::Truncated {
            at: component.len(),
        };
        let (size, body_at) = leb(component, at + 1)?.ok_or_else(truncated)?;
        let end = body_at.saturating_add(size);
        let body = component.get(body_at..end).ok_or_else(truncated)?;
        let ours = id == CUSTOM_SECTION && body.get(..=NAME.len()).is_some_and(is_our_name);
        if !ours {
            baked.extend_from_slice(component.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    Ok(baked)
}

/// Whether there is a whole header; an error as soon as it cannot be one of a component.
fn check_header(prefix: &[u8]) -> Result<bool, SectionError> {
    let magic = prefix.get(..4).unwrap_or(prefix);
    if !MAGIC.starts_with(magic) {
        return Err(SectionError::NotWasm);
    }
    match prefix
        .get(4..HEADER_BYTES)
        .and_then(|version| <[u8; 4]>::try_from(version).ok())
    {
        None => Ok(false),
        Some(COMPONENT) => Ok(true),
        Some(CORE_MODULE) => Err(SectionError::CoreModule),
        Some(other) => Err(SectionError::UnknownVersion(other)),
    }
}

fn is_our_name(name: &[u8]) -> bool {
    name.split_first()
        .is_some_and(|(length, rest)| usize::from(*length) == NAME.len() && rest == NAME.as_bytes())
}

/// Reads an unsigned LEB128 number of 32 bits and gives it with the place after it; nothing if the bytes end first.
fn leb(bytes: &[u8], at: usize) -> Result<Option<(usize, usize)>, SectionError> {
    let mut number: u64 = 0;
    for index in 0..MAX_LEB_BYTES {
        let Some(byte) = bytes.get(at + index) else {
            return Ok(None);
        };
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return match u32::try_from(number) {
                Ok(number) => Ok(Some((
                    usize::try_from(number).unwrap_or(usize::MAX),
                    at + index + 1,
                ))),
                Err(_) => Err(SectionError::Damaged { at }),
            };
        }
    }
    Err(SectionError::Damaged { at })
}

fn write_leb(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![id];
        write_leb(&mut bytes, body.len());
        bytes.extend_from_slice(body);
        bytes
    }

    /// A component of sections that nobody looks into.
    fn component() -> impl Strategy<Value = Vec<u8>> {
        let sections =
            prop::collection::vec((0u8..12, prop::collection::vec(any::<u8>(), 0..200)), 0..4);
        sections.prop_map(|sections| {
            let mut bytes = EMPTY_COMPONENT.to_vec();
            sections
                .iter()
                .for_each(|(id, body)| bytes.extend(section(*id, body)));
            bytes
        })
    }

    proptest! {
        #[test]
        fn what_is_baked_is_read(component in component(), first in "\\PC{0,300}", second in "\\PC{0,300}") {
            let once = bake(&component, &first).unwrap();
            prop_assert_eq!(read(&once).unwrap(), Section::Found(&first));
            prop_assert_eq!(read_from(once.as_slice()).unwrap(), Some(first));
            // Baking again replaces, and leaves everything else as it was.
            let twice = bake(&once, &second).unwrap();
            prop_assert_eq!(&twice, &bake(&component, &second).unwrap());
            prop_assert!(twice.ends_with(&component[HEADER_BYTES..]));
        }

        #[test]
        fn a_prefix_asks_for_more_until_it_is_enough(component in component(), manifest in "\\PC{0,300}") {
            let baked = bake(&component, &manifest).unwrap();
            let mut length = 0;
            loop {
                match read(&baked[..length]).unwrap() {
                    Section::Found(text) => break prop_assert_eq!(text, &manifest),
                    Section::NeedsBytes(bytes) => {
                        prop_assert!(bytes > length && bytes <= baked.len().max(14));
                        length = bytes.min(baked.len());
                    }
                    Section::Absent => prop_assert!(false, "the section was not seen"),
                }
            }
        }

        #[test]
        fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64), headed: bool) {
            if headed {
                bytes.splice(0..0, EMPTY_COMPONENT.iter().copied());
            }
            let _ = read(&bytes);
            let _ = read_from(bytes.as_slice());
            let _ = bake(&bytes, "{}");
        }
    }

    #[test]
    fn a_large_manifest_is_read_in_steps() {
        let manifest = "x".repeat(MAX_MANIFEST_BYTES);
        let baked = bake(EMPTY_COMPONENT, &manifest).unwrap();
        assert_eq!(
            read(&baked[..PREFIX_BYTES]).unwrap(),
            Section::NeedsBytes(baked.len())
        );
        assert_eq!(read_from(baked.as_slice()).unwrap(), Some(manifest));
        assert!(matches!(
            bake(EMPTY_COMPONENT, &"x".repeat(MAX_MANIFEST_BYTES + 1)),
            Err(SectionError::TooLarge { .. })
        ));
    }

    #[test]
    fn whatever_is_no_component_says_what_it_is() {
        let huge = [
            EMPTY_COMPONENT,
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 16],
            NAME.as_bytes(),
        ]
        .concat();
        let not_text = [
            EMPTY_COMPONENT,
            &section(0, &[&[16], NAME.as_bytes(), &[0xff]].concat()),
        ]
        .concat();
        let cases: [(&[u8], &str); 10] = [
            (b"", "the file is empty"),
            (
                b"MZ",
                "this is not WebAssembly: it does not begin with the bytes `\\0asm`",
            ),
            (b"\0asm\x01\0\0\0", "this is a core module, not a component"),
            (
                b"\0asm\x0e\0\x01\0",
                "this is neither a component nor a core module that toolbay knows (version bytes [0e, 00, 01, 00])",
            ),
            (
                b"\0as",
                "the component is cut short: it ends at byte 3 inside a section",
            ),
            (
                b"\0asm\x0d\0\x01\0\0",
                "the component is cut short: it ends at byte 9 inside a section",
            ),
            (
                b"\0asm\x0d\0\x01\0\0\x7f",
                "the component is cut short: it ends at byte 10 inside a section",
            ),
            (
                b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\xff",
                "the component is damaged: the length at byte 9 is not a valid number",
            ),
            (
                &huge,
                "the section `toolbay:manifest` has 4294967278 bytes; at most 4194304 are allowed",
            ),
            (
                &not_text,
                "the section `toolbay:manifest` is not text in UTF-8",
            ),
        ];
        for (bytes, message) in cases {
            assert_eq!(read_from(bytes).unwrap_err().to_string(), message);
        }
        assert_eq!(read_from(EMPTY_COMPONENT).unwrap(), None);
        assert_eq!(
            read_from([EMPTY_COMPONENT, &section(7, b"x")].concat().as_slice()).unwrap(),
            None
        );
    }
}
