//! What money is counted by, and the one rule that every ledger asks. Pure.

use std::collections::BTreeMap;

use crate::model::{NanoUsd, Target, TaskClass};

use super::error::{Problem, Refused, ReserveError, ScopeName, Unusable};
use super::month::Month;
use super::scope::Scope;

/// The largest sum that a ledger counts ($9.2 billion), so that what is held stays exact where
/// a database counts in signed 64 bits.
pub(super) const LARGEST: NanoUsd = NanoUsd::from_nanos(i64::MAX as u64);

/// The most that a scope may cost in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cap {
    /// What is capped.
    pub scope: Scope,
    /// The most it may cost. Reaching it is allowed.
    pub limit: NanoUsd,
}

impl Cap {
    /// Caps `scope` at `limit` a month.
    pub fn new(scope: Scope, limit: NanoUsd) -> Self {
        Self { scope, limit }
    }
}

/// One attempt that needs money.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldRequest {
    /// What it counts in: the total and its provider, whether these are capped or not, so that
    /// a cap that is set later, or by another process, finds everything counted.
    pub scopes: Vec<Scope>,
    /// Where the call goes.
    pub target: Target,
    /// What the caller asked for.
    pub task_class: TaskClass,
    /// The most that it can cost.
    pub amount: NanoUsd,
}

impl HoldRequest {
    /// Asks for `amount`, the most that an attempt at `target` can cost.
    pub fn new(target: Target, task_class: TaskClass, amount: NanoUsd) -> Self {
        let scopes = vec![Scope::Total, Scope::Provider(target.provider.clone())];
        Self { scopes, target, task_class, amount }
    }
}

/// What a scope has cost in a month, and what is held in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) settled: NanoUsd,
    pub(super) held: NanoUsd,
}

impl Totals {
    /// Sets `amount` aside.
    pub(super) fn hold(&mut self, amount: NanoUsd) {
        self.held = self.held.saturating_add(amount).min(LARGEST);
    }

    /// Gives back what was set aside.
    pub(super) fn release(&mut self, amount: NanoUsd) {
        self.held = self.held.saturating_sub(amount);
    }

    /// Books what a call cost.
    pub(super) fn settle(&mut self, cost: NanoUsd) {
        self.settled = self.settled.saturating_add(cost).min(LARGEST);
    }
}

/// What `calls` ask of each scope together.
pub(super) fn asked(calls: &[HoldRequest]) -> BTreeMap<&Scope, NanoUsd> {
    let mut asked: BTreeMap<&Scope, NanoUsd> = BTreeMap::new();
    for call in calls {
        for scope in &call.scopes {
            let sum = asked.entry(scope).or_default();
            *sum = sum.saturating_add(call.amount);
        }
    }
    asked
}

/// What calls are held against, and where.
pub(super) struct Rule<'a> {
    /// The ledger, as its problems name it.
    pub(super) place: &'a str,
    pub(super) month: Month,
    pub(super) caps: &'a [Cap],
}

impl Rule<'_> {
    /// The rule: settled + held + asked must not be above the cap. What asks for nothing is
    /// always allowed: a cap that is passed already is no reason to refuse a call to a local
    /// model.
    ///
    /// # Errors
    /// [`ReserveError::Refused`] with every figure. Where no cap says no, and the sum is more
    /// than a ledger counts, the ledger cannot be used for it.
    pub(super) fn check(
        &self,
        scope: &Scope,
        totals: Totals,
        asked: NanoUsd,
    ) -> Result<(), ReserveError> {
        if asked == NanoUsd::ZERO {
            return Ok(());
        }
        let Self { place, month, caps } = *self;
        let Totals { settled, held } = totals;
        let sum: u128 = [settled, held, asked].iter().map(|sum| u128::from(sum.as_nanos())).sum();
        let is_above = |limit: NanoUsd| sum > u128::from(limit.as_nanos());
        let limits = caps.iter().filter(|cap| cap.scope == *scope).map(|cap| cap.limit);
        if let Some(cap) = limits.min().filter(|limit| is_above(*limit)) {
            return Err(Refused { month, scope: scope.clone(), cap, settled, held, asked }.into());
        }
        if is_above(LARGEST) {
            let detail = format!(
                "{settled} is settled and {held} held on {} in {month}, {asked} may be needed, \
                 and it counts up to {LARGEST}",
                ScopeName(scope)
            );
            return Err(Unusable::new(Problem::BeyondCounting, place, detail).into());
        }
        Ok(())
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
