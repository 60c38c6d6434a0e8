//! Words of a POSIX shell's line.

use crate::error::ToolError;

/// A text as one word of a POSIX shell's line, whatever is in it: `it's` becomes `'it'\''s'`.
///
/// ```
/// use toolbay_sdk::sanitize::shell_word;
///
/// assert_eq!(shell_word("notes.md")?, "notes.md");
/// assert_eq!(shell_word("a b; rm -rf ~")?, "'a b; rm -rf ~'");
/// assert_eq!(shell_word("it's")?, r"'it'\''s'");
/// assert_eq!(shell_word("")?, "''");
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// A program may take a word that begins with `-` for an option: put `--` before it, or `./`.
///
/// # Errors
/// `validation_error` where there is a NUL in it, which no word can have.
pub fn shell_word(text: &str) -> Result<String, ToolError> {
    if text.contains('\0') {
        return Err(ToolError::validation(
            "a word of a command has a NUL in it; leave it out",
        ));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// A program and its arguments as a POSIX shell's line that starts that program with those arguments and does nothing else.
///
/// ```
/// use toolbay_sdk::sanitize::shell_line;
/// assert_eq!(shell_line(["git", "log", "--author", "Ada; reboot"])?, "git log --author 'Ada; reboot'");
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// `validation_error` where there is no word, or a NUL in one.
pub fn shell_line<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, ToolError> {
    let words: Vec<String> = words
        .into_iter()
        .map(shell_word)
        .collect::<Result<_, _>>()?;
    match words.first().map(String::as_str) {
        None | Some("''") => Err(ToolError::validation("a command has no program; name one")),
        // The shell would set a variable, or run what it has built in under that name.
        Some(_) => Ok(words.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What a real shell makes of a line: the words, each with a NUL behind it.
    fn read_by_a_shell(words: &[String]) -> Vec<String> {
        let line = shell_line(
            ["printf", "%s\\0"]
                .into_iter()
                .chain(words.iter().map(String::as_str)),
        );
        let output = Command::new("sh")
            .args(["-c", &line.unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}");
        let read = String::from_utf8(output.stdout).unwrap();
        let mut read: Vec<String> = read.split('\0').map(str::to_owned).collect();
        assert_eq!(read.pop().as_deref(), Some(""));
        read
    }

    #[test]
    fn attacks_stay_words() {
        let attacks = [
            "; rm -rf /",
            "$(reboot)",
            "`reboot`",
            "| cat /etc/passwd",
            "&& id",
            "|| id",
            "> /tmp/x",
            "< /etc/passwd",
            "\nid\n",
            "'; id; '",
            "\"; id; \"",
            "\\",
            "\\'",
            "'",
            "''",
            "$HOME",
            "${IFS}",
            "*",
            "?",
            "[a-z]",
            "~",
            "#",
            "!!",
            "a=b",
            "{a,b}",
            "\t",
            " ",
            "-e",
            "é\u{202e}x",
            "\r",
        ];
        let words = attacks.map(str::to_owned);
        assert_eq!(read_by_a_shell(&words), words);
        assert!(shell_word("a\0b").is_err());
        assert!(shell_line([]).is_err() && shell_line([""]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn every_text_comes_back_as_it_was(words in prop::collection::vec("[^\0]{0,12}|[ '\"\\\\$`!*?~;&|<>(){}\n\t-]{0,12}", 1..8)) {
            prop_assert_eq!(read_by_a_shell(&words), words);
        }
    }
}
