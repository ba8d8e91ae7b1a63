//! The decoded answer of a model.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ModelText, NanoUsd, Usage};

/// One piece of a model's answer. Text is the only kind so far.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputPart {
    /// A piece of a model's answer that is text.
    Text(String),
}

/// The reason why a model stopped writing, in one vocabulary for all wire formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model's answer is complete.
    Stop,
    /// The answer reached the bound on output tokens and is cut there.
    Length,
    /// The provider's safety system stopped the answer.
    ContentFilter,
    /// The model stopped to ask for a tool to be called.
    ToolCalls,
    /// The provider stated no reason why the model stopped, or one that has no name here.
    Other,
}

impl FinishReason {
    /// Returns the name of the finish reason that envelopes show, such as `length`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The decoded answer of a model, as a [`Provider`](crate::provider::Provider) returns it.
///
/// ```
/// use llm_gateway_core::model::{Completion, FinishReason, Usage};
///
/// let mut completion = Completion::text("Paris.");
/// completion.usage = Some(Usage::new(12, 3));
/// assert_eq!(completion.joined_text(), "Paris.");
/// assert_eq!(completion.finish_reason, FinishReason::Stop);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// The pieces of the model's answer, in order. At least one of them has text.
    pub parts: Vec<OutputPart>,
    /// The reason why the model stopped writing its answer.
    pub finish_reason: FinishReason,
    /// The model that the API says answered; `None` if it names none.
    pub model: Option<String>,
    /// The provider's id of the response, if it has one.
    pub response_id: Option<String>,
    /// The tokens that the provider reported; `None` if it reported none.
    pub usage: Option<Usage>,
    /// Whether the reported counts contradict each other. Their larger side is in `usage`.
    pub usage_is_doubted: bool,
    /// The service tier at which the request was served; absent when the provider names none.
    pub service_tier: Option<String>,
    /// The cost that the provider says it bills; absent if it states none. It is shown beside the
    /// computed price and never booked, because nobody can check whether it includes everything.
    pub reported_cost: Option<NanoUsd>,
}

impl Completion {
    /// Creates a completion whose answer is plain text and complete. Its other fields are empty and
    /// can be set.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            parts: vec![OutputPart::Text(text.into())],
            finish_reason: FinishReason::Stop,
            model: None,
            response_id: None,
            usage: None,
            usage_is_doubted: false,
            service_tier: None,
            reported_cost: None,
        }
    }

    /// Returns the joined text of all parts of the answer, marked as written by a model.
    pub fn model_text(&self) -> ModelText {
        ModelText::mint(self.joined_text())
    }

    /// Returns the reason why the answer did not come to its own end, as part of a sentence; `None`
    /// if it did. `max_tokens` is the bound on output that was sent. An answer as long as the bound
    /// was cut there, whatever reason the provider states. If the length is not reported, the
    /// stated reason decides.
    pub(crate) fn unfinished(&self, max_tokens: u64) -> Option<String> {
        if self.finish_reason != FinishReason::Stop {
            let reason = self.finish_reason.as_str();
            return Some(format!("did not come to its own end (`{reason}`)"));
        }
        let output = self.usage.map(|usage| usage.output).filter(|output| *output >= max_tokens)?;
        Some(format!("is as long as the bound that was sent ({output} of {max_tokens} tokens)"))
    }

    /// Returns whether the answer certainly came to its own end, given the `bound` on output that
    /// was sent. If the length is not reported, the answer's bytes are counted, because no token is
    /// shorter than a byte.
    pub(crate) fn ended_by_itself(&self, bound: u64) -> bool {
        let bytes = || self.parts.iter().map(|OutputPart::Text(text)| text.len()).sum::<usize>();
        let is_short = || u64::try_from(bytes()).is_ok_and(|bytes| bytes < bound);
        self.unfinished(bound).is_none() && (self.is_counted() || is_short())
    }

    /// Returns whether the length of the answer was reported in tokens.
    pub(crate) fn is_counted(&self) -> bool {
        self.usage.is_some_and(|usage| usage.output > 0)
    }

    /// Returns the joined text of all parts of the answer.
    pub fn joined_text(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                OutputPart::Text(text) => text.as_str(),
            })
            .collect()
    }
}
