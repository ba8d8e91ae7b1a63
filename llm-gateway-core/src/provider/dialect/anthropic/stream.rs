//! The Messages API as a stream of events that ends with `message_stop`:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::mem;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{AnswerMessage, Block, MessageChange, note_tier};
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Pieces, is_object};
use crate::provider::dialect::counts::Counts;
use crate::provider::dialect::json;
use crate::provider::dialect::lenient::{fitting, lenient, name};

/// An answer of the Messages API that arrives as events.
#[derive(Default)]
pub(crate) struct AnthropicStream {
    pieces: Pieces,
    /// Whether an event that belongs to a message has arrived.
    has_begun: bool,
}

/// An event of the Messages API. Its type is in its data, and also in its name for clients that
/// read only names.
#[derive(Deserialize)]
struct StreamEvent {
    #[serde(default, deserialize_with = "name")]
    r#type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<AnswerMessage>,
    #[serde(default, deserialize_with = "lenient")]
    content_block: Option<Block>,
    #[serde(default)]
    delta: Value,
    #[serde(default)]
    usage: Value,
}

impl Assembly for AnthropicStream {
    fn take(&mut self, event: &str, data: &str) -> serde_json::Result<ControlFlow<()>> {
        if !is_object(data) {
            return Ok(ControlFlow::Continue(()));
        }
        let StreamEvent { r#type, message, content_block, delta, usage } =
            json::read(data.as_bytes())?;
        let pieces = &mut self.pieces;
        let kind = r#type.as_deref().unwrap_or(event);
        self.has_begun |= kind.starts_with("message") || kind.starts_with("content_block");
        match kind {
            "message_start" => message.into_iter().for_each(|message| message.begin(pieces)),
            "content_block_start" => {
                content_block.into_iter().for_each(|block| block.into_pieces(pieces));
            }
            "content_block_delta" => {
                let block: Option<Block> = fitting(delta);
                block.into_iter().for_each(|block| block.into_pieces(pieces));
            }
            // Its counts are totals, and final with the reason why the model stopped.
            "message_delta" => {
                let change: Option<MessageChange> = fitting(delta);
                change.into_iter().for_each(|change| change.into_pieces(pieces));
                pieces.count(Counts::of(&usage));
                note_tier(&usage, pieces);
            }
            // A server that cannot stream sends the whole answer as one event. An event without a
            // name has this one too, and may be a heartbeat.
            "message" => {
                let message: AnswerMessage = json::read(data.as_bytes())?;
                if message.is_answer() {
                    message.into_pieces(pieces);
                    self.pieces.is_over = true;
                    return Ok(ControlFlow::Break(()));
                }
            }
            "message_stop" => {
                self.pieces.is_over = true;
                return Ok(ControlFlow::Break(()));
            }
            // `ping`, the end of a block, and whatever comes next add nothing.
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn finish(&mut self) -> serde_json::Result<Option<DecodedAnswer>> {
        let whole = self.pieces.is_over && self.pieces.stopped.is_some();
        Ok(whole.then(|| mem::take(&mut self.pieces).into_decoded()))
    }
}
