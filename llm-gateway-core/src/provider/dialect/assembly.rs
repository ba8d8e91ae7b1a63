//! An answer that comes in pieces, and what the streams of all dialects have in common.
//!
//! Pure and incremental: each event goes in as it comes, and what has come so far can be
//! looked at any time. Today a caller waits for the whole; streaming to callers will read
//! the same pieces.

use std::ops::ControlFlow;

use super::DecodedAnswer;
use crate::model::{FinishReason, NanoUsd, Usage};

/// Puts the events of one answer together.
pub(in crate::provider) trait Assembly: Default + Send {
    /// Takes the data of one event that is no error. [`Break`](ControlFlow::Break) = the
    /// answer is whole, and whatever follows is none of it.
    fn take(&mut self, data: &str) -> serde_json::Result<ControlFlow<()>>;

    /// What has come so far.
    fn pieces(&self) -> &Pieces;

    /// Whether the answer could end here, in a dialect whose last event does not say so.
    fn completeness(&self) -> Completeness {
        Completeness::Incomplete
    }

    /// The answer, after its last event; `None` when that never came.
    fn finish(self) -> serde_json::Result<Option<DecodedAnswer>>;
}

/// Whether an answer could end with the events that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Completeness {
    /// No: silence is a fault.
    Incomplete,
    /// It could, and so could each event before: a long silence is its end.
    Likely,
    /// It does, but for what may stand beside it: a short silence is its end.
    Certain,
}

/// The parts of an answer, as far as they came.
#[derive(Debug, Default)]
pub(in crate::provider) struct Pieces {
    /// The text, reasoning excluded. One string, whatever pieces it came in: what is to be
    /// found in it (a key) may lie across them.
    pub(in crate::provider) text: String,
    /// Its length in characters.
    pub(in crate::provider) chars: u64,
    /// What the provider says about its refusal to answer.
    pub(in crate::provider) refusal: String,
    /// Why the model stopped.
    pub(in crate::provider) finish_reason: Option<FinishReason>,
    /// The model that answered.
    pub(in crate::provider) model: Option<String>,
    /// The provider's id of the response.
    pub(in crate::provider) response_id: Option<String>,
    /// Tokens, once their count is final: a partial one would pass for the bill.
    pub(in crate::provider) usage: Option<Usage>,
    /// What the provider says that the answer costs.
    pub(in crate::provider) reported_cost: Option<NanoUsd>,
}

impl Pieces {
    /// Adds text.
    pub(in crate::provider) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.chars = self.chars.saturating_add(chars);
    }

    /// Notes who answers. Servers repeat it in every event, or say it once.
    pub(in crate::provider) fn name(&mut self, model: Option<String>, response_id: Option<String>) {
        self.model = model.or(self.model.take());
        self.response_id = response_id.or(self.response_id.take());
    }

    /// What came, taken for the whole.
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
