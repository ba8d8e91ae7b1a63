//! The retry budget of a target, which bounds the retries of all requests together: a pure state
//! machine.
//!
//! Retries multiply: a hundred callers with three retries each send four hundred requests to a
//! provider that is failing. The rule: each target has a bucket of 20 retries. A retry takes one
//! out. One comes back per second, and one for every five first attempts. If the bucket is empty
//! there is no retry, and the chain goes on. A single caller never notices; a crowd adds a fifth to
//! its own load and no more.

use std::time::Duration;

use tokio::time::Instant;

use super::timeline::moved_back;

/// One retry, in units of what a first attempt earns.
const RETRY: u32 = 5;

/// Contents of a full bucket, in the same units.
const FULL: u32 = 20 * RETRY;

/// The retries that a target has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryBudget {
    fifths: u32,
    at: Instant,
}

impl RetryBudget {
    /// Returns a full bucket.
    pub(crate) fn full(now: Instant) -> Self {
        Self { fifths: FULL, at: now }
    }

    /// Returns the budget after a first attempt.
    #[must_use]
    pub(crate) fn after_first_try(self, now: Instant) -> Self {
        let refilled = self.refilled(now);
        Self { fifths: (refilled.fifths + 1).min(FULL), ..refilled }
    }

    /// Returns the budget after a retry, or `None` if there is no retry left.
    #[must_use]
    pub(crate) fn after_retry(self, now: Instant) -> Option<Self> {
        let refilled = self.refilled(now);
        Some(Self { fifths: refilled.fifths.checked_sub(RETRY)?, ..refilled })
    }

    /// Returns the budget with its time moved back.
    #[must_use]
    pub(crate) fn moved_back(self, by: Duration) -> Self {
        Self { at: moved_back(self.at, by), ..self }
    }

    /// Returns whether the bucket is full.
    pub(crate) fn is_full(self, now: Instant) -> bool {
        self.refilled(now).fifths == FULL
    }

    /// Returns the budget with what has come back by `now`.
    fn refilled(self, now: Instant) -> Self {
        let fifth = Duration::from_secs(1) / RETRY;
        let passed = now.saturating_duration_since(self.at);
        let fifths = u32::try_from(passed.as_millis() / fifth.as_millis()).unwrap_or(FULL);
        // The rest of a fifth is not lost: time counts from where the last whole fifth ended.
        let at = self.at + fifth * fifths.min(FULL);
        Self {
            fifths: self.fifths.saturating_add(fifths).min(FULL),
            at: if fifths >= FULL { now } else { at },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many retries `budget` allows at `now`, one after the other.
    fn retries(mut budget: RetryBudget, now: Instant) -> (u32, RetryBudget) {
        let mut retries = 0;
        while let Some(next) = budget.after_retry(now) {
            (retries, budget) = (retries + 1, next);
        }
        (retries, budget)
    }

    #[tokio::test]
    async fn a_full_bucket_is_twenty_retries_and_one_comes_back_per_second() {
        let now = Instant::now();
        let (spent, empty) = retries(RetryBudget::full(now), now);
        assert_eq!(spent, 20);
        let (spent, empty) = retries(empty, now + Duration::from_millis(2_900));
        assert_eq!(spent, 2);
        let (spent, _) = retries(empty, now + Duration::from_millis(3_000));
        assert_eq!(spent, 1, "the rest of a second is not lost");
        assert!(empty.is_full(now + Duration::from_secs(60)));
    }

    #[tokio::test]
    async fn five_first_tries_pay_for_one_retry() {
        let now = Instant::now();
        let (_, empty) = retries(RetryBudget::full(now), now);
        let fed = (0..25).fold(empty, |budget, _| budget.after_first_try(now));
        assert_eq!(retries(fed, now).0, 5);
    }
}
