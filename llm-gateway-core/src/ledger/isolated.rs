//! A ledger of the embedding program, whose panics and blocked threads take nobody along.
//!
//! The end of a hold is isolated where it is booked, in [`Hold`](super::Hold).

use std::sync::Arc;

use async_trait::async_trait;

use super::Ledger;
use super::cap::Cap;
use super::day::Day;
use super::error::{Problem, ReserveError, UnusableLedger};
use super::hold_request::HoldRequest;
use super::month::Month;
use super::period::Period;
use super::period_spend::{DroppedHolds, PeriodSpend, SpendBy};
use super::reserved::Reserved;
use crate::isolation::{Interrupted, isolated};

/// A ledger that runs another one in isolation.
pub(crate) struct IsolatedLedger(Arc<dyn Ledger>);

impl IsolatedLedger {
    /// Isolates a ledger.
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self(ledger)
    }
}

#[async_trait]
impl Ledger for IsolatedLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let ledger = Arc::clone(&self.0);
        let (attempts, caps) = (attempts.to_vec(), caps.to_vec());
        let reserved = isolated(async move { ledger.reserve(day, &attempts, &caps).await }).await;
        reserved.unwrap_or_else(|how| Err(unusable(how, "reserve").into()))
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let ledger = Arc::clone(&self.0);
        let spent = isolated(async move { ledger.spent(period, by).await }).await;
        spent.unwrap_or_else(|how| Err(unusable(how, "spent")))
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        let ledger = Arc::clone(&self.0);
        let dropped = isolated(async move { ledger.drop_unsettled(month).await }).await;
        dropped.unwrap_or_else(|how| Err(unusable(how, "drop_unsettled")))
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        let ledger = Arc::clone(&self.0);
        let drained = isolated(async move { ledger.drain().await }).await;
        drained.unwrap_or_else(|how| Err(unusable(how, "drain")))
    }
}

/// Creates the error of a ledger whose code came to no end in `step`.
fn unusable(how: Interrupted, step: &str) -> UnusableLedger {
    UnusableLedger::new(Problem::Interrupted, "of this program", format!("it {how} in `{step}`"))
}
