//! What money is counted by within a month.

use std::fmt;

use crate::model::ProviderName;

/// Something that money is counted by within a month.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scope {
    /// Everything.
    Total,
    /// What goes to one provider.
    Provider(ProviderName),
}

impl Scope {
    /// Reads what [`Display`](fmt::Display) prints; `None` for a kind that this version does
    /// not know.
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
