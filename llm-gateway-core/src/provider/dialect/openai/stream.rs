//! Chat Completions as a stream of chunks that ends with `[DONE]`:
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

use std::mem;
use std::ops::ControlFlow;

use serde::de::Error as _;

use super::answer::Chat;
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Pieces, is_object};
use crate::provider::dialect::json;
use crate::provider::dialect::reasons::FinishMeaning;

/// The data of the event after the last chunk.
const DONE: &str = "[DONE]";

/// An answer of Chat Completions that arrives as chunks.
#[derive(Default)]
pub(crate) struct OpenAiStream {
    pieces: Pieces,
    choices: Choices,
}

/// The choices of a stream, to decide which of them is the answer. One choice is asked for, and its
/// `index` is unreliable, because some servers count chunks by it. A stream has several choices if
/// an index comes back, or if a chunk has two; then the first choice is the answer.
#[derive(Default)]
struct Choices {
    /// The index of the first choice.
    first: Option<u64>,
    /// The index of the newest choice.
    last: u64,
    /// The state of the answer when an index other than the first appeared for the first time: the
    /// length of its text, and why the model stopped.
    own: Option<(u64, Option<FinishMeaning>)>,
    are_several: bool,
}

impl Choices {
    /// Reads the index of a chunk's choice, and returns whether the choice belongs to the answer.
    fn take(&mut self, index: u64, beside_another: bool, pieces: &mut Pieces) -> bool {
        let first = *self.first.get_or_insert(index);
        let is_first_other = index != first && self.own.is_none();
        if is_first_other {
            self.own = Some((pieces.chars, pieces.stopped));
        }
        // An answer that has ended is not continued under another index.
        let is_another = beside_another || (is_first_other && pieces.stopped.is_some());
        if !self.are_several && (is_another || index < self.last) {
            self.are_several = true;
            if let Some((chars, stopped)) = self.own {
                pieces.keep(chars);
                pieces.stopped = stopped;
            }
        }
        self.last = index;
        index == first || !self.are_several
    }

    /// Returns how many characters of the text are certainly the answer's, if not all are: another
    /// index has come, and it may turn out to be another choice.
    fn certain_chars(&self) -> Option<u64> {
        self.own.filter(|_| !self.are_several).map(|(chars, _)| chars)
    }
}

impl Assembly for OpenAiStream {
    fn take(&mut self, _: &str, data: &str) -> serde_json::Result<ControlFlow<()>> {
        if data.trim() == DONE {
            self.pieces.is_over = true;
            return Ok(ControlFlow::Break(()));
        }
        if !is_object(data) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut chunk: Chat = json::read(data.as_bytes())?;
        let are_several = chunk.choices.len() > 1;
        let pieces = &mut self.pieces;
        chunk
            .choices
            .retain(|choice| self.choices.take(choice.index.unwrap_or(0), are_several, pieces));
        chunk.into_pieces(pieces);
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn settled(&self) -> &str {
        match self.choices.certain_chars() {
            Some(chars) => self.pieces.head(chars),
            None => &self.pieces.text,
        }
    }

    fn has_begun(&self) -> bool {
        self.choices.first.is_some()
    }

    fn finish(&mut self) -> serde_json::Result<Option<DecodedAnswer>> {
        if self.pieces.is_over && self.choices.first.is_none() {
            return Err(serde_json::Error::custom("no chunk has a choice"));
        }
        // A proxy writes `[DONE]` behind whatever its own provider cut off; the reason why the
        // model stopped is the model's.
        let whole = self.pieces.is_over && self.pieces.stopped.is_some();
        Ok(whole.then(|| mem::take(&mut self.pieces).into_decoded()))
    }
}
