//! The deadline of a request: one time limit on everything it does.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// Time by which the request must have ended.
    pub(crate) at: Instant,
    /// Time that the request was given, which messages name.
    pub(crate) given: Duration,
    /// Whether the caller set the deadline, and not the policy.
    pub(crate) is_callers: bool,
}

impl Deadline {
    /// Creates the deadline that is `given` by the policy after `now`, or that of a caller who sets
    /// a shorter `limit`.
    pub(crate) fn after(given: Duration, limit: Option<Duration>, now: Instant) -> Self {
        let shorter = limit.filter(|limit| *limit < given);
        let (given, is_callers) = (shorter.unwrap_or(given), shorter.is_some());
        // The policy bounds a deadline to a day, so the sum cannot overflow; if it ever did, no
        // time would be left rather than too much.
        Self { at: now.checked_add(given).unwrap_or(now), given, is_callers }
    }

    /// Returns the time that is left at `now`.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Returns whether a `wait` that begins at `now` leaves any time after it.
    pub(crate) fn allows(&self, wait: Duration, now: Instant) -> bool {
        wait < self.remaining(now)
    }

    /// Returns the deadline of the first half of the whole time, which began at `start`.
    pub(crate) fn first_half(&self, start: Instant) -> Self {
        Self { is_callers: self.is_callers, ..Self::after(self.given / 2, None, start) }
    }

    /// Returns an earlier deadline, which leaves half of the time that is left at `now` for
    /// something else.
    pub(crate) fn half(&self, now: Instant) -> Self {
        Self { at: now + self.remaining(now) / 2, ..*self }
    }

    /// Returns whether the deadline has passed at `now`.
    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }
}
