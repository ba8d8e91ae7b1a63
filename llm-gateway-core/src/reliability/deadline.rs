//! One clock over everything a request does.

use std::time::Duration;

use tokio::time::Instant;

/// When a request must have answered, and how long it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// When it must have answered.
    pub(crate) at: Instant,
    /// How long it was given.
    pub(crate) given: Duration,
}

impl Deadline {
    /// `given` from `now` on.
    pub(crate) fn after(given: Duration, now: Instant) -> Self {
        // The policy bounds a deadline to a day, so the sum cannot overflow; if it ever did, no
        // time would be left rather than too much.
        Self { at: now.checked_add(given).unwrap_or(now), given }
    }

    /// What is left at `now`.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Whether a wait of so long leaves time for anything after it. One that does not is not
    /// begun.
    pub(crate) fn allows(&self, wait: Duration, now: Instant) -> bool {
        wait < self.remaining(now)
    }

    /// An earlier one, which leaves half of what is left at `now` for something else.
    pub(crate) fn half(&self, now: Instant) -> Self {
        Self { at: now + self.remaining(now) / 2, ..*self }
    }

    /// Whether it has passed.
    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }
}
