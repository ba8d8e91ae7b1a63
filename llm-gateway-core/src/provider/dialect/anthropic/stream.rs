//! Messages as a stream of events, `message_stop` being the last:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::{ContentBlock, MessagesUsage, StopDetails, finish};
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Pieces};
use crate::provider::dialect::lenient::{lenient, name};

/// An answer of which some events have come.
#[derive(Default)]
pub(crate) struct AnthropicStream {
    pieces: Pieces,
    done: bool,
    /// The counts so far, each the newest that was sent.
    counted: MessagesUsage,
}

impl Assembly for AnthropicStream {
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>> {
        match serde_json::from_str(data)? {
            StreamEvent::MessageStart { message } => {
                self.pieces.name(message.model, message.id);
                // The output that it counts is that of the first moment.
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
    /// Its counts are totals, and final with the reason why the model stopped.
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

/// What is not named here (`ping`, the end of a block, whatever comes next) adds nothing.
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

#[derive(Deserialize)]
struct StartedMessage {
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<MessagesUsage>,
}

/// Thinking, signatures and a tool's input are not text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageChange {
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
}
