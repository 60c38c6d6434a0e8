//! Addresses for mail.

use std::fmt;
use std::str::FromStr;

use super::shown;
use crate::error::ToolError;

/// What may stand in a local part besides letters and digits (RFC 5321, `Atext`).
const MARKS: &str = "!#$%&'*+-/=?^_`{|}~";

/// An e-mail address, `ada@example.com`, as people have them: a local part of at most 64 characters with dots between its parts, and a host's name (RFC 5321,
/// section 4.1.2). Quoted local parts, addresses of machines in brackets, and characters beyond ASCII are refused. An internationalised name is taken in its form
/// in ASCII, `xn--…`, and not decoded here: an argument's is, by the host. Whether anybody reads it is another matter.
///
/// ```
/// use toolbay_sdk::{Email, ToolError};
///
/// let email: Email = "ada.lovelace+notes@Example.com".parse()?;
/// assert_eq!((email.local_part(), email.domain()), ("ada.lovelace+notes", "Example.com"));
/// assert_eq!(email.as_str(), "ada.lovelace+notes@Example.com");
/// assert!("ada at example.com".parse::<Email>().is_err());
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// All of it, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// What stands after the `@`. Upper and lower case mean the same there.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for Email {
    type Err = ToolError;

    /// # Errors
    /// `validation_error` that says what is wrong with the text.
    fn from_str(text: &str) -> Result<Self, ToolError> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(ToolError::validation(format!(
                "`{}` is no e-mail address: {why}; write it as ada@example.com",
                shown(text)
            ))),
        }
    }
}

fn fault(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.split_once('@') else {
        return Some("there is no `@` in it");
    };
    let is_atom = |part: &str| {
        let allowed = |char: char| char.is_ascii_alphanumeric() || MARKS.contains(char);
        !part.is_empty() && part.chars().all(allowed)
    };
    if local.len() > 64 {
        return Some("more than 64 characters stand before the `@`");
    }
    if !local.split('.').all(is_atom) {
        return Some(
            "before the `@` there are letters, digits and marks such as `+` and `-`, with single dots between them",
        );
    }
    let is_label = |label: &str| {
        let encoded = label
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        let reserved = label.get(2..4) == Some("--") && !encoded;
        let ends_well = !label.starts_with('-') && !label.ends_with('-');
        let characters = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && ends_well && characters && !reserved
    };
    if domain.len() > 253 || !domain.split('.').all(is_label) {
        return Some(
            "after the `@` there is the name of a host: letters, digits and `-`, with single dots between its parts",
        );
    }
    None
}

impl AsRef<str> for Email {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        let said = [
            "ada",
            "@example.com",
            "a..b@example.com",
            "\"a b\"@example.com",
            "ada@exam_ple.com",
            "ada@[127.0.0.1]",
            "ada@example.com@example.com",
            "ada@-example.com",
            "Ada <ada@example.com>",
        ]
        .map(|text| text.parse::<Email>().unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @r#"
        `ada` is no e-mail address: there is no `@` in it; write it as ada@example.com
        `@example.com` is no e-mail address: before the `@` there are letters, digits and marks such as `+` and `-`, with single dots between them; write it as ada@example.com
        `a..b@example.com` is no e-mail address: before the `@` there are letters, digits and marks such as `+` and `-`, with single dots between them; write it as ada@example.com
        `\"a b\"@example.com` is no e-mail address: before the `@` there are letters, digits and marks such as `+` and `-`, with single dots between them; write it as ada@example.com
        `ada@exam_ple.com` is no e-mail address: after the `@` there is the name of a host: letters, digits and `-`, with single dots between its parts; write it as ada@example.com
        `ada@[127.0.0.1]` is no e-mail address: after the `@` there is the name of a host: letters, digits and `-`, with single dots between its parts; write it as ada@example.com
        `ada@example.com@example.com` is no e-mail address: after the `@` there is the name of a host: letters, digits and `-`, with single dots between its parts; write it as ada@example.com
        `ada@-example.com` is no e-mail address: after the `@` there is the name of a host: letters, digits and `-`, with single dots between its parts; write it as ada@example.com
        `Ada <ada@example.com>` is no e-mail address: before the `@` there are letters, digits and marks such as `+` and `-`, with single dots between them; write it as ada@example.com
        "#);
        assert!(
            format!("{}@x.test", "a".repeat(65))
                .parse::<Email>()
                .is_err()
        );
        assert!("a@localhost".parse::<Email>().is_ok());
    }
}
