//! What is known of each answer, whoever tells it: the recorded bytes, or a receipt's rows.
//!
//! The claims about identity, freshness and quorum are made from these rows alone, so that
//! `verify` comes to them in the same way as the panel did.

use std::fmt;

use super::claims::{Claim, Verdict};
use super::evidence::{Evidence, MemberEvidence};
use super::panel::freshness;
use super::readers;
use super::receipt::subject::ReceiptKind;
use super::recorded::RecordedResponse;

/// Who answered: a member of a panel, or a step of an orchestration, each counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Member(u32),
    Step(u32),
}

impl Speaker {
    pub(super) fn position(self) -> u32 {
        match self {
            Self::Member(position) | Self::Step(position) => position,
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(position) => write!(f, "member {position}"),
            Self::Step(position) => write!(f, "step {position}"),
        }
    }
}

/// A call that was answered.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) speaker: Speaker,
    pub(super) provider: &'a str,
    /// The model that was asked for.
    pub(super) declared: &'a str,
    pub(super) heard: Heard,
}

impl Answer<'_> {
    /// The id that the response names, else the declared one; `None` without a response.
    pub(super) fn id(&self) -> Option<&str> {
        Some(self.said()?.model.as_deref().unwrap_or(self.declared))
    }

    /// What the response says of itself.
    pub(super) fn said(&self) -> Option<&Said> {
        match &self.heard {
            Heard::Reply(said) => Some(said),
            Heard::Unrecorded | Heard::Missing | Heard::Unreadable(_) => None,
        }
    }
}

/// What is recorded of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The provider is one that records nothing.
    Unrecorded,
    /// Bytes should be there, and are not.
    Missing,
    /// They are there, and are no answer that can be read.
    Unreadable(String),
    /// They were read.
    Reply(Said),
}

/// What a response says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) model: Option<String>,
    pub(super) response_id: Option<String>,
    /// The headers that speak of a cache.
    pub(super) cache_headers: Vec<(String, String)>,
}

impl Heard {
    /// What is recorded of a call that was answered.
    pub(super) fn of(call: &MemberEvidence) -> Self {
        match call.answer() {
            _ if !call.records() => Self::Unrecorded,
            None => Self::Missing,
            Some(response) => Self::read(call, response),
        }
    }

    /// Reads a recorded response.
    pub(super) fn read(member: &MemberEvidence, response: &RecordedResponse) -> Self {
        match readers::response(member.dialect, response) {
            Err(why) => Self::Unreadable(why),
            Ok(reply) => Self::Reply(Said {
                model: reply.model,
                response_id: reply.response_id,
                cache_headers: freshness::cache_headers(&response.headers),
            }),
        }
    }

    /// What is missing of it, as a sentence about who spoke; `None` for a reply.
    pub(super) fn gap(&self, speaker: Speaker) -> Option<String> {
        Some(match self {
            Self::Unrecorded => format!("{speaker}'s provider records nothing"),
            Self::Missing => format!("no response of {speaker} is recorded"),
            Self::Unreadable(why) => format!("{speaker}'s response is no answer: {why}"),
            Self::Reply(_) => return None,
        })
    }
}

/// The answers that the evidence of a panel holds.
pub(super) fn of(evidence: &Evidence) -> Vec<Answer<'_>> {
    of_calls(&evidence.members.iter().collect::<Vec<_>>(), ReceiptKind::Panel)
}

/// The answers that calls got.
pub(super) fn of_calls<'a>(calls: &[&'a MemberEvidence], kind: ReceiptKind) -> Vec<Answer<'a>> {
    let answered = calls.iter().filter(|call| call.answered);
    answered
        .map(|call| Answer {
            speaker: kind.speaker(call.position),
            provider: &call.provider,
            declared: &call.model,
            heard: Heard::of(call),
        })
        .collect()
}

/// Whether enough members answered: `quorum`, or all that were `asked`, and never less than two.
/// An answer of a provider that records nothing counts; one that its bytes do not bear out
/// does not.
pub(super) fn answered_quorum(answers: &[Answer<'_>], quorum: Option<u32>, asked: usize) -> Claim {
    let needed = quorum.map_or(asked, |quorum| quorum as usize).max(2);
    let unproven =
        |answer: &&Answer<'_>| matches!(answer.heard, Heard::Missing | Heard::Unreadable(_));
    let open: Vec<String> =
        answers.iter().filter(unproven).filter_map(|a| a.heard.gap(a.speaker)).collect();
    let proven = answers.len() - open.len();
    let because = format!("{proven} of {asked} answered, {needed} were required");
    if proven >= needed {
        Claim::new(Verdict::Pass, because)
    } else if answers.len() >= needed {
        Claim::weigh(&[], &open, because)
    } else {
        Claim::new(Verdict::Fail, because)
    }
}
