//! The ledger port: money is set aside before a call leaves, and settled after it.
//!
//! [`Ledger::reserve`] is one atomic step: it holds several calls against every cap (settled
//! money + held money + what is asked) and books all of them or none. Each call gets a
//! [`Hold`], which covers one attempt and gives itself back whatever happens. What was held
//! by a process that died stays counted, as *unsettled*, until somebody says otherwise.
//!
//! A ledger knows no prices and no policy: amounts and caps are arguments, and so is the
//! month. [`MemoryLedger`] forgets with its process; [`SqliteLedger`] is one file that all
//! processes of a user share. Both pass the same tests.

mod cap;
mod error;
mod hold;
mod memory;
mod month;
mod month_spend;
mod scope;
#[cfg(feature = "sqlite")]
mod sqlite;

use async_trait::async_trait;

pub use cap::{Cap, HoldRequest};
pub use error::{Problem, Refused, ReserveError, Unusable};
pub use hold::{Hold, HoldEnd, HoldSlot, WriteConfirmation};
pub use memory::MemoryLedger;
pub use month::{InvalidMonth, Month};
pub use month_spend::{By, Dropped, MonthSpend, ScopeTotal, SpentRow};
pub use scope::Scope;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;

/// Something that keeps count of money.
///
/// ```
/// use llm_gateway_core::ledger::{By, Cap, HoldRequest, Ledger, MemoryLedger, Month, Scope};
/// use llm_gateway_core::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = Target::new(ProviderName::new("openai")?, ModelId::new("gpt-6-luna")?);
/// let worst_case = NanoUsd::parse_usd("0.60")?;
/// let call = HoldRequest::new(target, TaskClass::new("quick_answer")?, worst_case);
/// let caps = [Cap::new(Scope::Total, NanoUsd::parse_usd("1.00")?)];
/// let (ledger, month) = (MemoryLedger::new(), Month::parse("2026-11")?);
///
/// let mut hold = ledger.reserve_one(month, call.clone(), &caps).await?;
/// // A second one does not fit while the first is held ...
/// assert!(ledger.reserve_one(month, call.clone(), &caps).await.is_err());
/// hold.sent();
/// hold.settle(NanoUsd::parse_usd("0.01")?, CostBasis::Exact).await?;
/// // ... and does when that turned out cheap.
/// ledger.reserve_one(month, call, &caps).await?.release().await?;
/// assert_eq!(ledger.spent(month, By::Provider).await?.settled, NanoUsd::parse_usd("0.01")?);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Sets money aside for `calls`, for all of them or for none, in their order.
    ///
    /// Each scope that a call counts in is held against its cap: settled + held + asked must
    /// not be above it. Caps of scopes that no call counts in say nothing, and what asks for
    /// nothing is always allowed.
    ///
    /// # Errors
    /// [`ReserveError::Refused`] names the first cap that does not allow it;
    /// [`ReserveError::Unusable`] says what is wrong with the ledger.
    ///
    /// # Cancel safety
    /// What was booked for a dropped future is released.
    async fn reserve(
        &self,
        month: Month,
        calls: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Vec<Hold>, ReserveError>;

    /// What `month` has cost so far, and what is held in it.
    ///
    /// # Errors
    /// [`Unusable`] says what is wrong with the ledger.
    async fn spent(&self, month: Month, by: By) -> Result<MonthSpend, Unusable>;

    /// Gives back what dead processes held in `month`. It never touches what a living one
    /// holds.
    ///
    /// # Errors
    /// [`Unusable`] says what is wrong with the ledger.
    async fn drop_unsettled(&self, month: Month) -> Result<Dropped, Unusable>;

    /// Returns when everything that was settled, released or dropped before is written: the
    /// last thing to do before a process ends.
    ///
    /// # Errors
    /// [`Unusable`] where something could not be written. It then stays counted at its hold.
    async fn drain(&self) -> Result<(), Unusable>;

    /// Sets money aside for one call. See [`reserve`](Self::reserve).
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve).
    async fn reserve_one(
        &self,
        month: Month,
        call: HoldRequest,
        caps: &[Cap],
    ) -> Result<Hold, ReserveError> {
        let holds = self.reserve(month, &[call], caps).await?;
        holds.into_iter().next().ok_or_else(|| Unusable::stopped("the ledger").into())
    }
}

#[cfg(test)]
mod tests;
