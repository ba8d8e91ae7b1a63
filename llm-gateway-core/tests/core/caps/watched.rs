//! A ledger in memory whose reservations are counted, and between whose reservations other
//! processes can spend.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    Cap, Day, DroppedHolds, HoldRequest, Ledger, MemoryLedger, Month, Period, PeriodSpend, Problem,
    ReserveError, Reserved, SpendBy, UnusableLedger,
};
use llm_gateway_core::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};

/// A ledger that is watched.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) books: MemoryLedger,
    /// The amount in nano-dollars that another process spends before a reservation, by the number
    /// of the reservation from 1.
    others: BTreeMap<usize, u64>,
    reservations: AtomicUsize,
    is_unreadable: AtomicBool,
    /// How often a reservation lets others work before it is made.
    yields: usize,
}

impl Watched {
    /// Lets another process spend `nanos` before the reservation with this number.
    pub(super) fn spent_before(mut self, reservation: usize, nanos: u64) -> Self {
        self.others.insert(reservation, nanos);
        self
    }

    /// Lets others work `times` times before each reservation.
    pub(super) fn yielding(mut self, times: usize) -> Self {
        self.yields = times;
        self
    }

    /// Lets no report be read from now on.
    pub(super) fn close(&self) {
        self.is_unreadable.store(true, Ordering::Relaxed);
    }

    pub(super) fn reservations(&self) -> usize {
        self.reservations.load(Ordering::Relaxed)
    }
}

/// Books a call of another process to `openai`.
pub(super) async fn another_spends(books: &MemoryLedger, day: Day, nanos: u64) {
    let target =
        Target::new(ProviderName::new("openai").unwrap(), ModelId::new("another").unwrap());
    let cost = NanoUsd::from_nanos(nanos);
    let request = HoldRequest::new(target, TaskClass::new("another").unwrap(), cost);
    let hold = books.reserve_one(day, request, &[]).await.unwrap();
    hold.settle(cost, CostBasis::Exact).await.unwrap();
}

#[async_trait]
impl Ledger for Watched {
    async fn reserve(
        &self,
        day: Day,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        for _ in 0..self.yields {
            tokio::task::yield_now().await;
        }
        let number = self.reservations.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(nanos) = self.others.get(&number) {
            another_spends(&self.books, day, *nanos).await;
        }
        self.books.reserve(day, attempts, caps).await
    }

    async fn spent(&self, period: Period, by: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        match self.is_unreadable.load(Ordering::Relaxed) {
            true => Err(UnusableLedger::new(Problem::Locked, "watched", "closed")),
            false => self.books.spent(period, by).await,
        }
    }

    async fn drop_unsettled(&self, month: Month) -> Result<DroppedHolds, UnusableLedger> {
        self.books.drop_unsettled(month).await
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        self.books.drain().await
    }
}
