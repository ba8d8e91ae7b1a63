//! The answers of model calls, as their recorded bytes or the rows of a receipt show them.
//!
//! The claims about identity, freshness and quorum are decided from these values alone, so
//! `verify` decides them in the same way as the run did.

use super::canonical;
use super::evidence::CallEvidence;
use super::kind::{ReceiptKind, Speaker};
use super::readers;
use super::recorded::RecordedResponse;

/// A model call that was answered, with the record of its answer.
#[derive(Debug)]
pub(super) struct AnsweredCall<'a> {
    pub(super) speaker: Speaker,
    pub(super) provider: &'a str,
    /// The id of the model that the call requested.
    pub(super) declared: &'a str,
    /// The variable that the provider's base URL comes from, if any.
    pub(super) base_url_variable: Option<&'a str>,
    pub(super) record: AnswerRecord,
}

impl AnsweredCall<'_> {
    /// Returns the names of the model that answered: all that its response gives, in their order,
    /// or the requested one if it gives none. Empty if no response was read.
    pub(super) fn names(&self) -> Vec<&str> {
        let Some(facts) = self.facts() else { return Vec::new() };
        let first = facts.model.as_deref().unwrap_or(self.declared);
        std::iter::once(first).chain(facts.other_models.iter().map(String::as_str)).collect()
    }

    /// Returns the facts that the call's response states about itself; `None` if no response was
    /// read.
    pub(super) fn facts(&self) -> Option<&ResponseFacts> {
        match &self.record {
            AnswerRecord::Read(facts) => Some(facts),
            AnswerRecord::Unrecorded | AnswerRecord::Missing | AnswerRecord::Unreadable(_) => None,
        }
    }
}

/// The record of the answer to one model call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnswerRecord {
    /// An answer of which no bytes are recorded, because its provider records none.
    Unrecorded,
    /// An answer that is missing from the records, although its provider records bytes.
    Missing,
    /// A recorded response that is not a readable answer; the text says why.
    Unreadable(String),
    /// A recorded response that was read, and the facts that it states.
    Read(ResponseFacts),
}

impl CallEvidence {
    /// Records the text with which the run answered the call. A certificate says nothing about a
    /// text that the recorded response does not hold.
    #[must_use]
    pub fn answered_with(self, text: &str) -> Self {
        let held = self.answer().filter(|_| self.records());
        let held = held.and_then(|response| readers::answer(&self, response).ok());
        let differs = held.is_some_and(|held| held.text != text);
        Self { answered: true, differs, ..self }
    }
}

/// The facts that a model's response states about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResponseFacts {
    /// The id of the model that answered, as the response names it first.
    pub(super) model: Option<String>,
    /// Further names that the response gives its model, in their order.
    pub(super) other_models: Vec<String>,
    /// The id that the provider gave the response.
    pub(super) response_id: Option<String>,
    /// The text of the answer, its digest or, in a receipt, its salted digest. Only equality with
    /// other texts of the same run has a meaning.
    pub(super) text: Option<String>,
    /// The response headers that mention a cache.
    pub(super) cache_headers: Vec<(String, String)>,
    /// The response headers in which proxies name the model or the deployment that they asked.
    pub(super) routing_headers: Vec<(String, String)>,
}

impl AnswerRecord {
    /// Reads the last recorded response of a call that was answered.
    pub(super) fn of(call: &CallEvidence) -> Self {
        match call.answer() {
            _ if !call.records() => Self::Unrecorded,
            None => Self::Missing,
            Some(_) if call.differs => Self::other_text(),
            Some(response) => Self::read(call, response).with_digest(),
        }
    }

    /// Returns the record of an answer whose text is not the recorded one.
    pub(super) fn other_text() -> Self {
        Self::Unreadable("it holds another text than was answered".to_owned())
    }

    /// Replaces the answer's text by its digest, because comparing all texts of a panel with each
    /// other would take too long.
    fn with_digest(mut self) -> Self {
        if let Self::Read(facts) = &mut self {
            facts.text = facts.text.take().map(|text| canonical::plain_digest(&text));
        }
        self
    }

    /// Reads one recorded response of a call.
    pub(super) fn read(call: &CallEvidence, response: &RecordedResponse) -> Self {
        match readers::answer(call, response) {
            Err(why) => Self::Unreadable(why),
            Ok(reply) => Self::Read(ResponseFacts {
                model: reply.model,
                other_models: reply.other_models,
                response_id: reply.response_id,
                text: Some(reply.text),
                cache_headers: readers::cache_headers(&response.headers),
                routing_headers: readers::routing_headers(&response.headers),
            }),
        }
    }

    /// Returns a sentence about `speaker` that says why its answer is unknown, or why it is unknown
    /// which model gave it; `None` if both are known.
    pub(super) fn gap(&self, speaker: Speaker) -> Option<String> {
        Some(match self {
            Self::Unrecorded => format!("{speaker}'s provider records nothing"),
            Self::Missing => format!("no response of {speaker} is recorded"),
            Self::Unreadable(why) => format!("{speaker}'s response is no answer: {why}"),
            Self::Read(ResponseFacts { model, other_models, .. }) if !other_models.is_empty() => {
                let names: Vec<&str> =
                    model.iter().chain(other_models).map(String::as_str).collect();
                format!("{speaker}'s response gives its model several names: {}", names.join(", "))
            }
            Self::Read(_) => return None,
        })
    }
}

/// Returns the calls that were answered, with the record of each answer.
pub(super) fn answered_calls<'a>(
    calls: &[&'a CallEvidence],
    kind: ReceiptKind,
) -> Vec<AnsweredCall<'a>> {
    let answered = calls.iter().filter(|call| call.answered);
    answered
        .map(|call| AnsweredCall {
            speaker: kind.speaker(call.position),
            provider: &call.provider,
            declared: &call.model,
            base_url_variable: call.base_url_variable.as_deref(),
            record: AnswerRecord::of(call),
        })
        .collect()
}
