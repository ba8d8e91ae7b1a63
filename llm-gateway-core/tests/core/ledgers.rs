//! Ledgers that answer less than they should.

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    By, Cap, Closing, Dropped, Hold, HoldRequest, Ledger, Month, ReserveError, Seat, Spent, Told,
    Unusable,
};

/// A ledger whose disk has gone: it sets anything aside, and never says that anything was written.
pub(crate) struct NeverWritten;

#[async_trait]
impl Ledger for NeverWritten {
    async fn reserve(
        &self,
        _: Month,
        calls: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Vec<Hold>, ReserveError> {
        Ok(calls.iter().map(|call| Hold::new(call.amount, Box::new(Self))).collect())
    }

    async fn spent(&self, _: Month, _: By) -> Result<Spent, Unusable> {
        std::future::pending().await
    }

    async fn drop_unsettled(&self, _: Month) -> Result<Dropped, Unusable> {
        std::future::pending().await
    }

    async fn drain(&self) -> Result<(), Unusable> {
        std::future::pending().await
    }
}

impl Seat for NeverWritten {
    fn close(self: Box<Self>, _: Closing, told: Told) {
        // Kept, so that who listens hears nothing.
        std::mem::forget(told);
    }
}

/// A ledger that somebody else keeps locked for ever.
pub(crate) struct Locked;

#[async_trait]
impl Ledger for Locked {
    async fn reserve(
        &self,
        _: Month,
        _: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Vec<Hold>, ReserveError> {
        std::future::pending().await
    }

    async fn spent(&self, _: Month, _: By) -> Result<Spent, Unusable> {
        std::future::pending().await
    }

    async fn drop_unsettled(&self, _: Month) -> Result<Dropped, Unusable> {
        std::future::pending().await
    }

    async fn drain(&self) -> Result<(), Unusable> {
        std::future::pending().await
    }
}
