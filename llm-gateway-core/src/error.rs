//! What can go wrong: a closed set of categories, and the one error type of the library.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{InvalidName, Target, Usage};

/// The closed set of error categories. What each leads to (retry, next target, breaker) is
/// decided in one table, in the room `reliability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// The provider, or a local limit, asks to slow down.
    RateLimit,
    /// The provider says that it has too much to do.
    Overloaded,
    /// The provider failed (5xx).
    #[serde(rename = "provider_5xx")]
    Provider5xx,
    /// An attempt, an idle or a deadline clock ran out.
    Timeout,
    /// Connect, reset or TLS failed.
    Network,
    /// The body ended before its end.
    Truncated,
    /// 200 that is not what the API promises, a redirect, or a body above the bound.
    BadResponse,
    /// No text, and no stated reason.
    EmptyOutput,
    /// Refused by the circuit breaker.
    BreakerOpen,
    /// The account is out of credit.
    Quota,
    /// The provider refused the key.
    Auth,
    /// There is no key to send.
    MissingKey,
    /// The provider does not know the model.
    ModelNotFound,
    /// The policy refused: preflight, cap or kill switch.
    PolicyBlocked,
    /// The provider refused the request as malformed.
    InvalidRequest,
    /// The request is longer than the model takes.
    ContextLength,
    /// A safety system refused or stopped the answer.
    ContentFilter,
    /// Every output token went into reasoning; no text was left.
    OutputBudgetExhausted,
    /// The policy has no such task class, or it cannot run.
    UnknownTaskClass,
    /// The policy file does not compile.
    PolicyInvalid,
    /// The spend ledger cannot be used.
    Ledger,
    /// Too few members of a panel answered.
    Quorum,
    /// A panel's independence could not be certified.
    Independence,
    /// The caller went away.
    Cancelled,
    /// A fault of the gateway itself.
    Internal,
}

impl Category {
    /// Every category.
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

    /// The name that envelopes and logs show.
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

    /// Reads the name that [`as_str`](Self::as_str) returns.
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        let found = Self::ALL.iter().find(|category| category.as_str() == name);
        found.copied().ok_or_else(|| {
            InvalidName::new("category", name, "use a name that `Category::as_str` returns")
        })
    }
}

/// Anything that can go wrong on the way of a request.
///
/// Branch on [`category`](Self::category); show the message and the
/// [`hint`](Self::hint) to a person.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    category: Category,
    message: String,
    hint: Option<String>,
    /// Whether the hint goes on with whom to ask instead.
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
    /// An error of `category`; the message is lower case, names the thing and its value, and
    /// has no full stop.
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

    /// Adds advice: what the reader can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self.0.hint_is_unfinished = false;
        self
    }

    /// Adds advice that goes on with whom to ask instead. What that is called depends on who was
    /// asked, which the place of the failure does not know: [`Self::finish_hint`] says it.
    #[must_use]
    pub(crate) fn with_unfinished_hint(mut self, hint: impl Into<String>) -> Self {
        self = self.with_hint(hint);
        self.0.hint_is_unfinished = true;
        self
    }

    /// Ends a hint that goes on with whom to ask `instead`; any other stays as it is.
    #[must_use]
    pub(crate) fn finish_hint(mut self, instead: &str) -> Self {
        if let (Some(hint), true) = (&mut self.0.hint, self.0.hint_is_unfinished) {
            hint.push_str(", or ");
            hint.push_str(instead);
        }
        self.0.hint_is_unfinished = false;
        self
    }

    /// Names the target that failed.
    #[must_use]
    pub fn with_target(mut self, target: Target) -> Self {
        self.0.target = Some(target);
        self
    }

    /// Keeps the HTTP status that the provider answered with.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Keeps how long the provider asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// States that not a byte of the request left, so that nothing can have been billed.
    #[must_use]
    pub fn with_nothing_sent(mut self) -> Self {
        self.0.nothing_sent = true;
        self
    }

    /// Keeps the tokens that the provider reported, and bills, for an answer of no use.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.0.usage = Some(usage);
        self
    }

    /// Keeps the model that the API said gave the answer of no use: its price is the bill's.
    #[must_use]
    pub fn with_answered_by(mut self, model: impl Into<String>) -> Self {
        self.0.answered_by = Some(model.into());
        self
    }

    /// Keeps the cause, for [`std::error::Error::source`].
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// What kind of failure it is: the thing to branch on.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// One sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The target that failed, where there was one.
    pub fn target(&self) -> Option<&Target> {
        self.0.target.as_ref()
    }

    /// The HTTP status that the provider answered with, where it did.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// Whether it is known that not a byte of the request left.
    pub fn nothing_sent(&self) -> bool {
        self.0.nothing_sent
    }

    /// The tokens that the provider reported for an answer of no use, where it did.
    pub fn usage(&self) -> Option<&Usage> {
        self.0.usage.as_ref()
    }

    /// The model that the API said gave an answer of no use, where it did.
    pub fn answered_by(&self) -> Option<&str> {
        self.0.answered_by.as_deref()
    }

    /// How long the provider asked to wait, where it did.
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
