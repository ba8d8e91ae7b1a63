//! The circuit breaker of one target: a pure machine.
//!
//! *Closed*: traffic flows. *Open*: calls are refused until a cooldown is over. *Half-open*:
//! exactly one trial is on its way and everybody else is refused; its end decides. The machine
//! knows no clock and no lock: `now` is an argument, and [`Targets`](super::Targets) keeps one
//! machine per target.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time for which a provider's Retry-After keeps a breaker open. A wrong header
/// must not shut a target out for days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// What a bystander of a trial is told to wait: about as long as a trial takes.
const TRIAL: Duration = Duration::from_secs(1);

/// What the policy says about breakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Consecutive failures that open it.
    pub(crate) failure_threshold: u32,
    /// How long it stays open.
    pub(crate) cooldown: Duration,
}

/// The state of one breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Breaker {
    /// Traffic flows.
    Closed { failures: u32 },
    /// Calls are refused until then.
    Open { failures: u32, until: Instant },
    /// One trial is on its way. Should it say nothing, the next may be made after `until`.
    HalfOpen { failures: u32, until: Instant },
}

/// How a call was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Admission {
    /// With everybody else.
    Normal,
    /// Alone, to see whether the target is back.
    Trial,
}

/// What moves a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// A call was let in.
    Admitted,
    /// It was answered.
    Succeeded,
    /// The provider failed it, and perhaps asked to wait.
    Failed { retry_after: Option<Duration> },
    /// It says nothing about the provider: the caller's fault, or cancelled.
    Returned,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// How a call would be let in at `now`.
    ///
    /// # Errors
    /// How long it is refused for.
    pub(crate) fn admission(self, now: Instant) -> Result<Admission, Duration> {
        match self {
            Self::Closed { .. } => Ok(Admission::Normal),
            Self::Open { until, .. } if until <= now => Ok(Admission::Trial),
            Self::Open { until, .. } => Err(until.saturating_duration_since(now)),
            Self::HalfOpen { .. } => Err(TRIAL),
        }
    }

    /// The state after `report` of a call that was let in as `admission`.
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
            // It was on its way when the breaker opened. A cooldown is never shortened.
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
            // The trial goes on; should it say nothing, the wait that was asked for holds.
            (Self::HalfOpen { failures, until }, Normal, Failed { retry_after }) => {
                let until = until.max(reopens(rules, retry_after, now));
                Self::HalfOpen { failures, until }
            }
            // The next call may be the trial.
            (Self::HalfOpen { failures, until }, Trial, Returned) => Self::Open { failures, until },
            // Calls from before it opened do not close it, and the rest changes nothing.
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

    /// Failures since the last success.
    pub(crate) fn consecutive_failures(self) -> u32 {
        match self {
            Self::Closed { failures }
            | Self::Open { failures, .. }
            | Self::HalfOpen { failures, .. } => failures,
        }
    }

    /// `closed`, `open` or `half_open`. An open one whose cooldown is over stays `open` until
    /// somebody tries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// How long it still refuses everybody.
    pub(crate) fn cooldown_remaining(self, now: Instant) -> Duration {
        match self {
            Self::Open { until, .. } => until.saturating_duration_since(now),
            Self::Closed { .. } | Self::HalfOpen { .. } => Duration::ZERO,
        }
    }
}

/// When a trial may be made after a failure at `now`: never before the provider said.
fn reopens(rules: &BreakerRules, retry_after: Option<Duration>, now: Instant) -> Instant {
    let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    // The policy bounds a cooldown, so the sum cannot overflow.
    now.checked_add(rules.cooldown.max(asked)).unwrap_or(now)
}

#[cfg(test)]
mod tests;
