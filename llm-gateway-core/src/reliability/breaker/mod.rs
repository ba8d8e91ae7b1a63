//! The circuit breaker of one target: a pure state machine.
//!
//! A *closed* breaker lets traffic flow. An *open* one refuses calls until a cooldown is over. A
//! *half-open* one has exactly one trial under way and refuses all other calls; the end of the
//! trial decides. The machine knows no clock and no lock: `now` is an argument, and
//! [`Targets`](super::Targets) keeps one machine for each target.

use std::time::Duration;

use tokio::time::Instant;

use super::timeline::moved_back;

/// The longest time for which a provider's Retry-After keeps a breaker open. A wrong header must
/// not exclude a target for days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The wait that is reported to a call refused during a trial: about as long as a trial takes.
const TRIAL: Duration = Duration::from_secs(1);

/// The policy's rules for circuit breakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Number of consecutive failures that open a breaker.
    pub(crate) failure_threshold: u32,
    /// Time for which a breaker stays open.
    pub(crate) cooldown: Duration,
}

/// The state of one breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Breaker {
    /// Traffic flows.
    Closed { failures: u32 },
    /// Calls are refused until the time `until`.
    Open { failures: u32, until: Instant },
    /// One trial is under way. If it ends without a result, the next may be made after `until`.
    HalfOpen { failures: u32, until: Instant },
}

/// The way in which a call was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Admission {
    /// The call was let in like any other.
    Normal,
    /// The call was let in alone, to see whether the target works again.
    Trial,
}

/// An event that changes the state of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// A call was let in.
    Admitted,
    /// The call was answered.
    Succeeded,
    /// The call failed at the provider, which perhaps asked to wait.
    Failed { retry_after: Option<Duration> },
    /// The call ended without showing anything about the provider: the caller was at fault, or
    /// cancelled it.
    Returned,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Returns how a call would be let in at `now`.
    ///
    /// # Errors
    /// The time for which the call is refused.
    pub(crate) fn admission(self, now: Instant) -> Result<Admission, Duration> {
        match self {
            Self::Closed { .. } => Ok(Admission::Normal),
            Self::Open { until, .. } if until <= now => Ok(Admission::Trial),
            Self::Open { until, .. } => Err(until.saturating_duration_since(now)),
            Self::HalfOpen { .. } => Err(TRIAL),
        }
    }

    /// Returns the state with its times moved back.
    pub(crate) fn moved_back(self, by: Duration) -> Self {
        match self {
            Self::Closed { .. } => self,
            Self::Open { failures, until } => Self::Open { failures, until: moved_back(until, by) },
            Self::HalfOpen { failures, until } => {
                Self::HalfOpen { failures, until: moved_back(until, by) }
            }
        }
    }

    /// Returns the state after `report` of a call that was let in as `admission`.
    pub(crate) fn step(
        self,
        admission: Admission,
        report: Report,
        rules: &BreakerRules,
        now: Instant,
    ) -> Self {
        use Admission::{Normal, Trial};
        use Report::{Admitted, Failed, Returned, Succeeded};
        match (self, admission, report) {
            (Self::Closed { .. }, Normal, Succeeded) => Self::Closed { failures: 0 },
            (Self::Closed { failures }, Normal, Failed { retry_after }) => {
                let failures = failures.saturating_add(1);
                if failures < rules.failure_threshold {
                    Self::Closed { failures }
                } else {
                    Self::Open { failures, until: reopens(rules, retry_after, now) }
                }
            }
            // The call was under way when the breaker opened. A cooldown is never shortened.
            (Self::Open { failures, until }, Normal, Failed { retry_after }) => {
                let until = until.max(reopens(rules, retry_after, now));
                Self::Open { failures: failures.saturating_add(1), until }
            }
            (Self::Open { failures, until }, Trial, Admitted) => Self::HalfOpen { failures, until },
            (Self::HalfOpen { .. }, Trial, Succeeded) => Self::default(),
            (Self::HalfOpen { failures, .. }, Trial, Failed { retry_after }) => {
                let failures = failures.saturating_add(1);
                Self::Open { failures, until: reopens(rules, retry_after, now) }
            }
            // The trial goes on. If it ends without a result, the wait that the provider asked for
            // applies.
            (Self::HalfOpen { failures, until }, Normal, Failed { retry_after }) => {
                let until = until.max(reopens(rules, retry_after, now));
                Self::HalfOpen { failures, until }
            }
            // The next call may be the trial.
            (Self::HalfOpen { failures, until }, Trial, Returned) => Self::Open { failures, until },
            // Calls from before the breaker opened do not close it, and all else changes nothing.
            (state, Normal, Admitted | Returned)
            | (state @ (Self::Open { .. } | Self::HalfOpen { .. }), Normal, Succeeded)
            | (state @ (Self::Closed { .. } | Self::HalfOpen { .. }), Trial, Admitted)
            | (
                state @ (Self::Closed { .. } | Self::Open { .. }),
                Trial,
                Succeeded | Failed { .. } | Returned,
            ) => state,
        }
    }

    /// Returns the number of failures since the last success.
    pub(crate) fn consecutive_failures(self) -> u32 {
        match self {
            Self::Closed { failures }
            | Self::Open { failures, .. }
            | Self::HalfOpen { failures, .. } => failures,
        }
    }

    /// Returns `closed`, `open` or `half_open`. A breaker whose cooldown is over stays `open` until
    /// the next call.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// Returns how long the breaker still refuses every call.
    pub(crate) fn cooldown_remaining(self, now: Instant) -> Duration {
        match self {
            Self::Open { until, .. } => until.saturating_duration_since(now),
            Self::Closed { .. } | Self::HalfOpen { .. } => Duration::ZERO,
        }
    }
}

/// Returns when a trial may be made after a failure at `now`: never before the time that the
/// provider asked to wait.
fn reopens(rules: &BreakerRules, retry_after: Option<Duration>, now: Instant) -> Instant {
    let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    // The policy bounds a cooldown, so the sum cannot overflow.
    now.checked_add(rules.cooldown.max(asked)).unwrap_or(now)
}

#[cfg(test)]
mod tests;
