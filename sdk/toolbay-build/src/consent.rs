//! Whether missing packages may be installed on this machine.

use std::env;
use std::io::{self, IsTerminal};

use anyhow::{Result, bail};

/// Whether missing packages may be installed on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// They are installed without a question.
    Given,
    /// A person sits at the terminal.
    Ask,
    /// They are not; an error says what to install.
    Refused,
}

impl Consent {
    /// Given by `--install` or in CI; to be asked for where a person sits at the terminal.
    pub fn new(install: bool) -> Self {
        if install || env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") {
            Self::Given
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::Ask
        } else {
            Self::Refused
        }
    }

    /// Goes ahead, or asks, or is an error that says the command to run.
    ///
    /// # Errors
    ///
    /// Without consent.
    pub fn require(self, say: &dyn Fn(&str), what: &str, command: &str) -> Result<()> {
        match self {
            Self::Given => {
                say(&format!("{what}: running\n  {command}"));
                return Ok(());
            }
            Self::Ask => {
                say(&format!(
                    "{what}. This installs it:\n\n  {command}\n\nRun it now? Type yes to run it:"
                ));
                let mut answer = String::new();
                io::stdin().read_line(&mut answer)?;
                if matches!(answer.trim(), "y" | "Y" | "yes") {
                    return Ok(());
                }
            }
            Self::Refused => {}
        }
        bail!("{what}\nhint: run `{command}`, or add `--install` to this command to have it run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_consent_the_error_says_the_command() {
        let error = Consent::Refused
            .require(&|_| {}, "wasm32-wasip2 is missing", "apt-get install x")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "wasm32-wasip2 is missing\nhint: run `apt-get install x`, or add `--install` to this command to have it run"
        );
    }
}
