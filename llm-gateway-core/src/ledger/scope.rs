//! Scopes, sets of calls whose costs are added up within a month, and their totals.

use std::fmt;

use crate::model::{NanoUsd, ProviderName};

/// A set of calls whose costs are added up within a month, and can be capped together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scope {
    /// Scope of all calls.
    Total,
    /// Scope of the calls to one provider.
    Provider(ProviderName),
}

impl Scope {
    /// Reads a scope from the text that [`Display`](fmt::Display) writes. Returns `None` for a kind
    /// of scope that this version does not know.
    #[cfg(any(test, feature = "sqlite"))]
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "total").then_some(Self::Total),
            Some(("provider", name)) => ProviderName::new(name).ok().map(Self::Provider),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Provider(name) => write!(f, "provider:{name}"),
        }
    }
}

/// The total of one scope in a month: what its calls have cost, and what is held for calls under
/// way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeTotal {
    /// Scope whose calls are added up.
    pub scope: Scope,
    /// Sum of the settled costs.
    pub settled: NanoUsd,
    /// Sum of the holds that have not ended, those of dead processes included.
    pub held: NanoUsd,
}

impl ScopeTotal {
    /// Creates the total of a scope from its two sums.
    pub fn new(scope: Scope, settled: NanoUsd, held: NanoUsd) -> Self {
        Self { scope, settled, held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_it_prints() {
        let provider = Scope::Provider(ProviderName::new("my.ollama").unwrap());
        for scope in [Scope::Total, provider] {
            assert_eq!(Scope::read(&scope.to_string()), Some(scope));
        }
        assert_eq!(Scope::read("user:ann"), None);
    }
}
