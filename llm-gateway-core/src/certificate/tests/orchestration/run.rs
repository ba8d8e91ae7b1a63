//! An orchestration for tests, whose bytes were written by the real adapters and answered by a
//! script.

use crate::certificate::tests::panel::{SEATS, Seat, answered, prepared, unsent};
use crate::certificate::{
    Ask, CallEvidence, ClaimResult, Commitment, JudgementEvidence, OrchestrationCertificate,
    OrchestrationEvidence, RecordedExchange, StepEvidence,
};
use crate::model::{
    AnswerSchema, Capability, Completion, Dialect, Frame, Framed, Grant, Message, ModelText,
    PolicyText, Prompt, StepRole, VERDICT_SCHEMA,
};

pub(super) const TASK: &str = "Write a note that tells a new colleague how we name branches, \
                               and say why \u{1f33f} \"feature\" is no name.";
pub(super) const INSTRUCTION: &str = "You judge another model's work against the task that was set, requirement by requirement. \
     Be strict where the task is strict, quote the evidence word for word, and never repair \
     anything yourself.";
pub(super) const PLANS: [&str; 2] = [
    "1. Open with the purpose of short lived lines of development. 2. Give three good examples \
     taken from last month, each with its ticket. 3. Explain with one sentence that generic words \
     collide as soon as two people choose them. 4. Close by pointing to the guide.",
    "1. Keep the beginning. 2. Replace every example by one from this very week, newest first. \
     3. Mention the prefix that the release robot looks for, because the reviewer missed it last \
     time. 4. Shorten the final paragraph to a single friendly line without any link.",
];
pub(super) const ARTIFACTS: [&str; 2] = [
    "We call a branch after what it changes, such as login-timeout or faster-import. A name like \
     that is found again in a year; one that fits everything names nothing at all.",
    "Name it after the change: hotfix/login-timeout today, chore/faster-import yesterday. Robots \
     read the first half, people the second, and nobody learns a thing from a generic word.",
];
pub(super) const CRITIQUE: &str = "REVISE: the two samples lack the part in front of the slash that our tooling requires, \
     and the reason given for the ban is only implied rather than said.";

/// An orchestration to run: the models in its roles, and what each of them answers.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) task: String,
    /// The models of planner, worker and verifier, in this order.
    pub(super) seats: [Seat; 3],
    /// Whether verdicts are requested with a JSON schema.
    pub(super) structured: bool,
    pub(super) rounds: Vec<Round>,
}

#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) plan: Option<String>,
    pub(super) artifact: String,
    /// The replies of the verifier: the last one is the verdict, and the earlier ones had to be
    /// repaired.
    pub(super) verdicts: Vec<String>,
}

/// Returns an orchestration of two rounds, each with a plan, an artifact and a verdict: the first
/// artifact is refused, the second accepted.
pub(super) fn replanned() -> Run {
    let verdicts = [CRITIQUE, "ACCEPT"];
    let rounds = (0..2).map(|n| Round {
        plan: Some(PLANS[n].to_owned()),
        artifact: ARTIFACTS[n].to_owned(),
        verdicts: vec![verdicts[n].to_owned()],
    });
    // Planner, worker and verifier are of three vendors.
    Run { task: TASK.to_owned(), seats: SEATS, structured: false, rounds: rounds.collect() }
}

impl Run {
    /// Changes all models of the orchestration to one wire dialect.
    pub(super) fn speaking(self, dialect: Dialect) -> Self {
        Self { seats: self.seats.map(|seat| Seat { dialect, ..seat }), ..self }
    }

    /// Returns the evidence that is recorded of the orchestration.
    pub(super) fn evidence(&self) -> OrchestrationEvidence {
        self.leaking(|_, _, prompt| prompt)
    }

    /// Returns the evidence that is recorded of the orchestration if `leak` changes each verifier's
    /// prompt first. `leak` gets the earlier steps and the position of the verifier's step.
    pub(super) fn leaking(
        &self,
        leak: impl Fn(&[StepEvidence], u32, Prompt) -> Prompt,
    ) -> OrchestrationEvidence {
        let mut steps: Vec<StepEvidence> = Vec::new();
        let mut moment = 0;
        for (round, n) in self.rounds.iter().zip(1..) {
            let mut add =
                |role, prompt: Prompt, answer: &str, judged: Option<JudgementEvidence>| {
                    let position = u32::try_from(steps.len() + 1).unwrap();
                    let prompt = match role {
                        StepRole::Verifier => leak(&steps, position, prompt),
                        _ => prompt,
                    };
                    let seat = &self.seats[role as usize];
                    let step = step(seat, position, role, n, prompt, answer, &mut moment);
                    steps.push(StepEvidence { judged, ..step });
                    position
                };
            if let Some(plan) = &round.plan {
                add(StepRole::Planner, self.prompt(StepRole::Planner), plan, None);
            }
            let worker = self.prompt(StepRole::Worker);
            let artifact = add(StepRole::Worker, worker, &round.artifact, None);
            for (verdict, repair) in round.verdicts.iter().zip(0..) {
                let ask = match (self.structured, repair) {
                    (true, 0) => Ask::Structured,
                    (true, _) => Ask::StructuredAgain,
                    (false, 0) => Ask::Plain,
                    (false, _) => Ask::PlainAgain,
                };
                let judged = JudgementEvidence::new(artifact, nonce(n, repair), ask);
                let judged = if self.structured { judged.with_schema() } else { judged };
                let prompt = judging(self.prompt(StepRole::Verifier), &round.artifact, &judged);
                add(StepRole::Verifier, prompt, verdict, Some(judged));
            }
        }
        OrchestrationEvidence::new(self.task.as_str(), steps)
    }

    /// Returns the prompt for a step of a role: the task below the role's instruction.
    fn prompt(&self, role: StepRole) -> Prompt {
        let task = vec![Message::user(self.task.as_str())];
        let prompt: Prompt = Prompt::from_caller(None, task).into();
        prompt.with_instruction(PolicyText::mint(instruction(role)))
    }
}

fn instruction(role: StepRole) -> &'static str {
    match role {
        StepRole::Planner => "You plan.",
        StepRole::Worker => "You work.",
        StepRole::Verifier => INSTRUCTION,
    }
}

pub(super) fn nonce(round: u32, repair: u32) -> String {
    format!("{:032x}", (u128::from(round) << 90) + u128::from(repair) * 0xabcd + 0x17)
}

fn judging(prompt: Prompt, artifact: &str, judged: &JudgementEvidence) -> Prompt {
    let frame = Frame::known(Framed::Artifact, &judged.nonce).unwrap();
    let prompt = prompt.with_frame(frame.opening()).show(model_text(artifact), &Grant::for_test());
    let prompt = prompt.with_frame(frame.closing()).with_frame(frame.ask(judged.ask));
    match judged.structured {
        true => prompt.answered_as(AnswerSchema::new("verdict", VERDICT_SCHEMA)),
        false => prompt,
    }
}

pub(super) fn model_text(text: &str) -> ModelText {
    Completion::text(text).model_text()
}

fn step(
    seat: &Seat,
    position: u32,
    role: StepRole,
    round: u32,
    prompt: Prompt,
    answer: &str,
    moment: &mut u64,
) -> StepEvidence {
    let prepared = prepared(seat, prompt, vec![Capability::JsonSchema]).unwrap();
    let (request, mut response) = answered(seat, &prepared, answer);
    let mut next = || {
        *moment += 1;
        *moment
    };
    let mut call = unsent(position, seat);
    call.committed = Some(Commitment::new(next(), request.clone()));
    let sent = next();
    response.sequence = next();
    call.exchanges = vec![RecordedExchange::new(sent, request, Some(response))];
    call.answered = true;
    let name = match role {
        StepRole::Planner => "plan",
        StepRole::Worker => "execute",
        StepRole::Verifier => "verify",
    };
    StepEvidence::new(name, role, round, instruction(role), call)
}

/// Returns the evidence of the call of the step at a position.
pub(super) fn call(evidence: &mut OrchestrationEvidence, position: usize) -> &mut CallEvidence {
    &mut evidence.steps[position - 1].call
}

/// Adds a second attempt to a step's call, with the committed bytes. Later moments are moved.
pub(super) fn retry(
    evidence: &mut OrchestrationEvidence,
    position: usize,
) -> &mut RecordedExchange {
    let last = evidence.steps[position - 1].call.exchanges.last().unwrap();
    let came = last.response.as_ref().unwrap().sequence;
    for step in evidence.steps.iter_mut().skip(position) {
        step.call.committed.as_mut().unwrap().sequence += 2;
        for exchange in &mut step.call.exchanges {
            exchange.sent += 2;
            exchange.response.as_mut().unwrap().sequence += 2;
        }
    }
    let call = call(evidence, position);
    let mut again = call.exchanges.last().unwrap().clone();
    (again.sent, again.response.as_mut().unwrap().sequence) = (came + 1, came + 2);
    call.exchanges.last_mut().unwrap().response.as_mut().unwrap().status = 503;
    call.exchanges.push(again);
    call.exchanges.last_mut().unwrap()
}

/// Returns the claims of an orchestration that did not pass, with their names.
pub(super) fn not_passed(
    certificate: &OrchestrationCertificate,
) -> Vec<(&'static str, ClaimResult)> {
    let claims = certificate.claims.named().into_iter();
    claims
        .map(|(name, claim)| (name, claim.result))
        .filter(|(_, r)| *r != ClaimResult::Pass)
        .collect()
}
