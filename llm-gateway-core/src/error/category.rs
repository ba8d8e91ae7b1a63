//! The closed set of error categories.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::InvalidName;

/// The kind of an error: what a program branches on.
///
/// Envelopes and logs show a category by the name that [`as_str`](Self::as_str) returns. Whether an
/// error of a category is retried, asks the next target or counts in the circuit breaker depends on
/// the category. A [`BadResponse`](Self::BadResponse) with a 4xx status is an exception: it is
/// neither retried nor counted.
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
    /// Fewer members of a panel answered than its quorum, or a member was not asked because too few
    /// others could be.
    Quorum,
    /// The independence of a panel could not be certified, and the policy requires it.
    Independence,
    /// The caller stopped the request.
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

    /// Returns what a reader can do about an error of this category, where the place of the failure
    /// knows no better advice.
    pub(crate) fn usual_hint(self) -> &'static str {
        match self {
            Self::RateLimit | Self::Overloaded | Self::Provider5xx => "try again later",
            Self::Timeout => "raise the time-out or the deadline in the policy, or ask for less",
            Self::Network => "check the network, the proxy and the base URL of the provider",
            Self::Truncated => {
                "try again; if it breaks off each time, look at what stands between the gateway \
                 and the model, such as a proxy with a time-out of its own"
            }
            Self::BadResponse => {
                "check that the provider's base URL speaks the dialect of its kind"
            }
            Self::EmptyOutput => "try again, or word the prompt differently",
            Self::BreakerOpen => "try again when the breaker's cooldown has passed",
            Self::Quota => "add credit at the provider",
            Self::Auth => "check the provider's key and what it may use",
            Self::MissingKey => "set the provider's key in the environment or in .env",
            Self::ModelNotFound => "check the model id, and that the key may use it",
            Self::PolicyBlocked => "lower max_tokens, shorten the prompt, or raise the limit",
            Self::InvalidRequest => {
                "change what the message finds fault with; the same request fails elsewhere too, so \
                 no other target is asked"
            }
            Self::ContextLength => {
                "shorten the prompt, or route it to a model with a larger context"
            }
            Self::ContentFilter => "rephrase the prompt, or route it elsewhere",
            Self::OutputBudgetExhausted => "raise max_tokens: reasoning counts as output",
            Self::UnknownTaskClass => "name a task class that `llm_routing_info` lists",
            Self::PolicyInvalid => "run `llm-gateway check` to see every problem",
            Self::Ledger => "check the file and the directory of the ledger",
            Self::Quorum => "see what became of each member, or lower the quorum in the policy",
            Self::Independence => {
                "see the claims of the certificate, or require less in the policy"
            }
            Self::Cancelled => "ask again if the answer is still wanted",
            Self::Internal => "try again; if it comes back, report it with the words of the error",
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

#[cfg(test)]
mod tests {
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
    fn every_category_has_advice() {
        for category in Category::ALL {
            let hint = category.usual_hint();
            assert!(hint.len() > 10 && !hint.ends_with('.'), "{category}: {hint}");
        }
    }
}
