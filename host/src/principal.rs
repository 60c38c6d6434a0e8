//! Who calls: the local user, or whoever holds a token. What a call leaves behind (key-value state, the audit log) is kept by the principal's name.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The local user's name, which no token can have.
pub(crate) const LOCAL: &str = "local";

/// A caller. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) name: Arc<str>,
    scopes: Scopes,
}

/// What a caller may do beyond calling tools that ask for no scope.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scopes {
    All,
    These(Arc<BTreeSet<String>>),
}

impl Principal {
    /// The user of this machine: on standard input and output, on the command line, and over HTTP where there are no tokens. Holds every scope.
    pub(crate) fn local() -> Self {
        Self {
            name: LOCAL.into(),
            scopes: Scopes::All,
        }
    }

    /// Whoever holds the token of this name.
    pub(crate) fn of_token(name: &str, scopes: BTreeSet<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Scopes::These(scopes.into()),
        }
    }

    /// Whether the caller holds this scope.
    pub(crate) fn holds(&self, scope: &str) -> bool {
        match &self.scopes {
            Scopes::All => true,
            Scopes::These(scopes) => scopes.contains(scope),
        }
    }
}

impl Default for Principal {
    fn default() -> Self {
        Self::local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_user_holds_every_scope_and_a_token_its_own() {
        assert!(Principal::local().holds("admin:delete"));
        let token = Principal::of_token("ci", ["read".to_owned()].into());
        assert!(token.holds("read"));
        assert!(!token.holds("admin:delete"));
    }
}
