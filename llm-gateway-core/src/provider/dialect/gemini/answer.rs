//! A response of generateContent, whole or one of a stream. Google leaves out every field that has
//! its default value, and a blocked prompt has no candidate.

use serde::Deserialize;
use serde_json::Value;

use crate::model::FinishReason;
use crate::provider::dialect::ErrorReport;
use crate::provider::dialect::assembly::Pieces;
use crate::provider::dialect::counts::Counts;
use crate::provider::dialect::lenient::{lenient, list, name, text, texts};
use crate::provider::dialect::reasons::{self, FinishMeaning};

/// A response of generateContent, whole or one of a stream. Servers in Python write the names of
/// its fields in snake case, and proxies may write both spellings, one of them null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerateResponse {
    #[serde(default, deserialize_with = "list")]
    candidates: Vec<AnswerCandidate>,
    #[serde(default, deserialize_with = "lenient")]
    prompt_feedback: Option<PromptFeedback>,
    #[serde(default, deserialize_with = "lenient", rename = "prompt_feedback")]
    snake_prompt_feedback: Option<PromptFeedback>,
    #[serde(default, deserialize_with = "name")]
    model_version: Option<String>,
    #[serde(default, deserialize_with = "name", rename = "model_version")]
    snake_model_version: Option<String>,
    #[serde(default, deserialize_with = "name")]
    response_id: Option<String>,
    #[serde(default, deserialize_with = "name", rename = "response_id")]
    snake_response_id: Option<String>,
    #[serde(default)]
    usage_metadata: Value,
    #[serde(default, rename = "usage_metadata")]
    snake_usage_metadata: Value,
}

/// One candidate, of several that a request can ask for. The gateway asks for one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerCandidate {
    #[serde(default, deserialize_with = "lenient")]
    content: Option<CandidateContent>,
    #[serde(default, deserialize_with = "text")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "text", rename = "finish_reason")]
    snake_finish_reason: Option<String>,
    #[serde(default, deserialize_with = "text")]
    finish_message: Option<String>,
    #[serde(default, deserialize_with = "text", rename = "finish_message")]
    snake_finish_message: Option<String>,
    #[serde(default)]
    error: Value,
}

#[derive(Deserialize)]
struct CandidateContent {
    #[serde(default, deserialize_with = "list")]
    parts: Vec<CandidatePart>,
}

/// A part of a candidate's content. A part that is no text, such as a function call, reads as an
/// empty text.
#[derive(Deserialize)]
struct CandidatePart {
    #[serde(default, deserialize_with = "texts")]
    text: Vec<String>,
    /// Whether the part is a summary of the model's reasoning, which is not text for the caller.
    #[serde(default, deserialize_with = "lenient")]
    thought: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    #[serde(default, deserialize_with = "name")]
    block_reason: Option<String>,
    #[serde(default, deserialize_with = "name", rename = "block_reason")]
    snake_block_reason: Option<String>,
}

impl GenerateResponse {
    /// Returns whether the document is a response of generateContent.
    pub(super) fn is_answer(&self) -> bool {
        !self.candidates.is_empty() || self.blocked().is_some()
    }

    fn blocked(&self) -> Option<&str> {
        let feedback = self.prompt_feedback.as_ref().or(self.snake_prompt_feedback.as_ref())?;
        feedback.block_reason.as_deref().or(feedback.snake_block_reason.as_deref())
    }

    /// Returns the model that answered. Some responses name it as a resource.
    fn model(&self) -> Option<String> {
        let named = self.model_version.as_deref().or(self.snake_model_version.as_deref())?;
        Some(named.strip_prefix("models/").unwrap_or(named).to_owned())
    }

    /// Adds the response to the pieces of the answer, and returns why it says that the model
    /// stopped.
    pub(super) fn into_pieces(self, pieces: &mut Pieces) -> Option<FinishMeaning> {
        let blocked = self.blocked().map(str::to_owned);
        pieces.name(self.model(), self.response_id.or(self.snake_response_id));
        let candidate = self.candidates.into_iter().next();
        let mut stopped = candidate.and_then(|candidate| candidate.into_pieces(pieces));
        if let Some(reason) = blocked {
            pieces.refusal = format!("prompt blocked: {reason}");
            stopped = FILTERED;
            pieces.stopped = stopped;
        }
        pieces.count(Counts::of(&self.usage_metadata).and(Counts::of(&self.snake_usage_metadata)));
        stopped
    }
}

/// The finish of an answer that a safety system stopped.
const FILTERED: Option<FinishMeaning> = Some(FinishMeaning::Finished(FinishReason::ContentFilter));

impl AnswerCandidate {
    fn into_pieces(self, pieces: &mut Pieces) -> Option<FinishMeaning> {
        let error = ErrorReport::standing_at(&self.error);
        pieces.error = pieces.error.take().or(error);
        for part in self.content.into_iter().flat_map(|content| content.parts) {
            if part.thought != Some(true) {
                part.text.iter().for_each(|text| pieces.push(text));
            }
        }
        let reason = self.finish_reason.or(self.snake_finish_reason);
        let stopped = reason.as_deref().and_then(reasons::read);
        if stopped == FILTERED {
            let said = self.finish_message.or(self.snake_finish_message).or(reason.clone());
            pieces.refusal = said.unwrap_or_default();
        }
        pieces.stop(reason);
        stopped
    }
}
