//! Why a guest gave no result, and what wasmtime's errors mean.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

use super::files::MountFailure;
use super::guest::GuestState;
use super::limits::Refused;
use crate::text;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum GuestFailure {
    /// It ran, or waited for its turn, longer than it may.
    Deadline,
    /// The caller gave up.
    Cancelled,
    /// It asked for more memory than it may have.
    Memory,
    /// It asked for larger tables than a guest may have.
    Table,
    /// It opened more handles than a guest may hold.
    Handles,
    /// It called itself too deep.
    Stack,
    /// Its result is larger than it may be.
    ResultSize,
    /// It ended itself with this status.
    Exit(i32),
    /// One of its exports has another type than the interface says.
    Mismatch(String),
    /// It crashed; the sentence says how, as far as it can be told.
    Crash(String),
    /// A folder that it is to see is not there.
    Mount(MountFailure),
    /// All slots were taken until the deadline.
    NoSlot,
    /// The host itself could not run it.
    Host(String),
}

impl GuestFailure {
    /// The failure as a clause about the guest, without limits' figures, which only the caller knows.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Deadline => "it ran past its deadline".into(),
            Self::Cancelled => "it was cancelled".into(),
            Self::Memory => "it asked for more memory than it may have".into(),
            Self::Table => "it asked for larger tables than a guest may have".into(),
            Self::Mismatch(why) => why.clone(),
            Self::Handles => "it opened more handles than a guest may hold".into(),
            Self::Stack => "it called itself too deep".into(),
            Self::ResultSize => "it gave more data than it may".into(),
            Self::Exit(status) => {
                format!("it ended itself with status {status} instead of returning")
            }
            Self::Crash(why) => format!("it crashed: {why}"),
            Self::Mount(why) => why.to_string(),
            Self::NoSlot => "there was no free slot to run it in".into(),
            Self::Host(why) => format!("the host could not run it: {why}"),
        }
    }
}

/// The interruption that ends a guest whose time is up.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
pub(super) struct DeadlinePassed;

/// An export of another type than the interface says.
#[derive(Debug, thiserror::Error)]
#[error("its export `{export}` is not of the type that this host expects: {why}")]
pub(super) struct Mismatch {
    export: &'static str,
    why: String,
}

impl Mismatch {
    pub(super) fn of(export: &'static str, error: &wasmtime::Error) -> Self {
        let why = text::shorten(&text::escape(&format!("{error:#}")), 300);
        Self { export, why }
    }
}

/// What an error of wasmtime's means. What the guest was refused counts first: a Rust guest that gets no memory ends in
/// `unreachable`, which alone would say nothing.
pub(super) fn failure(error: &wasmtime::Error, state: &mut GuestState) -> GuestFailure {
    if error.is::<DeadlinePassed>() {
        return GuestFailure::Deadline;
    }
    if let Some(mismatch) = error.downcast_ref::<Mismatch>() {
        return GuestFailure::Mismatch(mismatch.to_string());
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return GuestFailure::Exit(*status);
    }
    match state.limiter.refused() {
        Some(Refused::Memory) => return GuestFailure::Memory,
        Some(Refused::Table) => return GuestFailure::Table,
        None => {}
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return GuestFailure::Stack;
    }
    if matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    ) {
        return GuestFailure::Handles;
    }
    // This error has no public type; a test with a guest of that kind keeps watch over its words.
    if error.chain().any(|cause| {
        cause
            .to_string()
            .contains("fuel allocated for hostcalls has been exhausted")
    }) {
        return GuestFailure::ResultSize;
    }
    GuestFailure::Crash(crash_sentence(error, trap, &state.output.tail()))
}

/// A Rust guest writes the reason for its panic to standard error before it traps, which says more than the trap does.
fn crash_sentence(error: &wasmtime::Error, trap: Option<&Trap>, tail: &[String]) -> String {
    const MAX_SENTENCE: usize = 400;
    if let Some(start) = tail.iter().rposition(|line| line.contains("panicked at ")) {
        // The line itself names a place in the source, which is in the log; the message follows it.
        let message: Vec<&str> = tail
            .iter()
            .skip(start + 1)
            .take_while(|line| !line.starts_with("note: "))
            .map(|line| line.trim())
            .collect();
        let message = text::shorten(&message.join(" "), MAX_SENTENCE);
        return if message.is_empty() {
            "it panicked".into()
        } else {
            format!("it panicked: {message}")
        };
    }
    match trap {
        // Rust guests keep their stack at the bottom of linear memory, where running over it is an access out of bounds.
        Some(Trap::MemoryOutOfBounds) => {
            "it accessed memory out of bounds; a recursion that is too deep can end like this"
                .into()
        }
        Some(Trap::UnreachableCodeReached) => "it aborted".into(),
        Some(trap) => text::escape(trap.to_string().trim_start_matches("wasm trap: ")),
        None => text::shorten(&text::escape(&error.root_cause().to_string()), MAX_SENTENCE),
    }
}
