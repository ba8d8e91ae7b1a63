//! Decides what a verifier's reply means: an acceptance, a refusal, or no verdict.
//!
//! [`parse_reply`] reads a reply about an artifact. The function is pure, and strict on one side
//! only: a reply counts as an acceptance only if it is one beyond doubt. The repair of a malformed
//! reply and the next round are decided in `rounds`.
//!
//! A model may say yes to anything, so its words alone count for little. An acceptance must be the
//! whole reply, and the reply must be complete. In the structured form the checklist must support
//! the verdict, its quotes must occur in the artifact, and the nonce, which is drawn after the
//! artifact was written, distinguishes the verifier's verdict from one inside the artifact. The
//! plain form has no checklist and no nonce, so an artifact that contains the word of an acceptance
//! or something like a verdict cannot be accepted in that form, unless the task itself contains it.

mod plain;
mod quotes;
mod structured;
mod suspicion;

use schemars::JsonSchema;
use serde::Serialize;

use crate::policy::VerdictForm;

use self::suspicion::Injection;

/// The largest number of checklist items that a verdict keeps. People read the items, and a planner
/// may be shown them.
const MOST_ITEMS: usize = 64;

/// The largest number of reasons that a verdict keeps, which is more than a round can deal with.
const MOST_REASONS: usize = 32;

/// The largest number of characters that a verdict keeps of one text: a long paragraph.
const MOST_CHARS: usize = 1000;

/// The reason that a verdict states for a refusal whose verifier stated none.
const NO_REASON: &str = "the verifier asks for a revision and does not say why";

/// The reason why a plain acceptance of a suspected artifact does not count.
const ECHO: &str = "the artifact holds a passage that looks like a verdict, and a plain ACCEPT over \
                    it cannot be told from an echo";

/// The decision of a verifier, as far as its reply could be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Decision {
    /// The artifact meets the task.
    Accept,
    /// The artifact does not meet the task yet.
    Revise,
    /// The verifier could not decide, or its reply could not be believed.
    CannotJudge,
}

/// Whether an artifact meets a requirement, in the verifier's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Met {
    /// The artifact meets the requirement.
    Yes,
    /// The artifact does not meet the requirement.
    No,
    /// The verifier could not decide whether the artifact meets the requirement.
    Unclear,
}

/// One requirement of the task, and whether the artifact meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChecklistItem {
    /// Requirement of the task, in the verifier's words.
    pub requirement: String,
    /// Whether the artifact meets the requirement.
    pub met: Met,
    /// Quote from the artifact that shows whether the requirement is met. Empty for a requirement
    /// that something is absent.
    pub evidence_quote: String,
}

/// The verdict of a verifier on one artifact. Long texts and lists are cut; the raw replies are
/// whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Verdict {
    /// Decision of the verifier on the artifact.
    pub decision: Decision,
    /// Whether the artifact is accepted. No other field of a verdict means that.
    pub accepted: bool,
    /// Reasons why the artifact is not accepted, at least one. Empty if it is accepted.
    pub reasons: Vec<String>,
    /// Requirements of the task, one by one. Empty in the plain form of verdict.
    pub checklist: Vec<ChecklistItem>,
    /// Whether the artifact contains `ACCEPT` in capitals, a passage that looks like a verdict, or
    /// one like the gateway's delimiters, and the task does not. In the plain form of verdict such
    /// an artifact is not accepted; in the structured form this changes nothing.
    pub injection_suspected: bool,
    /// Last reply of the verifier, unchanged.
    pub raw: String,
    /// First reply of the verifier, unchanged, if it was not a verdict and the verifier was asked
    /// again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_raw: Option<String>,
}

impl Verdict {
    /// Creates the verdict on an artifact whose verifier gave no usable reply.
    pub(crate) fn cannot_judge(why: &str, raw: &str, question: Question<'_>) -> Self {
        Opinion::cannot_judge(why).verdict(raw, Injection::in_artifact_of(question))
    }

    /// Records that the verdict came after a first `reply` that was not a verdict.
    pub(crate) fn in_place_of(self, reply: &str) -> Self {
        Self { first_raw: Some(reply.to_owned()), ..self }
    }
}

/// The question to which a verifier's reply is a verdict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Form of verdict that was asked for.
    pub(crate) form: VerdictForm,
    /// Text that the reply was asked to repeat; only the structured form has one.
    pub(crate) nonce: &'a str,
    /// Task that the artifact was made for.
    pub(crate) task: &'a str,
    /// Artifact to be judged.
    pub(crate) artifact: &'a str,
}

/// The reply of a verifier.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VerifierReply<'a> {
    /// Text of the reply.
    pub(crate) text: &'a str,
    /// Reason why the reply is incomplete; `None` if it is complete.
    pub(crate) unfinished: Option<&'a str>,
}

/// A verifier's reply after it was read: a verdict, or malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParsedReply {
    /// A reply that is a verdict.
    Verdict(Verdict),
    /// A reply that is not in the form that was asked for; the text says why.
    Malformed(String),
}

/// Reads a verifier's `reply` to a question. An acceptance that was cut is malformed, because its
/// rest is unknown; a refusal that was cut counts.
pub(crate) fn parse_reply(reply: VerifierReply<'_>, question: Question<'_>) -> ParsedReply {
    let opinion = match question.form {
        VerdictForm::Structured => structured::read(reply.text, question),
        VerdictForm::Plain => plain::read(reply.text),
    };
    match (opinion, reply.unfinished) {
        (Err(why), _) => ParsedReply::Malformed(why),
        (Ok(opinion), Some(why)) if opinion.decision == Decision::Accept => {
            ParsedReply::Malformed(format!("it accepts, and {why}"))
        }
        (Ok(opinion), _) => {
            let injection = Injection::in_artifact_of(question);
            let opinion = opinion.unless_echoed(question, injection);
            ParsedReply::Verdict(opinion.verdict(reply.text, injection))
        }
    }
}

/// A verifier's opinion: a verdict before its texts and lists are cut.
struct Opinion {
    decision: Decision,
    reasons: Vec<String>,
    checklist: Vec<ChecklistItem>,
}

impl Opinion {
    fn cannot_judge(why: &str) -> Self {
        Self {
            decision: Decision::CannotJudge,
            reasons: vec![why.to_owned()],
            checklist: Vec::new(),
        }
    }

    /// Returns the opinion, unless it accepts in plain words an artifact that may contain those
    /// words itself: then the artifact cannot be judged.
    fn unless_echoed(self, question: Question<'_>, injection: Injection) -> Self {
        let is_plain = question.form == VerdictForm::Plain;
        if is_plain && self.decision == Decision::Accept && injection == Injection::Suspected {
            return Self::cannot_judge(ECHO);
        }
        self
    }

    /// Converts the opinion into a verdict, with its texts and lists cut.
    fn verdict(self, raw: &str, injection: Injection) -> Verdict {
        let item = |item: ChecklistItem| ChecklistItem {
            requirement: cut(&item.requirement),
            met: item.met,
            evidence_quote: cut(&item.evidence_quote),
        };
        Verdict {
            decision: self.decision,
            accepted: self.decision == Decision::Accept,
            reasons: self.reasons.iter().take(MOST_REASONS).map(|reason| cut(reason)).collect(),
            checklist: self.checklist.into_iter().take(MOST_ITEMS).map(item).collect(),
            injection_suspected: injection == Injection::Suspected,
            raw: raw.to_owned(),
            first_raw: None,
        }
    }
}

/// Returns a text cut to the largest number of characters that a verdict keeps.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => [text.get(..end).unwrap_or_default(), "…"].concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
