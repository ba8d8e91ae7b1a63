//! What a model answered.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ModelText, NanoUsd, Usage};

/// One piece of an answer. Text today; tool calls have their place here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputPart {
    /// Text for the caller.
    Text(String),
}

/// Why a model stopped, in one vocabulary for every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It reached the output bound; the text is cut there.
    Length,
    /// The provider's safety system stopped it.
    ContentFilter,
    /// It wants a tool to be called.
    ToolCalls,
    /// A reason that has no name here.
    Other,
}

impl FinishReason {
    /// The name that envelopes show.
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

/// A decoded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// The answer, piece by piece, never empty of text.
    pub parts: Vec<OutputPart>,
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// The model that the API said answered; absent when it named none.
    pub model: Option<String>,
    /// The provider's id of this response.
    pub response_id: Option<String>,
    /// Tokens as reported; absent when the provider reported none.
    pub usage: Option<Usage>,
    /// What the provider says that it bills; absent when it does not say. It is shown beside
    /// our own price and never booked: whether it includes everything is the provider's word.
    pub reported_cost: Option<NanoUsd>,
}

impl Completion {
    /// A plain text answer that ended of its own accord. Fill the other fields as known.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            parts: vec![OutputPart::Text(text.into())],
            finish_reason: FinishReason::Stop,
            model: None,
            response_id: None,
            usage: None,
            reported_cost: None,
        }
    }

    /// The text of all parts, joined, as what it is: another model's.
    pub fn model_text(&self) -> ModelText {
        ModelText::mint(self.joined_text())
    }

    /// The text of all parts, joined.
    pub fn joined_text(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                OutputPart::Text(text) => text.as_str(),
            })
            .collect()
    }
}
