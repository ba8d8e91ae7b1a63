//! The rule by which the ledgers of this crate set money aside: the caps, and the largest sum that
//! a ledger counts. This module is pure.

use crate::model::NanoUsd;

use super::cap::{Cap, CapRefusal};
use super::day::Day;
use super::error::{Problem, ReserveError, UnusableLedger};
use super::period::Period;
use super::scope::{Scope, ScopeName, ScopeTotal};

/// The largest sum that a ledger counts ($9.2 billion), so that sums stay exact in a database,
/// which counts in signed 64 bits.
pub(super) const LARGEST: NanoUsd = NanoUsd::from_nanos(i64::MAX as u64);

/// The settled and the held sum of one scope in one period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) settled: NanoUsd,
    pub(super) held: NanoUsd,
}

impl Totals {
    /// Adds `amount` to the held sum.
    pub(super) fn hold(&mut self, amount: NanoUsd) {
        self.held = self.held.saturating_add(amount).min(LARGEST);
    }

    /// Subtracts `amount` from the held sum.
    pub(super) fn release(&mut self, amount: NanoUsd) {
        self.held = self.held.saturating_sub(amount);
    }

    /// Adds the cost of a call to the settled sum.
    pub(super) fn settle(&mut self, cost: NanoUsd) {
        self.settled = self.settled.saturating_add(cost).min(LARGEST);
    }

    /// Returns the sums as the total of `scope` in `period`.
    pub(super) fn of(self, period: Period, scope: &Scope) -> ScopeTotal {
        ScopeTotal::new(period, scope.clone(), self.settled, self.held)
    }
}

/// The sum that calls ask for in one scope and one of the periods in which they count.
pub(super) struct Asked {
    pub(super) period: Period,
    pub(super) scope: Scope,
    /// What the scope has spent and holds in the period.
    pub(super) totals: Totals,
    pub(super) amount: NanoUsd,
}

impl Asked {
    /// Returns the total of the scope once the amount is held too.
    fn held(&self) -> ScopeTotal {
        let mut totals = self.totals;
        totals.hold(self.amount);
        totals.of(self.period, &self.scope)
    }
}

/// The caps of a day and of its month, and the ledger that they are checked in.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    /// Path or name of the ledger, as its errors show it.
    pub(super) place: &'a str,
    /// Day in which the calls count.
    pub(super) day: Day,
    pub(super) caps: &'a [Cap],
}

impl Rule<'_> {
    /// Checks whether calls fit under all caps. `asked` has every scope in which they count, in the
    /// day and in its month.
    ///
    /// # Errors
    /// [`ReserveError::Refused`] by the cap whose refusal lasts longest; of several, by the one on
    /// the first scope, and there by the lowest. [`ReserveError::Unusable`] if no cap refuses the
    /// calls but a sum is larger than a ledger counts, and for a cap that no ledger can check.
    pub(super) fn check(&self, asked: &[Asked]) -> Result<(), ReserveError> {
        self.check_periods()?;
        let refusals = asked.iter().filter_map(|Asked { period, scope, totals, amount }| {
            let total = totals.of(*period, scope);
            let caps = self.caps.iter().filter(|cap| cap.limits(&total));
            caps.min_by_key(|cap| cap.limit)?.check(&total, *amount).err()
        });
        match CapRefusal::longest(refusals) {
            Some(refused) => Err(refused.into()),
            None => asked.iter().try_for_each(|asked| self.check_countable(asked)),
        }
    }

    /// Returns the totals that the caps limit, once everything in `asked` is held.
    pub(super) fn totals(&self, asked: &[Asked]) -> Vec<ScopeTotal> {
        let is_capped = |total: &ScopeTotal| self.caps.iter().any(|cap| cap.limits(total));
        asked.iter().map(Asked::held).filter(is_capped).collect()
    }

    /// Checks that every cap is for a length of time that a ledger counts. A cap that is not
    /// checked would guard nothing.
    fn check_periods(&self) -> Result<(), UnusableLedger> {
        match self.caps.iter().find(|cap| Period::of(cap.per, self.day).is_none()) {
            None => Ok(()),
            Some(Cap { scope, per, limit, .. }) => {
                let (scope, per) = (ScopeName(scope), per.as_str());
                let detail = format!("it was given a cap of {limit} per {per} on {scope}");
                Err(UnusableLedger::new(Problem::NoSuchPeriod, self.place, detail))
            }
        }
    }

    /// Checks that the sum does not become larger than a ledger counts.
    fn check_countable(&self, asked: &Asked) -> Result<(), ReserveError> {
        let Asked { period, scope, totals: Totals { settled, held }, amount } = asked;
        let sum = settled.saturating_add(*held).saturating_add(*amount);
        if *amount == NanoUsd::ZERO || sum <= LARGEST {
            return Ok(());
        }
        let detail = format!(
            "{settled} is settled and {held} held on {} in {period}, {amount} may be needed, and \
             it counts up to {LARGEST}",
            ScopeName(scope)
        );
        Err(UnusableLedger::new(Problem::BeyondCounting, self.place, detail).into())
    }
}
