//! streamGenerateContent with `alt=sse`: <https://ai.google.dev/api/generate-content>.
//!
//! Every event is a whole response that holds the next part of the text. The answer is whole when
//! an event had a finish reason or blocked the prompt, and the body has ended or falls silent.
//! Older models and proxies write `STOP` into every event
//! (<https://github.com/BerriAI/litellm/issues/2195>), so reading goes on after a `STOP`.

use std::ops::ControlFlow;

use super::{GenerateResponse, UsageMetadata, finish, refusal};
use crate::provider::dialect::DecodedAnswer;
use crate::provider::dialect::assembly::{Assembly, Completeness, Pieces};

/// An answer that arrives as responses.
#[derive(Default)]
pub(crate) struct GeminiStream {
    pieces: Pieces,
    /// Whether an event had a finish reason or blocked the prompt.
    done: bool,
    /// Whether an event had no finish reason, as all but the last should.
    open: bool,
    /// Whether `STOP` may stand in every event, so that it does not mark the end.
    doubtful: bool,
}

impl Assembly for GeminiStream {
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>> {
        let response: GenerateResponse = serde_json::from_str(data)?;
        self.pieces.name(response.model(), response.response_id);
        let blocked = response.prompt_feedback.and_then(|feedback| feedback.block_reason);
        let candidate = response.candidates.into_iter().next().unwrap_or_default();
        let stops = candidate.finish_reason.as_deref() == Some("STOP");
        let before = self.pieces.chars;
        let was_done = self.done;
        self.doubtful |= stops && !self.open;
        self.open |= candidate.finish_reason.is_none();
        self.done |= blocked.is_some() || candidate.finish_reason.is_some();
        if let Some(reason) = &candidate.finish_reason {
            self.pieces.finish_reason = Some(finish(Some(reason)));
        }
        if let Some(refusal) = refusal(blocked, candidate.finish_reason, candidate.finish_message) {
            self.pieces.refusal = refusal;
        }
        for part in candidate.content.unwrap_or_default().parts {
            if !part.thought {
                self.pieces.push(&part.text);
            }
        }
        self.doubtful |= was_done && self.pieces.chars > before;
        // Before the end, the count of output is that of the moment.
        if self.done {
            let usage = response.usage_metadata.and_then(UsageMetadata::usage);
            self.pieces.usage = usage.or(self.pieces.usage);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn completeness(&self) -> Completeness {
        match (self.done, self.doubtful) {
            (false, _) => Completeness::Incomplete,
            (true, true) => Completeness::Likely,
            (true, false) => Completeness::Certain,
        }
    }

    fn finish(self) -> serde_json::Result<Option<DecodedAnswer>> {
        Ok(self.done.then(|| self.pieces.into_decoded()))
    }
}
