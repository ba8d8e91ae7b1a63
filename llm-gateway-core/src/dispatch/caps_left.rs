//! What the caps of a day and of a month leave, as far as the bookings of one run have shown.
//!
//! A ledger reports with each reservation what it leaves under each cap. What the attempts of the
//! run put back afterwards is added here, so that nothing has to be read when the run ends. Money
//! that other runs spend after the last reservation of this one is not seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ledger::{Cap, CapLeft, CapRefusal, HoldRequest, ScopeTotal};
use crate::model::NanoUsd;

use super::taken::{Taken, TakenFrom};

/// What the caps of a day and of a month leave, by the position of the cap among those that a
/// ledger keeps. A cap that counted none of the run's calls is absent.
#[derive(Debug, Default)]
pub(crate) struct CapsLeft(Mutex<BTreeMap<usize, NanoUsd>>);

/// The caps under which one attempt counts, by their positions.
pub(super) struct CapsShare<'a> {
    of: &'a CapsLeft,
    positions: Vec<usize>,
}

impl CapsLeft {
    /// Notes what a reservation left, and returns a guard for each of its attempts. The guard adds
    /// what its attempt puts back.
    pub(super) fn reserved(
        &self,
        caps: &[Cap],
        totals: &[ScopeTotal],
        attempts: &[HoldRequest],
    ) -> Vec<Taken<CapsShare<'_>>> {
        for total in totals {
            self.note(caps, |cap| cap.limits(total), |cap| cap.left(total));
        }
        attempts.iter().map(|attempt| self.share(caps, attempt)).collect()
    }

    /// Notes what the cap that refused an attempt leaves.
    pub(super) fn refused(&self, caps: &[Cap], refused: &CapRefusal) {
        self.note(caps, |cap| *cap == refused.cap, |_| refused.left());
    }

    /// Returns the caps that counted a call of the run or refused one, with what each leaves.
    pub(crate) fn known(&self, caps: &[Cap]) -> Vec<CapLeft> {
        let left = self.lock();
        let known = left.iter().filter_map(|(position, left)| {
            Some(CapLeft { cap: caps.get(*position)?.clone(), left: *left })
        });
        known.collect()
    }

    /// Creates the guard of an attempt.
    fn share(&self, caps: &[Cap], attempt: &HoldRequest) -> Taken<CapsShare<'_>> {
        let counts = |cap: &Cap| cap.scope.counts(&attempt.target.provider, &attempt.task_class);
        let counting = caps.iter().enumerate().filter(|(_, cap)| counts(cap));
        let positions = counting.map(|(position, _)| position).collect();
        Taken::new(CapsShare { of: self, positions }, attempt.amount)
    }

    /// Sets what a cap leaves, for every cap that `is_meant` selects.
    fn note(&self, caps: &[Cap], is_meant: impl Fn(&Cap) -> bool, left: impl Fn(&Cap) -> NanoUsd) {
        let meant = caps.iter().enumerate().filter(|(_, cap)| is_meant(cap));
        self.lock().extend(meant.map(|(position, cap)| (position, left(cap))));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, NanoUsd>> {
        // A panic cannot leave an amount half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TakenFrom for CapsShare<'_> {
    fn end(&self, amount: NanoUsd, stays: NanoUsd) {
        if self.positions.is_empty() {
            return;
        }
        let mut all = self.of.lock();
        for position in &self.positions {
            if let Some(left) = all.get_mut(position) {
                *left = left.saturating_add(amount).saturating_sub(stays);
            }
        }
    }
}
