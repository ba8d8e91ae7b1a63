//! An answer that arrives in pieces, and what the streams of all dialects have in common.
//!
//! It is pure and incremental: each event is taken as it arrives, and the answer so far can be read
//! at any time. Today a caller waits for the whole answer; streaming to callers will read the same
//! [`Pieces`].

use std::ops::ControlFlow;

use super::DecodedAnswer;
use crate::model::{FinishReason, NanoUsd, Usage};

/// Puts the events of one streamed answer together.
pub(in crate::provider) trait Assembly: Default + Send {
    /// Takes the data of one event that holds no error. [`Break`](ControlFlow::Break) means that
    /// the answer is whole and that whatever follows does not belong to it.
    ///
    /// # Errors
    /// Fails if the data is not an event of the dialect.
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>>;

    /// Returns what has arrived so far.
    fn pieces(&self) -> &Pieces;

    /// Returns whether the answer could be whole by now. A dialect whose last event says so need
    /// not implement it.
    fn completeness(&self) -> Completeness {
        Completeness::Incomplete
    }

    /// Returns the whole answer; `None` if its last event never arrived.
    ///
    /// # Errors
    /// Fails if the events make no answer.
    fn finish(self) -> serde_json::Result<Option<DecodedAnswer>>;
}

/// Whether an answer could be whole with the events that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Completeness {
    /// The answer has not ended. Silence is a fault.
    Incomplete,
    /// The answer may have ended, and so it may have with each event before. A long silence is its
    /// end.
    Likely,
    /// The answer has ended; only what stands beside it, such as token counts, may still arrive. A
    /// short silence is its end.
    Certain,
}

/// The parts of an answer that have arrived so far.
#[derive(Debug, Default)]
pub(in crate::provider) struct Pieces {
    /// The answer's text, reasoning excluded. It is one string, because a key to be found in it may
    /// lie across the pieces that it arrived in.
    pub(in crate::provider) text: String,
    /// The length of the text, in characters.
    pub(in crate::provider) chars: u64,
    /// The provider's explanation, if it refused to answer.
    pub(in crate::provider) refusal: String,
    /// Why the model stopped.
    pub(in crate::provider) finish_reason: Option<FinishReason>,
    /// The model that answered.
    pub(in crate::provider) model: Option<String>,
    /// The provider's id of the response.
    pub(in crate::provider) response_id: Option<String>,
    /// The token counts, once they are final: a partial count would pass for the bill.
    pub(in crate::provider) usage: Option<Usage>,
    /// The amount that the provider says it bills.
    pub(in crate::provider) reported_cost: Option<NanoUsd>,
}

impl Pieces {
    /// Adds text to the answer.
    pub(in crate::provider) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.chars = self.chars.saturating_add(chars);
    }

    /// Notes the model and the response's id. Servers repeat them in every event, or send them
    /// once.
    pub(in crate::provider) fn name(&mut self, model: Option<String>, response_id: Option<String>) {
        self.model = model.or(self.model.take());
        self.response_id = response_id.or(self.response_id.take());
    }

    /// Returns what has arrived as a decoded answer.
    pub(in crate::provider) fn into_decoded(self) -> DecodedAnswer {
        DecodedAnswer {
            texts: vec![self.text],
            finish_reason: self.finish_reason.unwrap_or(FinishReason::Other),
            refusal: Some(self.refusal).filter(|refusal| !refusal.is_empty()),
            model: self.model,
            response_id: self.response_id,
            usage: self.usage,
            reported_cost: self.reported_cost,
        }
    }
}
