//! The ways in which a value may be spelled: as it is, percent-encoded, as in JSON or HTML, and as Base64, each as a row of states.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroize;

/// A shorter value is not looked for.
const MIN_VALUE: usize = 8;

/// All spellings of all values.
#[derive(Default)]
pub(super) struct Spellings {
    pub(super) states: Vec<State>,
    /// The states that [`Next::Any`] chooses from.
    pub(super) entries: Vec<usize>,
    /// The states in which a search begins.
    pub(super) starts: Vec<usize>,
    /// For each byte whether a spelling can begin with it.
    first: Vec<bool>,
}

/// One byte of a spelling, and what comes after it.
pub(super) struct State {
    pub(super) byte: u8,
    /// The other byte that may stand here: the same hexadecimal digit in capitals, or the same digit of the other Base64.
    pub(super) other: u8,
    pub(super) next: Next,
}

/// What comes after a byte.
pub(super) enum Next {
    /// The next byte of the same spelling.
    State(usize),
    /// One of the spellings of the next character, by their places in `entries`.
    Any(Range<usize>),
    /// Nothing: the value is complete.
    End,
}

/// The spellings of one character, each a row of bytes that may be one or the other.
type Character = Vec<Vec<[u8; 2]>>;

impl Spellings {
    pub(super) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut spellings = Self::default();
        spellings.first.resize(256, false);
        for value in values.into_iter().filter(|value| value.len() >= MIN_VALUE) {
            spellings.add(value.chars().map(character));
            for digits in base64_alignments(value.as_bytes()) {
                spellings.add(digits.into_iter().map(base64_digit));
            }
        }
        spellings
    }

    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub(super) fn may_start(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte)).copied().unwrap_or(false)
    }

    /// Adds one value, character by character, from its end to its start: what comes next is known then.
    fn add(&mut self, characters: impl DoubleEndedIterator<Item = Character>) {
        let mut following: Option<Range<usize>> = None;
        for character in characters.rev() {
            let mut entries = Vec::with_capacity(character.len());
            for mut spelling in character {
                let mut next = following.clone().map_or(Next::End, Next::Any);
                for [byte, other] in spelling.iter().rev().copied() {
                    self.states.push(State { byte, other, next });
                    next = Next::State(self.states.len() - 1);
                }
                if !spelling.is_empty() {
                    entries.push(self.states.len() - 1);
                }
                spelling.iter_mut().for_each(|pair| pair.zeroize());
            }
            let start = self.entries.len();
            self.entries.extend(entries);
            following = Some(start..self.entries.len());
        }
        for state in following
            .and_then(|range| self.entries.get(range))
            .unwrap_or_default()
        {
            self.starts.push(*state);
            if let Some(State { byte, other, .. }) = self.states.get(*state) {
                for byte in [byte, other] {
                    if let Some(first) = self.first.get_mut(usize::from(*byte)) {
                        *first = true;
                    }
                }
            }
        }
    }
}

impl Drop for Spellings {
    fn drop(&mut self) {
        for state in &mut self.states {
            state.byte.zeroize();
            state.other.zeroize();
        }
    }
}

/// The ways to write a character of a value.
fn character(character: char) -> Character {
    let mut utf8 = [0; 4];
    let plain = character.encode_utf8(&mut utf8).as_bytes();
    let percent: Vec<u8> = plain
        .iter()
        .flat_map(|byte| format!("%{byte:02x}").into_bytes())
        .collect();
    let mut utf16 = [0; 2];
    let json: Vec<u8> = character
        .encode_utf16(&mut utf16)
        .iter()
        .flat_map(|unit| format!("\\u{unit:04x}").into_bytes())
        .collect();
    let mut spellings = vec![exactly(plain), hexadecimal(&percent), hexadecimal(&json)];
    let others: &[&[u8]] = match character {
        ' ' => &[b"+"],
        '"' => &[b"\\\"", b"&quot;", b"&#34;"],
        '\\' => &[b"\\\\"],
        '/' => &[b"\\/"],
        '\u{8}' => &[b"\\b"],
        '\u{c}' => &[b"\\f"],
        '\n' => &[b"\\n"],
        '\r' => &[b"\\r"],
        '\t' => &[b"\\t"],
        '&' => &[b"&amp;"],
        '<' => &[b"&lt;"],
        '>' => &[b"&gt;"],
        '\'' => &[b"&#39;", b"&#x27;", b"&apos;"],
        _ => &[],
    };
    spellings.extend(others.iter().map(|other| exactly(other)));
    spellings
}

/// The ways to write a digit of either Base64, which may itself be percent-encoded or stand in JSON.
fn base64_digit(digit: u8) -> Character {
    match digit {
        b'+' => vec![
            vec![[b'+', b'-']],
            hexadecimal(b"%2b"),
            hexadecimal(b"\\u002b"),
        ],
        b'/' => vec![
            vec![[b'/', b'_']],
            hexadecimal(b"%2f"),
            hexadecimal(b"\\u002f"),
            exactly(b"\\/"),
        ],
        digit => vec![exactly(&[digit])],
    }
}

fn exactly(bytes: &[u8]) -> Vec<[u8; 2]> {
    bytes.iter().map(|byte| [*byte; 2]).collect()
}

/// A code whose digits may be capitals. What introduces the digits (`%`, `\u`) has no capitals that mean the same.
fn hexadecimal(bytes: &[u8]) -> Vec<[u8; 2]> {
    bytes
        .iter()
        .map(|byte| match byte {
            b'u' => [b'u'; 2],
            byte => [*byte, byte.to_ascii_uppercase()],
        })
        .collect()
}

/// The digits that the value alone determines, where zero, one or two other bytes stand before it in what was encoded.
fn base64_alignments(value: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|before| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value);
        let digits = STANDARD_NO_PAD.encode(&bytes).into_bytes();
        let (first_bit, end_bit) = (before * 8, bytes.len() * 8);
        bytes.zeroize();
        digits
            .get(first_bit.div_ceil(6)..end_bit / 6)
            .unwrap_or_default()
            .to_vec()
    })
}
