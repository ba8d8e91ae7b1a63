//! A ledger of the embedding program, whose panics and blocked threads take nobody along, and whose
//! errors show no key: the address of a database, or the message of its driver, may hold a password.
//!
//! The end of a hold is isolated where it is booked, in [`Hold`](crate::ledger::Hold).

use std::sync::Arc;

use async_trait::async_trait;

use crate::isolation::{Interrupted, isolated};
use crate::ledger::{
    Cap, Day, DroppedHolds, HoldRequest, Ledger, Month, Period, PeriodSpend, Problem, ReserveError,
    Reserved, SpendBy, UnusableLedger,
};
use crate::transport::Scrubber;

/// A ledger that runs another one in isolation, and removes known keys from its errors.
pub(super) struct OwnLedger {
    own: Arc<dyn Ledger>,
    scrubber: Scrubber,
}

impl OwnLedger {
    /// Isolates a ledger. The keys that `scrubber` knows are removed from its errors.
    pub(super) fn new(own: Arc<dyn Ledger>, scrubber: Scrubber) -> Self {
        Self { own, scrubber }
    }

    /// Returns what the ledger answered in `step`, if it came to an end.
    fn answer<T>(
        &self,
        step: &str,
        answered: Result<Result<T, UnusableLedger>, Interrupted>,
    ) -> Result<T, UnusableLedger> {
        let answered = answered.unwrap_or_else(|how| Err(unusable(how, step)));
        answered.map_err(|error| self.without_keys(error))
    }

    fn without_keys(&self, error: UnusableLedger) -> UnusableLedger {
        let UnusableLedger { problem, place, detail } = error;
        UnusableLedger::new(problem, self.scrubber.scrub(&place), self.scrubber.scrub(&detail))
    }
}

#[async_trait]
impl Ledger for OwnLedger {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let ledger = Arc::clone(&self.own);
        let (attempts, caps) = (attempts.to_vec(), caps.to_vec());
        let reserved = isolated(async move { ledger.reserve(day, &attempts, &caps).await }).await;
        reserved.unwrap_or_else(|how| Err(unusable(how, "reserve").into())).map_err(|error| {
            match error {
                ReserveError::Unusable(unusable) => self.without_keys(unusable).into(),
                refused @ ReserveError::Refused(_) => refused,
            }
        })
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let ledger = Arc::clone(&self.own);
        let spent = isolated(async move { ledger.spent(period, by).await }).await;
        self.answer("spent", spent)
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        let ledger = Arc::clone(&self.own);
        let dropped = isolated(async move { ledger.drop_unsettled(month).await }).await;
        self.answer("drop_unsettled", dropped)
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        let ledger = Arc::clone(&self.own);
        let drained = isolated(async move { ledger.drain().await }).await;
        self.answer("drain", drained)
    }

    fn needs_isolation(&self) -> bool {
        // What it runs is isolated already, also where another gateway is built with it.
        false
    }
}

/// Creates the error of a ledger whose code came to no end in `step`.
fn unusable(how: Interrupted, step: &str) -> UnusableLedger {
    UnusableLedger::new(Problem::Interrupted, "of this program", format!("it {how} in `{step}`"))
}
