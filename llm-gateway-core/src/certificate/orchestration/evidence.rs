//! What an orchestration hands to [`certify_orchestration`](super::certify_orchestration): its task, its steps in
//! the order in which they ran, and the bytes of each.
//!
//! Plain data, as [`Evidence`](crate::certificate::Evidence) is. One counter of the whole run
//! numbers its moments from 1: a request was committed, a request was sent, a response had come.

use serde::{Deserialize, Serialize};

use crate::certificate::evidence::{CallEvidence, Moments};
use crate::model::{Ask, StepRole};

/// All that the certificate of an orchestration is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationEvidence {
    /// What the caller wrote.
    pub task: String,
    /// The steps, in the order in which they ran.
    pub steps: Vec<StepEvidence>,
}

impl OrchestrationEvidence {
    /// A task, and the steps that ran for it.
    pub fn new(task: impl Into<String>, steps: Vec<StepEvidence>) -> Self {
        Self { task: task.into(), steps }
    }
}

/// One step: what it was there for, what it was told, and what is recorded of its call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StepEvidence {
    /// What the workflow calls it, as `plan`, `execute` or `verify`.
    pub name: String,
    /// What it is there for.
    pub role: StepRole,
    /// The round that it belongs to, from 1. A refused artifact begins a new one.
    pub round: u32,
    /// The system text that it was given; empty for none.
    pub instruction: String,
    /// Of a verifier: what it was to judge.
    pub judged: Option<Judged>,
    /// Who was asked, and the bytes. Its position counts the steps from 1.
    pub call: CallEvidence,
}

impl StepEvidence {
    /// A step of a round that was told `instruction`.
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

    /// The same step of a verifier that was to judge `judged`.
    #[must_use]
    pub fn judging(self, judged: Judged) -> Self {
        Self { judged: Some(judged), ..self }
    }
}

/// What a verifier was to judge, and which of the gateway's own words stood around it. The words
/// themselves are not here: the certificate knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Judged {
    /// The position of the step whose answer is judged.
    pub artifact: u32,
    /// What the lines around the artifact hold.
    pub nonce: String,
    /// What is asked after it.
    pub ask: Ask,
    /// Whether the schema of a verdict may stand in the request.
    pub structured: bool,
}

impl Judged {
    /// The answer of step `artifact`, between lines with `nonce`.
    pub fn new(artifact: u32, nonce: impl Into<String>, ask: Ask) -> Self {
        Self { artifact, nonce: nonce.into(), ask, structured: false }
    }

    /// The same where the schema of a verdict may stand in the request.
    #[must_use]
    pub fn with_schema(self) -> Self {
        Self { structured: true, ..self }
    }
}

impl OrchestrationEvidence {
    /// What is wrong with the counting of steps, rounds and moments, if anything is.
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

/// Whether steps ran one after the other.
#[derive(Debug, Default)]
pub(in crate::certificate) struct Order {
    /// The step that ran last, and its last moment.
    last: Option<(u32, u64)>,
    pub(in crate::certificate) problem: Option<String>,
}

impl Order {
    /// Steps are counted from 1, and rounds begin with 1 and one after the other.
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

    /// All moments of a step come after those of the one before.
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
