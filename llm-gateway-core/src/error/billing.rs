//! What an error says of the bill: whether the failed call costs anything.

use super::Error;

impl Error {
    /// States that nothing is billed for the attempt, although its request may have been sent. The
    /// attempt is then settled at zero, whatever its category is.
    ///
    /// ```
    /// use llm_gateway_core::{Category, Error};
    ///
    /// let lost = Error::new(Category::Timeout, "the queue dropped the job before it ran").unbilled();
    /// assert!(lost.is_unbilled());
    /// ```
    #[must_use]
    pub fn unbilled(mut self) -> Self {
        self.0.unbilled = true;
        self
    }

    /// States that the attempt may be billed although its failure looks like a refusal, such as a
    /// rate limit that was reached in the middle of an answer. The attempt is then settled at its
    /// whole hold, as an estimate, unless [`with_usage`](Self::with_usage) says what it cost.
    #[must_use]
    pub fn with_possible_bill(mut self) -> Self {
        self.0.may_be_billed = true;
        self
    }

    /// Returns whether it is certain that nothing is billed, although the request may have been
    /// sent.
    pub fn is_unbilled(&self) -> bool {
        self.0.unbilled
    }

    /// Returns whether the attempt may be billed although its failure looks like a refusal.
    pub fn may_be_billed(&self) -> bool {
        self.0.may_be_billed
    }
}
