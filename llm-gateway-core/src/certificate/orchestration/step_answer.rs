//! What each step said, as this room's readers find it in the recorded responses.

use serde_json::Value;

use super::evidence::{OrchestrationEvidence, StepEvidence};
use crate::certificate::answers::AnswerRecord;
use crate::certificate::kind::Speaker;
use crate::certificate::{json, readers};
use crate::model::StepRole;

/// A step, and what it said.
pub(super) struct StepAnswer<'a> {
    pub(super) step: &'a StepEvidence,
    /// Its answer; why it is not known, as a sentence; `None` where it gave none.
    pub(super) answer: Option<Result<String, String>>,
}

/// All steps, in their order.
pub(super) fn read(evidence: &OrchestrationEvidence) -> Vec<StepAnswer<'_>> {
    let said = |step| StepAnswer { step, answer: answer(step) };
    evidence.steps.iter().map(said).collect()
}

fn answer(step: &StepEvidence) -> Option<Result<String, String>> {
    let call = &step.call;
    if !call.answered {
        return None;
    }
    let gap = || AnswerRecord::of(call).gap(Speaker::Step(call.position)).unwrap_or_default();
    let reply = call.answer().filter(|_| call.records());
    let reply = reply.and_then(|response| readers::response(call.dialect, response).ok());
    Some(reply.map(|reply| reply.text).ok_or_else(gap))
}

impl StepAnswer<'_> {
    /// Whether it is a step of this role that was answered.
    pub(super) fn is_of(&self, role: StepRole) -> bool {
        self.step.role == role && self.answer.is_some()
    }

    /// Everything that its responses say, those that were not taken for its answer too, and what
    /// came of one that broke off.
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

/// The texts inside a reply that is JSON, or has one JSON object in it: what is handed on of a
/// verdict is taken from there, without its escapes.
fn inner_texts(reply: &str) -> Vec<String> {
    let object = reply.find('{').zip(reply.rfind('}')).and_then(|(from, to)| reply.get(from..=to));
    let value: Option<Value> = object.and_then(|object| json::parse(object.as_bytes()).ok());
    let leaves = value.iter().flat_map(json::leaves);
    leaves.filter_map(|leaf| leaf.value.as_str().map(str::to_owned)).collect()
}
