//! The wait before the same target is asked again, if it is asked again. This module is pure.

use std::time::Duration;

use super::Meaning;

/// The policy's rules for retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryRules {
    /// Attempts at one target beyond the first.
    pub(crate) max_retries: u32,
    /// The longest backoff before the first retry. It doubles with each further retry.
    pub(crate) base_delay: Duration,
    /// The longest backoff before any retry. A provider's Retry-After may be longer.
    pub(crate) max_delay: Duration,
}

/// An attempt that failed, as far as backoff depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedAttempt {
    /// The consequences of the failure.
    pub(crate) meaning: Meaning,
    /// Time that the provider asked to wait, if it did.
    pub(crate) retry_after: Option<Duration>,
    /// Retries of this target before the attempt.
    pub(crate) retries: u32,
}

impl RetryRules {
    /// Returns the wait before the next attempt at the same target, or `None` if there is none.
    ///
    /// The backoff has full jitter: it is uniform between nothing and the doubled base, so that
    /// callers that failed together do not come back together
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). The wait is
    /// never shorter than the provider asked for. `random` is uniform in 0..1.
    pub(crate) fn wait_after(&self, failed: FailedAttempt, random: f64) -> Option<Duration> {
        if !failed.meaning.retry_same || failed.retries >= self.max_retries {
            return None;
        }
        let doubled = self.base_delay.saturating_mul(2u32.saturating_pow(failed.retries));
        let backoff = doubled.min(self.max_delay).mul_f64(random.clamp(0.0, 1.0));
        Some(backoff.max(failed.retry_after.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    const RULES: RetryRules = RetryRules {
        max_retries: 3,
        base_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(3),
    };

    fn failed(category: Category, retries: u32) -> FailedAttempt {
        FailedAttempt { meaning: Meaning::of_failure(category, None), retry_after: None, retries }
    }

    #[test]
    fn the_backoff_doubles_up_to_its_bound() {
        let longest = |retries| RULES.wait_after(failed(Category::Overloaded, retries), 1.0);
        let waits: Vec<_> = (0..4).map(|n| longest(n).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn what_is_not_worth_a_retry_gets_none() {
        for category in Category::ALL.iter().copied() {
            let wait = RULES.wait_after(failed(category, 0), 0.5);
            assert_eq!(wait.is_some(), category.retry_same(), "{category}");
        }
    }

    #[test]
    fn a_retry_after_is_never_cut_short() {
        let long = Duration::from_secs(3_600);
        let asked = FailedAttempt { retry_after: Some(long), ..failed(Category::RateLimit, 0) };
        assert_eq!(RULES.wait_after(asked, 0.5), Some(long));
        let short = FailedAttempt { retry_after: Some(Duration::ZERO), ..asked };
        assert_eq!(RULES.wait_after(short, 0.5), Some(Duration::from_millis(500)));
    }

    proptest::proptest! {
        #[test]
        fn no_wait_is_longer_than_its_bound_or_shorter_than_asked(
            retries: u32, base in 0.0f64..1e5, max in 0.0f64..1e5, asked in 0u64..100_000,
            random in 0.0f64..1.0,
        ) {
            let rules = RetryRules {
                max_retries: u32::MAX,
                base_delay: Duration::from_secs_f64(base),
                max_delay: Duration::from_secs_f64(max),
            };
            let asked = Duration::from_secs(asked);
            let failed = FailedAttempt { retry_after: Some(asked), ..failed(Category::Timeout, retries) };
            if let Some(wait) = rules.wait_after(failed, random) {
                proptest::prop_assert!(wait >= asked && wait <= rules.max_delay.max(asked));
            }
        }
    }
}
