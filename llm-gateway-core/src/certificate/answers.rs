//! What is known of each answer, whoever tells it: the recorded bytes, or a receipt's rows.
//!
//! The claims about identity, freshness and quorum are made from these rows alone, so that
//! `verify` comes to them in the same way as the panel did.

use super::evidence::CallEvidence;
use super::kind::{ReceiptKind, Speaker};
use super::readers;
use super::recorded::RecordedResponse;

/// A call that was answered.
#[derive(Debug)]
pub(super) struct AnsweredCall<'a> {
    pub(super) speaker: Speaker,
    pub(super) provider: &'a str,
    /// The model that was asked for.
    pub(super) declared: &'a str,
    pub(super) record: AnswerRecord,
}

impl AnsweredCall<'_> {
    /// The id that the response names, else the declared one; `None` without a response.
    pub(super) fn id(&self) -> Option<&str> {
        Some(self.facts()?.model.as_deref().unwrap_or(self.declared))
    }

    /// What the response says of itself.
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
    /// The provider is one that records nothing.
    Unrecorded,
    /// Bytes should be there, and are not.
    Missing,
    /// They are there, and are no answer that can be read.
    Unreadable(String),
    /// They were read.
    Read(ResponseFacts),
}

/// What a response says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResponseFacts {
    pub(super) model: Option<String>,
    pub(super) response_id: Option<String>,
    /// The headers that speak of a cache.
    pub(super) cache_headers: Vec<(String, String)>,
}

impl AnswerRecord {
    /// What is recorded of a call that was answered.
    pub(super) fn of(call: &CallEvidence) -> Self {
        match call.answer() {
            _ if !call.records() => Self::Unrecorded,
            None => Self::Missing,
            Some(response) => Self::read(call, response),
        }
    }

    /// Reads a recorded response.
    pub(super) fn read(member: &CallEvidence, response: &RecordedResponse) -> Self {
        match readers::response(member.dialect, response) {
            Err(why) => Self::Unreadable(why),
            Ok(reply) => Self::Read(ResponseFacts {
                model: reply.model,
                response_id: reply.response_id,
                cache_headers: readers::cache_headers(&response.headers),
            }),
        }
    }

    /// What is missing of it, as a sentence about who spoke; `None` for a reply.
    pub(super) fn gap(&self, speaker: Speaker) -> Option<String> {
        Some(match self {
            Self::Unrecorded => format!("{speaker}'s provider records nothing"),
            Self::Missing => format!("no response of {speaker} is recorded"),
            Self::Unreadable(why) => format!("{speaker}'s response is no answer: {why}"),
            Self::Read(_) => return None,
        })
    }
}

/// The answers that calls got.
pub(super) fn of_calls<'a>(calls: &[&'a CallEvidence], kind: ReceiptKind) -> Vec<AnsweredCall<'a>> {
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
