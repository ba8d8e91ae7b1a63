//! What is known of each answer, whoever tells it: the recorded bytes, or a receipt's rows.
//!
//! The claims about identity, freshness and quorum are made from these rows alone, so that
//! `verify` comes to them in the same way as the panel did.

use super::claims::{Claim, Verdict};
use super::evidence::{Evidence, MemberEvidence};
use super::freshness;
use super::readers;
use super::recorded::RecordedResponse;

/// A member that answered.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) position: u32,
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

    /// What is missing of it, as a sentence about member `position`; `None` for a reply.
    pub(super) fn gap(&self, position: u32) -> Option<String> {
        Some(match self {
            Self::Unrecorded => format!("member {position}'s provider records nothing"),
            Self::Missing => format!("no response of member {position} is recorded"),
            Self::Unreadable(why) => format!("member {position}'s response is no answer: {why}"),
            Self::Reply(_) => return None,
        })
    }
}

/// The answers that the evidence holds.
pub(super) fn of(evidence: &Evidence) -> Vec<Answer<'_>> {
    let answered = evidence.members.iter().filter(|member| member.answered);
    answered
        .map(|member| Answer {
            position: member.position,
            provider: &member.provider,
            declared: &member.model,
            heard: match member.answer() {
                _ if !member.records() => Heard::Unrecorded,
                None => Heard::Missing,
                Some(response) => Heard::read(member, response),
            },
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
        answers.iter().filter(unproven).filter_map(|a| a.heard.gap(a.position)).collect();
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
