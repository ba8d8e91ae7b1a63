//! Chat Completions as a stream of chunks that ends with `[DONE]`:
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::Error as _;

use super::{ChatContent, ChatUsage, finish};
use crate::model::Usage;
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Pieces};
use crate::provider::dialect::lenient::{lenient, name};

/// The data of the event after the last chunk.
const DONE: &str = "[DONE]";

/// An answer that arrives as chunks.
#[derive(Default)]
pub(crate) struct OpenAiStream {
    pieces: Pieces,
    /// Whether any chunk held a choice.
    chosen: bool,
    /// Whether `[DONE]` has arrived.
    done: bool,
    /// The newest token counts. Some servers send counts with every chunk.
    counted: Option<Usage>,
}

impl Assembly for OpenAiStream {
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>> {
        if data.trim() == DONE {
            self.done = true;
            self.pieces.usage = self.counted;
            return Ok(ControlFlow::Break(()));
        }
        let chunk: Chunk = serde_json::from_str(data)?;
        self.pieces.name(chunk.model, chunk.id);
        // Only one answer is asked for. A chunk that holds usage alone has no choice.
        let choices = chunk.choices.unwrap_or_default();
        for choice in choices.into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
            self.choice(choice);
        }
        if let Some(reported) = chunk.usage {
            self.pieces.reported_cost = reported.cost().or(self.pieces.reported_cost);
            self.counted = reported.usage().or(self.counted);
        }
        if self.pieces.finish_reason.is_some() {
            self.pieces.usage = self.counted;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn finish(self) -> serde_json::Result<Option<DecodedAnswer>> {
        if self.done && !self.chosen {
            return Err(serde_json::Error::custom("no chunk has a choice"));
        }
        // A proxy writes `[DONE]` even behind an answer that its own provider cut off. The finish
        // reason comes from the model.
        let whole = self.done && self.pieces.finish_reason.is_some();
        Ok(whole.then(|| self.pieces.into_decoded()))
    }
}

impl OpenAiStream {
    /// Takes the choice of one chunk.
    fn choice(&mut self, choice: ChunkChoice) {
        self.chosen = true;
        let delta = choice.delta.unwrap_or_default();
        for text in delta.content.into_iter().flat_map(ChatContent::into_texts) {
            self.pieces.push(&text);
        }
        self.pieces.refusal.push_str(&delta.refusal.unwrap_or_default());
        if let Some(reason) = choice.finish_reason {
            self.pieces.finish_reason = Some(finish(Some(&reason)));
        }
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<ChunkChoice>>,
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<ChatUsage>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default, deserialize_with = "lenient")]
    index: Option<u64>,
    delta: Option<ChunkDelta>,
    finish_reason: Option<String>,
}

/// What a chunk adds to the answer. `reasoning_content` (DeepSeek) and tool calls are not text for
/// the caller.
#[derive(Default, Deserialize)]
struct ChunkDelta {
    content: Option<ChatContent>,
    refusal: Option<String>,
}
