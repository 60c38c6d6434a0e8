//! The import `cursors`: places in a guest's lists, sealed for its tool and its caller.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::cursors::toolbay::plugin::cursors::{self, Host};
use super::guest::GuestState;
use crate::seal::For;

/// The longest position, in bytes.
const MAX_POSITION: usize = 2048;

/// Offers the import to every component. It gives nothing that a guest does not have, so it needs no permission.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    cursors::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl Host for GuestState {
    fn seal(&mut self, position: Vec<u8>) -> Result<String, String> {
        if position.len() > MAX_POSITION {
            return Err(format!(
                "a cursor's position has {} bytes, and {MAX_POSITION} are the most",
                position.len()
            ));
        }
        Ok(self.seal.stamp(self.whose(), &self.place(), &position))
    }

    fn open(&mut self, cursor: String) -> Option<Vec<u8>> {
        self.seal.stamped(self.whose(), &self.place(), &cursor)
    }
}

impl GuestState {
    fn whose(&self) -> For<'_> {
        For {
            purpose: "guest-cursor",
            principal: &self.reach.principal,
        }
    }

    /// The tool whose lists they are. No name has a zero byte.
    fn place(&self) -> String {
        let (scope, label) = (&self.reach.scope, &self.label);
        format!("{scope}\0{}\0{}", label.plugin, label.tool)
    }
}
