//! Monthly caps on what calls may cost.

use crate::model::NanoUsd;

use super::error::CapRefusal;
use super::month::Month;
use super::scope::{Scope, ScopeTotal};

/// The most that the calls of a scope may cost in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cap {
    /// Scope whose calls are capped.
    pub scope: Scope,
    /// The most that the scope's calls may cost together in a month. Reaching the limit is allowed.
    pub limit: NanoUsd,
}

impl Cap {
    /// Creates a cap of `limit` a month on the calls of `scope`.
    pub fn new(scope: Scope, limit: NanoUsd) -> Self {
        Self { scope, limit }
    }

    /// Checks whether calls that may cost `asked` fit under the cap in `month`: settled + held +
    /// asked must not be above the limit.
    ///
    /// Calls that ask for nothing are always allowed: a cap that is passed already is no reason to
    /// refuse a call to a local model. A total of another scope is not capped by this cap.
    ///
    /// # Errors
    /// [`CapRefusal`] with every figure.
    pub fn check(
        &self,
        month: Month,
        total: &ScopeTotal,
        asked: NanoUsd,
    ) -> Result<(), CapRefusal> {
        let sum: u128 =
            [total.settled, total.held, asked].map(|sum| sum.as_nanos().into()).iter().sum();
        let is_free = asked == NanoUsd::ZERO || total.scope != self.scope;
        match is_free || sum <= u128::from(self.limit.as_nanos()) {
            true => Ok(()),
            false => Err(CapRefusal::new(month, self.limit, total.clone(), asked)),
        }
    }
}
