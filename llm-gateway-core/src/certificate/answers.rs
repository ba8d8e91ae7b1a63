//! What is known of each answered call, from the recorded bytes or from the rows of a receipt.
//!
//! The claims about identity, freshness and quorum are decided from these values alone, so
//! `verify` decides them in the same way as the run did.

use super::evidence::CallEvidence;
use super::kind::{ReceiptKind, Speaker};
use super::readers;
use super::recorded::RecordedResponse;

/// A call that was answered, and what is recorded of its answer.
#[derive(Debug)]
pub(super) struct AnsweredCall<'a> {
    pub(super) speaker: Speaker,
    pub(super) provider: &'a str,
    /// The id of the model that was requested.
    pub(super) declared: &'a str,
    pub(super) record: AnswerRecord,
}

impl AnsweredCall<'_> {
    /// Returns the model id that the response names, or the declared one if it names none.
    /// `None` if no response was read.
    pub(super) fn id(&self) -> Option<&str> {
        Some(self.facts()?.model.as_deref().unwrap_or(self.declared))
    }

    /// Returns the facts that the response states, if it was read.
    pub(super) fn facts(&self) -> Option<&ResponseFacts> {
        match &self.record {
            AnswerRecord::Read(facts) => Some(facts),
            AnswerRecord::Unrecorded | AnswerRecord::Missing | AnswerRecord::Unreadable(_) => None,
        }
    }
}

/// What is recorded of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnswerRecord {
    /// The provider records no bytes.
    Unrecorded,
    /// The provider records bytes, but no response is recorded.
    Missing,
    /// A response is recorded but is not a readable answer; the text says why.
    Unreadable(String),
    /// A response is recorded and was read.
    Read(ResponseFacts),
}

/// The facts that a response states about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResponseFacts {
    /// The id of the model that answered.
    pub(super) model: Option<String>,
    /// The provider's id of the response.
    pub(super) response_id: Option<String>,
    /// The response headers that mention a cache.
    pub(super) cache_headers: Vec<(String, String)>,
}

impl AnswerRecord {
    /// Reads the last recorded response of a call that was answered.
    pub(super) fn of(call: &CallEvidence) -> Self {
        match call.answer() {
            _ if !call.records() => Self::Unrecorded,
            None => Self::Missing,
            Some(response) => Self::read(call, response),
        }
    }

    /// Reads one recorded response of a call.
    pub(super) fn read(call: &CallEvidence, response: &RecordedResponse) -> Self {
        match readers::response(call.dialect, response) {
            Err(why) => Self::Unreadable(why),
            Ok(reply) => Self::Read(ResponseFacts {
                model: reply.model,
                response_id: reply.response_id,
                cache_headers: readers::cache_headers(&response.headers),
            }),
        }
    }

    /// Says why nothing is known of the answer, in a sentence about `speaker`. `None` if the
    /// response was read.
    pub(super) fn gap(&self, speaker: Speaker) -> Option<String> {
        Some(match self {
            Self::Unrecorded => format!("{speaker}'s provider records nothing"),
            Self::Missing => format!("no response of {speaker} is recorded"),
            Self::Unreadable(why) => format!("{speaker}'s response is no answer: {why}"),
            Self::Read(_) => return None,
        })
    }
}

/// Returns the calls that were answered, with what is recorded of each answer.
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
            record: AnswerRecord::of(call),
        })
        .collect()
}
