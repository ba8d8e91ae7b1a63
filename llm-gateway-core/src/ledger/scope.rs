//! Scopes, sets of calls whose costs are added up within a period, and their totals.

use std::fmt;

use crate::model::{NanoUsd, ProviderName, TaskClass};

use super::period::{Per, Period};

/// A set of calls whose costs are added up within a period, and can be capped together. It is
/// written as `total`, `provider:NAME` or `class:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scope {
    /// Scope of all calls.
    Total,
    /// Scope of the calls to one provider.
    Provider(ProviderName),
    /// Scope of the calls for one task class, in which every call counts. The calls of an
    /// orchestration count in the class `orchestrate`.
    Class(TaskClass),
}

impl Scope {
    /// Returns whether a call to `provider` for the task class `class` counts in the scope.
    pub fn counts(&self, provider: &ProviderName, class: &TaskClass) -> bool {
        match self {
            Self::Total => true,
            Self::Provider(name) => name == provider,
            Self::Class(name) => name == class,
        }
    }

    /// Returns the name of the scope in reports and envelopes: `total`, the name of a provider, or
    /// `class:NAME`. No provider can be capped under the name `total`, because the variable that
    /// would cap it caps the total.
    pub fn key(&self) -> String {
        match self {
            Self::Provider(name) => name.to_string(),
            Self::Total | Self::Class(_) => self.to_string(),
        }
    }

    /// Reads a scope from the text that [`Display`](fmt::Display) writes. Returns `None` for a kind
    /// of scope that this version does not know.
    #[cfg(any(test, feature = "sqlite"))]
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "total").then_some(Self::Total),
            Some(("provider", name)) => ProviderName::new(name).ok().map(Self::Provider),
            Some(("class", name)) => TaskClass::new(name).ok().map(Self::Class),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Provider(name) => write!(f, "provider:{name}"),
            Self::Class(name) => write!(f, "class:{name}"),
        }
    }
}

/// A scope, displayed as a sentence names it, such as "everything".
pub(super) struct ScopeName<'a>(pub(super) &'a Scope);

impl fmt::Display for ScopeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Scope::Total => f.write_str("everything"),
            Scope::Provider(name) => write!(f, "provider `{name}`"),
            Scope::Class(name) => write!(f, "task class `{name}`"),
        }
    }
}

/// The total of one scope in one period: what its calls have cost, and what is held for calls under
/// way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeTotal {
    /// Period whose calls are added up; `None` = the life of this process.
    pub period: Option<Period>,
    /// Scope whose calls are added up.
    pub scope: Scope,
    /// Sum of the settled costs.
    pub settled: NanoUsd,
    /// Sum of the holds that have not ended, those of dead processes included.
    pub held: NanoUsd,
    /// The part of the held money that is held by processes that ended. Only reports of a ledger
    /// look for it; elsewhere it is zero.
    pub unsettled: NanoUsd,
}

impl ScopeTotal {
    /// Creates the total of a scope in a period from its two sums.
    pub fn new(period: Period, scope: Scope, settled: NanoUsd, held: NanoUsd) -> Self {
        Self { period: Some(period), scope, settled, held, unsettled: NanoUsd::ZERO }
    }

    /// Creates the total of a scope in the life of this process from its two sums. No ledger
    /// counts it.
    pub fn of_session(scope: Scope, settled: NanoUsd, held: NanoUsd) -> Self {
        Self { period: None, scope, settled, held, unsettled: NanoUsd::ZERO }
    }

    /// Sets the part of the held money that is held by processes that ended.
    #[must_use]
    pub fn with_unsettled(self, unsettled: NanoUsd) -> Self {
        Self { unsettled, ..self }
    }

    /// Returns the length of time over which the calls are added up.
    pub fn per(&self) -> Per {
        self.period.map_or(Per::Session, Period::per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_it_prints() {
        let provider = Scope::Provider(ProviderName::new("my.ollama").unwrap());
        let class = Scope::Class(TaskClass::new("quick_answer").unwrap());
        for scope in [Scope::Total, provider, class] {
            assert_eq!(Scope::read(&scope.to_string()), Some(scope));
        }
        for unknown in ["user:ann", "", "class", "class:", "provider:", "total:", "class:a b"] {
            assert_eq!(Scope::read(unknown), None, "{unknown:?}");
        }
    }
}
