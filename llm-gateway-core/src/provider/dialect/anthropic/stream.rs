//! The Messages API as a stream of events that ends with `message_stop`:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::{ContentBlock, MessagesUsage, StopDetails, finish};
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Pieces};
use crate::provider::dialect::lenient::{lenient, name};

/// An answer that arrives as events.
#[derive(Default)]
pub(crate) struct AnthropicStream {
    pieces: Pieces,
    /// Whether `message_stop` has arrived.
    done: bool,
    /// The newest value of each token count.
    counted: MessagesUsage,
}

impl Assembly for AnthropicStream {
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>> {
        match serde_json::from_str(data)? {
            StreamEvent::MessageStart { message } => {
                self.pieces.name(message.model, message.id);
                // Its count of output is that of the first moment.
                self.counted =
                    MessagesUsage { output_tokens: None, ..message.usage.unwrap_or_default() };
            }
            StreamEvent::ContentBlockStart { content_block: ContentBlock::Text { text } }
            | StreamEvent::ContentBlockDelta { delta: BlockDelta::TextDelta { text } } => {
                self.pieces.push(&text);
            }
            StreamEvent::MessageDelta { delta, usage } => {
                self.change(delta, usage.unwrap_or_default())
            }
            StreamEvent::MessageStop => {
                self.done = true;
                self.pieces.usage = self.counted.usage();
                return Ok(ControlFlow::Break(()));
            }
            StreamEvent::ContentBlockStart { .. }
            | StreamEvent::ContentBlockDelta { .. }
            | StreamEvent::Other => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn finish(self) -> serde_json::Result<Option<DecodedAnswer>> {
        Ok(self.done.then(|| self.pieces.into_decoded()))
    }
}

impl AnthropicStream {
    /// Takes a `message_delta`. Its counts are totals, and they are final once the stop reason is
    /// there.
    fn change(&mut self, delta: MessageChange, usage: MessagesUsage) {
        self.counted = usage.or(self.counted);
        if let Some(explanation) = delta.stop_details.and_then(|details| details.explanation) {
            self.pieces.refusal = explanation;
        }
        if let Some(reason) = delta.stop_reason {
            self.pieces.finish_reason = Some(finish(Some(&reason)));
            self.pieces.usage = self.counted.usage();
        }
    }
}

/// An event of the stream. One that is not named here (`ping`, the end of a block, types to come)
/// adds nothing to the answer.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StreamEvent {
    MessageStart {
        message: StartedMessage,
    },
    ContentBlockStart {
        content_block: ContentBlock,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageDelta {
        delta: MessageChange,
        #[serde(default, deserialize_with = "lenient")]
        usage: Option<MessagesUsage>,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

/// The message of a `message_start`.
#[derive(Deserialize)]
struct StartedMessage {
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<MessagesUsage>,
}

/// What an event adds to a block. Thinking, signatures and a tool's input are not text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

/// The delta of a `message_delta`.
#[derive(Deserialize)]
struct MessageChange {
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
}
