//! A message of the Messages API, whole or in pieces, as Anthropic and compatible servers write it.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::dialect::ErrorReport;
use crate::provider::dialect::assembly::Pieces;
use crate::provider::dialect::counts::Counts;
use crate::provider::dialect::lenient::{fitting, lenient, name, text, texts};

/// A whole message, or the head of a message at the beginning of a stream.
#[derive(Deserialize)]
pub(super) struct AnswerMessage {
    #[serde(default, deserialize_with = "name")]
    r#type: Option<String>,
    #[serde(default)]
    content: Value,
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(flatten)]
    change: MessageChange,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Value,
}

/// The change of a message that states why it stopped.
#[derive(Deserialize)]
pub(super) struct MessageChange {
    #[serde(default, deserialize_with = "text")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
}

#[derive(Deserialize)]
struct StopDetails {
    #[serde(default, deserialize_with = "text")]
    explanation: Option<String>,
}

/// A block of a message, or a change of a block. Thinking, tool use and unknown kinds are not text.
#[derive(Deserialize)]
pub(super) struct Block {
    #[serde(default, deserialize_with = "name")]
    r#type: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    text: Vec<String>,
}

impl AnswerMessage {
    /// Returns whether the document is a message. A `content` that is null is treated as absent.
    pub(super) fn is_answer(&self) -> bool {
        let names_itself = self.r#type.as_deref() == Some("message");
        let has_content =
            matches!(self.content, Value::Array(_) | Value::String(_) | Value::Object(_));
        names_itself || self.change.stop_reason.is_some() || has_content
    }

    /// Adds a whole message to the pieces of the answer.
    pub(super) fn into_pieces(self, pieces: &mut Pieces) {
        let usage = Counts::of(&self.usage);
        self.begin(pieces);
        pieces.count(usage);
    }

    /// Adds the head of a message to the pieces of the answer. Its count of output is that of the
    /// first moment.
    pub(super) fn begin(self, pieces: &mut Pieces) {
        pieces.error = pieces.error.take().or(ErrorReport::standing_at(&self.error));
        pieces.name(self.model, self.id);
        match self.content {
            Value::Array(blocks) => {
                let blocks = blocks.into_iter().map(|block| match block {
                    Value::String(text) => Some(Block::of_text(text)),
                    block => fitting(block),
                });
                blocks.flatten().for_each(|block: Block| block.into_pieces(pieces));
            }
            Value::String(text) => pieces.push(&text),
            single => {
                let block: Option<Block> = fitting(single);
                block.into_iter().for_each(|block| block.into_pieces(pieces));
            }
        }
        self.change.into_pieces(pieces);
        pieces.count(Counts::of(&self.usage).without_output());
        note_tier(&self.usage, pieces);
    }
}

impl MessageChange {
    /// Adds the reason why the message stopped to the pieces of the answer.
    pub(super) fn into_pieces(self, pieces: &mut Pieces) {
        if let Some(explanation) = self.stop_details.and_then(|details| details.explanation) {
            pieces.refusal = explanation;
        }
        pieces.stop(self.stop_reason);
    }
}

impl Block {
    fn of_text(text: String) -> Self {
        Self { r#type: None, text: vec![text] }
    }

    /// Adds the text of the block to the pieces of the answer.
    pub(super) fn into_pieces(self, pieces: &mut Pieces) {
        if matches!(self.r#type.as_deref(), None | Some("text" | "text_delta")) {
            self.text.iter().for_each(|text| pieces.push(text));
        }
    }
}

/// Stores the service tier that is stated beside the token counts.
pub(super) fn note_tier(usage: &Value, pieces: &mut Pieces) {
    let tier = usage.get("service_tier").and_then(Value::as_str).map(str::to_owned);
    pieces.service_tier = tier.or(pieces.service_tier.take());
}
