//! What a verifier's reply means.
//!
//! [`parse_reply`] takes a reply and the artifact it judges, and says whether that is an
//! acceptance, a refusal, or no verdict at all. It is pure, and strict on one side only: whatever
//! is not beyond doubt an acceptance is none. It does not decide what follows: the repair of a
//! malformed reply and the next round are the steps' business.
//!
//! A model may say yes to anything, so the words alone count for little. In the structured form
//! the checklist must hold, its quotes must stand in the artifact, and the nonce, drawn after
//! the artifact was written, tells the verifier's verdict from one inside the artifact. The
//! plain form has nothing of the kind, so there a verdict-shaped artifact cannot be accepted.

mod plain;
mod structured;
mod suspicion;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::FinishReason;
use crate::policy::VerdictForm;

use self::suspicion::Injection;

/// How much of a checklist a verdict keeps; a person reads it, and a planner may be shown it.
const MOST_ITEMS: usize = 64;

/// How many reasons a verdict keeps: more than a next round could see to.
const MOST_REASONS: usize = 32;

/// How much a verdict keeps of one text: a long paragraph.
const MOST_CHARS: usize = 1000;

/// The reason of a refusal that gives none.
const NO_REASON: &str = "the verifier asks for a revision and does not say why";

/// What a verifier decided, as far as it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Decision {
    /// The artifact meets the task.
    Accept,
    /// It does not, yet.
    Revise,
    /// The verifier could not tell, or could not be believed.
    CannotJudge,
}

/// Whether an artifact meets a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Met {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The verifier could not tell.
    Unclear,
}

/// One requirement of the task, held against the artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChecklistItem {
    /// What the task asks for, in the verifier's words.
    pub requirement: String,
    /// Whether the artifact meets it.
    pub met: Met,
    /// Where it does, in the artifact's words. Empty for an absence, which has none.
    pub evidence_quote: String,
}

/// A verifier's verdict over one artifact. Long texts and lists are cut; the replies are whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// Whether the artifact is accepted. Nothing else means yes.
    pub accepted: bool,
    /// Why it is not, at least one if so; empty if it is.
    pub reasons: Vec<String>,
    /// The requirements, one by one; empty in the plain form.
    pub checklist: Vec<ChecklistItem>,
    /// Whether the artifact holds a passage that looks like a verdict or like the gateway's
    /// delimiters. Then the plain word `ACCEPT` accepts nothing; of the structured form it
    /// changes nothing.
    pub injection_suspected: bool,
    /// The verifier's reply, as it came.
    pub raw: String,
    /// The reply before that, as it came, where it was none and was asked for once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_raw: Option<String>,
}

impl Verdict {
    /// The verdict over an artifact whose verifier gave none that can be used.
    pub(crate) fn cannot_judge(why: &str, raw: &str, artifact: &str) -> Self {
        Opinion::cannot_judge(why).verdict(raw, Injection::in_artifact(artifact))
    }

    /// The same, as the repair of a `reply` that was no verdict.
    pub(crate) fn in_place_of(self, reply: &str) -> Self {
        Self { first_raw: Some(reply.to_owned()), ..self }
    }
}

/// What a reply is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParsedReply {
    /// A verdict.
    Verdict(Verdict),
    /// Not in the form that was asked for, and why.
    Malformed(String),
}

/// What a verifier's `reply` says of `artifact`. `finish` is why the reply ends where it does,
/// which the structured form shows by itself; `nonce` is the one that the reply was asked to
/// repeat, which the plain form has not.
pub(crate) fn parse_reply(
    reply: &str,
    finish: FinishReason,
    artifact: &str,
    form: VerdictForm,
    nonce: &str,
) -> ParsedReply {
    let injection = Injection::in_artifact(artifact);
    let opinion = match form {
        VerdictForm::Structured => structured::read(reply, artifact, nonce),
        VerdictForm::Plain => plain::read(reply, finish, injection),
    };
    match opinion {
        Ok(opinion) => ParsedReply::Verdict(opinion.verdict(reply, injection)),
        Err(why) => ParsedReply::Malformed(why),
    }
}

/// A verdict before it is cut to size.
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

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => [text.get(..end).unwrap_or_default(), "…"].concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
