//! The guard of money that is set aside. **One hold is one attempt.**

use std::fmt;

use tokio::sync::oneshot;

use crate::model::{CostBasis, NanoUsd};

use super::error::Unusable;

/// How a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldEnd {
    /// The attempt cost something: this replaces the hold, even where it is above it.
    Settled {
        /// What it cost.
        cost: NanoUsd,
        /// How well that is known.
        basis: CostBasis,
    },
    /// Nothing was billed.
    Released,
}

/// A place at a ledger, kept for the end of one hold. Implement it to write a ledger.
pub trait HoldSlot: Send + Sync {
    /// Books the end of the hold. It must neither block nor fail for want of room: it also
    /// runs where a future is dropped.
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation);
}

/// Hears whether the end of a hold was written, if anybody listens.
#[derive(Debug)]
pub struct WriteConfirmation(Option<oneshot::Sender<Result<(), Unusable>>>);

impl WriteConfirmation {
    /// Tells the listener.
    pub fn send(self, result: Result<(), Unusable>) {
        // A listener who left has nothing to hear.
        let _ = self.0.map(|listener| listener.send(result));
    }

    /// For an end that nobody waits for.
    pub(super) fn unawaited() -> Self {
        Self(None)
    }
}

/// Money that is set aside for one attempt.
///
/// Dropped before [`sent`](Self::sent) it is released; dropped after it, it is settled at its
/// whole amount, as estimated: nobody knows what a call costs that was under way.
#[must_use = "a hold that is dropped gives its money back"]
pub struct Hold {
    amount: NanoUsd,
    stage: Stage,
    slot: Option<Box<dyn HoldSlot>>,
}

/// How far the attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reserved,
    Sent,
}

impl Hold {
    /// Guards `amount`, whose end goes to `slot`.
    pub fn new(amount: NanoUsd, slot: Box<dyn HoldSlot>) -> Self {
        Self { amount, stage: Stage::Reserved, slot: Some(slot) }
    }

    /// What is set aside.
    pub fn amount(&self) -> NanoUsd {
        self.amount
    }

    /// The same with what `more` sets aside: money for one attempt, which ends as one.
    pub(crate) fn joined(mut self, mut more: Self) -> Self {
        if let (Some(first), Some(second)) = (self.slot.take(), more.slot.take()) {
            self.slot = Some(Box::new(Joined { first, second }));
            self.amount = self.amount.saturating_add(more.amount);
        }
        self
    }

    /// Says that the first byte of the request is about to leave.
    pub fn sent(&mut self) {
        self.stage = Stage::Sent;
    }

    /// Replaces the hold by what the attempt cost. A cost above the hold is booked as it is.
    /// It is on its way when this returns; the future waits until it is written.
    ///
    /// # Errors
    /// [`Unusable`] where it could not be written: the hold then stays counted in its place,
    /// and the ledger tries again with whatever it writes next.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn settle(
        self,
        cost: NanoUsd,
        basis: CostBasis,
    ) -> impl Future<Output = Result<(), Unusable>> + Send + 'static {
        self.close(HoldEnd::Settled { cost, basis })
    }

    /// Gives the money back, where provably nothing was billed: a refused connection, or an
    /// HTTP error status. See [`settle`](Self::settle) for the rest.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub fn release(self) -> impl Future<Output = Result<(), Unusable>> + Send + 'static {
        self.close(HoldEnd::Released)
    }

    fn close(
        mut self,
        end: HoldEnd,
    ) -> impl Future<Output = Result<(), Unusable>> + Send + 'static {
        let (confirmation, written) = oneshot::channel();
        if let Some(slot) = self.slot.take() {
            slot.close(end, WriteConfirmation(Some(confirmation)));
        }
        async { written.await.unwrap_or_else(|_| Err(Unusable::stopped("of this process"))) }
    }
}

/// The places of two holds that end as one.
struct Joined {
    first: Box<dyn HoldSlot>,
    second: Box<dyn HoldSlot>,
}

impl HoldSlot for Joined {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        // What it cost is booked whole before the second gives anything back: in between the
        // money is counted twice, never too little.
        self.first.close(end, confirmation);
        self.second.close(HoldEnd::Released, WriteConfirmation::unawaited());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let end = match self.stage {
            Stage::Reserved => HoldEnd::Released,
            Stage::Sent => HoldEnd::Settled { cost: self.amount, basis: CostBasis::Estimated },
        };
        if let Some(slot) = self.slot.take() {
            slot.close(end, WriteConfirmation::unawaited());
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { amount, stage, .. } = self;
        f.debug_struct("Hold").field("amount", amount).field("stage", stage).finish_non_exhaustive()
    }
}
