//! The rule by which the ledgers of this crate set money aside: the caps, and the largest sum that
//! a ledger counts. This module is pure.

use crate::model::NanoUsd;

use super::cap::Cap;
use super::error::{Problem, ReserveError, ScopeName, UnusableLedger};
use super::month::Month;
use super::scope::{Scope, ScopeTotal};

/// The largest sum that a ledger counts ($9.2 billion), so that sums stay exact in a database,
/// which counts in signed 64 bits.
pub(super) const LARGEST: NanoUsd = NanoUsd::from_nanos(i64::MAX as u64);

/// The settled and the held sum of one scope in one month.
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
}

/// The caps of a month, and the ledger that they are checked in.
pub(super) struct Rule<'a> {
    /// Path or name of the ledger, as its errors show it.
    pub(super) place: &'a str,
    pub(super) month: Month,
    pub(super) caps: &'a [Cap],
}

impl Rule<'_> {
    /// Checks whether calls that may cost `asked` fit under the caps of a scope that has these
    /// totals.
    ///
    /// # Errors
    /// [`ReserveError::Refused`] by the lowest cap that does not allow them.
    /// [`ReserveError::Unusable`] if no cap refuses them but the sum is larger than a ledger
    /// counts.
    pub(super) fn check(
        &self,
        scope: &Scope,
        totals: Totals,
        asked: NanoUsd,
    ) -> Result<(), ReserveError> {
        let Self { place, month, caps } = *self;
        let Totals { settled, held } = totals;
        let total = ScopeTotal::new(scope.clone(), settled, held);
        let lowest = caps.iter().filter(|cap| cap.scope == *scope).min_by_key(|cap| cap.limit);
        if let Some(cap) = lowest {
            cap.check(month, &total, asked)?;
        }
        // A cap at the largest sum refuses what cannot be counted.
        let counts = Cap::new(scope.clone(), LARGEST);
        counts.check(month, &total, asked).map_err(|_| {
            let detail = format!(
                "{settled} is settled and {held} held on {} in {month}, {asked} may be needed, \
                 and it counts up to {LARGEST}",
                ScopeName(scope)
            );
            UnusableLedger::new(Problem::BeyondCounting, place, detail).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_may_be_reached_and_not_passed() {
        let usd = NanoUsd::from_nanos;
        let month = Month::parse("2026-11").unwrap();
        let totals = Totals { settled: usd(50), held: usd(30) };
        let ask = |asked, caps: &[Cap]| {
            Rule { place: "x", month, caps }.check(&Scope::Total, totals, usd(asked))
        };
        let cap = |nanos| [Cap::new(Scope::Total, usd(nanos))];
        assert!(ask(20, &cap(100)).is_ok());
        let refused = ask(21, &cap(100)).unwrap_err();
        assert!(matches!(refused, ReserveError::Refused(refused) if refused.left() == usd(20)));
        assert!(ask(0, &cap(1)).is_ok());
        assert!(ask(1, &cap(1)).is_err());
    }

    #[test]
    fn what_no_cap_refuses_and_a_database_cannot_count_is_no_matter_of_caps() {
        let month = Month::parse("2026-11").unwrap();
        let totals = Totals { settled: NanoUsd::from_nanos(50), held: NanoUsd::from_nanos(30) };
        for caps in [vec![], vec![Cap::new(Scope::Total, NanoUsd::from_nanos(u64::MAX))]] {
            let rule = Rule { place: "x", month, caps: &caps };
            let ask = |asked| rule.check(&Scope::Total, totals, NanoUsd::from_nanos(asked));
            assert!(ask(u64::MAX / 2 - 80).is_ok());
            let Err(ReserveError::Unusable(unusable)) = ask(u64::MAX / 2 - 79) else { panic!() };
            assert_eq!(unusable.problem, Problem::BeyondCounting);
            assert!(!unusable.to_string().contains("cap"), "{unusable}");
        }
    }
}
