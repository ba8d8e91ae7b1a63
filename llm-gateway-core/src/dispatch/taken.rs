//! The amount that one attempt has taken out of sums in memory: out of the allowance of its
//! request, out of the session, or out of what the caps leave.

use crate::model::NanoUsd;

/// Sums in memory out of which attempts take their worst cases.
pub(crate) trait TakenFrom {
    /// Ends an attempt that has taken `amount`, of which `stays` counts as spent. A provider can
    /// bill more than the worst case, so `stays` may be the larger one.
    fn end(&self, amount: NanoUsd, stays: NanoUsd);
}

/// The amount that one attempt has taken out of sums in memory.
///
/// If it is dropped before [`sent`](Self::sent), the amount is put back. If it is dropped later,
/// the whole amount counts as spent, because the cost of a call under way is unknown.
#[must_use = "an amount that is dropped before anything was sent goes back"]
pub(crate) struct TakenAmount<S: TakenFrom> {
    of: S,
    amount: NanoUsd,
    /// The amount that counts as spent when the attempt ends.
    stays: NanoUsd,
}

impl<S: TakenFrom> TakenAmount<S> {
    /// Creates the guard of an `amount` that was taken out of the sums.
    pub(super) fn new(of: S, amount: NanoUsd) -> Self {
        Self { of, amount, stays: NanoUsd::ZERO }
    }

    /// Returns the sums out of which the amount was taken.
    pub(super) fn of(&self) -> &S {
        &self.of
    }

    /// Returns the amount.
    pub(super) fn amount(&self) -> NanoUsd {
        self.amount
    }

    /// Adds what `more` took out of the same sums for the same attempt. The attempt has not been
    /// sent yet.
    pub(super) fn joined(mut self, mut more: Self) -> Self {
        // The amount moves here: `more` ends with nothing to put back.
        self.amount = self.amount.saturating_add(std::mem::take(&mut more.amount));
        self
    }

    /// Marks the attempt as sent: the first byte of its request is about to leave.
    pub(crate) fn sent(&mut self) {
        self.stays = self.amount;
    }

    /// Ends the attempt at its cost, which counts as it is, even above the amount.
    pub(crate) fn settle(mut self, cost: NanoUsd) {
        self.stays = cost;
    }
}

impl<S: TakenFrom> Drop for TakenAmount<S> {
    fn drop(&mut self) {
        self.of.end(self.amount, self.stays);
    }
}
