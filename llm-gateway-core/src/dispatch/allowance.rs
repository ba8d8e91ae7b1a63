//! The allowance: what the calls of one request may cost together, whether or not a ledger counts.
//!
//! Each attempt takes its worst case out of the allowance before its first byte is sent, and puts
//! back what it did not cost. The settled and the open amounts together are thus never above the
//! limit, however many calls run at the same time; only a provider that bills more than a worst
//! case exceeds it. The ledger knows months and the user's caps; the allowance knows one request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::NanoUsd;

use super::taken::{TakenAmount, TakenFrom};

/// A limit on money that the calls of one request share.
pub(crate) struct Allowance {
    limit: NanoUsd,
    /// Key of the policy that sets the limit.
    key: &'static str,
    /// Sum of the settled costs and of the worst cases of open attempts.
    committed: Mutex<NanoUsd>,
}

/// The error of an allowance that has less left than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// The most that the calls may cost together.
    pub(crate) asked: NanoUsd,
    /// The part of the limit that may still be used.
    pub(crate) left: NanoUsd,
}

impl Allowance {
    /// Creates an allowance of `limit`, which the policy sets under `key`.
    pub(crate) fn new(limit: NanoUsd, key: &'static str) -> Self {
        Self { limit, key, committed: Mutex::default() }
    }

    /// Returns the most that all calls may cost together.
    pub(crate) fn limit(&self) -> NanoUsd {
        self.limit
    }

    /// Returns whether the limit is exceeded, because a provider billed more than a worst case.
    pub(crate) fn is_overdrawn(&self) -> bool {
        *self.lock() > self.limit
    }

    /// Returns the key of the policy that sets the limit.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }

    /// Takes the worst cases of several attempts, all of them or none, and returns a hold for each,
    /// in the same order.
    ///
    /// # Errors
    /// [`Shortage`] if they do not fit beside the amounts of other attempts.
    pub(super) fn take(&self, worst_cases: &[NanoUsd]) -> Result<Vec<AllowanceHold<'_>>, Shortage> {
        let asked = worst_cases.iter().copied().fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        let mut committed = self.lock();
        let left = self.limit.saturating_sub(*committed);
        if asked > left {
            return Err(Shortage { asked, left });
        }
        *committed = committed.saturating_add(asked);
        Ok(worst_cases.iter().map(|amount| TakenAmount::new(self, *amount)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, NanoUsd> {
        // A panic cannot leave the number half changed.
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The amount that one attempt has taken out of an allowance.
pub(super) type AllowanceHold<'a> = TakenAmount<&'a Allowance>;

impl TakenFrom for &Allowance {
    fn end(&self, amount: NanoUsd, stays: NanoUsd) {
        let mut committed = self.lock();
        *committed = committed.saturating_sub(amount).saturating_add(stays);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn nanos(nanos: u64) -> NanoUsd {
        NanoUsd::from_nanos(nanos)
    }

    fn allowance() -> Allowance {
        Allowance::new(nanos(100), "cost_cap_usd")
    }

    #[test]
    fn several_are_taken_whole_or_not_at_all() {
        let allowance = allowance();
        let short = allowance.take(&[nanos(60), nanos(41)]).err();
        assert_eq!(short, Some(Shortage { asked: nanos(101), left: nanos(100) }));
        let holds = allowance.take(&[nanos(60), nanos(40)]).unwrap();
        assert_eq!(holds.len(), 2);
        assert!(allowance.take(&[nanos(1)]).is_err());
        assert!(allowance.take(&[nanos(0)]).is_ok(), "what costs nothing always fits");
    }

    #[test]
    fn what_an_attempt_did_not_cost_goes_back() {
        let allowance = allowance();
        let left = || allowance.take(&[nanos(1_000)]).err().unwrap().left;
        let hold = || allowance.take(&[nanos(60)]).unwrap().remove(0);
        drop(hold());
        assert_eq!(left(), nanos(100), "nothing was sent");
        let mut sent = hold();
        sent.sent();
        sent.settle(nanos(10));
        assert_eq!(left(), nanos(90));
        let mut cancelled = hold();
        cancelled.sent();
        drop(cancelled);
        assert_eq!(left(), nanos(30), "nobody knows what it cost");
    }

    #[test]
    fn what_is_joined_ends_as_one() {
        let allowance = allowance();
        let left = || allowance.take(&[nanos(1_000)]).err().unwrap().left;
        let joined = || {
            let mut holds = allowance.take(&[nanos(40), nanos(20)]).unwrap();
            let more = holds.pop().unwrap();
            holds.pop().unwrap().joined(more)
        };
        let held = joined();
        assert_eq!(left(), nanos(40));
        drop(held);
        assert_eq!(left(), nanos(100), "nothing was sent");
        let mut sent = joined();
        sent.sent();
        sent.settle(nanos(50));
        assert_eq!(left(), nanos(50));
    }

    #[test]
    fn a_bill_above_the_worst_case_counts_as_it_is() {
        let allowance = allowance();
        let hold = allowance.take(&[nanos(60)]).unwrap().remove(0);
        hold.settle(nanos(150));
        let short = allowance.take(&[nanos(1)]).err();
        assert_eq!(short, Some(Shortage { asked: nanos(1), left: NanoUsd::ZERO }));
    }
}
