//! The hold, a guard of money that is set aside. **One hold is one attempt.**

use std::fmt;

use tokio::sync::oneshot;

use crate::isolation::caught;
use crate::model::{CostBasis, NanoUsd};
use crate::runtime::in_real_time;

use super::error::UnusableLedger;

/// The end of a hold: settled at a cost, or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldEnd {
    /// The hold is settled: the cost of its attempt replaces it, even if that cost is higher.
    #[non_exhaustive]
    Settled {
        /// The cost of the attempt.
        cost: NanoUsd,
        /// The basis of the cost: how certain it is.
        basis: CostBasis,
    },
    /// The hold is released: its attempt has cost nothing, and the money is free again.
    Released,
}

/// The place in a ledger where the end of one hold is booked. A program with its own
/// [`Ledger`](super::Ledger) implements this trait.
pub trait HoldSlot: Send + Sync {
    /// Books the end of the hold, and reports it through `confirmation` once it is written.
    ///
    /// This is also called when a future is dropped. It must therefore neither block nor fail for
    /// lack of room, such as a full queue.
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation);
}

/// The channel by which a ledger reports that the end of a hold was written, or why it could not
/// be.
///
/// Whoever settled the hold may be waiting for the report. If the confirmation is dropped without a
/// report, they receive the error of a ledger that has stopped.
#[derive(Debug)]
pub struct WriteConfirmation(Option<oneshot::Sender<Result<(), UnusableLedger>>>);

impl WriteConfirmation {
    /// Reports whether the end of the hold was written. Whoever waits for the confirmation receives
    /// the report.
    pub fn send(self, result: Result<(), UnusableLedger>) {
        // Whoever waited may have left, and then has nothing to hear.
        let _ = self.0.map(|waiting| waiting.send(result));
    }

    /// Creates the confirmation of an end that nobody waits for.
    pub(super) fn unawaited() -> Self {
        Self(None)
    }
}

/// Money that is set aside for one attempt.
///
/// Dropped before [`sent`](Self::sent), a hold is released. Dropped after it, the hold is settled
/// at its whole amount, as an estimate: the cost of a call that was under way is unknown.
#[must_use = "a hold that is dropped gives its money back"]
pub struct Hold {
    amount: NanoUsd,
    stage: Stage,
    /// The slot that books the end of the hold; `None` once it has ended.
    slot: Option<Box<dyn HoldSlot>>,
}

/// The stage of a hold's attempt: money reserved, or request sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reserved,
    Sent,
}

impl Hold {
    /// Creates a hold of `amount` whose end is booked by `slot`.
    pub fn new(amount: NanoUsd, slot: Box<dyn HoldSlot>) -> Self {
        Self { amount, stage: Stage::Reserved, slot: Some(slot) }
    }

    /// Returns the amount that the hold sets aside.
    pub fn amount(&self) -> NanoUsd {
        self.amount
    }

    /// Joins this hold with `more`, which is for the same attempt. The two end as one.
    pub(crate) fn joined(mut self, mut more: Self) -> Self {
        if let (Some(first), Some(second)) = (self.slot.take(), more.slot.take()) {
            self.slot = Some(Box::new(JoinedSlots { first, second }));
            self.amount = self.amount.saturating_add(more.amount);
        }
        self
    }

    /// Marks the hold's attempt as sent: the first byte of its request is about to leave.
    pub fn sent(&mut self) {
        self.stage = Stage::Sent;
    }

    /// Replaces the hold by the cost of its attempt. A cost above the hold is booked as it is.
    ///
    /// The end of the hold is handed to the ledger before this returns; the future waits until it
    /// is written.
    ///
    /// # Errors
    /// [`UnusableLedger`] if the end could not be written. The hold then stays counted, and the
    /// ledger tries again with the next thing it writes.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn settle(
        self,
        cost: NanoUsd,
        basis: CostBasis,
    ) -> impl Future<Output = Result<(), UnusableLedger>> + Send + 'static {
        self.close(HoldEnd::Settled { cost, basis })
    }

    /// Releases the money of a hold whose attempt was certainly not billed: the connection was
    /// refused, or the provider answered with an HTTP error status. It works like
    /// [`settle`](Self::settle).
    ///
    /// # Errors
    /// [`UnusableLedger`] if the end could not be written, as with [`settle`](Self::settle).
    pub fn release(self) -> impl Future<Output = Result<(), UnusableLedger>> + Send + 'static {
        self.close(HoldEnd::Released)
    }

    fn close(
        mut self,
        end: HoldEnd,
    ) -> impl Future<Output = Result<(), UnusableLedger>> + Send + 'static {
        let (confirmation, written) = oneshot::channel();
        if let Some(slot) = self.slot.take() {
            closed(slot, end, WriteConfirmation(Some(confirmation)));
        }
        async {
            let written = in_real_time(written).await;
            written.unwrap_or_else(|_| Err(UnusableLedger::stopped("of this process")))
        }
    }
}

/// Books the end of a hold. If the slot panics, its confirmation is dropped without a report.
fn closed(slot: Box<dyn HoldSlot>, end: HoldEnd, confirmation: WriteConfirmation) {
    if let Err(how) = caught(|| slot.close(end, confirmation)) {
        tracing::error!("the ledger {how} where the end of a hold is booked");
    }
}

/// The slots of two holds that end as one.
struct JoinedSlots {
    first: Box<dyn HoldSlot>,
    second: Box<dyn HoldSlot>,
}

impl HoldSlot for JoinedSlots {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        // The whole cost is booked before the second hold is released. In between the money is
        // counted twice, never too low.
        closed(self.first, end, confirmation);
        closed(self.second, HoldEnd::Released, WriteConfirmation::unawaited());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let end = match self.stage {
            Stage::Reserved => HoldEnd::Released,
            Stage::Sent => HoldEnd::Settled { cost: self.amount, basis: CostBasis::Estimated },
        };
        if let Some(slot) = self.slot.take() {
            closed(slot, end, WriteConfirmation::unawaited());
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { amount, stage, .. } = self;
        f.debug_struct("Hold").field("amount", amount).field("stage", stage).finish_non_exhaustive()
    }
}
