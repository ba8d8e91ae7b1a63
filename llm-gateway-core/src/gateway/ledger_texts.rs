//! Keeps known keys out of what a program's own ledger says of itself: the address of a database,
//! or the message of its driver, may hold a password.

use std::sync::Arc;

use async_trait::async_trait;

use crate::ledger::{
    Cap, Day, DroppedHolds, HoldRequest, Ledger, Month, Period, PeriodSpend, ReserveError,
    Reserved, SpendBy, UnusableLedger,
};
use crate::transport::Scrubber;

/// Returns a program's own ledger, from whose errors the keys that `scrubber` knows are removed.
/// The ledgers of this crate, and those of another gateway, are returned as they are.
pub(super) fn without_keys(own: Arc<dyn Ledger>, scrubber: &Scrubber) -> Arc<dyn Ledger> {
    match own.needs_isolation() {
        true => Arc::new(ScrubbedLedger { own, scrubber: scrubber.clone() }),
        false => own,
    }
}

/// A ledger from whose errors known keys are removed.
struct ScrubbedLedger {
    own: Arc<dyn Ledger>,
    scrubber: Scrubber,
}

impl ScrubbedLedger {
    fn clean(&self, error: UnusableLedger) -> UnusableLedger {
        let UnusableLedger { problem, place, detail } = error;
        UnusableLedger::new(problem, self.scrubber.scrub(&place), self.scrubber.scrub(&detail))
    }
}

#[async_trait]
impl Ledger for ScrubbedLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let reserved = self.own.reserve(day, attempts, caps).await;
        reserved.map_err(|error| match error {
            ReserveError::Unusable(unusable) => self.clean(unusable).into(),
            refused @ ReserveError::Refused(_) => refused,
        })
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        self.own.spent(period, by).await.map_err(|error| self.clean(error))
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        self.own.drop_unsettled(month).await.map_err(|error| self.clean(error))
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        self.own.drain().await.map_err(|error| self.clean(error))
    }

    fn needs_isolation(&self) -> bool {
        // What it wraps is isolated already.
        false
    }
}
