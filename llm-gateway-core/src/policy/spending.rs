//! The monthly spending rules, which come from the environment: the ledger and its caps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{NanoUsd, ProviderName};

/// The spending rules: where money is counted, and how much may be spent in a month. Nothing is
/// counted by default; any cap turns the ledger on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Spending {
    /// The file of the ledger; `None` = money is not counted.
    pub ledger: Option<PathBuf>,
    /// The most that all calls of a month may cost together; `None` = no cap.
    pub total_cap: Option<NanoUsd>,
    /// The monthly caps of providers: the most that the calls of a month to each may cost.
    pub provider_caps: BTreeMap<ProviderName, NanoUsd>,
}

impl Spending {
    /// Returns whether any monthly cap is set.
    pub fn is_capped(&self) -> bool {
        self.total_cap.is_some() || !self.provider_caps.is_empty()
    }

    /// Returns whether a call to `provider` counts against any monthly cap.
    pub fn caps(&self, provider: &ProviderName) -> bool {
        self.total_cap.is_some() || self.provider_caps.contains_key(provider)
    }
}
