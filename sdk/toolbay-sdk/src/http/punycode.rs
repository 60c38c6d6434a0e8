//! Host names with letters beyond a to z, in the form that goes over the wire: `bücher.example` is `xn--bcher-kva.example` (RFC 3492).

/// The name in ASCII, in lower case; nothing where it has characters that would first have to be mapped to others, as only a large table could.
pub(super) fn to_ascii(host: &str) -> Option<String> {
    let labels: Option<Vec<String>> = host.split('.').map(label).collect();
    Some(labels?.join("."))
}

fn label(label: &str) -> Option<String> {
    let label = label.to_lowercase();
    if label.is_ascii() {
        return Some(label);
    }
    // Letters that only look different, such as those of double width, are other letters in a name; what is no letter is mostly a trick.
    let is_variant = |char| matches!(char, '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{ffff}' | '\u{1d400}'..='\u{1d7ff}');
    let stays = |char: char| (char.is_alphanumeric() && !is_variant(char)) || char == '-';
    if !label.chars().all(stays) {
        return None;
    }
    encode(&label).map(|encoded| format!("xn--{encoded}"))
}

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;

/// The encoding procedure of RFC 3492, section 6.3.
fn encode(label: &str) -> Option<String> {
    let chars: Vec<u32> = label.chars().map(u32::from).collect();
    let mut output: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(output.len()).ok()?;
    if basic > 0 {
        output.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < u32::try_from(chars.len()).ok()? {
        let next = chars.iter().copied().filter(|char| *char >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for char in &chars {
            if *char < n {
                delta = delta.checked_add(1)?;
            }
            if *char == n {
                push_number(&mut output, delta, bias);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(output)
}

/// A number with digits of growing weight.
fn push_number(output: &mut String, number: u32, bias: u32) {
    let mut rest = number;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            break;
        }
        output.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
        rest = (rest - threshold) / (BASE - threshold);
        k += BASE;
    }
    output.push(digit(rest));
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE).unwrap_or('0')
}

/// RFC 3492, section 6.1.
fn adapt(delta: u32, handled: u32, is_first: bool) -> u32 {
    let mut delta = delta / if is_first { 700 } else { 2 };
    delta += delta / handled;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_registries_write_them() {
        for (host, expected) in [
            ("example.com", Some("example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("MÜNCHEN.de", Some("xn--mnchen-3ya.de")),
            ("straße.de", Some("xn--strae-oqa.de")),
            ("пример.испытание", Some("xn--e1afmkfd.xn--80akhbyknj4f")),
            ("例え.テスト", Some("xn--r8jz45g.xn--zckzah")),
            ("παράδειγμα.δοκιμή", Some("xn--hxajbheg2az3al.xn--jxalpdlp")),
            ("ａ.test", None),
            ("ﬁ.test", None),
            ("u\u{308}.test", None),
            ("a。test", None),
            ("☃.test", None),
        ] {
            assert_eq!(to_ascii(host).as_deref(), expected, "{host}");
        }
    }

    /// Samples of RFC 3492, section 7.1, without capitals.
    #[test]
    fn samples_of_the_rfc() {
        for (label, expected) in [
            ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
            ("למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"),
            (
                "почемужеонинеговорятпорусски",
                "b1abfaaepdrnnbgefbadotcwatmq2g4l",
            ),
            ("3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"),
        ] {
            assert_eq!(encode(label).as_deref(), Some(expected), "{label}");
        }
    }
}
