//! Outside the sandbox nothing is sent: a test would otherwise reach what its author never granted.

use super::exchange::{Answer, Hop};
use crate::error::ToolError;

pub(super) fn send(hop: &Hop<'_>) -> Result<Answer, ToolError> {
    Err(ToolError::unavailable(format!(
        "{hop} was not sent: requests run only inside the sandbox, in a component that the host runs"
    )))
}
