//! The assembly of an answer, in one piece or in many, for the streams of all dialects.
//!
//! Assembling is pure and incremental: events are added as they arrive, and the answer so far can
//! be read at any time.

use std::ops::ControlFlow;

use super::counts::{Counts, ReportedUsage};
use super::reasons::{self, FinishMeaning};
use super::{DecodedAnswer, ErrorReport};
use crate::model::{FinishReason, NanoUsd};

/// An assembly of one streamed answer from its events.
pub(in crate::provider) trait Assembly: Default + Send {
    /// Adds the name and the data of one event that is no error. An event whose data is no JSON
    /// object adds nothing, unless the protocol ends with it. [`Break`](ControlFlow::Break) means
    /// that the answer is complete, and that later events do not belong to it.
    ///
    /// # Errors
    /// The data is an object that cannot be read, so that a piece of the answer may be missing.
    fn take(&mut self, event: &str, data: &str) -> serde_json::Result<ControlFlow<()>>;

    /// Returns the pieces of the answer so far.
    fn pieces(&self) -> &Pieces;

    /// Returns the beginning of the answer's text that later events cannot take back.
    fn settled(&self) -> &str {
        &self.pieces().text
    }

    /// Returns whether any event belonged to an answer.
    fn has_begun(&self) -> bool;

    /// Returns whether the answer could end with the events so far, in a dialect whose last event
    /// does not mark the end.
    fn completeness(&self) -> Completeness {
        Completeness::Incomplete
    }

    /// Takes the complete answer out; `None` if its last event never came. The pieces of an answer
    /// that is not complete stay.
    ///
    /// # Errors
    /// The stream ended well and held no answer.
    fn finish(&mut self) -> serde_json::Result<Option<DecodedAnswer>>;
}

/// Whether an answer could be complete with the events that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Completeness {
    /// The answer is not complete, so silence is a fault.
    Incomplete,
    /// The answer may be complete, as it may have been at each event before. A long silence is its
    /// end.
    Likely,
    /// The answer is complete; only data beside it, such as token counts, may still arrive. A short
    /// silence is its end.
    Certain,
}

/// Returns whether the data of an event can hold a piece of an answer. Heartbeats, closing words,
/// `null` and sentences cannot.
pub(in crate::provider) fn is_object(data: &str) -> bool {
    data.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{')
}

/// The pieces of an answer, as far as they have arrived.
#[derive(Debug, Default)]
pub(in crate::provider) struct Pieces {
    /// The text, reasoning excluded. It is one string, because a key that must be found may span
    /// several pieces.
    pub(in crate::provider) text: String,
    /// The length of the text in characters.
    pub(in crate::provider) chars: u64,
    /// The provider's explanation of its refusal to answer.
    pub(in crate::provider) refusal: String,
    /// Whether the last event of the protocol has arrived.
    pub(in crate::provider) is_over: bool,
    /// The reason why the model stopped.
    pub(in crate::provider) stopped: Option<FinishMeaning>,
    /// The provider's word for the reason why the model stopped.
    pub(in crate::provider) reason: Option<String>,
    /// The error that the answer contains.
    pub(in crate::provider) error: Option<ErrorReport>,
    /// The model that answered.
    pub(in crate::provider) model: Option<String>,
    /// The provider's id of the response.
    pub(in crate::provider) response_id: Option<String>,
    /// The service tier at which the request was served.
    pub(in crate::provider) service_tier: Option<String>,
    /// The cost of the answer, as the provider states it.
    pub(in crate::provider) reported_cost: Option<NanoUsd>,
    counts: Counts,
    /// The number of characters of text that had arrived when the output was last counted.
    counted_at: Option<u64>,
}

impl Pieces {
    /// Adds text to the answer.
    pub(in crate::provider) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.chars = self.chars.saturating_add(chars);
    }

    /// Adds a text that repeats everything so far, in place of a piece.
    pub(in crate::provider) fn push_whole(&mut self, text: &str) {
        if let Some(more) = text.strip_prefix(self.text.as_str()) {
            let more = more.to_owned();
            self.push(&more);
        }
    }

    /// Removes all text behind the first `chars` characters. Token counts so far no longer count,
    /// because they include the removed text.
    pub(in crate::provider) fn keep(&mut self, chars: u64) {
        self.counted_at = None;
        let chars = usize::try_from(chars).unwrap_or(usize::MAX);
        if let Some((end, _)) = self.text.char_indices().nth(chars) {
            self.text.truncate(end);
            self.chars = u64::try_from(chars).unwrap_or(u64::MAX);
        }
    }

    /// Returns the first `chars` characters of the text.
    pub(in crate::provider) fn head(&self, chars: u64) -> &str {
        let chars = usize::try_from(chars).unwrap_or(usize::MAX);
        let end = self.text.char_indices().nth(chars).map_or(self.text.len(), |(end, _)| end);
        self.text.get(..end).unwrap_or_default()
    }

    /// Sets who answers. Servers state it in every event, or once.
    pub(in crate::provider) fn name(&mut self, model: Option<String>, response_id: Option<String>) {
        self.model = model.or(self.model.take());
        self.response_id = response_id.or(self.response_id.take());
    }

    /// Sets the reason why the model stopped. An empty word is ignored.
    pub(in crate::provider) fn stop(&mut self, reason: Option<String>) {
        if let Some(stopped) = reason.as_deref().and_then(reasons::read) {
            self.stopped = Some(stopped);
            self.reason = reason;
        }
    }

    /// Adds a report of tokens, after the text of the same event.
    pub(in crate::provider) fn count(&mut self, counts: Counts) {
        self.counts = self.counts.and(counts);
        if counts.has_output() {
            self.counted_at = Some(self.chars);
        }
    }

    /// Returns the tokens, if they were counted after the last text and the answer has ended. An
    /// earlier count would be mistaken for the bill.
    pub(in crate::provider) fn usage(&self) -> Option<ReportedUsage> {
        let has_ended = self.is_over || self.stopped.is_some();
        has_ended.then(|| self.usage_at_end()).flatten()
    }

    /// Returns the tokens of an answer that is known to be complete.
    fn usage_at_end(&self) -> Option<ReportedUsage> {
        let is_counted = self.chars == 0 || self.counted_at == Some(self.chars);
        is_counted.then(|| self.counts.usage(!self.text.trim().is_empty())).flatten()
    }

    /// Returns the pieces so far as a complete answer.
    pub(in crate::provider) fn into_decoded(self) -> DecodedAnswer {
        let usage = self.usage_at_end();
        let (finish_reason, failed) = match self.stopped {
            Some(FinishMeaning::Finished(reason)) => (reason, None),
            Some(FinishMeaning::Failed(category)) => {
                (FinishReason::Other, Some((category, self.reason.unwrap_or_default())))
            }
            None => (FinishReason::Other, None),
        };
        DecodedAnswer {
            text: self.text,
            finish_reason,
            failed,
            error: self.error,
            refusal: Some(self.refusal).filter(|refusal| !refusal.is_empty()),
            model: self.model,
            response_id: self.response_id,
            service_tier: self.service_tier,
            usage,
            reported_cost: self.reported_cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(output: u64) -> Counts {
        Counts::of(&json!({"prompt_tokens": 10, "completion_tokens": output}))
    }

    #[test]
    fn a_count_from_before_the_last_text_is_not_the_bill() {
        let mut pieces = Pieces::default();
        pieces.push("a ");
        pieces.count(counted(1));
        pieces.stop(Some("stop".to_owned()));
        assert_eq!(pieces.usage().map(|reported| reported.usage.output), Some(1));
        pieces.push("word");
        assert_eq!(pieces.usage(), None);
        pieces.count(counted(0));
        assert_eq!(pieces.usage(), None, "a zero counts no word");
        pieces.count(counted(7));
        pieces.count(counted(0));
        let usage = pieces.usage().map(|reported| reported.usage.output);
        assert_eq!(usage, Some(7), "a later zero takes nothing back");
    }

    #[test]
    fn a_whole_text_behind_its_pieces_adds_what_is_missing() {
        let mut pieces = Pieces::default();
        pieces.push("Hel");
        pieces.push_whole("Hello");
        pieces.push_whole("Hello");
        assert_eq!((pieces.text.as_str(), pieces.chars), ("Hello", 5));
        pieces.keep(2);
        assert_eq!((pieces.text.as_str(), pieces.chars), ("He", 2));
    }
}
