//! The one error type of the library, and the closed set of its categories.
//!
//! An error is classified once, where it arises, and carries what a caller needs: a category to
//! branch on, a message and a hint to show, and the cause. What a category leads to (a retry,
//! the next target, a count in the circuit breaker) is decided in one table, in the room
//! `reliability`.

mod billing;
mod blocked_by;
mod category;
#[cfg(any(feature = "reqwest", feature = "sqlite"))]
mod own_want;
mod refusing_cap;
mod texts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Target, Usage};

pub use blocked_by::BlockedBy;
pub use category::Category;
#[cfg(any(feature = "reqwest", feature = "sqlite"))]
pub(crate) use own_want::{has_no_descriptor, is_own_want};
pub use refusing_cap::RefusingCap;

/// An error of the gateway, of a provider, or of a program's own provider.
///
/// Branch on [`category`](Self::category), and show [`message`](Self::message) and
/// [`hint`](Self::hint) to a person. `Display` writes the message. An own provider makes errors
/// with [`new`](Self::new):
///
/// ```
/// use llm_gateway_core::{Category, Error};
///
/// let error = Error::new(Category::RateLimit, "the model server has 8 requests already")
///     .with_hint("wait until one of them has ended")
///     .with_http_status(429);
/// assert_eq!(error.category(), Category::RateLimit);
/// assert_eq!(error.category().as_str(), "rate_limit");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    category: Category,
    message: String,
    hint: Option<String>,
    /// Whether the hint may be continued by [`Error::finish_hint`].
    hint_is_unfinished: bool,
    target: Option<Target>,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    usage: Option<Usage>,
    answered_by: Option<String>,
    nothing_sent: bool,
    /// Whether it is certain that nothing is billed, although the request was sent.
    unbilled: bool,
    /// Whether a bill may come although the failure looks like a refusal.
    may_be_billed: bool,
    blocked_by: Option<BlockedBy>,
    /// The cap that refused the call.
    cap: Option<RefusingCap>,
    /// Whether the same would happen again until this process has other settings.
    has_lasting_cause: bool,
    /// Whether the server refused the form of the request rather than its content.
    refuses_form: bool,
    /// The cause of the error, which its clones share.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error of `category`. By convention the message is one sentence in lower case
    /// that names the thing and its value, without a full stop.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            category,
            message: message.into(),
            hint: None,
            hint_is_unfinished: false,
            target: None,
            http_status: None,
            retry_after: None,
            usage: None,
            answered_by: None,
            nothing_sent: false,
            unbilled: false,
            may_be_billed: false,
            blocked_by: None,
            cap: None,
            has_lasting_cause: false,
            refuses_form: false,
            source: None,
        }))
    }

    /// Creates the error of a call that the policy refuses. `by` names the part of the policy that
    /// refused it.
    pub(crate) fn blocked(by: BlockedBy, message: impl Into<String>) -> Self {
        let mut error = Self::new(Category::PolicyBlocked, message);
        error.0.blocked_by = Some(by);
        error
    }

    /// Creates the error of a call that a cap refuses.
    pub(crate) fn capped(cap: RefusingCap, message: impl Into<String>) -> Self {
        let mut error = Self::blocked(BlockedBy::Cap, message);
        error.0.cap = Some(cap);
        error
    }

    /// Joins the faults of one request into one error that names them all. Returns `None` if there
    /// are none.
    #[doc(hidden)]
    pub fn of_all(faults: Vec<Self>) -> Option<Self> {
        faults.into_iter().reduce(Self::and)
    }

    /// Joins two faults of one request. A fault of the policy hides one of the request, because the
    /// request cannot mend it.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.category(), other.category()) {
            (Category::PolicyInvalid, _) => return self,
            (_, Category::PolicyInvalid) => return other,
            _ => {}
        }
        let category = match self.category() == other.category() {
            true => self.category(),
            false => Category::InvalidRequest,
        };
        let message = format!("{}; {}", self.message(), other.message());
        let hint = match (self.hint().unwrap_or_default(), other.hint().unwrap_or_default()) {
            (one, two) if one == two || one.ends_with(&format!("; {two}")) => one.to_owned(),
            (one, two) => format!("{one}; {two}"),
        };
        Self::new(category, message).with_hint(hint)
    }

    /// Adds advice for the reader, in place of any that is there.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self.0.hint_is_unfinished = false;
        self
    }

    /// Adds advice that ends with the name of what to ask instead. The name depends on the caller's
    /// request, which the place of the failure does not know, so [`finish_hint`](Self::finish_hint)
    /// adds it.
    #[must_use]
    pub(crate) fn with_unfinished_hint(mut self, hint: impl Into<String>) -> Self {
        self = self.with_hint(hint);
        self.0.hint_is_unfinished = true;
        self
    }

    /// Ends an unfinished hint with what to ask `instead`. Any other hint stays as it is.
    #[must_use]
    pub(crate) fn finish_hint(mut self, instead: &str) -> Self {
        if let (Some(hint), true) = (&mut self.0.hint, self.0.hint_is_unfinished) {
            hint.push_str(", or ");
            hint.push_str(instead);
        }
        self.0.hint_is_unfinished = false;
        self
    }

    /// Adds the target that failed.
    #[must_use]
    pub fn with_target(mut self, target: Target) -> Self {
        self.0.target = Some(target);
        self
    }

    /// Adds the HTTP status that the provider answered with.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Adds the time that the provider asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// States that no byte of the request was sent, so that nothing can have been billed.
    #[must_use]
    pub fn with_nothing_sent(mut self) -> Self {
        self.0.nothing_sent = true;
        self
    }

    /// States that the same would happen again until this process has other settings.
    #[must_use]
    pub(crate) fn with_lasting_cause(mut self) -> Self {
        self.0.has_lasting_cause = true;
        self
    }

    /// Returns whether the same would happen again until this process has other settings.
    pub(crate) fn has_lasting_cause(&self) -> bool {
        self.0.has_lasting_cause
    }

    /// States that the server refused the form of the request, and that its provider prepares the
    /// call in another form from now on.
    #[must_use]
    pub(crate) fn with_refused_form(mut self) -> Self {
        self.0.refuses_form = true;
        self
    }

    /// Removes the statement that the server refused the form of the request.
    #[must_use]
    pub(crate) fn without_refused_form(mut self) -> Self {
        self.0.refuses_form = false;
        self
    }

    /// Adds the tokens that the provider reported, and bills, for an answer that cannot be used.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.0.usage = Some(usage);
        self
    }

    /// Adds the model that the API says wrote the answer that cannot be used. That model's price
    /// decides what the attempt cost.
    #[must_use]
    pub fn with_answered_by(mut self, model: impl Into<String>) -> Self {
        self.0.answered_by = Some(model.into());
        self
    }

    /// Adds the cause, for [`std::error::Error::source`]. A cause whose words are in the message
    /// already is passed over there, for the next one behind it: who prints a chain of errors then
    /// says each thing once.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Returns the kind of the error.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// Returns what went wrong, as one sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what the reader can do about the error: the advice that was given with it, else the
    /// usual advice of its category.
    pub fn hint(&self) -> Option<&str> {
        Some(self.0.hint.as_deref().unwrap_or_else(|| self.category().usual_hint()))
    }

    /// Returns the target that failed, if one was asked.
    pub fn target(&self) -> Option<&Target> {
        self.0.target.as_ref()
    }

    /// Returns the HTTP status of the provider's response, if there was a response.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// Returns whether it is certain that no byte of the request was sent.
    pub fn nothing_sent(&self) -> bool {
        self.0.nothing_sent
    }

    /// Returns what refused the call, if the policy did.
    pub fn blocked_by(&self) -> Option<BlockedBy> {
        self.0.blocked_by
    }

    /// Returns the cap that refused the call, if one did.
    pub fn cap(&self) -> Option<&RefusingCap> {
        self.0.cap.as_ref()
    }

    /// Returns whether the server refused the form of the request, so that the same call may be
    /// prepared once more.
    pub(crate) fn refuses_form(&self) -> bool {
        self.0.refuses_form
    }

    /// Returns the tokens that the provider reported for an answer that cannot be used, if it
    /// reported any.
    pub fn usage(&self) -> Option<&Usage> {
        self.0.usage.as_ref()
    }

    /// Returns the model that the API says wrote an answer that cannot be used, if it named one.
    pub fn answered_by(&self) -> Option<&str> {
        self.0.answered_by.as_deref()
    }

    /// Returns the time that the provider asked to wait, if it asked.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("category", &self.0.category)
            .field("message", &self.0.message)
            .field("hint", &self.0.hint)
            .field("target", &self.0.target)
            .field("http_status", &self.0.http_status)
            .finish_non_exhaustive()
    }
}

/// A cause of an error.
type Cause = dyn std::error::Error + 'static;

/// Returns the cause behind another one.
fn next<'a>(cause: &&'a Cause) -> Option<&'a Cause> {
    cause.source()
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let first = self.0.source.as_ref().map(|source| &**source as &Cause);
        // Reporters of chains print the message and each cause, so a cause that only repeats the
        // message is passed over.
        let mut causes = std::iter::successors(first, next);
        causes.find(|cause| !self.0.message.contains(&cause.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_clone_keeps_everything_the_source_included() {
        let cause = "key".parse::<Category>().unwrap_err();
        let error = Error::new(Category::Timeout, "too late")
            .with_unfinished_hint("wait")
            .with_http_status(504)
            .with_source(cause.clone());
        let clone = error.clone();
        assert_eq!(format!("{clone:?}"), format!("{error:?}"));
        assert_eq!(clone.source().unwrap().to_string(), cause.to_string());
        assert_eq!(clone.finish_hint("ask another").hint(), Some("wait, or ask another"));
    }
}
