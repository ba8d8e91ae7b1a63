//! The input of [`certify_orchestration`](super::certify_orchestration): the task, the steps in the
//! order in which they ran, and the recorded bytes of each.
//!
//! This is plain data, like [`Evidence`](crate::certificate::Evidence). One counter of the whole
//! run numbers its moments from 1: a request was committed, a request was sent, a response was
//! received.

use serde::{Deserialize, Serialize};

use crate::certificate::evidence::{CallEvidence, Moments};
use crate::model::{Ask, StepRole};

/// The evidence from which the certificate of an orchestration is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationEvidence {
    /// The task, as the caller wrote it.
    pub task: String,
    /// The steps, in the order in which they ran.
    pub steps: Vec<StepEvidence>,
}

impl OrchestrationEvidence {
    /// Creates the evidence from a task and the steps that ran for this task.
    pub fn new(task: impl Into<String>, steps: Vec<StepEvidence>) -> Self {
        Self { task: task.into(), steps }
    }
}

/// The evidence of one step of an orchestration: its role, its instruction, and the record of its
/// call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StepEvidence {
    /// Name of the step in the workflow, such as `plan`, `execute` or `verify`.
    pub name: String,
    /// Role of the step: planner, worker or verifier.
    pub role: StepRole,
    /// Round that the step belongs to, counted from 1. A refused artifact begins a new round.
    pub round: u32,
    /// Instruction that the step had as its system text; empty if there was none.
    pub instruction: String,
    /// The artifact and question that a verifier was asked to judge; `None` for other roles.
    pub judged: Option<JudgementEvidence>,
    /// The model call of the step. Its position counts the steps from 1.
    pub call: CallEvidence,
}

impl StepEvidence {
    /// Creates the evidence of a step that judges nothing, with the system text `instruction`.
    pub fn new(
        name: impl Into<String>,
        role: StepRole,
        round: u32,
        instruction: impl Into<String>,
        call: CallEvidence,
    ) -> Self {
        let (name, instruction) = (name.into(), instruction.into());
        Self { name, role, round, instruction, judged: None, call }
    }

    /// Adds the judgement that the step was asked for; only a verifier's step judges.
    #[must_use]
    pub fn judging(self, judged: JudgementEvidence) -> Self {
        Self { judged: Some(judged), ..self }
    }
}

/// The artifact that a verifier was asked to judge, and the gateway's own words around it. The
/// words themselves are not part of the evidence, because the certificate knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JudgementEvidence {
    /// Position of the step whose answer is judged.
    pub artifact: u32,
    /// Nonce that marks the lines before and after the judged artifact.
    pub nonce: String,
    /// The question that the request asks after the judged artifact.
    pub ask: Ask,
    /// Whether the verifier's request may contain the JSON schema of a verdict.
    pub structured: bool,
}

impl JudgementEvidence {
    /// Creates the description of a judgement: of the answer of step `artifact`, between lines with
    /// `nonce`, followed by the question `ask`. The request may not contain a schema.
    pub fn new(artifact: u32, nonce: impl Into<String>, ask: Ask) -> Self {
        Self { artifact, nonce: nonce.into(), ask, structured: false }
    }

    /// Allows the verifier's request to contain the JSON schema of a verdict.
    #[must_use]
    pub fn with_schema(self) -> Self {
        Self { structured: true, ..self }
    }
}

impl OrchestrationEvidence {
    /// Describes the first problem in the numbers of steps, rounds and moments; `None` if they are
    /// in order.
    pub(in crate::certificate) fn disorder(&self) -> Option<String> {
        let places = self.steps.iter().map(|step| (step.call.position, step.round));
        let mut order = Order::default();
        order.places(places);
        let mut moments = Moments::default();
        for step in &self.steps {
            let call = &step.call;
            let sent_and_came = call.exchanges.iter().flat_map(|exchange| {
                let came = exchange.response.as_ref().map(|response| response.sequence);
                std::iter::once(exchange.sent).chain(came)
            });
            let committed = call.committed.as_ref().map(|committed| committed.sequence);
            order.step(call.position, committed.into_iter().chain(sent_and_came));
            moments.add_all(call);
        }
        order.problem.or_else(|| moments.disorder())
    }
}

/// A check that the steps of an orchestration ran one after the other.
#[derive(Debug, Default)]
pub(in crate::certificate) struct Order {
    /// Position of the step that ran last, and its last moment.
    last: Option<(u32, u64)>,
    /// The first problem in the order of steps; `None` if none was found so far.
    pub(in crate::certificate) problem: Option<String>,
}

impl Order {
    /// Checks that the steps are counted from 1, and their rounds as well, without a gap.
    pub(in crate::certificate) fn places(&mut self, places: impl Iterator<Item = (u32, u32)>) {
        let mut last_round = 0u32;
        for ((position, round), n) in places.zip(1..) {
            if position != n {
                self.note(|| "steps are not counted from 1".to_owned());
            }
            let may_follow = [last_round.max(1), last_round.saturating_add(1)];
            if !may_follow.contains(&round) {
                self.note(|| {
                    format!("step {position} of round {round} follows round {last_round}")
                });
            }
            last_round = round;
        }
    }

    /// Checks that all moments of a step come after those of the step before.
    pub(in crate::certificate) fn step(
        &mut self,
        position: u32,
        moments: impl Iterator<Item = u64>,
    ) {
        let (first, last) = moments
            .fold((u64::MAX, 0), |(first, last), moment| (first.min(moment), last.max(moment)));
        if last == 0 {
            return;
        }
        if let Some((before, over)) = self.last.filter(|(_, over)| *over > first) {
            self.note(|| {
                format!("step {position} began at moment {first}, step {before} ended at {over}")
            });
        }
        self.last = Some((position, last));
    }

    fn note(&mut self, problem: impl FnOnce() -> String) {
        if self.problem.is_none() {
            self.problem = Some(problem());
        }
    }
}
