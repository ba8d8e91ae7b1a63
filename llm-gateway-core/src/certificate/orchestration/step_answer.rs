//! The answer of each step, as the certificate's own readers find it in the recorded responses.

use serde_json::Value;

use super::evidence::{OrchestrationEvidence, StepEvidence};
use crate::certificate::answers::AnswerRecord;
use crate::certificate::kind::Speaker;
use crate::certificate::{json, readers};
use crate::model::StepRole;

/// A step of an orchestration with its answer.
pub(super) struct StepAnswer<'a> {
    pub(super) step: &'a StepEvidence,
    /// The text of the step's answer, or a sentence that says why it is unknown; `None` if the step
    /// did not answer.
    pub(super) answer: Option<Result<String, String>>,
}

/// Reads the answers of all steps from the recorded responses, in the order of the steps.
pub(super) fn read(evidence: &OrchestrationEvidence) -> Vec<StepAnswer<'_>> {
    let said = |step| StepAnswer { step, answer: answer(step) };
    evidence.steps.iter().map(said).collect()
}

/// Reads the answer of one step from its recorded response.
fn answer(step: &StepEvidence) -> Option<Result<String, String>> {
    let call = &step.call;
    if !call.answered {
        return None;
    }
    let gap = || AnswerRecord::of(call).gap(Speaker::Step(call.position)).unwrap_or_default();
    let reply = call.answer().filter(|_| call.records() && !call.differs);
    let reply = reply.and_then(|response| readers::answer(call, response).ok());
    Some(reply.map(|reply| reply.text).ok_or_else(gap))
}

impl StepAnswer<'_> {
    /// Returns whether the step has the given role and was answered.
    pub(super) fn is_of(&self, role: StepRole) -> bool {
        self.step.role == role && self.answer.is_some()
    }

    /// Returns all texts in the step's responses, including responses that were not accepted as its
    /// answer, and the received part of a response that broke off.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let call = &self.step.call;
        let came = call.exchanges.iter().filter_map(|exchange| exchange.response.as_ref());
        let texts = came.filter_map(|response| readers::text(call.dialect, response));
        texts.flat_map(|text| {
            let inner = inner_texts(&text);
            std::iter::once(text).chain(inner)
        })
    }
}

/// Returns the string values in a model's reply that is JSON or contains one JSON object. Later
/// steps are shown parts of a verdict that are taken from there, without their escapes.
fn inner_texts(reply: &str) -> Vec<String> {
    let object = reply.find('{').zip(reply.rfind('}')).and_then(|(from, to)| reply.get(from..=to));
    let value: Option<Value> = object.and_then(|object| json::parse(object.as_bytes()).ok());
    let leaves = value.iter().flat_map(json::leaves);
    leaves.filter_map(|leaf| leaf.value.as_str().map(str::to_owned)).collect()
}
