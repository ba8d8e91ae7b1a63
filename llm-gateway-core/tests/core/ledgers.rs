//! Ledgers that answer less than they should.

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    By, Cap, Dropped, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, Month, MonthSpend,
    ReserveError, Unusable, WriteConfirmation,
};

/// A ledger that leaves whoever asks it waiting.
#[derive(Clone, Copy)]
pub(crate) enum Silent {
    /// Somebody else keeps it locked for ever.
    Locked,
    /// Its disk has gone: it sets anything aside, and never says that anything was written.
    NeverWritten,
}

#[async_trait]
impl Ledger for Silent {
    async fn reserve(
        &self,
        _: Month,
        calls: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Vec<Hold>, ReserveError> {
        match self {
            Self::Locked => std::future::pending().await,
            Self::NeverWritten => {
                Ok(calls.iter().map(|call| Hold::new(call.amount, Box::new(*self))).collect())
            }
        }
    }

    async fn spent(&self, _: Month, _: By) -> Result<MonthSpend, Unusable> {
        std::future::pending().await
    }

    async fn drop_unsettled(&self, _: Month) -> Result<Dropped, Unusable> {
        std::future::pending().await
    }

    async fn drain(&self) -> Result<(), Unusable> {
        std::future::pending().await
    }
}

impl HoldSlot for Silent {
    fn close(self: Box<Self>, _: HoldEnd, confirmation: WriteConfirmation) {
        // Kept, so that who listens hears nothing.
        std::mem::forget(confirmation);
    }
}
