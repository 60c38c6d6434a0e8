//! Percent-encoding (RFC 3986, section 2.1), there and back.

use crate::error::shorten;
use crate::rules::{Broken, broken};

/// Checks what a template says word for word: characters that a URI may have, and no fragment, since that is never sent.
pub(super) fn check_literal(text: &str) -> Result<(), Broken> {
    let wrong = |character: &char| {
        !(is_unreserved(*character) || "%:/?@!$&'()*+,;=[]".contains(*character))
    };
    if let Some(character) = text.chars().find(wrong) {
        let shown = shorten(&character.to_string());
        let hint = match character {
            '#' => "leave the fragment out: it is never part of what is read",
            '}' => "open each variable with `{`: `{path}`",
            _ => "encode it: a space is `%20`",
        };
        return Err(broken(
            format!("a URI cannot have the character `{shown}`"),
            hint,
        ));
    }
    match decode(text) {
        Some(_) => Ok(()),
        None => Err(broken(
            format!("`{}` has a `%` that encodes nothing", shorten(text)),
            "write two digits behind it, of 0-9 and A-F: `%20`",
        )),
    }
}

fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

/// What was encoded, if it is UTF-8 and free of control characters.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            high << 4 | low
        } else {
            byte
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes all but what stands for itself: the unreserved characters, and where `reserved`, those that may stand in a path.
pub(super) fn encode(value: &str, reserved: bool, into: &mut String) {
    const HEX: &[char; 16] = &[
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut utf8 = [0; 4];
    for character in value.chars() {
        if is_unreserved(character) || reserved && "/:@!$&'()*+,;=".contains(character) {
            into.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut utf8).bytes() {
            into.push('%');
            into.extend(HEX.get(usize::from(byte >> 4)));
            into.extend(HEX.get(usize::from(byte & 0xf)));
        }
    }
}
