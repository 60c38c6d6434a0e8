//! What a client of the modern era keeps while its user thinks: sealed, for this call of this caller, once.

use rmcp::model::ErrorData;
use serde::{Deserialize, Serialize};

use super::super::dialogue;
use super::asking::{Asking, foreign_state};
use crate::call::{CallEnd, CallError, ErrorCode, Round};
use crate::digest::Digest;
use crate::seal::{For, nonce_of};

const PURPOSE: &str = "request-state";

/// The call that a state is good for, and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    method: String,
    target: String,
    arguments: String,
    pub(super) component: String,
    pub(super) why: Why,
}

/// What is waited for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Why {
    /// Whether the call may be made.
    Allow,
    /// What the guest asked.
    Input {
        /// What was answered before.
        rounds: Vec<Round>,
        /// The digest of the questions that are open.
        pending: String,
        /// Whether the guest has changed something already.
        wrote: bool,
        /// Whether the user has allowed the call.
        consent: bool,
    },
}

/// A state that came back.
pub(super) struct Resumed {
    pub(super) state: State,
    pub(super) nonce: u128,
}

impl Asking<'_> {
    fn state(&self, why: Why, component: &str) -> State {
        State {
            method: self.method.as_str().to_owned(),
            target: self.target.to_owned(),
            arguments: Digest::of(self.params.arguments_text().as_bytes()).to_string(),
            component: component.to_owned(),
            why,
        }
    }

    fn whom(&self) -> For<'_> {
        For {
            purpose: PURPOSE,
            principal: &self.session.principal.name,
        }
    }

    /// The sealed state, and what tells it from all others.
    pub(super) fn seal(&self, why: Why, component: &str) -> (String, u128) {
        let state = self.state(why, component);
        let sealed = self.host.seal.seal(self.whom(), dialogue::LIFETIME, &state);
        let nonce = nonce_of(&sealed).unwrap_or_default();
        (sealed, nonce)
    }

    /// Opens a state and uses it up.
    ///
    /// # Errors
    ///
    /// A state that was not sealed for this call of this caller, is too old, or was used before.
    pub(super) async fn open(&self, sealed: &str) -> Result<Resumed, ErrorData> {
        let opened = self
            .host
            .seal
            .open::<State>(self.whom(), sealed)
            .map_err(|_| foreign_state())?;
        let state = &opened.content;
        let own = self.state(Why::Allow, "");
        let fits = state.method == own.method
            && state.target == own.target
            && state.arguments == own.arguments;
        if !fits {
            return Err(foreign_state());
        }
        self.host
            .seal
            .spend(&opened)
            .await
            .map_err(|_| foreign_state())?;
        Ok(Resumed {
            nonce: opened.nonce(),
            state: opened.content,
        })
    }

    /// The guest that waited is gone, and had changed something.
    pub(super) fn not_again(&self) -> CallEnd {
        self.conflict(
            "the call cannot be gone on with: the guest that waited for the answer is gone, and it had changed something before it asked",
            "it is not run again, since it might do the same twice; look at what was done, and call anew if that is right",
        )
    }

    /// Run again, the guest asks something else.
    pub(super) fn asks_something_else(&self) -> CallEnd {
        self.conflict(
            "the call cannot be gone on with: the guest was run again, and is another build than before or asks something else",
            "nothing was done with the answers; call again from the beginning, without `requestState`",
        )
    }

    fn conflict(&self, message: &str, hint: &str) -> CallEnd {
        let mut error =
            CallError::new(ErrorCode::Conflict, format!("`{}`: {message}", self.target));
        error.hint = Some(hint.to_owned());
        error.into()
    }
}
