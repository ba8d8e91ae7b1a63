//! What each category of failure leads to: the one table.

use crate::error::Category;

/// What a failed attempt means for the rest of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The same target may be tried again.
    pub(crate) retry_same: bool,
    /// The next target of the chain may be tried.
    pub(crate) next_target: bool,
    /// The failure counts for the target's circuit breaker.
    pub(crate) counts_for_breaker: bool,
}

const TRANSIENT: Meaning =
    Meaning { retry_same: true, next_target: true, counts_for_breaker: true };
const UNLUCKY: Meaning = Meaning { retry_same: true, next_target: true, counts_for_breaker: false };
const ELSEWHERE: Meaning =
    Meaning { retry_same: false, next_target: true, counts_for_breaker: false };
const FINAL: Meaning = Meaning { retry_same: false, next_target: false, counts_for_breaker: false };

impl Meaning {
    /// Looks a category up.
    pub(crate) fn of(category: Category) -> Self {
        match category {
            Category::RateLimit
            | Category::Overloaded
            | Category::Provider5xx
            | Category::Timeout
            | Category::Network
            | Category::Truncated
            | Category::BadResponse => TRANSIENT,

            Category::EmptyOutput => UNLUCKY,

            Category::BreakerOpen
            | Category::Quota
            | Category::Auth
            | Category::MissingKey
            | Category::ModelNotFound
            | Category::PolicyBlocked => ELSEWHERE,

            // The caller's doing: another target would refuse it as well, and be paid for it.
            Category::InvalidRequest
            | Category::ContextLength
            | Category::ContentFilter
            | Category::OutputBudgetExhausted => FINAL,

            Category::UnknownTaskClass
            | Category::PolicyInvalid
            | Category::Ledger
            | Category::Quorum
            | Category::Independence
            | Category::Cancelled
            | Category::Internal => FINAL,
        }
    }
}

/// The same for callers that decide for themselves what to do about a failure.
impl Category {
    /// Whether the same target may be tried again.
    pub fn retry_same(self) -> bool {
        Meaning::of(self).retry_same
    }

    /// Whether the next target of a chain may be tried.
    pub fn next_target(self) -> bool {
        Meaning::of(self).next_target
    }

    /// Whether the failure counts for the target's circuit breaker.
    pub fn counts_for_breaker(self) -> bool {
        Meaning::of(self).counts_for_breaker
    }
}
