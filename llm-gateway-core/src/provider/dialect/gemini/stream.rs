//! streamGenerateContent with `alt=sse`: <https://ai.google.dev/api/generate-content>.
//!
//! Every event is a whole response that holds the next part of the text. The answer is whole when
//! an event had a finish reason or blocked the prompt, and the body has ended or is silent. Older
//! models and proxies write `STOP` into every event
//! (<https://github.com/BerriAI/litellm/issues/2195>), so reading goes on after a `STOP`.

use std::mem;
use std::ops::ControlFlow;

use super::answer::GenerateResponse;
use crate::model::FinishReason;
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Completeness, Pieces, is_object};
use crate::provider::dialect::json;
use crate::provider::dialect::reasons::FinishMeaning;

/// An answer of generateContent that arrives as a stream of responses.
#[derive(Default)]
pub(crate) struct GeminiStream {
    pieces: Pieces,
    /// Whether a response has arrived that has a candidate or blocks the prompt.
    has_begun: bool,
    /// Whether an event had no finish reason, as all but the last should.
    open: bool,
    /// Whether `STOP` may be in every event, so that it does not mark the end.
    doubtful: bool,
}

impl GeminiStream {
    /// Returns whether an event had a finish reason or blocked the prompt.
    fn is_done(&self) -> bool {
        self.pieces.stopped.is_some()
    }
}

impl Assembly for GeminiStream {
    fn take(&mut self, _: &str, data: &str) -> serde_json::Result<ControlFlow<()>> {
        // Proxies end the stream with the closing word of OpenAI's.
        if !is_object(data) {
            return Ok(ControlFlow::Continue(()));
        }
        let response: GenerateResponse = json::read(data.as_bytes())?;
        self.has_begun |= response.is_answer();
        let before = self.pieces.chars;
        let was_done = self.is_done();
        let stopped = response.into_pieces(&mut self.pieces);
        self.doubtful |= stopped == Some(FinishMeaning::Finished(FinishReason::Stop)) && !self.open;
        self.open |= stopped.is_none();
        self.doubtful |= was_done && self.pieces.chars > before;
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn completeness(&self) -> Completeness {
        match (self.is_done(), self.doubtful) {
            (false, _) => Completeness::Incomplete,
            (true, true) => Completeness::Likely,
            (true, false) => Completeness::Certain,
        }
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn finish(&mut self) -> serde_json::Result<Option<DecodedAnswer>> {
        Ok(self.is_done().then(|| mem::take(&mut self.pieces).into_decoded()))
    }
}
