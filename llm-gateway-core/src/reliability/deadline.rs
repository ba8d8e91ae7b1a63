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

    /// Whether it has passed.
    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }
}
