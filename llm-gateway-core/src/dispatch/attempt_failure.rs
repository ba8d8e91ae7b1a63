//! The failure of one attempt, with what decides about the next.

use crate::error::{Category, Error};

use super::holds::BookingError;
use super::refusal::Reach;

/// An attempt without an answer.
pub(super) struct AttemptFailure {
    pub(super) error: Error,
    /// Whether the attempt reached the provider.
    pub(super) was_asked: bool,
    /// The targets for which the failure holds.
    pub(super) reach: Reach,
    /// Whether the allowance of the request has no room for the attempt.
    pub(super) is_outspent: bool,
    /// The id of the key that was leased for the attempt, if one was.
    pub(super) key: Option<String>,
    /// The id of another key with which the same target may answer; `None` if there is none, or if
    /// the failure is not about the key.
    pub(super) other_key: Option<String>,
}

impl AttemptFailure {
    /// Creates the failure of an attempt before the provider was asked. The same attempt would fail
    /// again a moment later.
    pub(super) fn before(error: Error) -> Self {
        Self {
            error,
            was_asked: false,
            reach: Reach::Target,
            is_outspent: false,
            key: None,
            other_key: None,
        }
    }

    /// Creates the failure of an attempt at the provider.
    pub(super) fn after(error: Error) -> Self {
        Self { was_asked: true, ..Self::before(error) }
    }

    /// Creates the failure of an attempt for which no money could be set aside.
    pub(super) fn unbooked(refused: BookingError) -> Self {
        let BookingError { error, reach, is_outspent } = refused;
        Self { reach, is_outspent, ..Self::before(error) }
    }

    /// Converts the failure of a retry after an attempt that failed with `last`. If there is no
    /// money or no key for the retry, `last` stays the error, because it explains more.
    pub(super) fn of_retry(self, last: Option<Error>) -> Self {
        match last {
            Some(last) if self.is_outspent => {
                Self { error: last.with_hint(format!("not tried again: {}", self.error)), ..self }
            }
            Some(last) if self.error.category() == Category::MissingKey => {
                Self { error: last, ..self }
            }
            _ => self,
        }
    }
}
