//! The table of what each category of failure leads to.

use crate::error::{Category, Error};

/// The consequences of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// Whether the same target may be asked again.
    pub(crate) retry_same: bool,
    /// Whether the same target may be asked again at once with another key.
    pub(crate) other_key: bool,
    /// Whether the next target of the chain may be asked.
    pub(crate) next_target: bool,
    /// Whether the failure counts for the target's circuit breaker.
    pub(crate) counts_for_breaker: bool,
}

/// A failure that no other attempt can avoid.
const FINAL: Meaning =
    Meaning { retry_same: false, other_key: false, next_target: false, counts_for_breaker: false };
/// A failure of this target only: another one may answer.
const ELSEWHERE: Meaning = Meaning { next_target: true, ..FINAL };
/// A failure of this key only: another key, or another target, may be answered.
const OTHER_KEY: Meaning = Meaning { other_key: true, ..ELSEWHERE };
/// A failure that may pass, and shows nothing about the health of the provider.
const UNLUCKY: Meaning = Meaning { retry_same: true, ..ELSEWHERE };
/// A failure that may pass, and that the provider is responsible for.
const TRANSIENT: Meaning = Meaning { counts_for_breaker: true, ..UNLUCKY };
/// A failure that may pass, and that another key may avoid.
const LIMITED: Meaning = Meaning { other_key: true, ..TRANSIENT };

impl Meaning {
    /// Returns what a failure leads to. Its category decides, and for a `bad_response` its HTTP
    /// status too: a 4xx that no other category covers refuses this request at this target for
    /// good, and shows nothing about the provider's health.
    pub(crate) fn of_failure(category: Category, http_status: Option<u16>) -> Self {
        match (category, http_status) {
            (Category::BadResponse, Some(400..=499)) => ELSEWHERE,
            _ => Self::of(category),
        }
    }

    /// Returns what the failure `error` leads to.
    pub(crate) fn of_error(error: &Error) -> Self {
        if error.has_lasting_cause() {
            return ELSEWHERE;
        }
        Self::of_failure(error.category(), error.http_status())
    }

    /// Returns what a failure of `category` leads to, whatever its HTTP status.
    fn of(category: Category) -> Self {
        match category {
            Category::RateLimit => LIMITED,

            Category::Overloaded
            | Category::Provider5xx
            | Category::Timeout
            | Category::Network
            | Category::Truncated
            | Category::BadResponse => TRANSIENT,

            Category::EmptyOutput => UNLUCKY,

            Category::Quota | Category::Auth | Category::MissingKey => OTHER_KEY,

            Category::BreakerOpen | Category::ModelNotFound | Category::PolicyBlocked => ELSEWHERE,

            // The caller is at fault: another target would refuse the request too, and bill it.
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

/// The table for callers that decide for themselves what to do about a failure. Where an HTTP
/// status is known, [`Error`] answers the same three questions.
impl Category {
    /// Returns whether the same target may be asked again.
    pub fn retry_same(self) -> bool {
        Meaning::of(self).retry_same
    }

    /// Returns whether the next target of a chain may be asked.
    pub fn next_target(self) -> bool {
        Meaning::of(self).next_target
    }

    /// Returns whether the failure counts for the target's circuit breaker.
    pub fn counts_for_breaker(self) -> bool {
        Meaning::of(self).counts_for_breaker
    }

    /// Returns whether the category says that the request was refused before a model worked on it.
    /// Such a failure is not billed, unless its [`Error`] says otherwise. After any other failure a
    /// bill may come.
    pub fn is_refusal(self) -> bool {
        match self {
            Self::RateLimit
            | Self::Overloaded
            | Self::Quota
            | Self::Auth
            | Self::MissingKey
            | Self::ModelNotFound
            | Self::InvalidRequest
            | Self::ContextLength
            | Self::ContentFilter
            | Self::BreakerOpen
            | Self::PolicyBlocked => true,

            Self::Provider5xx
            | Self::Timeout
            | Self::Network
            | Self::Truncated
            | Self::BadResponse
            | Self::EmptyOutput
            | Self::OutputBudgetExhausted
            | Self::UnknownTaskClass
            | Self::PolicyInvalid
            | Self::Ledger
            | Self::Quorum
            | Self::Independence
            | Self::Cancelled
            | Self::Internal => false,
        }
    }
}

/// Answers from the table of categories for one failure.
impl Error {
    /// Returns whether the same target may be asked again.
    pub fn retry_same(&self) -> bool {
        Meaning::of_error(self).retry_same
    }

    /// Returns whether the next target of a chain may be asked, whichever it is. After a
    /// [`ContextLength`](Category::ContextLength) only a target with a larger context may, so this
    /// returns false.
    pub fn next_target(&self) -> bool {
        Meaning::of_error(self).next_target
    }

    /// Returns whether the failure counts for the target's circuit breaker.
    pub fn counts_for_breaker(&self) -> bool {
        Meaning::of_error(self).counts_for_breaker
    }
}
