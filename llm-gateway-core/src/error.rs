//! The one error type of the library, and the closed set of its categories.
//!
//! An error is classified once, where it arises, and carries what a caller needs: a category to
//! branch on, a message and a hint to show, and the cause. What a category leads to (a retry,
//! the next target, a count in the circuit breaker) is decided in one table, in the room
//! `reliability`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{InvalidName, Target, Usage};

/// The kind of an error: what a program branches on.
///
/// Envelopes and logs show a category by the name that [`as_str`](Self::as_str) returns. Whether
/// an error of a category is retried, asks the next target or counts in the circuit breaker
/// depends on the category alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// The provider limits the rate of requests, or a limit of the policy does.
    RateLimit,
    /// The provider says that it is overloaded.
    Overloaded,
    /// The provider failed with a 5xx status.
    #[serde(rename = "provider_5xx")]
    Provider5xx,
    /// No answer came in time: the attempt's, the idle or the request's clock ran out.
    Timeout,
    /// The connection could not be made or broke: DNS, TCP or TLS.
    Network,
    /// The body of the response broke off.
    Truncated,
    /// The response is not what the API promises, is a redirect, or has a body above the bound.
    BadResponse,
    /// The answer has no text and states no reason for that.
    EmptyOutput,
    /// The circuit breaker of the target is open, so nothing was sent.
    BreakerOpen,
    /// The account with the provider is out of credit.
    Quota,
    /// The provider refused the key.
    Auth,
    /// The provider needs a key and none is set.
    MissingKey,
    /// The provider does not know the model.
    ModelNotFound,
    /// The policy refused the call: price check, spending cap or kill switch.
    PolicyBlocked,
    /// The request is malformed, by the provider's rules or the gateway's.
    InvalidRequest,
    /// The request is longer than the model's context.
    ContextLength,
    /// A safety system refused the request or stopped the answer.
    ContentFilter,
    /// The model spent every output token on reasoning and wrote no text.
    OutputBudgetExhausted,
    /// The policy has no task class of this name.
    UnknownTaskClass,
    /// The policy file has errors, so the policy cannot be used.
    PolicyInvalid,
    /// The spend ledger cannot be read or written.
    Ledger,
    /// Fewer members of a panel answered than its quorum.
    Quorum,
    /// The independence of a panel could not be certified, and the policy requires it.
    Independence,
    /// The caller stopped the request, or a call was left out because its answer could no longer
    /// count.
    Cancelled,
    /// A fault of the gateway itself.
    Internal,
}

impl Category {
    /// Every category, in the order of the enum.
    pub const ALL: &'static [Self] = &[
        Self::RateLimit,
        Self::Overloaded,
        Self::Provider5xx,
        Self::Timeout,
        Self::Network,
        Self::Truncated,
        Self::BadResponse,
        Self::EmptyOutput,
        Self::BreakerOpen,
        Self::Quota,
        Self::Auth,
        Self::MissingKey,
        Self::ModelNotFound,
        Self::PolicyBlocked,
        Self::InvalidRequest,
        Self::ContextLength,
        Self::ContentFilter,
        Self::OutputBudgetExhausted,
        Self::UnknownTaskClass,
        Self::PolicyInvalid,
        Self::Ledger,
        Self::Quorum,
        Self::Independence,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Returns the name that envelopes and logs show, such as `rate_limit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Provider5xx => "provider_5xx",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Truncated => "truncated",
            Self::BadResponse => "bad_response",
            Self::EmptyOutput => "empty_output",
            Self::BreakerOpen => "breaker_open",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::MissingKey => "missing_key",
            Self::ModelNotFound => "model_not_found",
            Self::PolicyBlocked => "policy_blocked",
            Self::InvalidRequest => "invalid_request",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::OutputBudgetExhausted => "output_budget_exhausted",
            Self::UnknownTaskClass => "unknown_task_class",
            Self::PolicyInvalid => "policy_invalid",
            Self::Ledger => "ledger",
            Self::Quorum => "quorum",
            Self::Independence => "independence",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Category {
    type Err = InvalidName;

    /// Returns the category of a name as [`as_str`](Self::as_str) writes it.
    ///
    /// # Errors
    /// [`InvalidName`] for any other text.
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        let found = Self::ALL.iter().find(|category| category.as_str() == name);
        found.copied().ok_or_else(|| {
            InvalidName::new("category", name, "use a name that `Category::as_str` returns")
        })
    }
}

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
    /// Shared, so that an error can be cloned whatever caused it.
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
            source: None,
        }))
    }

    /// Adds advice for the reader, in place of any that is there.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self.0.hint_is_unfinished = false;
        self
    }

    /// Adds advice that goes on with whom to ask instead. What that is called depends on what the
    /// caller asked for, which the place of the failure does not know, so
    /// [`finish_hint`](Self::finish_hint) adds it.
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

    /// Adds the cause, for [`std::error::Error::source`].
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

    /// Returns what the reader can do about the error, if there is advice.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_category_reads_back_from_its_name() {
        for category in Category::ALL {
            assert_eq!(category.as_str().parse(), Ok(*category));
            assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
        }
        let error = "no_such_thing".parse::<Category>().unwrap_err();
        assert!(error.to_string().starts_with("`no_such_thing` is not a category"), "{error}");
    }

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
