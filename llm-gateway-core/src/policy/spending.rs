//! What the environment says about spending: the ledger and its caps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{NanoUsd, ProviderName};

/// Where money is counted, and how much of it there is in a month. Off by default; any cap
/// turns the ledger on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Spending {
    /// The ledger's file; `None` = money is not counted.
    pub ledger: Option<PathBuf>,
    /// The most that everything together may cost.
    pub total_cap: Option<NanoUsd>,
    /// The most that each provider may cost.
    pub provider_caps: BTreeMap<ProviderName, NanoUsd>,
}

impl Spending {
    /// Whether any cap is set.
    pub fn is_capped(&self) -> bool {
        self.total_cap.is_some() || !self.provider_caps.is_empty()
    }

    /// Whether a call to `provider` counts against a cap.
    pub fn caps(&self, provider: &ProviderName) -> bool {
        self.total_cap.is_some() || self.provider_caps.contains_key(provider)
    }
}
