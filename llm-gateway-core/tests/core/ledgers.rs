//! Ledgers that never answer.

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    Cap, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, Month, Period,
    PeriodSpend, ReserveError, Reserved, SpendBy, UnusableLedger, WriteConfirmation,
};

/// A ledger that keeps its callers waiting.
#[derive(Clone, Copy)]
pub(crate) enum Silent {
    /// Another process keeps the ledger locked for ever.
    Locked,
    /// The disk is gone: the ledger reserves everything, and never confirms that anything was
    /// written.
    NeverWritten,
}

#[async_trait]
impl Ledger for Silent {
    async fn reserve(
        &self,
        _: Day,
        calls: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        match self {
            Self::Locked => std::future::pending().await,
            Self::NeverWritten => {
                let hold = |call: &HoldRequest| Hold::new(call.amount, Box::new(*self));
                Ok(Reserved::new(calls.iter().map(hold).collect()))
            }
        }
    }

    async fn spent(&self, _: Period, _: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        std::future::pending().await
    }

    async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
        std::future::pending().await
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        std::future::pending().await
    }
}

impl HoldSlot for Silent {
    fn close(self: Box<Self>, _: HoldEnd, confirmation: WriteConfirmation) {
        // The sender is kept, so that the receiver waits for ever.
        std::mem::forget(confirmation);
    }
}
