//! Messages as a stream of events, `message_stop` being the last:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::{Block, Reported, StopDetails, finish};
use crate::provider::dialect::Draft;
use crate::provider::dialect::assembly::{Assembly, Pieces};
use crate::provider::dialect::lenient::{lenient, name};

/// An answer of which some events have come.
#[derive(Default)]
pub(crate) struct Stream {
    pieces: Pieces,
    done: bool,
    /// The counts so far, each the newest that was sent.
    counted: Reported,
}

impl Assembly for Stream {
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>> {
        match serde_json::from_str(data)? {
            Event::MessageStart { message } => {
                self.pieces.name(message.model, message.id);
                // The output that it counts is that of the first moment.
                self.counted =
                    Reported { output_tokens: None, ..message.usage.unwrap_or_default() };
            }
            Event::ContentBlockStart { content_block: Block::Text { text } }
            | Event::ContentBlockDelta { delta: Delta::TextDelta { text } } => {
                self.pieces.push(&text);
            }
            Event::MessageDelta { delta, usage } => self.change(delta, usage.unwrap_or_default()),
            Event::MessageStop => {
                self.done = true;
                self.pieces.usage = self.counted.usage();
                return Ok(ControlFlow::Break(()));
            }
            Event::ContentBlockStart { .. } | Event::ContentBlockDelta { .. } | Event::Other => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn finish(self) -> serde_json::Result<Option<Draft>> {
        Ok(self.done.then(|| self.pieces.into_draft()))
    }
}

impl Stream {
    /// Its counts are totals, and final with the reason why the model stopped.
    fn change(&mut self, delta: Change, usage: Reported) {
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
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    MessageDelta {
        delta: Change,
        #[serde(default, deserialize_with = "lenient")]
        usage: Option<Reported>,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Reported>,
}

/// Thinking, signatures and a tool's input are not text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Change {
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
}
